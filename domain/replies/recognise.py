"""What a mail says without a doubt, found by rules before any model is asked (docs/behaviour.md 7.6-7.8).

Interest, questions and refusals in free words are not for rules: they go to the model.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from domain.replies.bounces import BounceKind, bounce_kind
from domain.replies.dates import return_at
from domain.replies.language import Language
from domain.replies.languages import LANGUAGES
from domain.replies.mail import Mail
from domain.replies.patterns import flat, pattern
from domain.replies.unsubscribe import asks_in_subject, asks_in_text

MAX_TEXT = 3000
AWAY_START = 250
"""An absence without an automatic mail's headers or subject is believed only when said within so many first characters
..."""
AWAY_LENGTH = 700
"""... of a text no longer than this: people mention an absence in longer answers, too."""


@dataclass(frozen=True, slots=True)
class Recognised:
    """What a recogniser found. `suppresses`: the address is to be suppressed before anybody is told."""

    disposition: str
    confidence: float
    why: str
    """The recogniser's name: for logs, metrics and the person who asks."""
    return_at: datetime | None = None
    bounce: BounceKind | None = None
    bounce_code: str | None = None
    bounced: tuple[str, ...] = ()
    """Addresses that a report names."""
    suppresses: bool = False


def recognise(mail: Mail, received_at: datetime, zone: ZoneInfo) -> Recognised | None:
    """The first recogniser that is sure decides; None when it takes reading. `zone` is where the writer lives, as far
    as known."""
    for recogniser in RECOGNISERS:
        found = recogniser(mail, received_at, zone)
        if found is not None:
            return found
    return None


def is_automatic(mail: Mail) -> bool:
    """Whether the headers say that a machine answered (RFC 3834 and the older customs)."""
    headers = mail.headers
    submitted = headers.get("auto-submitted", "no").lower().split(";")[0].strip()
    return (
        submitted not in {"", "no"}
        or any(name in headers for name in ("x-autoreply", "x-autorespond", "x-autoresponder", "x-vacation"))
        or headers.get("precedence", "").lower() in {"auto_reply", "auto-reply", "autoreply"}
        or headers.get("return-path") == "<>"
    )


def complaint(mail: Mail, _received_at: datetime, _zone: ZoneInfo) -> Recognised | None:
    """A feedback report: somebody pressed "this is spam". "not-spam" is the opposite."""
    if mail.report is None or mail.report.kind != "complaint":
        return None
    if mail.report.feedback_type == "not-spam":
        return Recognised("AUTOMATED", 1.0, "feedback_not_spam")
    return Recognised("COMPLAINT", 1.0, "feedback_report", bounced=_addresses(mail), suppresses=True)


def delivery_report(mail: Mail, _received_at: datetime, _zone: ZoneInfo) -> Recognised | None:
    """A delivery report. Delays and successes change nothing; a failure is judged by its code."""
    if mail.report is None or mail.report.kind != "delivery":
        return None
    failed = [r for r in mail.report.recipients if r.action in {None, "failed"}]
    if not failed:
        why = "delivery_delayed" if any(r.action == "delayed" for r in mail.report.recipients) else "delivery_notice"
        return Recognised("AUTOMATED", 1.0, why)
    code = next((r.status for r in failed if r.status is not None), None)
    kind: BounceKind = (bounce_kind(code) if code else None) or "soft"
    addresses = tuple(r.address for r in failed if r.address is not None)
    return Recognised(
        "BOUNCE", 1.0, "delivery_report", bounce=kind, bounce_code=code, bounced=addresses, suppresses=kind == "hard"
    )


def receipt(mail: Mail, _received_at: datetime, _zone: ZoneInfo) -> Recognised | None:
    """A receipt: displayed, deleted unread."""
    if mail.report is not None and mail.report.kind == "receipt":
        return Recognised("AUTOMATED", 1.0, "receipt")
    for language in LANGUAGES:
        subject = pattern(*language.receipt_subjects).search(flat(mail.subject, 200))
        if subject is not None and pattern(*language.receipt_phrases).search(flat(mail.text, 500)) is not None:
            return Recognised("AUTOMATED", 0.9, "receipt_words")
    return None


def calendar_answer(mail: Mail, _received_at: datetime, _zone: ZoneInfo) -> Recognised | None:
    """A calendar program's answer to an invitation. An invitation itself is a person's wish to meet: it is read."""
    if mail.calendar_method is None or mail.calendar_method == "REQUEST":
        return None
    subject = flat(mail.subject, 200)
    answers = any(pattern(*language.calendar_subjects).search(subject) is not None for language in LANGUAGES)
    if mail.calendar_method in {"REPLY", "COUNTER", "CANCEL", "REFRESH"} or answers:
        return Recognised("AUTOMATED", 0.95, "calendar_answer")
    return None


