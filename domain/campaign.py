"""Definitions as the decisions use them: compiled, checked, immutable. `domain/compile.py` makes them from documents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from domain.senders import (
    AutoPause,
    Mailbox,
    Ramp,
    Sender,
    SmsProvider,
    SmsSender,
    Smtp,
    WorkdayRanges,
)
from domain.sequence import (
    Action,
    ActionStep,
    Arm,
    ConditionStep,
    EmailStep,
    ProgressionRule,
    ScoringRule,
    SmsStep,
    Step,
    SwitchCase,
    SwitchStep,
    TaskStep,
    WaitStep,
    Writing,
)
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
class Fatigue:
    """At most `touches` a lead in any `days` days, across all campaigns (docs/behaviour.md 2.4)."""

    touches: int
    days: int


@dataclass(frozen=True, slots=True)
class Promotion:
    """When the better arm takes over by itself (docs/behaviour.md 1.3). `confidence` is in percent."""

    metric: str
    confidence: float
    min_sends: int


@dataclass(frozen=True, slots=True)
class AutoReply:
    """What answers a category of replies by itself (docs/behaviour.md 7.6)."""

    subject: Template | None
    body: Template

    @property
    def variables(self) -> frozenset[str]:
        """Merge variables of both: what the sender itself gives is not asked of a lead."""
        return self.body.variables | (self.subject.variables if self.subject is not None else frozenset())


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
    colleagues: str = "none"
    """What a person's answer means for the others at the same company: none, hold or end."""
    auto_replies: Mapping[str, AutoReply] = field(default_factory=dict)
    use_claude: bool = True
    fatigue: Fatigue | None = None
    smart_send_time: bool = False
    scoring: tuple[ScoringRule, ...] = ()
    progression: tuple[ProgressionRule, ...] = ()
    promotion: Promotion | None = None
    sms_sender_id: str | None = None

    @property
    def may_send(self) -> bool:
        return self.status == "active"


@dataclass(frozen=True, slots=True)
class Definitions:
    """All definitions in force, as decisions see them. `stopped` is `touchline stop --all`."""

    campaigns: Mapping[str, Campaign]
    mailboxes: Mapping[str, Mailbox]
    pools: frozenset[str] = frozenset()
    stopped: bool = False
    sms_senders: Mapping[str, SmsSender] = field(default_factory=dict)

    def sender(self, sender_id: str) -> Sender | None:
        """The mailbox or the SMS number of this id (no id is both)."""
        return self.mailboxes.get(sender_id) or self.sms_senders.get(sender_id)


__all__ = [
    "Action",
    "ActionStep",
    "Arm",
    "AutoPause",
    "AutoReply",
    "Campaign",
    "CampaignLimits",
    "ConditionStep",
    "Definitions",
    "EmailStep",
    "Fatigue",
    "Mailbox",
    "ProgressionRule",
    "Promotion",
    "Ramp",
    "ScoringRule",
    "Sender",
    "SmsProvider",
    "SmsSender",
    "SmsStep",
    "Smtp",
    "Step",
    "SwitchCase",
    "SwitchStep",
    "TaskStep",
    "WaitStep",
    "Window",
    "WorkdayRanges",
    "Writing",
]
