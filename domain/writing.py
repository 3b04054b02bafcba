"""What Claude is given to write one touch from, and what may stand in what it wrote (docs/behaviour.md 1.4).

Everything about the person is data that strangers wrote: it goes in as JSON values, bounded, without addresses. Links and
merge variables come from the campaign alone. `domain/draft_checks.py` holds what comes back to it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from domain.campaign import Arm, Campaign, Writing
from domain.html import html_to_text
from domain.languages import language_of, names_a_language
from domain.links import links_in
from domain.message import SENDER_VARIABLES
from domain.templates import RenderError, Template, clean_text, compile_template
from schemas.base import Scalar
from schemas.sending import Content

OPEN_VARIABLES = frozenset(SENDER_VARIABLES - {"pixel_url"})
"""Merge variables that a draft may hold: who sends it is only known when the touch is granted."""

MAX_PERSON = 12_000
"""Characters of what is known of a person."""
MAX_VALUE = 1_000
MAX_ITEMS = 20
NEVER_TOLD = frozenset({"email", "phone", "timezone"})
"""Facts that no text needs."""
FIRST_TOLD = (
    "first_name",
    "last_name",
    "full_name",
    "title",
    "company",
    "company_name",
    "hotel_name",
    "city",
    "country",
)

Facts = Mapping[str, Scalar | list[Scalar]]


@dataclass(frozen=True, slots=True)
class Words:
    """A draft: plain text. Without a subject it answers in the thread of the touch before."""

    subject: str | None
    body: str


@dataclass(frozen=True, slots=True)
class Assignment:
    """One touch to write: the `data` that is told of it, and what a draft of it is checked against."""

    data: dict[str, Any]
    links: frozenset[str]
    """The only links that may stand in it."""
    given: str
    """The campaign's own words, in lower case: a bare domain in them is no new link. Of a lead's values only single words."""
    language: str | None
    """The language it must be in, where that is known."""
    has_subject: bool


def person_of(facts: Facts) -> dict[str, Scalar | list[Scalar]]:
    """What is known of a person, the job and the company, as much as is useful: names first, long values cut."""
    told: dict[str, Scalar | list[Scalar]] = {}
    size = 0
    for name in (*(name for name in FIRST_TOLD if name in facts), *sorted(facts.keys() - set(FIRST_TOLD))):
        if name in NEVER_TOLD:
            continue
        value = _cut(facts[name])
        size += len(name) + len(str(value))
        if size > MAX_PERSON:
            break
        told[name] = value
    return told


def _cut(value: Scalar | list[Scalar]) -> Scalar | list[Scalar]:
    if isinstance(value, str):
        return clean_text(value[:MAX_VALUE])
    if isinstance(value, list):
        return [clean_text(item[:MAX_VALUE]) if isinstance(item, str) else item for item in value[:MAX_ITEMS]]
    return value


def assignment(
    campaign: Campaign, arm: Arm, writing: Writing, *, merge: Facts, person: Facts, thread_subject: str | None
) -> Assignment:
    """What is to be written: the campaign's aim and brief, its template filled as far as it can be, and the person."""
    subject = _filled(arm.subject, merge) if arm.subject is not None else None
    body = _filled(_as_text(arm), merge)
    own = "\n".join([_source(arm), writing.context, *_single(merge)])
    language = None if names_a_language(writing.context) else language_of(body)
    links = links_in(own)
    has_subject = subject is not None or thread_subject is None  # no earlier touch that it could answer: it needs one
    data = {
        "goal": campaign.goal,
        "kind": "follow_up" if thread_subject is not None else "first_touch",
        "brief": writing.context,
        "template": {"subject": subject, "body": body},
        "thread_subject": thread_subject,
        "has_subject": has_subject,
        "language": language,
        "links": sorted(links),
        "open_variables": ["{{ " + name + " }}" for name in sorted(OPEN_VARIABLES)],
        "person": dict(person),
    }
    return Assignment(data, links, own.lower(), language, has_subject)


def _source(arm: Arm) -> str:
    """The template as the operator wrote it: links in it are given, links inside of what strangers filled in are not."""
    return f"{arm.subject.source if arm.subject is not None else ''}\n{arm.body.source}"


def _single(merge: Facts) -> list[str]:
    """Values that the template uses and that are one word, such as a booking link or Booking.com: it shows them itself."""
    return [value for value in merge.values() if isinstance(value, str) and not any(c.isspace() for c in value)]


def _as_text(arm: Arm) -> Template:
    return compile_template(html_to_text(arm.body.source)) if arm.is_html else arm.body


def _filled(template: Template, merge: Facts) -> str:
    """The template with this lead's values; as it was written where one of them is missing, for the model to write around."""
    values: dict[str, object] = {**merge, **{name: "{{ " + name + " }}" for name in OPEN_VARIABLES}}
    try:
        return template.render(values, html=False)
    except RenderError:
        return template.source


def tidy(words: Words, *, has_subject: bool) -> Words:
    """A draft as it is kept: single line ends, nothing invisible around it, a subject only where the touch has its own."""
    subject = clean_text(words.subject).strip() if words.subject is not None and has_subject else None
    return Words(subject or None, clean_text(words.body.replace("\r\n", "\n")).strip())


_OPEN = re.compile(r"\{\{ *(" + "|".join(sorted(OPEN_VARIABLES)) + r") *\}\}")
_OPENER = re.compile(r"\{(?=[{%#]|\Z)")


def literal(text: str) -> str:
    """A template's source that says exactly `text`: only the open variables are filled, all other code is shown as text."""
    pieces: list[str] = []
    position = 0
    for match in _OPEN.finditer(text):
        pieces += [_OPENER.sub("{{ '{' }}", text[position : match.start()]), "{{ " + match[1] + " }}"]
        position = match.end()
    return "".join([*pieces, _OPENER.sub("{{ '{' }}", text[position:])])


def without_open_variables(text: str) -> str:
    """The text without the merge variables that it may hold."""
    return _OPEN.sub("", text)


def written_arm(content: Content, name: str) -> Arm:
    """Approved words as the arm of an email that is compiled like any other: same headers, footer and tracking."""
    subject = compile_template(literal(content.subject)) if content.subject is not None else None
    return Arm(name, 1, subject, compile_template(literal(content.body)), is_html=False)
