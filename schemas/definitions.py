"""`definitions` (compacted, key kind:id): campaigns, mailboxes, pools and reply rules, and the documents they are written as.

The documents are what a user writes in YAML (docs/behaviour.md, section 10). They refuse unknown fields: a typing mistake is an error.
"""

from datetime import date
from typing import Annotated, Any, ClassVar, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from schemas.base import Data, Identifier, Instant, Message, Text

DefinitionKind = Literal["pool", "mailbox", "campaign", "reply_rule", "control"]
CampaignStatus = Literal["draft", "scheduled", "active", "paused", "completed", "archived"]
Goal = Literal["reactivation", "nurture", "acquisition", "education", "retention", "brand_awareness"]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WaitUnit = Literal["minutes", "hours", "days", "weeks", "business_days"]

DocId = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"unknown time zone {name!r}; use an IANA name such as Europe/Stockholm") from error
    return name


Zone = Annotated[str, AfterValidator(_known_zone)]


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


class Document(BaseModel):
    """A YAML document. Frozen, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class PoolDoc(Document):
    """Mailboxes and campaigns whose limits are decided together. Neither ever changes pool."""

    kind: Literal["Pool"]
    id: DocId
    description: Text | None = None


class SmtpDoc(Document):
    """Where a mailbox submits its mail. The password is a reference, never a value."""

    host: Annotated[str, Field(min_length=1, max_length=253)]
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    security: Literal["none", "starttls", "tls"] = "starttls"
    username: str | None = None
    auth: Literal["login", "xoauth2"] = "login"
    password_ref: Annotated[str, StringConstraints(pattern=r"^(env|file):.+$")] | None = None


GapSeconds = Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)]


class MailboxDoc(Document):
    """A sender: who the mail is from, how it leaves, and how much of it (docs/behaviour.md 3.2)."""

    kind: Literal["Mailbox"]
    id: DocId
    pool: DocId
    from_: Annotated[str, Field(alias="from", min_length=3, max_length=320)]
    postal_address: Annotated[str, Field(min_length=1, max_length=500)]
    smtp: SmtpDoc
    timezone: Zone | None = None
    reply_domain: str | None = None
    hourly_limit: Annotated[int, Field(ge=1)] | None = None
    daily_limit: Annotated[int, Field(ge=1)] | None = None
    gap_seconds: tuple[GapSeconds, GapSeconds] | Literal[0] = (30, 90)
    recipient_domain_hourly_limit: Annotated[int, Field(ge=1)] | None = None
    provider: Literal["gmail", "microsoft", "resend", "other"] = "other"


class VariantDoc(Document):
    """The B side of an email: what it does not say it takes from A."""

    subject: Text | None = None
    body: Text | None = None


class ArmDoc(Document):
    """One weighted arm of the long form (up to six)."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-f]$")]
    subject: Text | None = None
    body: Text | None = None
    weight: Annotated[int, Field(ge=0, le=1000)] = 1
    is_active: bool = True


class DelayDoc(Document):
    days: Annotated[int, Field(ge=0, le=3650)] = 0
    hours: Annotated[int, Field(ge=0, le=87_600)] = 0


class _StepDoc(Document):
    id: DocId
    next_step_id: DocId | None = None
    is_active: bool = True
    delay_days: Annotated[int, Field(ge=0)] = 0
    delay_hours: Annotated[int, Field(ge=0)] = 0


class EmailStepDoc(_StepDoc):
    kind: Literal["email"]
    subject: Text | None = None
    body: Annotated[str, Field(max_length=200_000)]
    variant_b: VariantDoc | None = None
    variant_split: Annotated[int, Field(ge=0, le=100)] = 50
    arms: Annotated[list[ArmDoc], Field(max_length=6)] = []


class WaitStepDoc(_StepDoc):
    kind: Literal["wait"]
    duration: Annotated[int, Field(ge=0)]
    unit: WaitUnit = "days"
    business_hours_only: bool = False


class EventTestDoc(Document):
    """True when the event happened to the named step's touch, or to any touch of the enrollment."""

    event: Literal["opened", "clicked", "replied", "delivered", "bounced"]
    step: DocId | None = None


class ConditionStepDoc(_StepDoc):
    kind: Literal["condition"]
    when: EventTestDoc
    true_next_step_id: DocId | None = None
    false_next_step_id: DocId | None = None
    within: DelayDoc | None = None


class TaskStepDoc(_StepDoc):
    """A call or a manual touch: it stands as a card, and the sequence goes on at its deadline."""

    kind: Literal["call", "task"]
    title: Annotated[str, Field(min_length=1, max_length=500)]
    description: Text | None = None
    task_kind: str | None = None
    queue: DocId = "sales"
    priority: Literal["low", "medium", "high"] = "medium"
    due: DelayDoc = DelayDoc(days=1)


StepDoc = Annotated[EmailStepDoc | WaitStepDoc | ConditionStepDoc | TaskStepDoc, Field(discriminator="kind")]


class TrackingDoc(Document):
    opens: bool = True
    clicks: bool = True


class CampaignDoc(Document):
    """A sequence of touches and how fast it may go (docs/behaviour.md 1 and 3)."""

    kind: Literal["Campaign"]
    id: DocId
    name: Annotated[str, Field(min_length=1, max_length=200)]
    description: Text | None = None
    goal: Goal = "acquisition"
    owner: str | None = None
    pool: DocId
    mailboxes: Annotated[list[DocId], Field(min_length=1)]
    preset: Literal["conservative", "standard", "aggressive"] | None = None
    send_rate_per_hour: Annotated[int, Field(ge=1)] | None = None
    send_batch_size: Annotated[int, Field(ge=1)] | None = None
    send_cycle_minutes: Annotated[int, Field(ge=1, le=60)] = 10
    daily_limit: Annotated[int, Field(ge=1)] | None = None
    limits: Literal["on", "off"] = "on"
    send_days: Annotated[list[Weekday], Field(min_length=1)] = ["monday", "tuesday", "wednesday", "thursday", "friday"]
    send_time_start: Annotated[int, Field(ge=0, le=23)] = 9
    send_time_end: Annotated[int, Field(ge=1, le=24)] = 17
    timezone: Zone | None = None
    holidays: list[date] = []
    start_at: Instant | None = None
    end_date: Annotated[date, Field(ge=date(1970, 1, 1))] | None = None
    evergreen: bool = False
    ab_testing_enabled: bool = False
    tracking: TrackingDoc = TrackingDoc()
    on_ambiguous: Literal["hold", "assume_sent"] = "assume_sent"
    after_reply: Literal["hold", "resume", "end"] = "hold"
    use_claude: bool = True
    steps: Annotated[list[StepDoc], Field(min_length=1, max_length=200)]
    lead_scoring_rules: list[dict[str, Any]] = []
    progression_rules: list[dict[str, Any]] = []


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


AnyDocument = Annotated[PoolDoc | MailboxDoc | CampaignDoc | ReplyRuleDoc, Field(discriminator="kind")]
