"""How long work tells how far it is, and learns that it should stop."""

from __future__ import annotations

from typing import Protocol

from gridmap.model.text import Text


class Progress(Protocol):
    """Called with the share done (0 … 1) and what is being done.

    The receiver raises ``gridmap.errors.Cancelled`` from it when a person asked to stop.
    """

    def __call__(self, share: float, doing: Text, /) -> None: ...


def silent(share: float, doing: Text, /) -> None:
    """Tell nobody."""


def part(progress: Progress, start: float, end: float) -> Progress:
    """Map the 0 … 1 of a step onto ``start`` … ``end`` of the whole."""

    def tell(share: float, doing: Text, /) -> None:
        progress(start + (end - start) * share, doing)

    return tell
