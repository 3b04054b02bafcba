"""RE2 patterns of the languages, compiled once on first use: time linear in the text, whatever a stranger writes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any

import re2

_SPACES = re.compile(r"\s+")
_APOSTROPHES = str.maketrans({"’": "'", "‘": "'", "`": "'", "\u00a0": " ", "–": "-", "—": "-"})

Pattern = Any
"""A compiled RE2 pattern (the package ships no types)."""


@cache
def pattern(*alternatives: str) -> Pattern:
    """One pattern that matches where any of the alternatives does, without case."""
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    return re2.compile("|".join(f"(?:{a})" for a in alternatives), options)


def joined(alternatives: Iterable[str]) -> str:
    """The alternatives as one group, the longest first, for names and words."""
    return "(?:" + "|".join(sorted(alternatives, key=len, reverse=True)) + ")"


def flat(text: str, limit: int) -> str:
    """The first `limit` characters with single spaces, plain apostrophes and plain dashes."""
    return _SPACES.sub(" ", text[:limit].translate(_APOSTROPHES)).strip()
