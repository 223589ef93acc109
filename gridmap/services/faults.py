"""Where a test may let the process die, as a power cut would: at a named step of what must be whole or not at all."""

from __future__ import annotations

import os
import signal

__all__ = ["KILL_VARIABLE", "step"]

KILL_VARIABLE = "GRIDMAP_TEST_KILL_AT"


def step(name: str) -> None:
    """Go on; or, where a test asked for it by the environment variable, die at once and without a word."""
    if os.environ.get(KILL_VARIABLE) == name:
        os.kill(os.getpid(), signal.SIGKILL)
