"""`inbound-replies`, `replies`, `dispositions`: an answer on its way in."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Base64Bytes, Field

from schemas.base import Data, Identifier, Instant, Message, Part, Text
from schemas.sending import Thread

DispositionName = Literal[
    "INTERESTED",
    "NEEDS_MORE_INFO",
    "NO_ACTIVE_PROFILE",
    "ESCALATE_UNCLEAR",
    "NOT_INTERESTED",
    "OUT_OF_OFFICE",
    "UNSUBSCRIBE",
    "BOUNCE",
    "COMPLAINT",
    "AUTOMATED",
]
CategoryName = Literal[
    "AMC_ORDER",
    "OPPORTUNITY",
    "CASE",
    "STATUS",
    "SCHEDULING",
    "UPDATES",
    "AP",
    "AR",
    "INFORMATION",
    "NOTIFICATIONS",
    "REMOVE",
    "ESCALATE",
]
MatchedBy = Literal["recipient_token", "in_reply_to", "references", "message_id", "sender_subject", "hand"]
DecidedBy = Literal["rule", "recogniser", "model", "default"]
CardType = Literal[
    "send_email",
    "schedule_call",
    "research",
    "create_task",
    "follow_up",
    "create_deal",
    "reply_to_email",
    "needs_human_response",
]
Priority = Literal["low", "medium", "high"]


class InboundMail(Message):
    """Raw inbound mail, as a webhook or a mailbox gave it. `message_id` is the key and counts once."""

    TOPIC: ClassVar[str] = "inbound-replies"
    event_id: Identifier
    message_id: Annotated[str, Field(min_length=1, max_length=998)]
    source: Identifier
    received_at: Instant
    received_wall: Instant
    envelope_to: list[str] = []
    raw: Annotated[Base64Bytes, Field(description="The message as received (RFC 5322), base64.")]
    truncated: Annotated[
        bool, Field(description="Too long to keep whole: attachments, or the end of its text, were cut.")
    ] = False


class Reply(Message):
    """A matched answer, told at once: every enrollment of the lead is held until its disposition is known."""

    TOPIC: ClassVar[str] = "replies"
    event_id: Identifier
    reply_id: UUID
    lead_id: Identifier
    campaign_id: Identifier
    enrollment_id: UUID
    step_id: Identifier
    send_id: UUID
    matched_by: MatchedBy
    confidence: float
    at: Instant


class Bounce(Part):
    """A delivery report's verdict (RFC 3464) or a server's answer, by one code table."""

    kind: Literal["hard", "soft", "ours", "policy"]
    code: str | None = None


class CardRoute(Part):
    """What a user's routing says of the card. What it leaves out stays as it is built in; `{name}` is the person's name."""

    queue: str | None = None
    priority: Priority | None = None
    type: CardType | None = None
    title: Text | None = None
    description: Text | None = None
    due_hours: int | None = None
    assign_to: list[Identifier] | None = None


class AnswerTo(Part):
    """Whom a machine may answer, and in which thread: left out where it must not, or has nothing to say (docs/behaviour.md 7.6)."""

    email: Annotated[str, Field(max_length=320)]
    mailbox_id: Identifier
    timezone: str | None = None
    thread: Thread


class Disposition(Message):
    """The classified answer (public). Downstream and `leads` act on it; the projector makes its card.

    A reply that is judged anew (`touchline reclassify`) is told again with a higher `revision` and an id of its own.
    """

    TOPIC: ClassVar[str] = "dispositions"
    event_id: Identifier
    reply_id: UUID
    lead_id: Identifier
    campaign_id: Identifier
    enrollment_id: UUID
    step_id: Identifier
    send_id: UUID
    disposition: DispositionName
    category: CategoryName | None = None
    confidence: float
    sentiment: float | None = None
    entities: Data = {}
    summary: Text | None = None
    draft_reply: Text | None = None
    return_at: Instant | None = None
    bounce: Bounce | None = None
    matched_by: MatchedBy
    decided_by: DecidedBy
    lead_name: Text | None = None
    rule_id: str | None = None
    why: str | None = None
    own_disposition: str | None = None
    own_category: str | None = None
    draft_faults: list[str] = []
    route: CardRoute | None = None
    answer_to: AnswerTo | None = None
    revision: Annotated[int, Field(ge=0)] = 0
    replaces: DispositionName | None = None
    at: Instant
