"""`engagements` (public, key lead_id): everything that happened to a lead. Ids, instants and codes; no addresses, no bodies."""

from typing import ClassVar, Literal
from uuid import UUID

from schemas.base import Data, Identifier, Instant, Message

EngagementType = Literal[
    "enrolled",
    "refused",
    "step_skipped",
    "sent",
    "deferred",
    "failed",
    "ambiguous",
    "opened",
    "clicked",
    "replied",
    "bounced",
    "complained",
    "unsubscribed",
    "paused",
    "resumed",
    "held",
    "released",
    "completed",
    "exited",
    "delivered",
    "task_due",
    "task_done",
    "disposition",
    "score_changed",
    "progressed",
    "action_done",
    "waiting",
]


class Engagement(Message):
    """One fact of a lead's story. `status` is the enrollment's status after it."""

    TOPIC: ClassVar[str] = "engagements"
    type: EngagementType
    event_id: Identifier
    lead_id: Identifier
    campaign_id: Identifier | None = None
    campaign_version: int | None = None
    enrollment_id: UUID | None = None
    entry_no: int | None = None
    step_id: Identifier | None = None
    send_id: UUID | None = None
    mailbox_id: Identifier | None = None
    variant: str | None = None
    status: str | None = None
    previous_status: str | None = None
    next_at: Instant | None = None
    code: str | None = None
    first: bool | None = None
    data: Data = {}
    at: Instant
