"""Cards: which one a disposition or a due task makes, and how it may move (docs/behaviour.md 7.4, 7.6, 8.1)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID, uuid5

from domain.ids import NAMESPACE, event_id
from schemas.enrollments import ReplyHandled, TaskDone
from schemas.replies import CategoryName, Disposition, DispositionName
from schemas.tasks import TaskDue

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
CardState = Literal["suggested", "in_review", "approved", "executing", "done", "blocked", "rejected"]
Priority = Literal["low", "medium", "high"]

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
        if not is_last or card.state not in ("done", "rejected"):
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


@dataclass(frozen=True, slots=True)
class Routing:
    """Who gets the card of a disposition, and what it says. `{name}` is the person's name."""

    queue: str
    priority: Priority
    type: CardType
    title: str
    description: str


MANUAL_REVIEW = Routing(
    "sales_manager",
    "medium",
    "needs_human_response",
    "Review the reply of {name}",
    "Nobody but a person can say what this reply asks for.",
)

ROUTING: Mapping[DispositionName, Routing | None] = {
    "INTERESTED": Routing(
        "sales",
        "high",
        "schedule_call",
        "Schedule call with {name} - expressed interest",
        "The reply shows interest: agree on a time to talk.",
    ),
    "NEEDS_MORE_INFO": Routing(
        "account_manager",
        "medium",
        "reply_to_email",
        "Follow up with {name} - more info requested",
        "The reply asks a question: check the drafted answer and send it.",
    ),
    "NO_ACTIVE_PROFILE": Routing(
        "sales_admin",
        "high",
        "create_task",
        "Start onboarding of {name}",
        "The reply says that there is no active profile: onboard them.",
    ),
    "ESCALATE_UNCLEAR": MANUAL_REVIEW,
    "NOT_INTERESTED": None,
    "OUT_OF_OFFICE": None,
    "UNSUBSCRIBE": None,
    "BOUNCE": None,
    "COMPLAINT": None,
    "AUTOMATED": None,
}
"""Docs/behaviour.md 7.4, line by line."""

NEEDS_PERSON: frozenset[CategoryName] = frozenset({"AMC_ORDER", "CASE", "AP", "AR"})
"""Categories that always make a needs_human_response card (docs/behaviour.md 7.6)."""

TASK_CARDS: Mapping[str, CardType] = {
    "call": "schedule_call",
    "schedule_call": "schedule_call",
    "draft_email": "send_email",
    "send_email": "send_email",
    "research": "research",
    "follow_up": "follow_up",
    "create_deal": "create_deal",
    "create_task": "create_task",
    "check_portal": "create_task",
    "update_profile": "create_task",
}
"""The card of a step's `task_kind` (docs/behaviour.md 1.2); any other manual channel is a create_task."""


@dataclass(frozen=True, slots=True)
class Card:
    """A card as it begins: always `suggested`. `card_id` is the same whenever the same cause makes it again."""

    card_id: UUID
    type: CardType
    queue: str
    priority: Priority
    title: str
    description: str
    rationale: str
    lead_id: str
    campaign_id: str | None
    created_at: datetime
    reply_id: UUID | None = None
    enrollment_id: UUID | None = None
    step_id: str | None = None
    send_id: UUID | None = None
    due_at: datetime | None = None
    action_payload: Mapping[str, object] = field(default_factory=dict)


def card_id(cause: UUID, card_type: str) -> UUID:
    """One card for each cause (a reply, or a step of an enrollment) and type."""
    return uuid5(NAMESPACE, f"card\x00{cause}\x00{card_type}")


def cards_of_disposition(said: Disposition) -> tuple[Card, ...]:
    """The cards that a classified reply makes: none, one, or two where its category needs a person besides."""
    routes = [route for route in (ROUTING[said.disposition],) if route is not None]
    if said.category in NEEDS_PERSON and MANUAL_REVIEW not in routes:
        routes.append(MANUAL_REVIEW)
    return tuple(_card_of_reply(said, route) for route in routes)


def _card_of_reply(said: Disposition, route: Routing) -> Card:
    payload: dict[str, object] = {"disposition": said.disposition}
    if said.category is not None:
        payload["category"] = said.category
    if said.entities:
        payload["entities"] = said.entities
    if route.type == "reply_to_email" and said.draft_reply:
        payload["draft_reply"] = said.draft_reply
    return Card(
        card_id=card_id(said.reply_id, route.type),
        type=route.type,
        queue=route.queue,
        priority=route.priority,
        title=route.title.format(name=said.lead_name or said.lead_id),
        description=said.summary or route.description,
        rationale=f"{said.disposition} by {said.decided_by}, confidence {said.confidence:.2f}",
        lead_id=said.lead_id,
        campaign_id=said.campaign_id,
        created_at=said.at,
        reply_id=said.reply_id,
        enrollment_id=said.enrollment_id,
        step_id=said.step_id,
        send_id=said.send_id,
        action_payload=payload,
    )


def _cause(due: TaskDue) -> str:
    """What made a card: a click, an action of a step or rule (`hot 2[0]`), or a step that fell due."""
    if due.step_id == "follow-up:clicked":
        return "a click on a link"
    return f"action {due.step_id}" if due.step_id.endswith("]") else f"the due step {due.step_id}"


def card_of_task(due: TaskDue) -> Card:
    """The card of a call or manual touch that fell due."""
    card_type = TASK_CARDS.get(due.task_kind, "create_task")
    return Card(
        card_id=card_id(uuid5(due.enrollment_id, due.step_id), card_type),
        type=card_type,
        queue=due.queue,
        priority=due.priority,
        title=due.title or due.task_kind.replace("_", " ").capitalize(),
        description=due.description,
        rationale=f"{_cause(due)} of campaign {due.campaign_id}",
        lead_id=due.lead_id,
        campaign_id=due.campaign_id,
        created_at=due.at,
        enrollment_id=due.enrollment_id,
        step_id=due.step_id,
        due_at=due.due_at,
        action_payload={"task_kind": due.task_kind}
        | ({"assigned_to": due.assigned_to} if due.assigned_to is not None else {}),
    )
