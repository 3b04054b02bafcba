"""Requests to be left alone, in words (docs/behaviour.md 5.3, 7.6).

Only the beginning of the new text counts, and only what asks for the writer: "unsubscribe" in a quoted footer, in a
signature, about somebody else's list or under a condition is no request.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from domain.replies.language import Language
from domain.replies.languages import LANGUAGES
from domain.replies.patterns import flat, fold, joined, pattern

MAX_TEXT = 1500
SENTENCES = 8
"""A request stands in one of so many first sentences; a bare word like "stop" in one of so many:"""
BARE_SENTENCES = 4
MAX_SENTENCE = 400
MAX_OPENINGS = 8
WRAPPED = 50
"""A line at least so long that goes on in lower case was broken by a mail program, not by its writer."""
MAX_NAME_WORDS = 2

_SENTENCE_ENDS = re.compile(r"[.!?]+(?=[\s\"')]|$)|\n+")
_REPLY_PREFIX = re.compile(
    r"^\s*(?:(?:re|aw|sv|vs|fw|fwd|antw|tr|rif|res|enc|wg|rv|r|i)\s*(?:\[\d+\])?:\s*)+", re.IGNORECASE
)
_REPLY_INSIDE = re.compile(r"\s(?:re|aw|antw|tr|rif|res|rv)\s*:", re.IGNORECASE)
_PARAGRAPH = re.compile(r"\b(art|abs|par|lit|sec)\.\s?(?=\d|[a-h]\b)", re.IGNORECASE)
"""Short words of laws, whose stop ends no sentence: Art. 21."""
_DESKS = re.compile(
    r"(?:it|itdesk|it-desk|helpdesk|service-?desk|admin\w*|postmaster|hostmaster|abuse|legal|privacy|dpo|compliance|security|"
    r"datenschutz|recht|rgpd|gdpr|avg|privacidad|webmaster|sysadmin|edv)(?:[._+-].*)?$",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"[,;()]+ ?| -+ |: ")
_EDGES = " \"'*_()<>[]-,;:?.!#~=|/¡¿•·"


OWN = "own@address"
"""Stands for the writer's address: to name it is to say "me"."""


def request_language(
    text: str, subject: str, *, listed: bool, own_address: str | None = None
) -> tuple[str, str] | None:
    """(where, language code) of a request in the text or the subject. `listed`: the mail came by a mailing list, whose
    footers say "unsubscribe", too: then only a request in the first person counts."""
    beginning = _PARAGRAPH.sub(r"\1 ", fold(text[:MAX_TEXT]))
    if own_address and "@" in beginning:
        beginning = _own(own_address).sub(OWN, beginning)
    for where, words, sentences in (
        ("text", beginning, tuple(_sentences(beginning))),
        ("subject", fold(subject[:MAX_SENTENCE]), _own_subject(subject)),
    ):
        if not sentences or pattern(*_every_ask_word()).search(words) is None:
            continue
        for language in LANGUAGES:
            if pattern(*language.ask_words).search(words) and _asks_anywhere(sentences, language, listed=listed):
                return where, language.code
    return None


def _own(address: str) -> re.Pattern[str]:
    """The addresses that are the writer's to speak for: its own, and for a company's desk all of the company."""
    local, _, domain = address.partition("@")
    speaks_for_all = domain and _DESKS.match(local) is not None
    return re.compile(rf"[\w.+-]+@{re.escape(domain)}" if speaks_for_all else re.escape(address), re.IGNORECASE)


def _own_subject(subject: str) -> tuple[str, ...]:
    """What the writer put into the subject: all of it, or what stands in front of "Re:"."""
    if _REPLY_PREFIX.match(subject) is not None:
        return ()
    own = _REPLY_INSIDE.split(flat(subject, MAX_SENTENCE), maxsplit=1)[0]
    return (own,) if own else ()


def _every_ask_word() -> tuple[str, ...]:
    return tuple(word for language in LANGUAGES for word in language.ask_words)


