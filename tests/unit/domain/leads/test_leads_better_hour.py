"""Within the window, the hour at which a lead, else its campaign's others, opened before (docs/behaviour.md 3.4)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from agents.leads_habits import Habits
from domain.campaign import Window
from domain.leads import codec
from domain.leads.effects import Policy
from domain.leads.pacing import favourite
from schemas.enrollments import LeadData
from tests.support.leads import (
    DAY,
    HOUR,
    T0,
    Story,
    asks,
    campaign,
    email,
    enroll,
    facts,
    hit,
    in_force,
    result,
    wait,
)

OFFICE = Window(frozenset(range(5)), 9, 17)
STEPS = (email("intro", "pause"), wait("pause", "nudge", 1), email("nudge", subject=None))


def smart():
    return campaign(STEPS, smart_send_time=True, window=OFFICE)


def test_a_lead_that_opened_at_two_is_written_to_at_two():
    story = Story(in_force(smart()))
    [due] = asks(story.event(enroll()))  # nothing is known of it: at once
    assert due.at == T0
    story.event(result(due))
    story.until(T0 + 4 * HOUR)
    story.event(hit(at=T0 + 4 * HOUR + timedelta(minutes=20)))  # 14:20
    found = story.until(T0 + DAY)
    assert asks(found) == []
    [waiting] = [fact for fact in facts(found) if fact.type == "waiting"]
    assert (waiting.code, waiting.next_at) == ("better_hour", datetime(2026, 1, 6, 14, tzinfo=UTC))
    nudge = story.next_ask()
    assert nudge.at == datetime(2026, 1, 6, 14, tzinfo=UTC)


def test_the_hour_is_the_one_on_the_leads_own_clock():
    story = Story(in_force(smart()))
    person = LeadData(email="yuki@example.com", first_name="Yuki", timezone="Asia/Tokyo")
    [due] = asks(story.event(enroll(lead=person)))
    story.event(result(due))
    story.event(hit(at=datetime(2026, 1, 6, 2, 30, tzinfo=UTC)))  # 11:30 in Tokyo
    nudge = story.next_ask()
    assert nudge.at == datetime(2026, 1, 7, 2, 0, tzinfo=UTC)


def test_a_lead_that_never_opened_is_written_to_at_the_hour_of_its_campaigns_others():
    policy = Policy(habits=lambda campaign_id: (15, 15, 11) if campaign_id == "q1" else ())
    story = Story(in_force(smart()), policy)
    assert asks(story.event(enroll())) == []
    due = story.next_ask()
    assert due.at == datetime(2026, 1, 5, 15, tzinfo=UTC)


def test_an_hour_outside_the_window_is_no_reason_to_wait():
    story = Story(in_force(smart()), Policy(habits=lambda campaign_id: (22, 22, 6)))
    [due] = asks(story.event(enroll()))
    assert due.at == T0


def test_a_touch_that_is_tried_again_waits_for_no_better_hour():
    story = Story(in_force(smart()), Policy(habits=lambda campaign_id: (10,)))
    [due] = asks(story.event(enroll()))  # it is ten o'clock
    story.event(result(due, "deferred", code="451"))
    [again] = asks(story.after(HOUR))
    assert T0 < again.at < T0 + HOUR


def test_hours_are_remembered_only_where_a_campaign_asks_for_them():
    plain, story = Story(in_force(replace(smart(), smart_send_time=False))), Story(in_force(smart()))
    for one in (plain, story):
        [due] = asks(one.event(enroll()))
        one.event(result(due))
        one.event(hit())
    assert plain.lead is not None
    assert story.lead is not None
    assert plain.lead.hours == ()
    assert story.lead.hours == (11,)
    assert len(story.value or b"") - len(plain.value or b"") == len('"H":[11],')


async def test_a_campaigns_habits_are_those_of_its_leads_and_come_back_after_a_restart():
    known = smart()
    story = Story(in_force(known))
    [due] = asks(story.event(enroll()))
    story.event(result(due))
    before = story.value
    story.event(hit())
    live, rebuilt, unasked = Habits(), Habits(), Habits()
    for one in (live, rebuilt):
        one.follow({"q1": known})
    live.saw(before, story.lead)
    live.saw(story.value, story.lead)  # nothing new
    assert story.value is not None
    await rebuilt.rebuild([b'{"e":[]}', story.value])
    await unasked.rebuild([story.value])
    assert live.hours("q1") == rebuilt.hours("q1") == (11,)
    assert unasked.hours("q1") == ()
    assert codec.decode(story.value).hours == (11,)


@given(st.lists(st.integers(0, 23), max_size=8), st.integers(0, 23), st.integers(1, 24))
def test_the_favourite_hour_is_one_that_was_seen_and_lies_within_the_window(hours, start, end):
    window = Window(frozenset(range(7)), start, end)
    hour = favourite(hours, window)
    inside = [one for one in hours if start <= one < end]
    assert (hour is None) == (not inside)
    assert hour is None or (hour in inside and inside.count(hour) == max(map(inside.count, inside)))
