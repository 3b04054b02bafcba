"""Not too many touches for one person, whichever campaigns they are of (docs/behaviour.md 2.4)."""

from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.campaign import Fatigue
from domain.leads.effects import Effect
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
    in_force,
    result,
    wait,
    withdrawals,
)

THREE_A_WEEK = Fatigue(3, 7)


def named(number: int, **more: object):
    """A campaign of one email, whose touches count for fatigue."""
    more = {"fatigue": THREE_A_WEEK, **more}
    return campaign([email("intro")], f"c{number}", **more)


def story_of(*campaigns) -> Story:
    return Story(in_force(*campaigns))


def start(story: Story, campaign_id: str) -> list[Effect]:
    return story.event(enroll(campaign_id, event_id=f"enroll {campaign_id}"))


def send(story: Story, found: list[Effect], at: datetime | None = None) -> list[Effect]:
    [due] = asks(found)
    return story.event(result(due, granted_at=at or story.now, at=at or story.now))


def test_the_fourth_touch_in_a_week_waits_until_the_first_is_a_week_old_and_is_not_dropped():
    story = story_of(*(named(n) for n in range(4)))
    for number in range(3):
        send(story, start(story, f"c{number}"))
        story.after(DAY)
    found = start(story, "c3")
    assert asks(found) == []
    [waiting] = [fact for fact in facts(found) if fact.type == "waiting"]
    assert (waiting.code, waiting.next_at, waiting.campaign_id) == ("fatigue", T0 + 7 * DAY, "c3")
    assert asks(story.until(T0 + 7 * DAY - timedelta(microseconds=1))) == []
    [due] = asks(story.until(T0 + 7 * DAY))
    assert (due.campaign_id, due.due_at) == ("c3", T0 + 7 * DAY)


def test_a_touch_that_is_out_counts_as_if_it_had_left():
    story = story_of(named(0, fatigue=Fatigue(1, 7)), named(1, fatigue=Fatigue(1, 7)))
    first = start(story, "c0")
    assert asks(start(story, "c1")) == []
    found = send(story, first, T0 + HOUR)  # now it is known when it left, and so when the other may go
    assert asks(found) == []
    assert asks(story.until(T0 + 7 * DAY)) == []
    assert [due.campaign_id for due in asks(story.until(T0 + 7 * DAY + HOUR))] == ["c1"]


def test_a_touch_that_fails_makes_room_at_once():
    story = story_of(named(0, fatigue=Fatigue(1, 7)), named(1, fatigue=Fatigue(1, 7)))
    [due] = asks(start(story, "c0"))
    assert asks(start(story, "c1")) == []
    found = story.event(result(due, "failed", code="missing_variable:company"))
    assert [one.campaign_id for one in asks(found)] == ["c1"]


def test_a_campaign_without_fatigue_does_not_wait_but_its_touches_count_for_others():
    story = story_of(named(0, fatigue=None), named(1, fatigue=None), named(2, fatigue=Fatigue(2, 7)))
    send(story, start(story, "c0"))
    send(story, start(story, "c1"))
    found = start(story, "c2")
    assert asks(found) == []
    assert [fact.code for fact in facts(found) if fact.type == "waiting"] == ["fatigue"]
    story = story_of(named(0), named(1, fatigue=None))
    for n in range(2):
        send(story, start(story, f"c{n}"))
    assert story.enrollment("c1").status == "completed"


def test_what_is_out_already_is_asked_for_again_without_a_second_look():
    story = story_of(named(0, fatigue=Fatigue(1, 7)), named(1, fatigue=None))
    [due] = asks(start(story, "c0"))
    send(story, start(story, "c1"))
    [again] = asks(story.after(HOUR))  # no answer for an hour
    assert (again.send_id, again.ask_no) == (due.send_id, 2)


def test_a_lead_without_fatigue_costs_no_byte():
    story = story_of(named(0, fatigue=None))
    plain = story_of(named(0))
    start(story, "c0")
    start(plain, "c0")
    assert story.value == plain.value