def _sentences(folded: str) -> Iterator[str]:
    """Sentences with single spaces; lines that a program wrapped are one."""
    lines: list[str] = []
    for raw in folded.split("\n"):
        line = raw.strip()
        goes_on = lines and len(lines[-1]) >= WRAPPED and line[:1].islower() and lines[-1][-1] not in ".!?:"
        if goes_on:
            lines[-1] = f"{lines[-1]} {line}"
        else:
            lines.append(line)
    for sentence in _SENTENCE_ENDS.split("\n".join(lines)):
        plain = flat(sentence, MAX_SENTENCE)
        if plain:
            yield plain


def _asks_anywhere(sentences: tuple[str, ...], language: Language, *, listed: bool) -> bool:
    closing, opening = pattern(*language.history.closings), pattern(*language.openings)
    for number, sentence in enumerate(sentences[:SENTENCES]):
        if _asks(sentence, language, bare=number < BARE_SENTENCES and not listed):
            return True
        end = sentence.strip(_EDGES)
        if closing.fullmatch(end) is not None and opening.fullmatch(end) is None:
            return False
    return False


def _asks(sentence: str, language: Language, *, bare: bool) -> bool:
    """Whether the sentence, or a clause in it, is a request, and under no condition."""
    start = _after_openings(sentence, language)
    if pattern(rf"{joined(language.unless)}\b").match(sentence[start:]) is not None:
        return False
    if bare and _is_bare(sentence[start:], language):
        return True
    asks = pattern(*language.asks)
    for begin in _clause_starts(sentence, start, language):
        clause = sentence[begin:]
        if asks.match(sentence, begin) is not None or (bare and _is_surely_bare(clause, language)):
            return not _conditional(clause, language)
    return False


def _after_openings(sentence: str, language: Language, start: int = 0) -> int:
    """Where the sentence begins once greetings and courtesies are off."""
    opening, asks = pattern(*language.openings), pattern(*language.asks)
    for _ in range(MAX_OPENINGS):
        while start < len(sentence) and sentence[start] in _EDGES:
            start += 1
        if asks.match(sentence, start) is not None:
            return start
        front = opening.match(sentence, start)
        if front is None or front.end() == start:
            return start
        start = front.end()
    return start


def _is_bare(rest: str, language: Language) -> bool:
    """Whether what is left is a bare request, with a name behind it at most."""
    request, plain = pattern(*language.bare), rest.strip(_EDGES)
    if request.fullmatch(plain) is not None:
        return True
    head, *more = _CLAUSE.split(plain, maxsplit=1)
    head = head.strip(_EDGES)
    if not more or request.fullmatch(head) is None:
        return False
    sure = pattern(*language.sure_words).search(head) is not None and not _conditional(more[0], language)
    return sure or len(more[0].split()) <= MAX_NAME_WORDS


def _is_surely_bare(clause: str, language: Language) -> bool:
    """Whether a clause within a sentence is a bare request that means nothing else: ", so please unsubscribe"."""
    plain = clause.strip(_EDGES)
    return (
        pattern(*language.sure_words).search(plain) is not None and pattern(*language.bare).fullmatch(plain) is not None
    )


def _clause_starts(sentence: str, start: int, language: Language) -> Iterator[int]:
    """Where a request may begin: at the front, and after a comma or a joining word. What somebody else is said to have
    said (in quotes, after a colon) is not the writer's."""
    yield start
    marks = [(m.start(), m.end()) for m in _CLAUSE.finditer(sentence, start)]
    marks += [
        (m.start(), m.end()) for m in pattern(rf"\b{joined(language.joins)} ").finditer(sentence) if m.start() > start
    ]
    for begin, end in sorted(marks)[:20]:
        front = sentence[:begin]
        if '"' in front or ((":" in sentence[begin:end] or ":" in front) and len(front.split()) > MAX_NAME_WORDS + 1):
            return
        yield _after_openings(sentence, language, end)


def _conditional(clause: str, language: Language) -> bool:
    rest = pattern(*language.harmless).sub(" ", clause)
    return pattern(rf"\b{joined(language.unless)}\b").search(rest) is not None
