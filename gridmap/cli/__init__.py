"""The gridmap command."""
