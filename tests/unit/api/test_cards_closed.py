"""The way of a card to its end, and what the sequence hears of it."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.card_states import MOVES, ClosedCard, IllegalCardMoveError, check_move, told_of, way_to
from schemas.cards import CardState
from schemas.enrollments import ReplyHandled, TaskDone

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
ID = UUID("7d9c2f0a-52f5-5a6e-8a3c-2f6b1d0e4a77")


@given(st.sampled_from(sorted(MOVES)), st.sampled_from(sorted(MOVES)))
def test_a_way_is_made_of_legal_moves_or_there_is_none(state: CardState, wanted: CardState) -> None:
    try:
        way = way_to(state, wanted)
    except IllegalCardMoveError:
        assert state != wanted
        return
    for following in way:
        check_move(state, following)
        state = following
    assert state == wanted


def test_the_ways_people_ask_for() -> None:
    assert way_to("suggested", "done") == ("in_review", "approved", "executing", "done")
    assert way_to("suggested", "rejected") == ("rejected",)
    assert way_to("blocked", "done") == ("approved", "executing", "done")
    assert way_to("done", "done") == ()
    with pytest.raises(IllegalCardMoveError):
        way_to("rejected", "done")


def closed(state: CardState, **more: Any) -> ClosedCard:
    facts: dict[str, Any] = {
        "card_id": ID,
        "version": 5,
        "state": state,
        "lead_id": "lead-1",
        "campaign_id": "q1",
        "enrollment_id": ID,
        "step_id": "call",
        "reply_id": None,
    }
    return ClosedCard(**(facts | more))


@pytest.mark.parametrize("state", ["done", "blocked", "rejected"])
def test_the_end_of_a_task_is_told_under_the_same_id_each_time(state: CardState) -> None:
    told = told_of(closed(state), AT, is_last=True)
    assert isinstance(told, TaskDone)
    assert (told.outcome, told.step_id, told.lead_id) == (state, "call", "lead-1")
    again = told_of(closed(state), AT, is_last=True)
    assert again is not None
    assert again.event_id == told.event_id


@pytest.mark.parametrize("state", ["suggested", "in_review", "approved", "executing"])
def test_a_move_on_the_way_is_told_nobody(state: CardState) -> None:
    assert told_of(closed(state), AT, is_last=True) is None
    assert told_of(closed(state, reply_id=ID), AT, is_last=True) is None


def test_a_reply_is_handled_when_its_last_card_is_closed() -> None:
    card = closed("done", reply_id=ID)
    assert told_of(card, AT, is_last=False) is None
    assert isinstance(told_of(card, AT, is_last=True), ReplyHandled)
    assert told_of(closed("blocked", reply_id=ID), AT, is_last=True) is None


def test_a_card_that_belongs_to_no_step_tells_nothing() -> None:
    assert told_of(closed("done", step_id=None), AT, is_last=True) is None
