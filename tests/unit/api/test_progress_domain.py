"""Figures kept by adding: the invariant of docs/behaviour.md 6.4, whatever the order of facts."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any, get_args
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ids import enrollment_id
from domain.lifecycle import MOVES, IllegalMoveError, check_move, opening_status
from domain.progress import BUCKETS, Move, UnknownStatusError, places, tally
from schemas.definitions import CampaignStatus
from schemas.engagements import Engagement

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


def fact(kind: str, **more: Any) -> Engagement:
    told: dict[str, Any] = {"type": kind, "event_id": "e", "lead_id": "l", "campaign_id": "c", "at": AT}
    return Engagement(**(told | more))


ENTRY = enrollment_id("c", "l")


class Store:
    """Where enrollments stand, as the projector's table has it; one batch of facts after another."""

    def __init__(self) -> None:
        self.standing: dict[UUID, str] = {}
        self.figures: Counter[str] = Counter()

    def take(self, facts: list[Engagement]) -> None:
        moves: list[Move] = []
        for enrollment, last in places(facts).items():
            assert last.status is not None
            was = self.standing.get(enrollment)
            self.standing[enrollment] = last.status
            if was != last.status:
                moves.append(Move("c", was, last.status, 1))
        for (_, step, _, name), count in tally(facts, moves).items():
            if not step:
                self.figures[name] += count


def whole(facts: list[Engagement]) -> dict[str, int]:
    store = Store()
    store.take(facts)
    return dict(store.figures)


STATUSES = st.sampled_from(sorted(BUCKETS))
WALKS = st.lists(st.lists(st.tuples(STATUSES, st.none() | STATUSES), min_size=1, max_size=6), max_size=6)


@given(WALKS, st.integers(1, 5))
def test_enrolled_is_the_sum_of_its_parts_whatever_facts_say_the_status_was_before(
    walks: list[list[tuple[str, str | None]]], size: int
) -> None:
    """After a crash, facts told from another order of events do not chain: where each stands is counted all the same."""
    facts = [
        fact("waiting", status=status, previous_status=was, enrollment_id=enrollment_id("c", str(number)))
        for number, walk in enumerate(walks)
        for status, was in walk
    ]
    store = Store()
    for start in range(0, len(facts), size):
        store.take(facts[start : start + size])
    ends = [moved[-1] for walk in walks if (moved := [BUCKETS[status] for status, was in walk if status != was])]
    assert store.figures["enrolled"] == len(ends)
    parts = {name: store.figures[name] for name in ("active", "completed", "paused", "exited")}
    assert {name: n for name, n in parts.items() if n} == dict(Counter(ends))
    assert sum(parts.values()) == len(ends)


def test_within_a_batch_the_last_fact_says_where_it_stands() -> None:
    facts = [
        fact("enrolled", status="enrolled", enrollment_id=ENTRY),
        fact("completed", status="completed", previous_status="active", enrollment_id=ENTRY),
        fact("paused", status="paused", previous_status="enrolled", enrollment_id=ENTRY),
    ]
    assert {name: n for name, n in whole(facts).items() if n} == {"enrolled": 1, "paused": 1}
    facts[1:] = reversed(facts[1:])
    assert {name: n for name, n in whole(facts).items() if n} == {"enrolled": 1, "completed": 1}


def test_only_the_first_open_of_a_touch_counts() -> None:
    opens = [fact("opened", step_id="s", variant="a", first=first) for first in (True, False, False)]
    assert tally(opens) == {("c", "", "", "emails_opened"): 1, ("c", "s", "a", "emails_opened"): 1}


def test_a_soft_bounce_is_undelivered_but_not_bounced_and_a_refused_address_was_never_sent() -> None:
    assert whole([fact("bounced", data={"kind": "soft"})]) == {"soft_bounced": 1, "undelivered": 1}
    assert whole([fact("bounced", data={"kind": "hard"})]) == {"bounced": 1, "undelivered": 1}
    assert whole([fact("bounced")]) == {"bounced": 1}


@pytest.mark.parametrize("kind", ["hard", "soft", "ours", "policy"])
def test_a_second_report_about_one_touch_takes_nothing_more_off_the_delivered_ones(kind: str) -> None:
    reports = [fact("bounced", data={"kind": kind}, first=first) for first in (True, False)]
    assert whole(reports) == whole(reports[:1])
    assert whole(reports)["undelivered"] == 1


def test_a_hard_report_after_a_soft_one_still_counts_as_bounced() -> None:
    reports = [
        fact("bounced", data={"kind": "soft"}, first=True, status="active", previous_status="active"),
        fact("bounced", data={"kind": "hard"}, first=False, status="bounced", previous_status="active"),
    ]
    assert whole(reports) == {"soft_bounced": 1, "undelivered": 1, "bounced": 1}


def test_a_refusal_counts_unless_the_lead_is_in_the_campaign() -> None:
    assert whole([fact("refused", code="campaign_closed"), fact("refused", code="already_enrolled")]) == {"refused": 1}


def test_a_status_that_counts_nowhere_is_an_error() -> None:
    with pytest.raises(UnknownStatusError, match="limbo"):
        places([fact("paused", status="limbo", previous_status="active", enrollment_id=ENTRY)])


def test_facts_of_no_campaign_add_nothing() -> None:
    assert tally([fact("unsubscribed", campaign_id=None)]) == {}


LEGAL = {
    ("draft", "scheduled"),
    ("draft", "active"),
    ("scheduled", "active"),
    ("scheduled", "paused"),
    ("scheduled", "completed"),
    ("active", "paused"),
    ("active", "completed"),
    ("paused", "active"),
    ("paused", "scheduled"),
    ("paused", "completed"),
    ("completed", "archived"),
}


@pytest.mark.parametrize("status", get_args(CampaignStatus))
@pytest.mark.parametrize("wanted", get_args(CampaignStatus))
def test_campaigns_move_as_the_table_says_and_a_refusal_lists_the_legal_moves(
    status: CampaignStatus, wanted: CampaignStatus
) -> None:
    if (status, wanted) in LEGAL:
        check_move("q1", status, wanted)
        return
    with pytest.raises(IllegalMoveError) as refused:
        check_move("q1", status, wanted)
    assert all(move in str(refused.value) for move in MOVES[status])


def test_a_campaign_with_a_start_in_the_future_is_scheduled() -> None:
    assert opening_status(None, AT) == "active"
    assert opening_status(AT, AT) == "active"
    assert opening_status(AT.replace(hour=10), AT) == "scheduled"
