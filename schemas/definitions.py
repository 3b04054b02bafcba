"""`definitions` (compacted, key kind:id): campaigns, senders, pools and reply rules, and the documents they are written as.

The documents are what a user writes in YAML (docs/behaviour.md, section 10). They refuse unknown fields: a typing mistake is an error.
Their parts: `schemas/senders.py`, `schemas/steps.py`, `schemas/rules.py`.
"""

from datetime import date
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, Tag

from schemas.base import Data, Identifier, Instant, Message, Text
from schemas.document import DelayDoc, DocId, Document, Zone, is_switched_on
from schemas.on_reply import AutoReplies, AutoReplyDoc, OnReplyDoc
from schemas.routing import RoutingDoc
from schemas.rules import (
    ActionDoc,
    AllTestDoc,
    AnyTestDoc,
    DispositionTestDoc,
    EventTestDoc,
    FieldTestDoc,
    NotTestDoc,
    ProgressionRuleDoc,
    RandomTestDoc,
    ScoringRuleDoc,
    WhenDoc,
)
from schemas.senders import AutoPauseDoc, MailboxDoc, RampDoc, SmsProviderDoc, SmsSenderDoc, SmtpDoc, WorkdayDoc
from schemas.steps import (
    ActionStepDoc,
    ArmDoc,
    ConditionStepDoc,
    EmailStepDoc,
    OnReject,
    Review,
    SmsStepDoc,
    StepDoc,
    SwitchCaseDoc,
    SwitchStepDoc,
    TaskStepDoc,
    VariantDoc,
    WaitStepDoc,
    WaitUnit,
)

DefinitionKind = Literal["pool", "mailbox", "sms_sender", "campaign", "reply_rule", "routing", "control"]
CampaignStatus = Literal["draft", "scheduled", "active", "paused", "completed", "archived"]
Goal = Literal["reactivation", "nurture", "acquisition", "education", "retention", "brand_awareness"]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


class Definition(Message):
    """One definition at one revision. The newest record of a key is the one in force."""

    TOPIC: ClassVar[str] = "definitions"
    kind: DefinitionKind
    id: Identifier
    revision: Annotated[int, Field(ge=1)]
    spec: Data
    status: CampaignStatus | None = None
    launched_at: Instant | None = None
    job_id: str | None = None
    deleted: bool = False
    at: Instant


class PoolDoc(Document):
    """Mailboxes and campaigns whose limits are decided together. Neither ever changes pool."""

    kind: Literal["Pool"]
    id: DocId
    description: Text | None = None


class TrackingDoc(Document):
    opens: bool = True
    clicks: bool = True


class FatigueDoc(Document):
    """At most so many touches a lead in so many days, across all campaigns (docs/behaviour.md 2.4)."""

    touches: Annotated[int, Field(ge=1, le=1000)] = 3
    days: Annotated[int, Field(ge=1, le=90)] = 7


Fatigue = Annotated[
    Annotated[FatigueDoc, Tag("[on]")] | Annotated[Literal[False] | None, Tag("[off]")], Discriminator(is_switched_on)
]
"""None: the default; False: off."""

Days = Annotated[list[Annotated[int, Field(ge=0, le=3650)]], Field(min_length=1)]


def _is_word(value: Any) -> str:
    return "[word]" if isinstance(value, str) else "[days]"


Cadence = Annotated[
    Annotated[Literal["standard"], Tag("[word]")] | Annotated[Days, Tag("[days]")], Discriminator(_is_word)
]
"""A day for each step, from the first on."""


class PromoteDoc(Document):
    """When the better arm takes over by itself (docs/behaviour.md 1.3): by what, how sure, and from how many sends an arm."""

    metric: Literal["replied", "opened", "clicked"] = "replied"
    confidence: Annotated[float, Field(ge=50, lt=100)] = 95
    min_sends: Annotated[int, Field(ge=30)] = 30


