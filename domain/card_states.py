"""How a card may move, and what leads hear of where it came to (docs/behaviour.md 8.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.ids import event_id
from schemas.cards import CardState
from schemas.enrollments import ReplyHandled, TaskDone

MOVES: Mapping[CardState, tuple[CardState, ...]] = {
    "suggested": ("in_review", "rejected"),
    "in_review": ("approved", "rejected"),
    "approved": ("executing",),
    "executing": ("done", "blocked"),
    "blocked": ("approved", "rejected"),
    "done": (),
    "rejected": (),
}
"""Docs/behaviour.md 8.1, state by state."""

CLOSED: frozenset[CardState] = frozenset(state for state, onward in MOVES.items() if not onward)
"""States that no card leaves."""

Path = Mapping[CardState, tuple[CardState, ...]]
"""From each state in which a card may stand, the moves that it makes from there."""

TO_APPROVED: Path = {
    "suggested": ("in_review", "approved"),
    "in_review": ("approved",),
    "blocked": ("approved",),
}
TO_EXECUTING: Path = {
    "suggested": ("in_review", "approved", "executing"),
    "in_review": ("approved", "executing"),
    "approved": ("executing",),
    "blocked": ("approved", "executing"),
}
"""An approved mail's card: it is carried out as soon as the limits allow."""
TO_REJECTED: Path = {"suggested": ("rejected",), "in_review": ("rejected",), "blocked": ("rejected",)}
ANSWER_LEFT: Path = {"executing": ("done",)}
ANSWER_FAILED: Path = {"executing": ("blocked",)}


class IllegalCardMoveError(ValueError):
    """A state that cannot follow the present one; the message lists those that can."""

    def __init__(self, state: CardState, wanted: str) -> None:
        legal = ", ".join(MOVES[state]) or "none: it is final"
        super().__init__(f"a card that is {state} cannot become {wanted}; legal moves: {legal}")


def check_move(state: CardState, wanted: CardState) -> None:
    """Raise `IllegalCardMoveError` unless a card may go from `state` to `wanted`."""
    if wanted not in MOVES[state]:
        raise IllegalCardMoveError(state, wanted)


def way_to(state: CardState, wanted: CardState) -> tuple[CardState, ...]:
    """The shortest way of legal moves from one state to another; empty where it is there already.

    Raises IllegalCardMoveError where none leads there.
    """
    ways: dict[CardState, tuple[CardState, ...]] = {state: ()}
    line: list[CardState] = [state]
    while line:
        here = line.pop(0)
        if here == wanted:
            return ways[here]
        for following in MOVES[here]:
            if following not in ways:
                ways[following] = (*ways[here], following)
                line.append(following)
    raise IllegalCardMoveError(state, wanted)


@dataclass(frozen=True, slots=True)
class ClosedCard:
    """A card as it stands after a move, as far as the sequence cares."""

    card_id: UUID
    version: int
    state: CardState
    lead_id: str
    campaign_id: str | None
    enrollment_id: UUID | None
    step_id: str | None
    reply_id: UUID | None


def told_of(card: ClosedCard, at: datetime, *, is_last: bool) -> TaskDone | ReplyHandled | None:
    """What leads must hear of it: the end of a step's task, or that people are done with a reply (docs/behaviour.md 4.4,
    7.3). `is_last`: no other card of that reply is open. Told again it has the same id.
    """
    name = event_id("card", card.card_id, card.version)
    if card.reply_id is not None:
        if not is_last or card.state not in CLOSED:
            return None
        return ReplyHandled(event_id=name, lead_id=card.lead_id, reply_id=card.reply_id, at=at)
    if card.state not in ("done", "blocked", "rejected"):
        return None
    if card.campaign_id is None or card.enrollment_id is None or card.step_id is None:
        return None
    return TaskDone(
        event_id=name,
        lead_id=card.lead_id,
        campaign_id=card.campaign_id,
        enrollment_id=card.enrollment_id,
        step_id=card.step_id,
        outcome=card.state,
        at=at,
    )
