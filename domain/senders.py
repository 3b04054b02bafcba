"""Who touches leave from, compiled: mailboxes and SMS numbers with their limits (docs/behaviour.md 3.2, 4.1, 4.4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Smtp:
    host: str
    port: int
    security: str
    username: str | None
    auth: str
    password_ref: str | None


@dataclass(frozen=True, slots=True)
class Imap:
    """Where answers arrive. Exactly one of `password_ref` and `token_ref` (XOAUTH2) is set; `move_to`: for processed mail."""

    host: str
    port: int
    security: str
    username: str
    password_ref: str | None
    token_ref: str | None
    folder: str = "INBOX"
    processed: str = "leave"
    move_to: str | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ramp:
    """Warm-up: `start` a day on the first sending day, `increment` more each day, never above `cap`."""

    start: int
    increment: int
    cap: int


@dataclass(frozen=True, slots=True)
class WorkdayRanges:
    """What a day's plan is drawn from (docs/behaviour.md 3.2). Times of day are minutes after midnight, local."""

    start: tuple[int, int]
    finish: tuple[int, int]
    lunch_start: tuple[int, int] | None = None
    lunch_minutes: tuple[int, int] = (0, 0)
    daily_target: tuple[int, int] | None = None
    hourly_ceiling: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class AutoPause:
    """Shares (in percent) of the last `days` days' sends, of at least `min_sends`, at which a mailbox pauses by itself."""

    bounce_percent: float = 5.0
    complaint_percent: float = 0.1
    min_sends: int = 50
    days: int = 7


@dataclass(frozen=True, slots=True)
class Mailbox:
    mailbox_id: str
    revision: int
    pool_id: str
    from_name: str
    from_email: str
    postal_address: str
    smtp: Smtp
    zone: str | None = None
    reply_domain: str | None = None
    per_hour: int | None = None
    per_day: int | None = None
    gap_s: tuple[float, float] = (30.0, 90.0)
    recipient_domain_per_hour: int | None = None
    provider: str = "other"
    provider_per_day: int | None = None
    """What the provider accepts a day, whatever the mailbox's own limits say."""
    ramp: Ramp | None = None
    workday: WorkdayRanges | None = None
    auto_pause: AutoPause | None = None
    imap: Imap | None = None


@dataclass(frozen=True, slots=True)
class SmsProvider:
    """Where texts are submitted. Exactly one of `base_url` and `url_ref` is set."""

    base_url: str | None
    url_ref: str | None
    account: str
    token_ref: str


@dataclass(frozen=True, slots=True)
class SmsSender:
    """A number that texts leave from. Its limits carry a mailbox's names, so that one limiter serves both."""

    mailbox_id: str
    revision: int
    pool_id: str
    number: str
    """As it is written: E.164 (`+46...`), or a sender's name where the country allows it."""
    provider: SmsProvider
    zone: str | None = None
    per_hour: int | None = None
    per_day: int | None = None
    gap_s: tuple[float, float] = (1.0, 3.0)
    status_callback: bool = True
    recipient_domain_per_hour: int | None = None
    provider_per_day: int | None = None
    ramp: Ramp | None = None
    workday: WorkdayRanges | None = None
    auto_pause: AutoPause | None = None


Sender = Mailbox | SmsSender
