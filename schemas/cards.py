"""`card-events` (public, key card_id): each change of a card, so that a team's own board can follow without asking.

Ids, states, codes and who did it: no names of leads, no texts (docs/behaviour.md 8).
"""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from schemas.base import Identifier, Instant, Message
from schemas.replies import CardType, Priority

CardState = Literal["suggested", "in_review", "approved", "executing", "done", "blocked", "rejected"]
CardEventType = Literal[
    "created",  # it was put up: always `suggested`, version 1
    "moved",  # from `previous_state` to `state`
    "assigned",  # handed to `assigned_to`, or (without one) to nobody
    "edited",  # its words, queue, priority or due date changed
    "noted",  # somebody wrote a note on it; the version stays
]


class CardEvent(Message):
    """One change of a card and how the card stands after it. A card's events are told in the order of its versions."""

    TOPIC: ClassVar[str] = "card-events"
    type: CardEventType
    event_id: Identifier
    card_id: UUID
    card_version: Annotated[int, Field(ge=1, description="The card's version after it.")]
    card_type: CardType
    state: CardState
    previous_state: CardState | None = None
    queue: Identifier
    priority: Priority
    assigned_to: Identifier | None = None
    actor: Annotated[Identifier, Field(description="Who did it; touchline: nobody in person.")]
    due_at: Instant | None = None
    lead_id: Identifier
    campaign_id: Identifier | None = None
    enrollment_id: UUID | None = None
    step_id: Identifier | None = None
    reply_id: UUID | None = None
    send_id: UUID | None = None
    note_id: UUID | None = None
    code: Annotated[str | None, Field(max_length=200, description="Why, where a machine did it.")] = None
    at: Instant
