"""Routes by resource: parse, one service call, present."""
