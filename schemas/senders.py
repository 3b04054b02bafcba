"""The senders of a pool as they are written: mailboxes and SMS numbers (docs/behaviour.md 3.2, 4.1, 4.4)."""

import re
from datetime import UTC, date, datetime, time
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, StringConstraints, Tag

from schemas.base import Instant
from schemas.document import DocId, Document, SecretRef, Zone, is_switched_on

Provider = Literal["gmail", "microsoft", "resend", "other"]
GapSeconds = Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)]
Gap = tuple[GapSeconds, GapSeconds] | Literal[0]
Count = Annotated[int, Field(ge=1)]
Percent = Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)]


class SmtpDoc(Document):
    """Where a mailbox submits its mail. The password is a reference, never a value."""

    host: Annotated[str, Field(min_length=1, max_length=253)]
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    security: Literal["none", "starttls", "tls"] = "starttls"
    username: str | None = None
    auth: Literal["login", "xoauth2"] = "login"
    password_ref: SecretRef | None = None


def _midnight(value: Any) -> Any:
    """A date is its first instant, UTC; so is an instant without an offset, as YAML reads one."""
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        value = date.fromisoformat(value)
    if isinstance(value, datetime):
        return value if value.tzinfo is not None else value.replace(tzinfo=UTC)
    return datetime.combine(value, time(), UTC) if isinstance(value, date) else value


class ImapDoc(Document):
    """The mailbox that answers arrive in (docs/behaviour.md 7.1). What it logs in with is a reference, never a value."""

    host: Annotated[str, Field(min_length=1, max_length=253)]
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    security: Literal["none", "starttls", "tls"] = "tls"
    username: Annotated[str, Field(min_length=1, max_length=320)]
    password_ref: SecretRef | None = None
    token_ref: SecretRef | None = None
    folder: Annotated[str, Field(min_length=1, max_length=200)] = "INBOX"
    processed: Annotated[str, StringConstraints(pattern=r"^(leave|seen|move:.{1,200})$")] = "leave"
    since: Annotated[Instant, BeforeValidator(_midnight)] | None = None


class RampDoc(Document):
    """Warm-up: `start` a day on the first day that it sends, `increment` more each day, never above `cap`."""

    start: Count
    increment: Annotated[int, Field(ge=0)]
    cap: Count


def _clock_text(value: Any) -> Any:
    """YAML reads an unquoted 17:30 as 1050: minutes, as people mean it here."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1440:
        return f"{value // 60:02}:{value % 60:02}"
    return value


def _is_clock(value: str) -> str:
    if not re.fullmatch(r"([01]?\d|2[0-3]):[0-5]\d", value):
        raise ValueError(f"{value!r} is no time of day; write HH:MM")
    return value


LocalTime = Annotated[str, BeforeValidator(_clock_text), AfterValidator(_is_clock)]
Times = tuple[LocalTime, LocalTime]
"""A range: a time in it is drawn for each day."""


class LunchDoc(Document):
    start: Times
    minutes: tuple[Annotated[int, Field(ge=0, le=480)], Annotated[int, Field(ge=0, le=480)]] = (30, 60)


class WorkdayDoc(Document):
    """A human's working day: each part is drawn once a mailbox and local day from its range."""

    start: Times
    finish: Times
    lunch: LunchDoc | None = None
    daily_target: tuple[Count, Count] | None = None
    hourly_ceiling: tuple[Count, Count] | None = None


class AutoPauseDoc(Document):
    """When a mailbox pauses by itself: the share of its last days' sends that bounced or were complained about."""

    bounce_percent: Percent = 5
    complaint_percent: Percent = 0.1
    min_sends: Count = 50
    days: Annotated[int, Field(ge=1, le=30)] = 7


AutoPause = Annotated[
    Annotated[AutoPauseDoc, Tag("[on]")] | Annotated[Literal[False], Tag("[off]")], Discriminator(is_switched_on)
]


class MailboxDoc(Document):
    """A sender: who the mail is from, how it leaves, and how much of it (docs/behaviour.md 3.2)."""

    kind: Literal["Mailbox"]
    id: DocId
    pool: DocId
    from_: Annotated[str, Field(alias="from", min_length=3, max_length=320)]
    postal_address: Annotated[str, Field(min_length=1, max_length=500)]
    smtp: SmtpDoc
    imap: ImapDoc | None = None
    timezone: Zone | None = None
    reply_domain: str | None = None
    hourly_limit: Count | None = None
    daily_limit: Count | None = None
    gap_seconds: Gap = (30, 90)
    recipient_domain_hourly_limit: Count | None = None
    provider: Provider = "other"
    ramp: RampDoc | None = None
    workday: WorkdayDoc | None = None
    auto_pause: AutoPause = AutoPauseDoc()


class SmsProviderDoc(Document):
    """Where texts are submitted: an address (or a reference to one), the account, and a reference to its token."""

    base_url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s]+$", max_length=500)] | None = None
    url_ref: SecretRef | None = None
    account: Annotated[str, Field(min_length=1, max_length=200)]
    token_ref: SecretRef


def _number_text(value: Any) -> Any:
    """YAML reads an unquoted +46701234567 as a number without its sign."""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"+{value}" if value > 99_999_999 else str(value)
    return value


class SmsSenderDoc(Document):
    """A number that texts leave from, in a pool and under limits like a mailbox (docs/behaviour.md 4.4)."""

    kind: Literal["SmsSender"]
    id: DocId
    pool: DocId
    from_: Annotated[str, BeforeValidator(_number_text), Field(alias="from", min_length=3, max_length=40)]
    provider: SmsProviderDoc
    timezone: Zone | None = None
    hourly_limit: Count | None = None
    daily_limit: Count | None = None
    gap_seconds: Gap = (1, 3)
    status_callback: bool = True
