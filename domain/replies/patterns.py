"""RE2 patterns of the languages, compiled once on first use: time linear in the text, whatever a stranger writes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from typing import Any

import re2

MAX_MEMORY = 8 << 20
"""Bytes that one pattern's automaton may take: the parser, which has a dozen of them, has 256 MB in all."""

_SPACES = re.compile(r"\s+")
_PLAIN = str.maketrans(
    {
        "’": "'", "‘": "'", "`": "'", "´": "'", "ʼ": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"',
        "–": "-", "—": "-", "‐": "-", "‑": "-", "−": "-", "\u00a0": " ", "\u202f": " ",
        "ß": "ss", "æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "ı": "i",
        "\u00ad": None, "\u200b": None, "\u200c": None, "\u200d": None, "\u200e": None, "\u200f": None, "\u2060": None,
        "\ufeff": None,
    }
)  # fmt: skip

Pattern = Any
"""A compiled RE2 pattern (the package ships no types)."""


@cache
def pattern(*alternatives: str) -> Pattern:
    """One pattern that matches where any of the alternatives does, without case."""
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.max_mem = MAX_MEMORY
    return re2.compile("|".join(f"(?:{a})" for a in alternatives), options)


def joined(alternatives: Iterable[str]) -> str:
    """The alternatives as one group, the longest first, for names and words."""
    return "(?:" + "|".join(sorted(alternatives, key=len, reverse=True)) + ")"


def fold(text: str) -> str:
    """Without accents and invisible characters, with plain quotes and dashes: as people type who have no such keys."""
    if text.isascii():
        return text
    decomposed = unicodedata.normalize("NFKD", text.translate(_PLAIN))
    return decomposed if decomposed.isascii() else "".join(c for c in decomposed if not unicodedata.combining(c))


def flat(text: str, limit: int) -> str:
    """The first `limit` characters, folded, with single spaces."""
    return _SPACES.sub(" ", fold(text[:limit]))[: 2 * limit].strip()
