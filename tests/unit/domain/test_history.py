"""What facts mean for the score: only what a person did, once; and how a lead's trend is read."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.history import mark_of, marks_of, trend
from domain.scoring import last_positive_at, worth_of
from schemas.engagements import Engagement

AT = datetime(2026, 3, 2, 9, 0, 0, 250_000, tzinfo=UTC)
DAY = timedelta(days=1)


def fact(kind: str, number: int = 1, **more: Any) -> Engagement:
    told: dict[str, Any] = {"type": kind, "event_id": f"{kind} {number}", "lead_id": "l", "campaign_id": "c", "at": AT}
    return Engagement(**(told | more))


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        (fact("opened", first=True, code="human"), "opened"),
        (fact("opened", first=False, code="human"), None),
        (fact("opened", first=False, code="prefetch"), None),
        (fact("clicked", first=True), "clicked"),
        (fact("replied", data={"disposition": "INTERESTED"}), "replied"),
        (fact("replied", data={"channel": "sms"}), "sms_replied"),
        (fact("held", code="reply"), None),
        (fact("held", code="out_of_office"), "away"),
        (fact("bounced", data={"kind": "hard"}), "bounced"),
        (fact("bounced"), "bounced"),
        (fact("bounced", data={"kind": "soft"}), None),
        (fact("bounced", data={"channel": "sms"}), None),
        (fact("task_done", code="done", data={"task_kind": "research"}), "task"),
        (fact("task_done", code="done", data={"task_kind": "schedule_call"}), "call"),
        (fact("task_done", code="rejected", data={"task_kind": "schedule_call"}), None),
        (fact("sent"), None),
    ],
)
def test_a_fact_is_a_mark_when_a_person_did_something_for_the_first_time(told: Engagement, kind: str | None) -> None:
    mark = mark_of(told)
    assert (mark.kind if mark is not None else None) == kind
    assert mark is None or mark.at == AT.replace(microsecond=0)


def test_facts_told_again_are_one_mark() -> None:
    told = [fact("opened", first=True), fact("clicked", first=True), fact("opened", first=True)]
    assert [mark.kind for mark in marks_of(told)] == ["opened", "clicked"]


@pytest.mark.parametrize(
    ("told", "is_positive"),
    [
        (fact("opened", first=True), False),
        (fact("clicked", first=True), True),
        (fact("replied", data={"disposition": "INTERESTED"}), True),
        (fact("replied", data={"disposition": "NOT_INTERESTED"}), False),
        (fact("replied", data={"disposition": "ESCALATE_UNCLEAR", "sentiment": 0.4}), True),
        (fact("replied", data={"disposition": "ESCALATE_UNCLEAR", "sentiment": -0.4}), False),
        (fact("task_done", code="done", data={"task_kind": "call"}), True),
    ],
)
def test_clicks_calls_and_friendly_answers_are_positive_and_opens_are_not(told: Engagement, is_positive: bool) -> None:
    assert (last_positive_at(marks_of([told])) is not None) == is_positive


def test_a_trend_compares_the_last_thirty_days_with_the_thirty_before() -> None:
    now = AT + 60 * DAY
    assert trend([], now) == "steady"
    assert trend([(5, now - 31 * DAY), (15, now - 29 * DAY)], now) == "rising"
    assert trend([(15, now - 31 * DAY), (5, now - 29 * DAY)], now) == "falling"
    assert trend([(99, now - 61 * DAY)], now) == "steady"


@given(
    st.lists(st.tuples(st.integers(0, 50), st.none() | st.floats(0.5, 90), st.integers(0, 99)), max_size=6),
    st.integers(0, 200),
)
def test_what_points_are_worth_never_grows_and_never_exceeds_their_sum(
    given_: list[tuple[int, float | None, int]], days: int
) -> None:
    changes = [(change, half_life, AT + after * DAY) for change, half_life, after in given_]
    total = sum(change for change, _, _ in changes)
    first, later = worth_of(changes, AT + days * DAY), worth_of(changes, AT + (days + 1) * DAY)
    assert later <= first + 1e-9
    assert first <= total + 1e-9
