"""A sentence in the two languages of the product."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Language = Literal["zh", "en"]


@dataclass(frozen=True, slots=True)
class Text:
    """The same words in Chinese and English."""

    zh: str
    en: str

    def said(self, language: Language) -> str:
        """Return the words in ``language``."""
        return self.zh if language == "zh" else self.en
