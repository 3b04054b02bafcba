"""Cards: the routing table of docs/behaviour.md 7.4 and the states of 8.1, line by line."""

from datetime import UTC, datetime
from typing import Any, get_args
from uuid import uuid4

import pytest

from domain.cards import (
    MOVES,
    NEEDS_PERSON,
    ROUTING,
    CardState,
    CardType,
    IllegalCardMoveError,
    card_of_task,
    cards_of_disposition,
    check_move,
)
from domain.ids import enrollment_id, send_id
from schemas.replies import Disposition, DispositionName
from schemas.tasks import TaskDue

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
ENTRY = enrollment_id("q1", "lead-1")

TABLE = {
    "INTERESTED": ("sales", "high", "schedule_call"),
    "NEEDS_MORE_INFO": ("account_manager", "medium", "reply_to_email"),
    "NO_ACTIVE_PROFILE": ("sales_admin", "high", "create_task"),
    "ESCALATE_UNCLEAR": ("sales_manager", "medium", "needs_human_response"),
    "NOT_INTERESTED": None,
    "OUT_OF_OFFICE": None,
    "UNSUBSCRIBE": None,
    "BOUNCE": None,
    "COMPLAINT": None,
    "AUTOMATED": None,
}


def disposition(name: str, **more: Any) -> Disposition:
    defaults: dict[str, Any] = {
        "event_id": "e",
        "reply_id": uuid4(),
        "lead_id": "lead-1",
        "campaign_id": "q1",
        "enrollment_id": ENTRY,
        "step_id": "intro",
        "send_id": send_id(ENTRY, "intro"),
        "disposition": name,
        "confidence": 0.93,
        "matched_by": "in_reply_to",
        "decided_by": "model",
        "at": AT,
    }
    return Disposition(**(defaults | more))


@pytest.mark.parametrize("name", get_args(DispositionName))
def test_each_disposition_makes_the_card_of_the_table(name: DispositionName) -> None:
    cards = cards_of_disposition(disposition(name, lead_name="Ann"))
    assert set(ROUTING) == set(TABLE)
    expected = TABLE[name]
    assert [(card.queue, card.priority, card.type) for card in cards] == ([] if expected is None else [expected])


def test_titles_name_the_person_or_else_the_lead() -> None:
    (named,) = cards_of_disposition(disposition("INTERESTED", lead_name="Zoé Martin"))
    (unnamed,) = cards_of_disposition(disposition("INTERESTED"))
    assert named.title == "Schedule call with Zoé Martin - expressed interest"
    assert unnamed.title == "Schedule call with lead-1 - expressed interest"


def test_a_name_with_braces_stays_a_name() -> None:
    (card,) = cards_of_disposition(disposition("INTERESTED", lead_name="{0.__class__} {name}"))
    assert card.title == "Schedule call with {0.__class__} {name} - expressed interest"


@pytest.mark.parametrize("category", sorted(NEEDS_PERSON))
def test_orders_cases_and_invoices_always_reach_a_person(category: str) -> None:
    types = [card.type for card in cards_of_disposition(disposition("INTERESTED", category=category))]
    assert types == ["schedule_call", "needs_human_response"]
    alone = [card.type for card in cards_of_disposition(disposition("ESCALATE_UNCLEAR", category=category))]
    assert alone == ["needs_human_response"]


def test_the_same_reply_and_type_have_the_same_card_id() -> None:
    reply = uuid4()
    (first,) = cards_of_disposition(disposition("INTERESTED", reply_id=reply))
    (again,) = cards_of_disposition(disposition("INTERESTED", reply_id=reply, event_id="other"))
    (different,) = cards_of_disposition(disposition("ESCALATE_UNCLEAR", reply_id=reply))
    assert first.card_id == again.card_id
    assert first.card_id != different.card_id


def test_a_draft_stands_on_the_card_that_asks_for_an_answer() -> None:
    (card,) = cards_of_disposition(disposition("NEEDS_MORE_INFO", draft_reply="Dear Zoé"))
    assert card.action_payload["draft_reply"] == "Dear Zoé"


LEGAL = {
    ("suggested", "in_review"),
    ("suggested", "rejected"),
    ("in_review", "approved"),
    ("in_review", "rejected"),
    ("approved", "executing"),
    ("executing", "done"),
    ("executing", "blocked"),
    ("blocked", "approved"),
    ("blocked", "rejected"),
}


@pytest.mark.parametrize("state", get_args(CardState))
@pytest.mark.parametrize("wanted", get_args(CardState))
def test_cards_move_as_the_table_says_and_no_other_way(state: CardState, wanted: CardState) -> None:
    assert set(MOVES) == set(get_args(CardState))
    if (state, wanted) in LEGAL:
        check_move(state, wanted)
    else:
        with pytest.raises(IllegalCardMoveError, match=state):
            check_move(state, wanted)


@pytest.mark.parametrize(
    ("kind", "card_type"),
    [
        ("call", "schedule_call"),
        ("draft_email", "send_email"),
        ("check_portal", "create_task"),
        ("letter", "create_task"),
    ],
)
def test_a_due_task_makes_the_card_of_its_kind(kind: str, card_type: CardType) -> None:
    due = TaskDue(
        event_id="e",
        lead_id="lead-1",
        campaign_id="q1",
        enrollment_id=ENTRY,
        step_id="call",
        title="Call Zoé",
        task_kind=kind,
        queue="inside",
        priority="high",
        due_at=AT,
        at=AT,
    )
    card = card_of_task(due)
    assert (card.type, card.title, card.queue, card.priority, card.due_at) == (
        card_type,
        "Call Zoé",
        "inside",
        "high",
        AT,
    )
    assert card_of_task(due.model_copy(update={"event_id": "again"})).card_id == card.card_id
