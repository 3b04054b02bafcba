"""Requests to be left alone, in words (docs/behaviour.md 5.3, 7.6).

Only the start of the new text counts: "unsubscribe" in a quoted footer, a signature or the middle of a sentence is
no request.
"""

from __future__ import annotations

import re

from domain.replies.language import Language
from domain.replies.patterns import flat, joined, pattern

MAX_TEXT = 600
SENTENCES = 3
"""A request stands in one of so many first sentences."""
MAX_SENTENCE = 200
MAX_OPENINGS = 8

_SENTENCE_ENDS = re.compile(r"[.!\n]+|(?<=\?)")
_REPLY_PREFIX = re.compile(r"^\s*(?:(?:re|aw|sv|vs|fw|fwd|antw|tr|rif|res|enc)\s*(?:\[\d+\])?:\s*)+", re.IGNORECASE)


def asks_in_text(text: str, language: Language) -> bool:
    """Whether the new text begins with a request to be taken off."""
    sentences = [s for s in (flat(s, MAX_SENTENCE) for s in _SENTENCE_ENDS.split(text[:MAX_TEXT])) if s]
    return any(_asks(sentence, language) for sentence in sentences[:SENTENCES])


def asks_in_subject(subject: str, language: Language) -> bool:
    """Whether the subject is such a request and nothing else. An answer's subject ("Re: ...") is ours, not the
    writer's."""
    return _REPLY_PREFIX.match(subject) is None and _asks(flat(subject, MAX_SENTENCE), language)


def _asks(sentence: str, language: Language) -> bool:
    request, opening = pattern(*language.unsubscribe), pattern(*language.openings)
    rest = sentence
    for _ in range(MAX_OPENINGS):
        rest = rest.strip(" \"'*_()<>[]-,;:?")
        if request.fullmatch(rest) is not None:
            return pattern(rf"\b{joined(language.unless)}\b").search(rest) is None
        front = opening.match(rest)
        if front is None or front.end() == 0:
            return False
        rest = rest[front.end() :]
    return False
