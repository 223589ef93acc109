"""Plans: drafts of an edition that are redrawn by operations, each a reversible change of which grid a cell is in."""
