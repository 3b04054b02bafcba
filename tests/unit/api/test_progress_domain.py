"""Figures kept by adding: the invariant of docs/behaviour.md 6.4, whatever the order of facts."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.lifecycle import MOVES, IllegalMoveError, check_move, opening_status
from domain.progress import BUCKETS, UnknownStatusError, tally
from schemas.definitions import CampaignStatus
from schemas.engagements import Engagement

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


def fact(kind: str, **more: Any) -> Engagement:
    told: dict[str, Any] = {"type": kind, "event_id": "e", "lead_id": "l", "campaign_id": "c", "at": AT}
    return Engagement(**(told | more))


def whole(facts: list[Engagement]) -> Counter[str]:
    return Counter({name: n for (_, step, _, name), n in tally(facts).items() if not step})


@given(st.lists(st.lists(st.sampled_from(sorted(BUCKETS)), max_size=6), max_size=6))
def test_enrolled_is_the_sum_of_active_completed_paused_and_exited(walks: list[list[str]]) -> None:
    facts: list[Engagement] = []
    for walk in walks:
        facts.append(fact("enrolled", status="enrolled"))
        was = "enrolled"
        for status in walk:
            facts.append(fact("waiting", status=status, previous_status=was))
            was = status
    figures = whole(facts)
    assert figures["enrolled"] == len(walks)
    assert figures["enrolled"] == sum(figures[name] for name in ("active", "completed", "paused", "exited"))
    ends = Counter(BUCKETS[walk[-1] if walk else "enrolled"] for walk in walks)
    assert {name: n for name, n in figures.items() if name in ends} == dict(ends)


def test_only_the_first_open_of_a_touch_counts() -> None:
    opens = [fact("opened", step_id="s", variant="a", first=first) for first in (True, False, False)]
    assert tally(opens) == {("c", "", "", "emails_opened"): 1, ("c", "s", "a", "emails_opened"): 1}


def test_a_soft_bounce_is_undelivered_but_not_bounced_and_a_refused_address_was_never_sent() -> None:
    assert whole([fact("bounced", data={"kind": "soft"})]) == {"soft_bounced": 1, "undelivered": 1}
    assert whole([fact("bounced", data={"kind": "hard"})]) == {"bounced": 1, "undelivered": 1}
    assert whole([fact("bounced")]) == {"bounced": 1}


def test_a_refusal_counts_unless_the_lead_is_in_the_campaign() -> None:
    assert whole([fact("refused", code="campaign_closed"), fact("refused", code="already_enrolled")]) == {"refused": 1}


def test_a_status_that_counts_nowhere_is_an_error() -> None:
    with pytest.raises(UnknownStatusError, match="limbo"):
        tally([fact("paused", status="limbo", previous_status="active")])


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
