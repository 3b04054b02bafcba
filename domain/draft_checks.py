"""Whether a draft may go out: every fault at once, as codes that a person and the model can act on (docs/behaviour.md 1.4)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from domain.html import is_html
from domain.languages import language_of
from domain.links import bare_domains_in, links_in
from domain.writing import Assignment, Words, without_open_variables

MIN_BODY = 20
MAX_BODY = 5_000
MAX_SUBJECT = 200
MAX_CODE = 120

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_CONTROL_IN_BODY = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
INVISIBLE = re.compile(
    r"[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\U000e0000-\U000e007f]"
)
_HEADER_LINE = re.compile(r"\A\s*(?:subject|from|to|cc|bcc|reply-to|date|content-type|mime-version)\s*:", re.IGNORECASE)
_CODE = re.compile(r"\{\{[-\s]*([\w.]*)|\{[%#][-\s]*(\w*)|\{(\w{1,40})\}")
_PLACEHOLDER = re.compile(
    r"\[([^\]\n]*[^\W\d_][^\]\n]*)\](?!\()|%([A-Z_]{3,40})%|<<([^>\n]{1,40})>>|__([A-Z][A-Z_]+)__"
)
_TAG = re.compile(r"</?[a-z][^<>\n]*>|&(?:#\d+|#x[0-9a-f]+|[a-z]{2,10});", re.IGNORECASE)
_MARKDOWN = re.compile(r"\]\(|\*\*[^*\n]+\*\*|^#{1,6} ", re.MULTILINE)


def form_faults(words: Words, *, has_subject: bool) -> tuple[str, ...]:
    """What no draft may be, whoever wrote it: empty, too long, with code in it, or with more than a subject in its subject."""
    return tuple(dict.fromkeys(_form(words, has_subject=has_subject)))


def faults(words: Words, wanted: Assignment) -> tuple[str, ...]:
    """Everything that is wrong with what the model wrote; empty: a person, or nobody, need only say yes."""
    found = [*_form(words, has_subject=wanted.has_subject), *_placeholders(words), *_links(words, wanted)]
    text = f"{words.subject or ''}\n{words.body}"
    if _TAG.search(text) or is_html(text) or _MARKDOWN.search(words.body):
        found.append("markup")
    if len(words.body) < MIN_BODY and words.body:
        found.append("body_too_short")
    language = language_of(words.body)
    if wanted.language is not None and language is not None and language != wanted.language:
        found.append(f"wrong_language:{language}")
    return tuple(dict.fromkeys(fault[:MAX_CODE] for fault in found))


def _form(words: Words, *, has_subject: bool) -> Iterator[str]:
    subject, body = words.subject or "", words.body
    if not body.strip():
        yield "empty_body"
    if has_subject and not subject.strip():
        yield "empty_subject"
    if len(body) > MAX_BODY:
        yield "body_too_long"
    if len(subject) > MAX_SUBJECT:
        yield "subject_too_long"
    if _CONTROL.search(subject) or _CONTROL_IN_BODY.search(body):
        yield "control_characters"
    if _HEADER_LINE.search(body) or _HEADER_LINE.search(subject):
        yield "header_line"
    if INVISIBLE.search(subject) or INVISIBLE.search(body):
        yield "invisible_characters"
    for match in _CODE.finditer(without_open_variables(f"{subject}\n{body}")):
        yield f"unknown_variable:{match[1] or match[2] or match[3] or '?'}"


def _placeholders(words: Words) -> Iterator[str]:
    for match in _PLACEHOLDER.finditer(f"{words.subject or ''}\n{words.body}"):
        yield f"unknown_variable:{next(part for part in match.groups() if part)}"


def _links(words: Words, wanted: Assignment) -> Iterator[str]:
    text = without_open_variables(f"{words.subject or ''}\n{words.body}")
    for link in sorted(links_in(text) - wanted.links):
        yield f"link_not_given:{link}"
    for domain in sorted(bare_domains_in(text)):
        if not re.search(rf"(?<![\w-]){re.escape(domain)}(?![\w-]|\.\w)", wanted.given):
            yield f"link_not_given:{domain}"
