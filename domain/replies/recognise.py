"""What a mail says without a doubt, found by rules before any model is asked (docs/behaviour.md 7.6-7.8).

Interest, questions and refusals in free words are not for rules: they go to the model.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo

from domain.replies.bounces import BounceKind, bounce_kind
from domain.replies.dates import return_at
from domain.replies.language import Language
from domain.replies.languages import LANGUAGES
from domain.replies.mail import Mail, RecipientStatus, Report
from domain.replies.patterns import Pattern, flat, pattern
from domain.replies.reports import is_mailer
from domain.replies.unsubscribe import request_language

MAX_TEXT = 3000
MAX_SUBJECT = 300
NO_COMPLAINTS = frozenset({"not-spam", "auth-failure", "dmarc"})
"""Types of feedback reports (RFC 5965, 6430, 6591) that are no complaint."""
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


@dataclass(frozen=True, slots=True)
class Reading:
    """A mail with what every recogniser wants to know of it."""

    mail: Mail
    received_at: datetime
    zone: ZoneInfo
    subject: str
    """Folded, on one line."""
    text: str
    """The beginning of the new text, folded, on one line."""
    automatic: bool


def recognise(mail: Mail, received_at: datetime, zone: ZoneInfo) -> Recognised | None:
    """The first recogniser that is sure decides; None when it takes reading. `zone` is where the writer lives, as far
    as known."""
    reading = Reading(
        mail, received_at, zone, flat(mail.subject, MAX_SUBJECT), flat(mail.text, MAX_TEXT), is_automatic(mail)
    )
    for recogniser in RECOGNISERS:
        found = recogniser(reading)
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


def complaint(reading: Reading) -> Recognised | None:
    """A feedback report: somebody pressed "this is spam". "not-spam" is the opposite, and a failed authentication is
    no person's wish."""
    mail = reading.mail
    if mail.report is None or mail.report.kind != "complaint":
        return None
    if mail.report.feedback_type in NO_COMPLAINTS:
        return Recognised("AUTOMATED", 1.0, f"feedback_{mail.report.feedback_type.replace('-', '_')}")
    return Recognised("COMPLAINT", 1.0, "feedback_report", bounced=_addresses(mail), suppresses=True)


def delivery_report(reading: Reading) -> Recognised | None:
    """A delivery report. Delays and successes change nothing; a failure is judged by its code."""
    mail = reading.mail
    if mail.report is None or mail.report.kind != "delivery":
        return None
    recipients = _ours(mail.report)
    failed = [r for r in recipients if r.action in {None, "failed"}]
    if not failed:
        why = "delivery_delayed" if any(r.action == "delayed" for r in recipients) else "delivery_notice"
        return Recognised("AUTOMATED", 1.0, why)
    code = next((r.status for r in failed if r.status is not None), None)
    kind: BounceKind = (bounce_kind(code) if code else None) or "soft"
    addresses = tuple(r.address for r in failed if r.address is not None)
    return Recognised(
        "BOUNCE", 1.0, "delivery_report", bounce=kind, bounce_code=code, bounced=addresses, suppresses=kind == "hard"
    )


def receipt(reading: Reading) -> Recognised | None:
    """A receipt: displayed, deleted unread."""
    if reading.mail.report is not None and reading.mail.report.kind == "receipt":
        return Recognised("AUTOMATED", 1.0, "receipt")
    if _says("receipt_subjects", reading.subject) and _says("receipt_phrases", reading.text[:600]):
        return Recognised("AUTOMATED", 0.9, "receipt_words")
    return None


def delay_notice(reading: Reading) -> Recognised | None:
    """A server's warning that a mail is late, without the structure of a report."""
    if not reading.automatic and not is_mailer(reading.mail.from_email):
        return None
    return Recognised("AUTOMATED", 0.95, "delay_notice") if _says("delay_subjects", reading.subject) else None


def unsubscribe_address(reading: Reading) -> Recognised | None:
    """Mail to the address of the List-Unsubscribe header: whatever it says, that is what it means (RFC 2369)."""
    if any(address.startswith(UNSUBSCRIBE_PREFIX) for address in reading.mail.recipients):
        return Recognised("UNSUBSCRIBE", 1.0, "unsubscribe_address", suppresses=True)
    return None


UNSUBSCRIBE_PREFIX = "unsubscribe+"
"""The local part's front of the address in List-Unsubscribe; the mail token follows."""


def unsubscribe_words(reading: Reading) -> Recognised | None:
    """A person's request in words. A machine's mail that speaks of unsubscribing makes no request."""
    mail = reading.mail
    if reading.automatic:
        return None
    found = request_language(mail.text, mail.subject, listed="list-id" in mail.headers, own_address=mail.from_email)
    if found is None:
        return None
    where, code = found
    return Recognised("UNSUBSCRIBE", 0.97, f"unsubscribe_{where}_{code}", suppresses=True)


def calendar_answer(reading: Reading) -> Recognised | None:
    """A calendar program's answer to an invitation. An invitation itself is a person's wish to meet: it is read."""
    method = reading.mail.calendar_method
    if method is None or method == "REQUEST":
        return None
    if method in {"REPLY", "COUNTER", "CANCEL", "REFRESH"} or _says("calendar_subjects", reading.subject):
        return Recognised("AUTOMATED", 0.95, "calendar_answer")
    return None


