"""Cards: which one a disposition or a due task makes, whose it is and until when (docs/behaviour.md 7.4, 7.6, 8.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from domain.ids import NAMESPACE
from schemas.cards import CardState
from schemas.replies import CardRoute, CardType, CategoryName, Disposition, DispositionName, Priority
from schemas.tasks import TaskDue


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

DUE_IN: Mapping[Priority, int] = {"high": 1, "medium": 2, "low": 5}
"""Business days until a card is due that nothing else gives a date."""
_WORKDAYS = 5


def due_by(priority: Priority, at: datetime) -> datetime:
    """The same time of day so many business days (Monday to Friday in UTC) after `at`."""
    left = DUE_IN[priority]
    while left:
        at += timedelta(days=1)
        left -= at.weekday() < _WORKDAYS
    return at


@dataclass(frozen=True, slots=True)
class Card:
    """A card as it begins: always `suggested`. `card_id` is the same whenever the same cause makes it again.

    Without a `due_at` it is due by its priority.
    """

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
    assigned_to: str | None = None
    action_payload: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.due_at is None:
            object.__setattr__(self, "due_at", due_by(self.priority, self.created_at))


def card_id(cause: UUID, card_type: str) -> UUID:
    """One card for each cause (a reply, or a step of an enrollment) and type."""
    return uuid5(NAMESPACE, f"card\x00{cause}\x00{card_type}")


def cards_of_disposition(said: Disposition) -> tuple[Card, ...]:
    """The cards that a classified reply makes: none, one, or two where its category needs a person besides."""
    return tuple(card_for(said, route) for route in routes_of(said))


def routes_of(said: Disposition) -> tuple[Routing, ...]:
    """Who gets a card of it. A user's route changes what is built in, and makes a card where none is when it names a type."""
    needs_person = said.category in NEEDS_PERSON
    base = ROUTING[said.disposition]
    if base is None:
        if not needs_person and (said.route is None or said.route.type is None):
            return ()
        base = MANUAL_REVIEW
    route = base if said.route is None else _routed(base, said.route)
    if needs_person and route.type != MANUAL_REVIEW.type:
        return route, MANUAL_REVIEW
    return (route,)


def _routed(base: Routing, route: CardRoute) -> Routing:
    return Routing(
        queue=route.queue or base.queue,
        priority=route.priority or base.priority,
        type=route.type or base.type,
        title=route.title or base.title,
        description=route.description or base.description,
    )


def card_for(said: Disposition, routing: Routing) -> Card:
    """The card of a classified reply for those whom `routing` names."""
    own = said.route
    told = (own.description if own is not None else None, said.summary)
    due_hours = own.due_hours if own is not None else None
    name = card_id(said.reply_id, routing.type)
    return Card(
        card_id=name,
        type=routing.type,
        queue=routing.queue,
        priority=routing.priority,
        title=routing.title.replace("{name}", said.lead_name or said.lead_id),
        description="\n\n".join(filter(None, told)) or routing.description,
        rationale=_reason(said),
        lead_id=said.lead_id,
        campaign_id=said.campaign_id,
        created_at=said.at,
        reply_id=said.reply_id,
        enrollment_id=said.enrollment_id,
        step_id=said.step_id,
        send_id=said.send_id,
        due_at=None if due_hours is None else said.at + timedelta(hours=due_hours),
        assigned_to=_share(name, own.assign_to) if own is not None and own.assign_to else None,
        action_payload=_payload(said, routing),
    )


def _share(card: UUID, people: Sequence[str]) -> str:
    """One of them, evenly over many cards and the same whenever the card is made again."""
    return people[card.int % len(people)]


def _reason(said: Disposition) -> str:
    by = f"rule {said.rule_id}" if said.rule_id is not None else said.decided_by
    if said.decided_by == "default" and said.why is not None:
        by += f" ({said.why})"  # such as no_key, overloaded, refused
    return f"{said.own_disposition or said.disposition} by {by}, confidence {said.confidence:.2f}"


def _payload(said: Disposition, routing: Routing) -> dict[str, object]:
    payload: dict[str, object] = {"disposition": said.own_disposition or said.disposition}
    category = said.own_category or said.category
    if category is not None:
        payload["category"] = category
    if said.entities:
        payload["entities"] = said.entities
    if routing.type == "reply_to_email" and said.draft_reply:
        payload["draft_reply"] = said.draft_reply
    if routing.type == "reply_to_email" and said.draft_faults:
        payload["draft_faults"] = said.draft_faults  # there is no draft: this is why
    return payload


@dataclass(frozen=True, slots=True)
class CardOfReply:
    """A card of a reply as it stands, as far as a new judgement of the reply cares."""

    card_id: UUID
    type: CardType
    state: CardState


@dataclass(frozen=True, slots=True)
class Replacing:
    """What a new judgement of a reply does to its cards: which are put up, rewritten (by id) and taken down."""

    put_up: tuple[Card, ...] = ()
    rewrite: tuple[Card, ...] = ()
    take_down: tuple[UUID, ...] = ()


def replacing(standing: Sequence[CardOfReply], wanted: Sequence[Card]) -> Replacing:
    """Cards that nobody has taken up follow the new judgement; those that people work on, or are done with, stay.

    One that becomes another type keeps its id, so that a later judgement can turn it back.
    """
    known = {card.type: card for card in standing}
    free = [card for card in standing if card.state == "suggested" and card.type not in {c.type for c in wanted}]
    put_up: list[Card] = []
    rewrite: list[Card] = []
    for card in wanted:
        there = known.get(card.type)
        if there is None and free:
            there = free.pop(0)
        if there is None:
            put_up.append(card)
        elif there.state == "suggested":
            rewrite.append(replace(card, card_id=there.card_id))
    return Replacing(tuple(put_up), tuple(rewrite), tuple(card.card_id for card in free))


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
        assigned_to=due.assigned_to,
        action_payload={"task_kind": due.task_kind}
        | ({"assigned_to": due.assigned_to} if due.assigned_to is not None else {}),
    )
