"""Values that every layer shares: no I/O, no geometry library, no behaviour beyond themselves."""
