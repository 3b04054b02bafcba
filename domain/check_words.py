"""What a campaign says and asks about: templates, merge variables, fields of tests (docs/behaviour.md 1.2-1.4, 6.1)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from domain.documents import Where
from domain.html import html_to_text, is_html, text_to_html
from domain.message import SENDER_VARIABLES
from domain.scoring import ALIASES, OWN_FIELDS
from domain.templates import TemplateError, compile_template
from schemas.definitions import CampaignDoc

Found = Iterator[tuple[Where, str, str]]
"""Where, code, message."""

LEAD_FIELDS = frozenset(
    {"first_name", "last_name", "full_name", "title", "company", "company_name", "hotel_name", "city", "country"}
    | {"email", "phone", "timezone"}
)
"""What every lead may say of itself without an attribute (docs/behaviour.md 1.4)."""

ENGINE_FIELDS = OWN_FIELDS | ALIASES.keys() | {"email_delivered", "tags"}
"""What a test may ask of the engine (docs/behaviour.md 6.1)."""

_RESERVED = ("sender_", "unsubscribe_")
"""Beginnings of variables that only the message gives."""
_EVENT = re.compile(r"(?:email|sms)_(?:open|click|repl|bounc|deliver|sent)")
_REAL_WORDS = frozenset({"county", "mail", "cities", "states", "titled"})
"""Names that look like mistakes and are none."""


def words(where: Where, subject: str | None, body: str | None, doc: CampaignDoc) -> Found:
    """A subject and a body: neither may be blank when it is given, both must be templates with variables that exist."""
    if subject is not None and not subject.strip():
        yield (*where, "subject"), "empty_subject", "the subject is empty"
    if body is not None and not body.strip():
        yield (*where, "body"), "empty_body", "the body is empty"
    yield from template((*where, "subject"), subject, doc)
    yield from template((*where, "body"), body, doc)
    yield from _other_part((*where, "body"), body)


def template(where: Where, source: str | None, doc: CampaignDoc, more: Iterable[str] = SENDER_VARIABLES) -> Found:
    """A template: its syntax, and the variables in it. `more` are those that are there besides the lead's."""
    try:
        compiled = compile_template(source or "")
    except TemplateError as error:
        yield where, "template", str(error)
        return
    for name in sorted(compiled.variables - LEAD_FIELDS - frozenset(more)):
        why = unknown(name, LEAD_FIELDS | frozenset(more), doc)
        if why is not None:
            yield where, "unknown_variable", f"{{{{ {name} }}}}: {why}"


def field(where: Where, name: str, doc: CampaignDoc) -> Found:
    """A field that a test asks about."""
    if name in LEAD_FIELDS or name in ENGINE_FIELDS:
        return
    if _EVENT.match(name):
        events = ", ".join(sorted(known for known in ENGINE_FIELDS if _EVENT.match(known)))
        yield where, "unknown_field", f"{name!r} is kept by nobody; there are {events}"
        return
    why = unknown(name, LEAD_FIELDS | ENGINE_FIELDS, doc)
    if why is not None:
        yield where, "unknown_field", f"{name!r}: {why}"


def unknown(name: str, known: frozenset[str], doc: CampaignDoc) -> str | None:
    """Why a name can be nothing that a lead has: `attributes` does not list it, or it is a known name mistyped.

    Without a list any name may be an attribute, so only what is a slip from a known one is refused.
    """
    if doc.attributes is not None:
        if name in doc.attributes:
            return None
        near = next((one for one in sorted(known | set(doc.attributes)) if _is_slip(name, one)), None)
        return f"did you mean {near}?" if near else "it is no standard name, and `attributes` does not list it"
    if name.startswith(_RESERVED):
        return f"expected one of {', '.join(sorted(one for one in known if one.startswith(_RESERVED)))}"
    near = next((one for one in sorted(known) if _is_slip(name, one)), None)
    return f"did you mean {near}? (An attribute of this name is listed in `attributes`.)" if near else None


def _is_slip(name: str, known: str) -> bool:
    """Whether somebody who wrote `name` meant `known`: other case or punctuation, or one letter wrong, swapped, more or less."""
    left, right = (re.sub(r"[^a-z0-9]", "", text.lower()) for text in (name, known))
    if left == right:
        return True
    if name in _REAL_WORDS or any(letter.isdigit() for letter in left) or len(right) < 4 or left == f"{right}s":
        return False
    return _is_one_edit(left, right)


def _is_one_edit(left: str, right: str) -> bool:
    if abs(len(left) - len(right)) > 1:
        return False
    start = next((n for n, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right)))
    one, other = left[start:], right[start:]
    return (
        one[1:] == other[1:]  # one wrong
        or one[1:] == other  # one more
        or one == other[1:]  # one less
        or (one[:2] == other[1::-1] and one[2:] == other[2:])  # two swapped
    )


def _other_part(where: Where, body: str | None) -> Found:
    """Of a good body the other part, text or HTML, must come out as a template too."""
    try:
        compile_template(body or "")
    except TemplateError:
        return
    try:
        compile_template(html_to_text(body or "") if is_html(body or "") else text_to_html(body or ""))
    except TemplateError as error:
        yield (
            where,
            "other_part",
            f"no {'text' if is_html(body or '') else 'HTML'} part can be made of it: {error.reason}",
        )
