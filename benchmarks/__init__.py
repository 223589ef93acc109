"""Measurements: each module prints a table of medians beside its peers; run them with ``./dev bench NAME``."""