class CampaignDoc(Document):
    """A sequence of touches and how fast it may go (docs/behaviour.md 1 and 3)."""

    kind: Literal["Campaign"]
    id: DocId
    name: Annotated[str, Field(min_length=1, max_length=200)]
    description: Text | None = None
    goal: Goal = "acquisition"
    owner: str | None = None
    pool: DocId
    mailboxes: list[DocId] = []
    sms_sender: DocId | None = None
    preset: Literal["conservative", "standard", "aggressive"] | None = None
    send_rate_per_hour: Annotated[int, Field(ge=1)] | None = None
    send_batch_size: Annotated[int, Field(ge=1)] | None = None
    send_cycle_minutes: Annotated[int, Field(ge=1, le=60)] = 10
    daily_limit: Annotated[int, Field(ge=1)] | None = None
    limits: Literal["on", "off"] = "on"
    fatigue: Fatigue = None
    send_days: Annotated[list[Weekday], Field(min_length=1)] = ["monday", "tuesday", "wednesday", "thursday", "friday"]
    send_time_start: Annotated[int, Field(ge=0, le=23)] = 9
    send_time_end: Annotated[int, Field(ge=1, le=24)] = 17
    smart_send_time: bool = False
    timezone: Zone | None = None
    holidays: list[date] = []
    start_at: Instant | None = None
    end_date: Annotated[date, Field(ge=date(1970, 1, 1))] | None = None
    evergreen: bool = False
    ab_testing_enabled: bool = False
    promote_winner: PromoteDoc | None = None
    tracking: TrackingDoc = TrackingDoc()
    on_ambiguous: Literal["hold", "assume_sent"] = "assume_sent"
    after_reply: Literal["hold", "resume", "end"] = "hold"
    on_reply: OnReplyDoc = OnReplyDoc()
    auto_reply: AutoReplies = {}
    use_claude: bool = True
    ai_review: Review = "review"
    ai_on_reject: OnReject = "skip"
    reply_review: Literal["review", "edit", "bulk"] = "edit"
    attributes: Annotated[list[str], Field(max_length=500)] | None = None
    cadence: Cadence | None = None
    steps: Annotated[list[StepDoc], Field(min_length=1, max_length=200)]
    lead_scoring_rules: Annotated[list[ScoringRuleDoc], Field(max_length=100)] | None = None
    progression_rules: Annotated[list[ProgressionRuleDoc], Field(max_length=100)] = []


class ReplyRuleDoc(Document):
    """A user's rule: the first that matches decides the disposition (docs/behaviour.md 7.6)."""

    kind: Literal["ReplyRule"]
    id: DocId
    priority: int = 100
    match: Literal["sender_email", "sender_domain", "subject_contains", "subject_regex"]
    value: Annotated[str, Field(min_length=1, max_length=1000)]
    disposition: str
    category: str | None = None
    is_active: bool = True


AnyDocument = Annotated[
    PoolDoc | MailboxDoc | SmsSenderDoc | CampaignDoc | ReplyRuleDoc | RoutingDoc, Field(discriminator="kind")
]

__all__ = [
    "ActionDoc",
    "ActionStepDoc",
    "AllTestDoc",
    "AnyDocument",
    "AnyTestDoc",
    "ArmDoc",
    "AutoPauseDoc",
    "AutoReplyDoc",
    "CampaignDoc",
    "CampaignStatus",
    "ConditionStepDoc",
    "Definition",
    "DefinitionKind",
    "DelayDoc",
    "DispositionTestDoc",
    "DocId",
    "Document",
    "EmailStepDoc",
    "EventTestDoc",
    "FatigueDoc",
    "FieldTestDoc",
    "Goal",
    "MailboxDoc",
    "NotTestDoc",
    "OnReplyDoc",
    "PoolDoc",
    "ProgressionRuleDoc",
    "PromoteDoc",
    "RampDoc",
    "RandomTestDoc",
    "ReplyRuleDoc",
    "RoutingDoc",
    "ScoringRuleDoc",
    "SmsProviderDoc",
    "SmsSenderDoc",
    "SmsStepDoc",
    "SmtpDoc",
    "StepDoc",
    "SwitchCaseDoc",
    "SwitchStepDoc",
    "TaskStepDoc",
    "TrackingDoc",
    "VariantDoc",
    "WaitStepDoc",
    "WaitUnit",
    "Weekday",
    "WhenDoc",
    "WorkdayDoc",
    "Zone",
]
