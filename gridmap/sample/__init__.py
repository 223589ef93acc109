"""The fictional sample county: a generator, deterministic for a seed."""