def test_a_sequence_of_its_own_waits_and_late_touches_shift_the_rest():
    steps = (email("one", "w1"), wait("w1", "two", 1), email("two", "w2"), wait("w2", "three", 1), email("three"))
    story = story_of(campaign(steps, "c0", fatigue=Fatigue(2, 7)))
    send(story, start(story, "c0"))
    send(story, story.until(T0 + DAY))
    assert asks(story.until(T0 + 6 * DAY)) == []
    [third] = asks(story.until(T0 + 7 * DAY))
    assert third.step_id == "three"


plays = st.lists(
    st.tuples(
        st.sampled_from(["enroll", "sent", "failed", "expired", "deferred", "pass"]),
        st.integers(0, 5),
        st.integers(0, 60),
    ),
    max_size=60,
)


@settings(deadline=None)
@given(plays, st.integers(1, 3), st.integers(1, 4))
def test_never_more_than_so_many_touches_leave_in_so_many_days_however_late_they_are_granted(script, touches, days):
    fatigue = Fatigue(touches, days)
    story = story_of(*(named(n, fatigue=fatigue) for n in range(6)))
    out: dict[str, object] = {}
    left: list[datetime] = []

    def note(found: list[Effect]) -> None:
        for due in asks(found):
            out[due.campaign_id] = due

    for what, number, hours in script:
        if what == "enroll":
            note(start(story, f"c{number}"))
        elif what == "pass":
            note(story.after(hours * HOUR))
        elif (due := out.get(f"c{number}")) is not None:
            del out[f"c{number}"]
            if what == "sent":
                left.append(story.now)
            note(story.event(result(due, what, granted_at=story.now, at=story.now)))  # pyright: ignore[reportArgumentType]
    for at in left:
        assert sum(at - days * DAY < other <= at for other in left) <= touches
    for _ in range(100):  # and in the end everything goes: what waits is not dropped
        note(story.after(12 * HOUR))
        for campaign_id, due in list(out.items()):
            del out[campaign_id]
            note(story.event(result(due, granted_at=story.now, at=story.now)))  # pyright: ignore[reportArgumentType]
    assert not [e for e in story.enrollments if e.is_open]


def test_an_edit_that_allows_more_lets_the_waiting_touch_go_at_once():
    strict, free = named(1, fatigue=Fatigue(1, 7)), named(1, fatigue=Fatigue(2, 7), revision=2)
    story = story_of(named(0), strict)
    send(story, start(story, "c0"))
    assert asks(start(story, "c1")) == []
    story.after(HOUR)
    story.definitions = in_force(named(0), strict)
    found = story.define(named(0), free)
    assert [due.campaign_id for due in asks(found)] == ["c1"]


def test_a_campaign_that_stands_still_holds_others_up_for_an_hour_and_keeps_its_place():
    one, two = named(0, fatigue=Fatigue(1, 7)), named(1, fatigue=Fatigue(1, 7))
    story = story_of(one, two)
    [out] = asks(start(story, "c0"))
    assert asks(start(story, "c1")) == []
    found = story.define(replace(one, status="paused", revision=2), two)
    assert [taken.send_id for taken in withdrawals(found)] == [out.send_id]
    assert asks(found) == []
    assert asks(story.after(HOUR - timedelta(microseconds=1))) == []  # it may have left: that is known in an hour
    [due] = asks(story.after(timedelta(microseconds=1)))
    assert due.campaign_id == "c1"
    story.event(result(due, granted_at=story.now, at=story.now))
    assert asks(story.define(replace(one, revision=3), two)) == []  # it goes on, and waits its week
    [again] = asks(story.after(7 * DAY))
    assert (again.send_id, again.due_at) == (out.send_id, out.due_at)
    assert again.ask_no > out.ask_no


def test_what_had_left_before_its_campaign_stood_still_counts():
    one, two = named(0, fatigue=Fatigue(1, 7)), named(1, fatigue=Fatigue(1, 7))
    story = story_of(one, two)
    [out] = asks(start(story, "c0"))
    start(story, "c1")
    story.define(replace(one, status="paused", revision=2), two)
    story.after(HOUR / 2)
    story.event(result(out, granted_at=T0, at=story.now))  # it passed the gate before the pause
    assert asks(story.until(T0 + 7 * DAY - timedelta(microseconds=1))) == []
    assert [due.campaign_id for due in asks(story.until(T0 + 7 * DAY))] == ["c1"]