def unsubscribe_address(mail: Mail, _received_at: datetime, _zone: ZoneInfo) -> Recognised | None:
    """Mail to the address of the List-Unsubscribe header: whatever it says, that is what it means (RFC 2369)."""
    if any(address.startswith(UNSUBSCRIBE_PREFIX) for address in mail.recipients):
        return Recognised("UNSUBSCRIBE", 1.0, "unsubscribe_address", suppresses=True)
    return None


UNSUBSCRIBE_PREFIX = "unsubscribe+"
"""The local part's front of the address in List-Unsubscribe; the mail token follows."""


def unsubscribe_words(mail: Mail, _received_at: datetime, _zone: ZoneInfo) -> Recognised | None:
    """A person's request in words. A machine's mail that speaks of unsubscribing makes no request."""
    if is_automatic(mail):
        return None
    for language in LANGUAGES:
        if asks_in_text(mail.text, language):
            return Recognised("UNSUBSCRIBE", 0.97, f"unsubscribe_text_{language.code}", suppresses=True)
        if asks_in_subject(mail.subject, language):
            return Recognised("UNSUBSCRIBE", 0.97, f"unsubscribe_subject_{language.code}", suppresses=True)
    return None


def left_company(mail: Mail, _received_at: datetime, _zone: ZoneInfo) -> Recognised | None:
    """The person has left: nobody to resume for, and somebody must decide whom to write to."""
    text = flat(mail.text, MAX_TEXT)
    for language in LANGUAGES:
        if pattern(*language.left_phrases).search(text) is not None:
            return Recognised("ESCALATE_UNCLEAR", 0.9, f"left_company_{language.code}")
    return None


def out_of_office(mail: Mail, received_at: datetime, zone: ZoneInfo) -> Recognised | None:
    """An absence: said by an automatic mail, by such a mail's subject, or by a short text that begins with it."""
    automatic = is_automatic(mail)
    subject, text = flat(mail.subject, 300), flat(mail.text, MAX_TEXT)
    for language in LANGUAGES:
        in_subject = _away_subject(subject, language)
        said = pattern(*language.away_phrases).search(text)
        at_start = said is not None and said.start() < AWAY_START and len(text) <= AWAY_LENGTH
        if not (in_subject or (automatic and said is not None) or at_start):
            continue
        if not automatic and not in_subject and _asks_back(mail.text):
            continue
        back = return_at(f"{mail.subject}\n{mail.text}", language, received_at, zone)
        sure = 0.98 if automatic and (in_subject or said) else 0.9 if in_subject else 0.8
        return Recognised("OUT_OF_OFFICE", sure, f"out_of_office_{language.code}", return_at=back)
    return None


def challenge(mail: Mail, _received_at: datetime, _zone: ZoneInfo) -> Recognised | None:
    """A spam filter that wants the sender to prove himself."""
    text = flat(f"{mail.subject} {mail.text}", MAX_TEXT)
    for language in LANGUAGES:
        if pattern(*language.challenge_phrases).search(text) is not None:
            return Recognised("AUTOMATED", 0.9, f"challenge_{language.code}")
    return None


def delay_notice(mail: Mail, _received_at: datetime, _zone: ZoneInfo) -> Recognised | None:
    """A server's warning that a mail is late, without the structure of a report."""
    if not is_automatic(mail) and not (mail.from_email or "").startswith(("mailer-daemon@", "postmaster@")):
        return None
    subject = flat(mail.subject, 300)
    if any(pattern(*language.delay_subjects).search(subject) is not None for language in LANGUAGES):
        return Recognised("AUTOMATED", 0.95, "delay_notice")
    return None


def automatic(mail: Mail, _received_at: datetime, _zone: ZoneInfo) -> Recognised | None:
    """Any other mail that says of itself that a machine wrote it: tickets, confirmations, notices."""
    return Recognised("AUTOMATED", 0.9, "automatic_headers") if is_automatic(mail) else None


RECOGNISERS: tuple[Callable[[Mail, datetime, ZoneInfo], Recognised | None], ...] = (
    complaint,
    delivery_report,
    receipt,
    delay_notice,
    unsubscribe_address,
    calendar_answer,
    unsubscribe_words,
    left_company,
    out_of_office,
    challenge,
    automatic,
)
"""In this order: what machines report, what consent demands, then what absent people's mail says."""

_REPLY_TO_OURS = re.compile(r"^\s*(?:re|aw|sv|antw)\s*:", re.IGNORECASE)


def _away_subject(subject: str, language: Language) -> bool:
    """Whether the subject is an absence notice's. "Re: ..." repeats our own subject, which may speak of anything."""
    return _REPLY_TO_OURS.match(subject) is None and pattern(*language.away_subjects).search(subject) is not None


def _asks_back(text: str) -> bool:
    """Whether a text asks something: then a person may have written it, absence or not."""
    return "?" in text[:AWAY_LENGTH]


def _addresses(mail: Mail) -> tuple[str, ...]:
    return () if mail.report is None else tuple(r.address for r in mail.report.recipients if r.address is not None)