def left_company(reading: Reading) -> Recognised | None:
    """The person has left: nobody to resume for, and somebody must decide whom to write to. A longer answer or one that
    asks something may mention somebody who left: it is read."""
    if not _says("left_phrases", reading.text):
        return None
    told = reading.automatic or _by_machine(reading.subject)
    if not told and (len(reading.text) > AWAY_LENGTH or "?" in reading.text):
        return None
    code = _speaker("left_phrases", reading.text)
    return Recognised("ESCALATE_UNCLEAR", 0.9, f"left_company_{code}")


def out_of_office(reading: Reading) -> Recognised | None:
    """An absence: said by an automatic mail, by such a mail's subject, or by a short text that begins with it."""
    own_subject = _REPLY_TO_OURS.match(reading.subject) is None
    in_subject = own_subject and _says("away_subjects", reading.subject)
    automatic = reading.automatic or _by_machine(reading.subject)
    said = _first("away_phrases", reading.text)
    if said is None and automatic:
        said = _first("away_words", reading.text)
    if not in_subject and said is None:
        return _dated_answer(reading)
    if not automatic and not in_subject and (said is None or not _is_short_notice(reading, said)):
        return None
    languages = _spoken(reading, in_subject=in_subject)
    back = _return_at(reading, languages)
    sure = 0.98 if automatic else 0.9 if in_subject else 0.8
    return Recognised("OUT_OF_OFFICE", sure, f"out_of_office_{languages[0].code}", return_at=back)


def challenge(reading: Reading) -> Recognised | None:
    """A spam filter that wants the sender to prove himself."""
    text = f"{reading.subject} {reading.text}"
    if not _says("challenge_phrases", text):
        return None
    return Recognised("AUTOMATED", 0.9, f"challenge_{_speaker('challenge_phrases', text)}")


def automatic(reading: Reading) -> Recognised | None:
    """Any other mail that says of itself that a machine wrote it: tickets, confirmations, notices."""
    return Recognised("AUTOMATED", 0.9, "automatic_headers") if reading.automatic else None


RECOGNISERS: tuple[Callable[[Reading], Recognised | None], ...] = (
    complaint,
    delivery_report,
    receipt,
    delay_notice,
    unsubscribe_address,
    unsubscribe_words,
    calendar_answer,
    left_company,
    out_of_office,
    challenge,
    automatic,
)
"""In this order: what machines report, what consent demands, then what absent people's mail says."""

_REPLY_TO_OURS = re.compile(r"^\s*(?:re|aw|sv|antw|wg|rv)\s*:", re.IGNORECASE)


@cache
def _of_all(what: str) -> Pattern:
    """One pattern for the same phrases of all languages: most mail says none of them, and is looked at once."""
    return pattern(*(phrase for language in LANGUAGES for phrase in getattr(language, what)))


def _says(what: str, text: str) -> bool:
    return _of_all(what).search(text) is not None


def _first(what: str, text: str) -> int | None:
    """Where the first such phrase of any language stands."""
    found = _of_all(what).search(text)
    return None if found is None else found.start()


def _speaker(what: str, text: str) -> str:
    """The code of the first language that has such a phrase."""
    return next(language.code for language in LANGUAGES if pattern(*getattr(language, what)).search(text))


def _by_machine(subject: str) -> bool:
    """Whether the subject is an automatic answer's. "Re: ..." repeats our own subject, which may speak of anything."""
    return _REPLY_TO_OURS.match(subject) is None and _says("auto_subjects", subject)


def _dated_answer(reading: Reading) -> Recognised | None:
    """An automatic answer in words that nobody foresaw, known by the day of return that it names."""
    back = _return_at(reading, []) if _by_machine(reading.subject) else None
    return None if back is None else Recognised("OUT_OF_OFFICE", 0.85, "out_of_office_dated", return_at=back)


def _is_short_notice(reading: Reading, said: int) -> bool:
    """Whether a text that no machine claims is an absence notice all the same: short, begun with it, and no answer to
    us in it."""
    text = reading.text
    return said < AWAY_START and len(text) <= AWAY_LENGTH and "?" not in text and not _says("engaging", text)


def _spoken(reading: Reading, *, in_subject: bool) -> list[Language]:
    """The languages that the notice is in, the one of its first such phrase in front."""
    at: dict[Language, int] = {}
    for language in LANGUAGES:
        found = pattern(*language.away_phrases, *language.away_words).search(reading.text)
        if found is not None:
            at[language] = found.start()
        elif in_subject and pattern(*language.away_subjects).search(reading.subject) is not None:
            at[language] = len(reading.text)
    return sorted(at, key=lambda language: at[language])


def _return_at(reading: Reading, languages: list[Language]) -> datetime | None:
    """The day that the notice names, in one of its languages or else in any."""
    text = f"{reading.subject}\n{reading.text}"
    for language in (*languages, *(other for other in LANGUAGES if other not in languages)):
        back = return_at(text, language, reading.received_at, reading.zone)
        if back is not None:
            return back
    return None


def _ours(report: Report) -> tuple[RecipientStatus, ...]:
    """The fates that are our mail's: those of whom it was for, where the report tells them from others'."""
    return tuple(r for r in report.recipients if r.address in report.returned_to) or report.recipients


def _addresses(mail: Mail) -> tuple[str, ...]:
    return () if mail.report is None else tuple(r.address for r in mail.report.recipients if r.address is not None)
