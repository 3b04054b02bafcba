"""Which touch a mail answers (docs/behaviour.md 7.2): the first of these that the ledger knows.

A token counts only where its MAC is ours, so nobody can stop somebody else's sequence by making an address up.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from domain.ids import email_domain
from domain.replies.mail import Mail
from schemas.replies import MatchedBy

ReadToken = Callable[[str], UUID | None]
"""`domain.tokens.read_mail_token` with its keys."""

Row = TypeVar("Row")

CONFIDENCE: Mapping[MatchedBy, float] = {
    "recipient_token": 1.0,
    "in_reply_to": 1.0,
    "references": 0.98,
    "message_id": 0.95,
    "sender_subject": 0.5,
}

TOKEN_PREFIXES = ("reply+", "unsubscribe+", "bounce+")
"""Fronts of local parts that a mail token follows."""

_PREFIX = re.compile(
    r"^\s*(?:(?:re|aw|sv|vs|fwd?|antw|tr|rif|res|enc|auto(?:matic)? ?reply|out of office)\s*(?:\[\d+\])?\s*:\s*)+",
    re.IGNORECASE,
)
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A touch that a mail may answer: exactly one of `send_id` and `message_id` is given."""

    matched_by: MatchedBy
    send_id: UUID | None = None
    message_id: str | None = None


def candidates(mail: Mail, read_token: ReadToken) -> tuple[Candidate, ...]:
    """Every touch the mail points at, the strongest first. None for a copy of a mail of ours."""
    if is_own_copy(mail, read_token):
        return ()
    found = dict.fromkeys(_candidates(mail, read_token))
    return tuple(found)


def _candidates(mail: Mail, read_token: ReadToken) -> Iterator[Candidate]:
    for address in mail.recipients:
        token = _token(address)
        send_id = read_token(token) if token else None
        if send_id is not None:
            yield Candidate("recipient_token", send_id=send_id)
    threads: tuple[tuple[MatchedBy, tuple[str, ...]], ...] = (
        ("in_reply_to", mail.in_reply_to),
        ("references", mail.references[::-1]),  # the last one is the mail that was answered
        ("message_id", () if mail.report is None else mail.report.original_message_ids),
        ("message_id", () if mail.message_id is None else (mail.message_id,)),  # some machines answer under our own id
    )
    for matched_by, ids in threads:
        for message_id in ids:
            send_id = read_token(message_id.partition("@")[0])
            if send_id is not None:
                yield Candidate(matched_by, send_id=send_id)
    for _, ids in threads:
        for message_id in ids:
            yield Candidate("message_id", message_id=message_id)  # ours, given another id on its way out


def is_own_copy(mail: Mail, read_token: ReadToken) -> bool:
    """Whether the mail is one that we sent, come back as a copy (Bcc, a journal, a folder of sent mail)."""
    if mail.message_id is None or mail.from_email is None:
        return False
    local, _, domain = mail.message_id.partition("@")
    return domain.lower() == email_domain(mail.from_email) and read_token(local) is not None


def choose(
    found: tuple[Candidate, ...], by_send_id: Mapping[UUID, Row], by_message_id: Mapping[str, Row]
) -> tuple[Candidate, Row] | None:
    """The first candidate that the ledger knows, with its row."""
    for candidate in found:
        row = None
        if candidate.send_id is not None:
            row = by_send_id.get(candidate.send_id)
        elif candidate.message_id is not None:
            row = by_message_id.get(candidate.message_id)
        if row is not None:
            return candidate, row
    return None


def base_subject(subject: str) -> str:
    """A subject without "Re:" and its kin, in lower case with single spaces: what an answer shares with the mail
    before."""
    return _SPACES.sub(" ", _PREFIX.sub("", subject)).strip().lower()


def _token(address: str) -> str | None:
    local = address.rpartition("@")[0]
    for prefix in TOKEN_PREFIXES:
        if local.startswith(prefix):
            return local[len(prefix) :]
    return None
