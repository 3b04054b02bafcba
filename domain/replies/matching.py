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
    "hand": 1.0,
}
"""How sure a match is. `hand`: a person has made it."""

_WORDS = (
    r"re|r|fwd?|auto(?:matic)? ?reply|autoreply|out of (?:the )?office|"  # English
    r"r[eé]p(?:onse)?(?: automatique)?|r[eé]f|tr|absence(?: du bureau)?|"  # French
    r"aw|antwort|wg|automatische antwort|abwesenheitsnotiz|abwesend|abwesenheit|"  # German
    r"rv|respuesta(?: autom[aá]tica)?|fuera de (?:la )?oficina|ausente|"  # Spanish
    r"rif|i|risposta(?: automatica)?|fuori (?:sede|ufficio)|"  # Italian
    r"res|enc|resposta(?: autom[aá]tica)?|fora do escrit[oó]rio|aus[eê]ncia|"  # Portuguese
    r"antw(?:oord)?|doorst|betr|automatisch antwoord|afwezig(?:heid)?|niet op kantoor|"  # Dutch
    r"sv|vs|vl|vb"  # the Nordic languages
)
_TAG = r"\[(?:ext(?:ern(?:al|e|o)?)?(?: (?:sender|email|mail))?|caution|spam\??)\]|\*+ ?extern(?:al)? ?\*+"
_PREFIX = re.compile(
    rf"^(?:[\s\u200b\ufeff]*(?:(?:{_WORDS})\s{{0,3}}(?:[\[(]\d{{1,3}}[\])]|\^?\d{{1,3}})?\s{{0,3}}[:\uff1a]|{_TAG}))+\s*",
    re.IGNORECASE,
)
"""What programs put before a subject that is answered or forwarded, and gateways before one from outside."""
_SPACES = re.compile(r"\s+")
_TOKEN = re.compile(r"-[a-z2-7]{39}(?![a-z0-9])", re.IGNORECASE | re.ASCII)
"""A mail token's form, wherever it stands in a local part: servers put their own before it (`prvs=...=`, `SRS0=...`), or
write its plus otherwise. Only one with our MAC counts.
"""
_KEY_ID = range(5, 1, -1)
_MAX_LOCAL = 1_000


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
        send_id = token_in(address.rpartition("@")[0], read_token)
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
            send_id = token_in(message_id.partition("@")[0], read_token)
            if send_id is not None:
                yield Candidate(matched_by, send_id=send_id)
    for _, ids in threads:
        for message_id in ids:
            yield Candidate("message_id", message_id=message_id)  # ours, given another id on its way out


def is_own_copy(mail: Mail, read_token: ReadToken) -> bool:
    """Whether the mail is one that we sent, come back as a copy (Bcc, a journal, a folder of sent mail, a list)."""
    if mail.message_id is None or mail.from_email is None:
        return False
    local, _, domain = mail.message_id.partition("@")
    is_ours = domain.lower() == email_domain(mail.from_email) or "list-id" in mail.headers
    return is_ours and read_token(local) is not None


def takes_hold(mail: Mail) -> bool:
    """Whether a match stops the lead at once. Delivery reports and complaints do not: their code alone decides."""
    return mail.report is None or mail.report.kind == "receipt"


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
    return _SPACES.sub(" ", bare_subject(subject)).strip().lower()


def bare_subject(subject: str) -> str:
    """A subject without "Re:" and its kin, else as it is: what an answer to it puts its own "Re:" before."""
    return _PREFIX.sub("", subject).strip()


def token_in(local: str, read_token: ReadToken) -> UUID | None:
    """The touch whose token stands anywhere in a local part. (What is in front of it may look like a longer key id.)"""
    for match in _TOKEN.finditer(local[:_MAX_LOCAL]):
        for size in _KEY_ID:
            start = match.start() - size
            send_id = read_token(local[start : match.end()]) if start >= 0 else None
            if send_id is not None:
                return send_id
    return None
