"""What must hold within a sender's document (docs/behaviour.md 3.2, 4.1, 4.4)."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from domain.check_words import Found
from domain.compile_senders import minutes_of, read_from
from domain.headers import InvalidAddress, check_address
from domain.numbers import e164
from schemas.definitions import MailboxDoc, SmsSenderDoc, WorkdayDoc
from schemas.senders import ImapDoc

_NAME = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 ]{3,11}|\d{3,8}", re.ASCII)
"""A sender's name (as most countries allow it) or a short code."""


def check_mailbox(doc: MailboxDoc) -> Found:
    try:
        read_from(doc.from_)
    except InvalidAddress as error:
        yield ("from",), "invalid_address", f"{error}; expected Name <local@domain.tld>"
    if not doc.postal_address.strip():
        yield ("postal_address",), "empty_postal_address", "a sender's postal address must stand in every footer"
    if doc.reply_domain is not None:
        try:
            check_address(f"reply@{doc.reply_domain}")
        except InvalidAddress:
            yield ("reply_domain",), "invalid_domain", f"{doc.reply_domain!r} is no domain name"
    if isinstance(doc.gap_seconds, tuple) and doc.gap_seconds[0] > doc.gap_seconds[1]:
        yield ("gap_seconds",), "gap_range", "the shortest gap is longer than the longest"
    if doc.smtp.username is None and (doc.smtp.password_ref is not None or doc.smtp.auth == "xoauth2"):
        yield ("smtp", "username"), "login_incomplete", "a login needs a username"
    if doc.smtp.username is not None and doc.smtp.password_ref is None:
        yield ("smtp", "password_ref"), "login_incomplete", "a login needs a password_ref, env:NAME or file:PATH"
    if doc.imap is not None:
        for where, code, message in _imap(doc.imap):
            yield ("imap", *where), code, message
    if doc.ramp is not None and doc.ramp.start > doc.ramp.cap:
        yield ("ramp", "start"), "ramp_range", f"the ramp starts above its cap ({doc.ramp.start} > {doc.ramp.cap})"
    if doc.workday is not None:
        for where, code, message in _workday(doc.workday):
            yield ("workday", *where), code, message


_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def _imap(doc: ImapDoc) -> Found:
    """One secret, and names that can stand in a command."""
    if (doc.password_ref is None) == (doc.token_ref is None):
        said = "give either password_ref or, for XOAUTH2, token_ref (env:NAME, file:PATH)"
        yield ("password_ref",), "login_incomplete", said
    move_to = doc.processed.removeprefix("move:") if doc.processed.startswith("move:") else None
    for name, text in (("username", doc.username), ("folder", doc.folder), ("processed", move_to)):
        if text is not None and (_CONTROL.search(text) or not text.strip()):
            yield (name,), "invalid_name", f"{text!r} is no name: it is blank or has control characters"
    if move_to is not None and move_to.casefold() == doc.folder.casefold():
        yield (
            ("processed",),
            "moves_onto_itself",
            f"processed mail would be moved to {move_to!r}, where it is read from",
        )


def _workday(doc: WorkdayDoc) -> Found:
    """Each range is in order, and every day that can be drawn from them has an hour of work in it."""
    ranges: list[tuple[str, tuple[int, int] | None]] = [
        ("start", _minutes(doc.start)),
        ("finish", _minutes(doc.finish)),
        ("daily_target", doc.daily_target),
        ("hourly_ceiling", doc.hourly_ceiling),
    ]
    for name, span in ranges:
        if span is not None and span[0] > span[1]:
            yield (
                (name,),
                "range",
                f"the range runs backwards: {span[0]} > {span[1]}" if name[0] in "dh" else _BACKWARDS,
            )
    latest_start, first_finish = minutes_of(doc.start[1]), minutes_of(doc.finish[0])
    if latest_start >= first_finish:
        yield ("finish",), "window_never_opens", "a day may end before it begins: finish must come after start"
        return
    if doc.lunch is None:
        return
    if minutes_of(doc.lunch.start[0]) > minutes_of(doc.lunch.start[1]):
        yield ("lunch", "start"), "range", _BACKWARDS
    if doc.lunch.minutes[0] > doc.lunch.minutes[1]:
        yield (
            ("lunch", "minutes"),
            "range",
            f"the range runs backwards: {doc.lunch.minutes[0]} > {doc.lunch.minutes[1]}",
        )
    if doc.lunch.minutes[1] >= first_finish - latest_start:
        yield ("lunch", "minutes"), "window_never_opens", "a lunch may take the whole of a working day"


_BACKWARDS = "the range runs backwards: its first time of day is later than its second"


def _minutes(times: tuple[str, str]) -> tuple[int, int]:
    return minutes_of(times[0]), minutes_of(times[1])


def check_sms_sender(doc: SmsSenderDoc) -> Found:
    """What must hold within an SMS number."""
    if e164(doc.from_) is None and _NAME.fullmatch(doc.from_.strip()) is None:
        yield (
            ("from",),
            "invalid_number",
            f"{doc.from_!r} is neither a number with its country (+46701234567), a short code nor a name of 3 to 11 letters",
        )
    if isinstance(doc.gap_seconds, tuple) and doc.gap_seconds[0] > doc.gap_seconds[1]:
        yield ("gap_seconds",), "gap_range", "the shortest gap is longer than the longest"
    provider = doc.provider
    if (provider.base_url is None) == (provider.url_ref is None):
        yield ("provider", "base_url"), "provider_url", "give either base_url or url_ref (env:NAME, file:PATH)"
    elif provider.base_url is not None:
        try:
            host = urlsplit(provider.base_url).hostname
        except ValueError:
            host = None
        if not host:
            yield ("provider", "base_url"), "provider_url", f"{provider.base_url!r} names no host"
