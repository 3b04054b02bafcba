"""Definitions as the decisions use them: compiled, checked, immutable. `domain/compile.py` makes them from documents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from domain.templates import Template


@dataclass(frozen=True, slots=True)
class Window:
    """When mail may leave, in local wall-clock time (docs/behaviour.md 3.3). Hours are [start, end)."""

    days: frozenset[int]
    """Weekdays, Monday is 0."""
    start_hour: int
    end_hour: int
    holidays: frozenset[date] = frozenset()
    zone: str | None = None
    """The campaign's zone: the lead's comes first, then the mailbox's, then this one, then UTC."""


@dataclass(frozen=True, slots=True)
class CampaignLimits:
    """Rolling caps (docs/behaviour.md 3.1); None is no cap."""

    per_hour: int | None
    batch_size: int | None
    cycle: timedelta
    per_day: int | None


@dataclass(frozen=True, slots=True)
class Arm:
    """One variant of an email: `subject` None means "Re:" in the thread of the touch before."""

    name: str
    weight: int
    subject: Template | None
    body: Template
    is_html: bool
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class EmailStep:
    step_id: str
    next_id: str | None
    arms: tuple[Arm, ...]
    variables: frozenset[str]
    """Merge variables that any arm uses, without the sender's and the footer's own."""
    is_active: bool = True
    kind: Literal["email"] = "email"


@dataclass(frozen=True, slots=True)
class WaitStep:
    step_id: str
    next_id: str | None
    duration: int
    unit: str
    business_hours_only: bool = False
    is_active: bool = True
    kind: Literal["wait"] = "wait"


@dataclass(frozen=True, slots=True)
class ConditionStep:
    step_id: str
    next_id: str | None
    event: str
    of_step_id: str | None
    true_id: str | None
    false_id: str | None
    within: timedelta | None = None
    is_active: bool = True
    kind: Literal["condition"] = "condition"


@dataclass(frozen=True, slots=True)
class TaskStep:
    step_id: str
    next_id: str | None
    title: Template
    description: Template | None
    queue: str
    priority: str
    due_in: timedelta
    task_kind: str
    variables: frozenset[str] = frozenset()
    is_active: bool = True
    kind: Literal["task"] = "task"


Step = EmailStep | WaitStep | ConditionStep | TaskStep


@dataclass(frozen=True, slots=True)
class Campaign:
    campaign_id: str
    revision: int
    name: str
    goal: str
    pool_id: str
    mailbox_ids: tuple[str, ...]
    status: str
    limits: CampaignLimits
    window: Window
    steps: Mapping[str, Step]
    first_step_id: str
    start_at: datetime | None = None
    launched_at: datetime | None = None
    end_date: date | None = None
    evergreen: bool = False
    ab_testing: bool = False
    track_opens: bool = True
    track_clicks: bool = True
    on_ambiguous: str = "assume_sent"
    after_reply: str = "hold"
    use_claude: bool = True

    @property
    def may_send(self) -> bool:
        return self.status == "active"


@dataclass(frozen=True, slots=True)
class Smtp:
    host: str
    port: int
    security: str
    username: str | None
    auth: str
    password_ref: str | None


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


@dataclass(frozen=True, slots=True)
class Definitions:
    """All definitions in force, as decisions see them. `stopped` is `touchline stop --all`."""

    campaigns: Mapping[str, Campaign]
    mailboxes: Mapping[str, Mailbox]
    pools: frozenset[str] = frozenset()
    stopped: bool = False
