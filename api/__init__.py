"""The FastAPI application: parse, one service call, present."""
