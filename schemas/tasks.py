"""`tasks` (key lead_id): a call or manual touch that fell due. It may name a person, so it is kept for 30 days only."""

from typing import ClassVar, Literal
from uuid import UUID

from schemas.base import Identifier, Instant, Message, Text


class TaskDue(Message):
    """What a person has to do, in words: the card is made of it. The fact itself stands on `engagements`, without words."""

    TOPIC: ClassVar[str] = "tasks"
    event_id: Identifier
    lead_id: Identifier
    campaign_id: Identifier
    enrollment_id: UUID
    step_id: Identifier
    title: Text
    description: Text = ""
    queue: Identifier
    priority: Literal["low", "medium", "high"] = "medium"
    task_kind: str
    assigned_to: Identifier | None = None
    due_at: Instant
    at: Instant
