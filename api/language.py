"""Which of the two languages a caller reads, from ``Accept-Language``."""

from __future__ import annotations

from collections.abc import Iterable

from gridmap.model.text import Language

__all__ = ["language_of", "preferred"]


def preferred(accept_language: str) -> Language:
    """Return the language that the header's value prefers; Chinese when it names neither."""
    weights: dict[str, float] = {}
    for part in accept_language.split(","):
        tag, _, rest = part.strip().partition(";")
        name = tag.strip().lower().partition("-")[0]
        if name in {"zh", "en"}:
            weights[name] = max(weights.get(name, 0.0), _weight(rest))
    return "en" if weights.get("en", 0.0) > weights.get("zh", 0.0) else "zh"


def language_of(headers: Iterable[tuple[bytes, bytes]]) -> Language:
    """Return the language for a request with these raw headers."""
    for name, value in headers:
        if name == b"accept-language":
            return preferred(value.decode("latin-1"))
    return "zh"


def _weight(parameters: str) -> float:
    key, _, value = parameters.strip().partition("=")
    if key.strip() != "q":
        return 1.0
    try:
        return min(max(float(value), 0.0), 1.0)
    except ValueError:
        return 0.0
