"""Cards: the routing table of docs/behaviour.md 7.4 and the states of 8.1, line by line."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any, get_args
from uuid import uuid4, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.card_states import MOVES, IllegalCardMoveError, check_move
from domain.cards import NEEDS_PERSON, ROUTING, CardOfReply, card_of_task, cards_of_disposition, due_by, replacing
from domain.ids import enrollment_id, send_id
from schemas.cards import CardState
from schemas.replies import CardRoute, CardType, Disposition, DispositionName, Priority
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


@pytest.mark.parametrize(("priority", "days"), [("high", 1), ("medium", 2), ("low", 5)])
@given(at=st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)))
def test_a_card_is_due_so_many_business_days_later_at_the_same_time_of_day(
    priority: Priority, days: int, at: datetime
) -> None:
    due = due_by(priority, at)
    between = [at + timedelta(days=n) for n in range(1, (due - at).days + 1)]
    assert sum(day.weekday() < 5 for day in between) == days
    assert (due.time(), due.weekday() < 5) == (at.time(), True)


def test_a_step_or_a_route_says_when_its_card_is_due() -> None:
    (card,) = cards_of_disposition(disposition("INTERESTED", route=CardRoute(due_hours=36)))
    assert card.due_at == AT + timedelta(hours=36)
    (plain,) = cards_of_disposition(disposition("INTERESTED"))
    assert plain.due_at == AT + timedelta(days=1)


def test_a_users_route_changes_what_it_names_and_leaves_the_rest() -> None:
    route = CardRoute(queue="reservations", title="Rooms for {name} {0}")
    (card,) = cards_of_disposition(
        disposition("INTERESTED", lead_name="Zoé", route=route, own_disposition="WANTS_ROOMS")
    )
    assert (card.queue, card.title, card.type, card.priority) == (
        "reservations", "Rooms for Zoé {0}", "schedule_call", "high",
    )  # fmt: skip
    assert card.rationale.startswith("WANTS_ROOMS by model")


def test_a_route_shares_its_cards_out_evenly_and_always_in_the_same_way() -> None:
    route = CardRoute(assign_to=["ann", "bob", "kim"])
    replies = [uuid5(ENTRY, str(number)) for number in range(600)]

    def shared() -> list[str | None]:
        return [
            cards_of_disposition(disposition("INTERESTED", reply_id=one, route=route))[0].assigned_to for one in replies
        ]

    assert shared() == shared()
    assert all(150 < count < 250 for count in Counter(shared()).values())
    assert set(shared()) == {"ann", "bob", "kim"}


def test_a_route_makes_a_card_where_none_is_built_in_only_when_it_names_a_type() -> None:
    assert cards_of_disposition(disposition("NOT_INTERESTED", route=CardRoute(queue="win_back"))) == ()
    (card,) = cards_of_disposition(disposition("NOT_INTERESTED", route=CardRoute(queue="win_back", type="research")))
    assert (card.queue, card.type) == ("win_back", "research")


@pytest.mark.parametrize("name", get_args(DispositionName))
@pytest.mark.parametrize("category", sorted(NEEDS_PERSON))
@pytest.mark.parametrize("route", [None, CardRoute(type="research", queue="other")])
def test_whatever_the_disposition_or_a_route_an_order_reaches_a_person(
    name: DispositionName, category: str, route: CardRoute | None
) -> None:
    cards = cards_of_disposition(disposition(name, category=category, route=route))
    assert [card.type for card in cards].count("needs_human_response") == 1


@given(
    st.lists(
        st.tuples(st.sampled_from(get_args(CardType)), st.sampled_from(get_args(CardState))), unique_by=lambda c: c[0]
    ),
    st.sampled_from(get_args(DispositionName)),
    st.sampled_from([None, "CASE", "STATUS"]),
)
def test_a_new_judgement_touches_only_suggested_cards_and_leaves_nothing_unsaid(
    there: list[tuple[CardType, CardState]], name: DispositionName, category: str | None
) -> None:
    standing = [CardOfReply(uuid4(), card_type, state) for card_type, state in there]
    wanted = cards_of_disposition(disposition(name, category=category))
    new = replacing(standing, wanted)
    touched = [*new.take_down, *(card.card_id for card in new.rewrite)]
    assert set(touched) == {card.card_id for card in standing if card.state == "suggested"}
    assert len(touched) == len(set(touched))
    types = {card.card_id: card.type for card in standing} | {
        card.card_id: card.type for card in (*new.rewrite, *new.put_up)
    }
    after = [card_type for known, card_type in types.items() if known not in new.take_down]
    assert {card.type for card in wanted} <= set(after)
    assert len(after) == len(set(after))
