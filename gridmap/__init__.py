"""Grid mapping for community governance: cells, editions, locating, coverage and redrawing."""

__version__ = "0.1.0"
