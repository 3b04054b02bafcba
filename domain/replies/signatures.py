"""A signature without a delimiter: what follows "Kind regards" and the name, or a last block that is full of numbers to
call."""

from __future__ import annotations

import re
from functools import cache

from domain.replies.languages import LANGUAGES
from domain.replies.patterns import Pattern, fold, pattern

MAX_LINES = 25
"""A signature is no longer than so many lines."""
MAX_LINE = 160
MAX_CLOSING = 60
MIN_BLOCK = 3

_CONTACT = re.compile(
    r"(?:\b(?:tel|tlf|telefon|telefono|telefone|telephone|phone|ph|mob|mobil|mobile|cell|movil|fax|direct|durchwahl|gsm|t|m|p|f|d|e|w)\s?[.:|]\s*[+(]?\d)|"
    r"https?://|\bwww\.|\bmailto:|\+\d[\d ()./-]{7,}|^\S+@\S+$|\be-?mail\s?:",
    re.IGNORECASE,
)
_POSTSCRIPT = re.compile(r"^\W*p\.? ?s\.?\b", re.IGNORECASE)


def without_signature(lines: list[str]) -> tuple[list[str], list[str]]:
    """(the lines without it, the signature). The closing and the name stay: they are what a person says."""
    filled = [index for index, line in enumerate(lines) if line]
    for place, index in enumerate(filled[-MAX_LINES - 2 :], max(0, len(filled) - MAX_LINES - 2)):
        if place > 0 and _closes(lines[index]):
            return _cut(lines, filled[place + 1 :])
    return _without_block(lines, filled)


def _cut(lines: list[str], after: list[int]) -> tuple[list[str], list[str]]:
    """Cut what comes after the name, where it looks like a signature to its end."""
    rest = after[1:]
    if not rest or any(len(lines[index]) > MAX_LINE or _POSTSCRIPT.match(lines[index]) for index in rest):
        return lines, []
    if len(rest) < MIN_BLOCK and not any(_CONTACT.search(lines[index]) for index in rest):
        return lines, []
    return lines[: rest[0]], lines[rest[0] :]


def _without_block(lines: list[str], filled: list[int]) -> tuple[list[str], list[str]]:
    """Cut a last block of short lines that carry numbers or addresses."""
    if not filled:
        return lines, []
    start = filled[-1]
    while start > 0 and lines[start - 1]:
        start -= 1
    block = lines[start : filled[-1] + 1]
    if (
        start == 0
        or not MIN_BLOCK <= len(block) <= MAX_LINES
        or any(len(line) > MAX_LINE or line[-1] in "?!" for line in block)
    ):
        return lines, []
    if sum(_CONTACT.search(line) is not None for line in block) < 2 and _CONTACT.search(block[-1]) is None:
        return lines, []
    return lines[:start], lines[start:]


def _closes(line: str) -> bool:
    return len(line) <= MAX_CLOSING and _closings().fullmatch(fold(line).strip(" ,.!*_-:;")) is not None


@cache
def _closings() -> Pattern:
    return pattern(*(closing for language in LANGUAGES for closing in language.history.closings))
