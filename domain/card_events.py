"""What a change of a card is told as on `card-events` (docs/behaviour.md 8.4)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.ids import event_id
from schemas.cards import CardEvent, CardEventType, CardState

NOBODY = "touchline"
"""Who changes a card that no person changes."""


def change_of(
    card: Mapping[str, Any],
    kind: CardEventType,
    actor: str,
    at: datetime,
    *,
    version: int | None = None,
    state: CardState | None = None,
    previous: CardState | None = None,
    code: str | None = None,
) -> CardEvent:
    """A change after which the card's row stands as `card` (or, on its way there, at `version` in `state`). Told again it
    has the same id.
    """
    at_version = card["version"] if version is None else version
    return _event(
        card, event_id("card-event", card["card_id"], at_version), kind, actor, at, card_version=at_version,
        state=card["state"] if state is None else state, previous_state=previous, code=code,
    )  # fmt: skip


def note_of(card: Mapping[str, Any], note_id: UUID, author: str, at: datetime) -> CardEvent:
    """A note that somebody wrote on a card; its words stay in Postgres."""
    return _event(
        card, event_id("card-note", note_id), "noted", author, at, card_version=card["version"], state=card["state"],
        note_id=note_id,
    )  # fmt: skip


def _event(card: Mapping[str, Any], name: str, kind: CardEventType, actor: str, at: datetime, **more: Any) -> CardEvent:
    same = ("card_id", "queue", "priority", "assigned_to", "due_at", "lead_id", "campaign_id", "enrollment_id",
            "step_id", "reply_id", "send_id")  # fmt: skip
    facts = {field: card[field] for field in same}
    return CardEvent(type=kind, event_id=name, card_type=card["type"], actor=actor, at=at, **facts, **more)
