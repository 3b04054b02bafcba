"""`inbound-replies`, `replies`, `dispositions`: an answer on its way in."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Base64Bytes, Field

from schemas.base import Data, Identifier, Instant, Message, Part, Text

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
MatchedBy = Literal["recipient_token", "in_reply_to", "references", "message_id", "sender_subject"]
DecidedBy = Literal["rule", "recogniser", "model", "default"]


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


class Disposition(Message):
    """The classified answer (public). Downstream and `leads` act on it; the projector makes its card."""

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
    at: Instant
