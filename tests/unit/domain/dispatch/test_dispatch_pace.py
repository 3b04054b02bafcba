"""Warm-up, provider ceilings, human workdays and mailboxes that rest by themselves (docs/behaviour.md 3.2)."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.campaign import AutoPause, Mailbox, Ramp, WorkdayRanges
from domain.dispatch.instants import HOUR, MINUTE, NEVER, instant
from domain.ramp import cap_on
from domain.workday import Workday, as_text, plan, shift
from tests.support.dispatching import World, ask, at, campaign, definitions, mailbox

OFFICE_DAY = WorkdayRanges((8 * 60 + 30, 9 * 60 + 15), (16 * 60 + 30, 17 * 60 + 30), (12 * 60, 13 * 60), (30, 60))
ZONES = ["UTC", "Europe/Stockholm", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu"]


def world_of(box: Mailbox, asks: int, start: str = "00:00") -> World:
    world = World(definitions(campaign(), box))
    world.advance(at(start))
    world.ask(*(ask(n) for n in range(asks)))
    return world


def why(world: World) -> tuple[str, int]:
    """What holds back whatever waits: in these tests all that waits stands alike."""
    explained = world.partition.explain(max(world.waiting.rows))
    assert explained is not None
    return explained.code, explained.frees_at


def per_day(world: World, zone: str = "UTC") -> list[int]:
    days = Counter(instant(one.slot.at).astimezone(ZoneInfo(zone)).date() for one in world.granted)
    return [count for _, count in sorted(days.items())]


# -- warm-up -----------------------------------------------------------------------------------------------------------


def test_a_mailbox_that_warms_up_sends_more_each_day_up_to_its_cap():
    world = world_of(mailbox(ramp=Ramp(5, 3, 12)), 60)
    assert why(world) == ("ready", at("00:00"))
    world.advance(at("12:00"))
    assert why(world) == ("mailbox_ramp", at("00:00", 1))
    world.advance(at("12:00", 4))
    assert per_day(world) == [5, 8, 11, 12, 12]


def test_a_day_of_rest_and_a_day_on_which_nothing_left_raise_nothing():
    world = world_of(mailbox(ramp=Ramp(2, 2, 10)), 2)
    world.advance(at("12:00"))
    world.advance(at("12:00", 3))  # two days without a mail
    world.ask(*(ask(n) for n in range(10, 30)))
    given_back = world.advance(at("13:00", 3))
    assert len(given_back) == 4
    for one in given_back:
        world.answer(one, used=False)
    again = world.advance(at("14:00", 3))
    assert len(again) == 4
    for one in again:
        world.answer(one, used=False)
    world.definitions = definitions(campaign(), mailbox(ramp=Ramp(2, 2, 10)))
    assert len(world.advance(at("15:00", 3))) == 4


@pytest.mark.parametrize("hours", [1, 5, 30])
def test_a_warm_up_goes_on_after_restarts_and_through_quiet_days(hours: int):
    def run(restarts: bool) -> list[int]:
        world = world_of(mailbox(ramp=Ramp(2, 2, 10), zone="America/New_York"), 20)
        for number in range(12 * 24 // hours):
            world.advance(at("00:00") + number * hours * HOUR)
            if number == 60 // hours:
                world.ask(*(ask(100 + n) for n in range(40)))
            if restarts:
                world.restart()
        return per_day(world, "America/New_York")

    assert run(True) == run(False)


def test_the_ramp_counts_only_while_there_is_one():
    world = world_of(mailbox(per_day=3), 30)
    world.advance(at("12:00", 3))
    assert per_day(world) == [3, 3, 3, 3]
    world.define(definitions(campaign(), mailbox(ramp=Ramp(1, 1, 10))))
    world.advance(at("12:00", 6))
    assert per_day(world)[4:] == [1, 2, 3]


@given(st.integers(1, 50), st.integers(0, 20), st.integers(1, 100), st.integers(0, 200))
def test_a_ramp_never_falls_and_never_passes_its_cap(start, increment, cap, days):
    ramp = Ramp(start, increment, cap)
    assert cap_on(ramp, days) <= cap_on(ramp, days + 1) <= cap


# -- the provider's ceiling --------------------------------------------------------------------------------------------


def test_a_providers_ceiling_holds_over_any_24_hours_whatever_the_mailbox_may():
    world = world_of(mailbox(provider_per_day=3, per_day=10), 8, "22:00")
    world.advance(at("23:00"))
    assert len(world.granted) == 3
    assert why(world) == ("mailbox_provider", at("22:00", 1))  # midnight changes nothing
    assert world.instants(world.advance(at("23:00", 1))) == ["22:00"] * 3


# -- the workday -------------------------------------------------------------------------------------------------------


def test_a_mailbox_sends_within_its_drawn_workday_and_not_at_lunch():
    ranges = WorkdayRanges((540, 540), (1020, 1020), (720, 720), (45, 45), (6, 6), (2, 2))
    world = world_of(mailbox(workday=ranges), 30)
    world.advance(at("00:01"))
    assert why(world) == ("workday_off", at("09:00"))
    world.advance(at("09:30"))
    assert why(world) == ("workday_hour", at("10:00"))
    world.advance(at("12:10"))
    assert why(world)[0] == "workday_target"
    assert world.instants() == ["09:00"] * 2 + ["10:00"] * 2 + ["11:00"] * 2
    assert why(world) == ("workday_target", at("09:00", 1))
    world.define(definitions(campaign(), mailbox(workday=replace(ranges, daily_target=(30, 30)))))
    world.advance(at("12:20"))
    assert why(world) == ("workday_lunch", at("12:45"))
    assert world.instants(world.advance(at("13:00"))) == ["12:45"] * 2
    world.advance(at("17:00"))
    assert why(world) == ("workday_off", at("09:00", 1))


def test_a_days_plan_is_the_same_whenever_it_is_drawn_and_other_days_and_mailboxes_have_others():
    ranges = replace(OFFICE_DAY, daily_target=(30, 45), hourly_ceiling=(6, 9))
    day = date(2026, 3, 2)
    assert plan("anna", ranges, day) == plan("anna", ranges, day)
    plans = {plan(name, ranges, day + timedelta(days=n)) for name in ("anna", "bert") for n in range(20)}
    assert len(plans) == 40


def test_a_plan_is_shown_by_the_clock():
    shown = as_text(date(2026, 3, 2), Workday(8 * 60 + 42, 17 * 60 + 5, (12 * 60, 12 * 60 + 35), 31, None))
    assert shown == {
        "date": "2026-03-02",
        "start": "08:42",
        "finish": "17:05",
        "lunch": "12:00-12:35",
        "daily_target": 31,
        "hourly_ceiling": None,
    }


spans = st.tuples(st.integers(0, 1439), st.integers(0, 1439)).map(lambda pair: (min(pair), max(pair)))
workdays = st.builds(
    WorkdayRanges,
    spans,
    spans,
    st.none() | spans,
    st.tuples(st.integers(0, 120), st.integers(0, 120)),
    st.none() | st.tuples(st.integers(1, 50), st.integers(1, 50)),
    st.none() | st.tuples(st.integers(1, 9), st.integers(1, 9)),
)
days = st.dates(date(1990, 1, 1), date(2037, 12, 31))


@given(workdays, days, st.sampled_from(ZONES))
def test_every_plan_lies_in_its_ranges_and_in_order_on_any_clock(ranges, day, zone):
    drawn = plan("anna", ranges, day)
    assert ranges.start[0] <= drawn.start <= ranges.start[1]
    assert drawn.start < drawn.finish
    assert ranges.finish[0] <= drawn.finish <= ranges.finish[1] or drawn.finish == drawn.start + 1
    for value, given_ in ((drawn.target, ranges.daily_target), (drawn.hourly, ranges.hourly_ceiling)):
        assert (value is None) == (given_ is None)
        assert value is None or given_ is None or min(given_) <= value <= max(given_)
    if drawn.lunch is not None:
        assert drawn.start < drawn.lunch[0] < drawn.lunch[1] < drawn.finish
    shifted = shift("anna", ranges, day, ZoneInfo(zone))
    parts = [shifted.starts_at, *(shifted.lunch or ()), shifted.ends_at]
    assert parts == sorted(parts)
    assert all(part.tzinfo is UTC for part in parts)


def test_a_workday_keeps_its_local_hours_when_the_clocks_change():
    nine_to_five = WorkdayRanges((540, 540), (1020, 1020))
    zone = ZoneInfo("Europe/Stockholm")
    before, after = (shift("anna", nine_to_five, date(2026, 3, day), zone) for day in (28, 29))
    assert before.starts_at == datetime(2026, 3, 28, 8, tzinfo=UTC)
    assert after.starts_at == datetime(2026, 3, 29, 7, tzinfo=UTC)


@given(
    st.integers(1, 6),
    st.integers(1, 6),
    st.none() | st.integers(1, 8),
    st.lists(st.tuples(st.integers(0, 240), st.booleans(), st.booleans()), min_size=1, max_size=40),
)
def test_over_any_rolling_hour_no_scope_has_more_than_its_cap_whatever_arrives_pauses_or_is_killed(
    per_hour, ceiling, campaign_hour, script
):
    ranges = WorkdayRanges((0, 0), (1439, 1439), hourly_ceiling=(ceiling, ceiling))
    known = definitions(
        campaign(per_hour=campaign_hour, mailbox_ids=("anna", "bert")),
        mailbox("anna", per_hour=per_hour),
        mailbox("bert", workday=ranges),
    )
    world = World(known)
    now = at("00:00")
    world.advance(now)
    for number, (minutes, is_paused, is_killed) in enumerate(script):
        world.ask(*(ask(f"{number} {n}") for n in range(4)))
        if is_paused:
            world.pause("anna", now + minutes * MINUTE)
        now += minutes * MINUTE
        world.advance(now)
        if is_killed:
            world.restart()
    slots = [one.slot for one in world.granted]
    scopes = {("anna", None): per_hour, ("bert", None): ceiling, (None, "c"): campaign_hour}
    for (name, campaign_id), cap in scopes.items():
        mine = [
            slot.at for slot in slots if name in (None, slot.mailbox_id) and campaign_id in (None, slot.campaign_id)
        ]
        assert cap is None or all(sum(last - HOUR < other <= last for other in mine) <= cap for last in mine)


# -- resting -----------------------------------------------------------------------------------------------------------

RULES = AutoPause()


def sent(count: int, rules: AutoPause | None = RULES) -> World:
    world = world_of(mailbox(auto_pause=rules), count, "10:00")
    for one in world.advance(at("10:00")):
        world.answer(one)
    return world


def test_a_mailbox_whose_mails_bounce_by_5_percent_of_50_rests_until_it_is_resumed():
    world = sent(59)
    assert world.note("anna", "bounce", 0) is None
    assert world.note("anna", "bounce", 1) is None
    reason = world.note("anna", "bounce", 2)
    assert reason == "bounce_rate: 3 bounces of 59 mails in 7 days"
    world.ask(ask("next"))
    assert world.advance(at("12:00")) == []
    assert why(world) == ("mailbox_paused", NEVER)
    assert world.partition.rested == [("anna", reason)]
    world.restart()
    assert world.advance(at("12:00", 3)) == []
    world.resume("anna")
    assert len(world.advance(at("12:01", 3))) == 1
    assert world.note("anna", "bounce", 3) is None  # it is counted anew, from 50 mails on


def test_fewer_than_50_mails_tell_nothing_and_the_fiftieth_tells():
    world = sent(49)
    for number in range(10):
        assert world.note("anna", "bounce", number) is None
    world.ask(ask("fiftieth"), ask("next"))
    assert len(world.advance(at("11:00"))) == 1
    assert world.partition.rested == [("anna", "bounce_rate: 10 bounces of 50 mails in 7 days")]


def test_one_complaint_in_a_thousand_mails_is_enough():
    world = sent(1001)
    assert world.note("anna", "complaint", 0) is None
    assert world.note("anna", "complaint", 1) == "complaint_rate: 2 complaints of 1001 mails in 7 days"
    assert sent(1000).note("anna", "complaint", 0) == "complaint_rate: 1 complaints of 1000 mails in 7 days"


def test_a_bounce_that_is_told_twice_and_by_two_ways_counts_once():
    world = sent(60)
    for _ in range(10):
        assert world.note("anna", "bounce", 7) is None
    world.restart()
    assert world.note("anna", "bounce", 7) is None
    assert world.partition.rested == []


def test_what_is_older_than_seven_days_counts_no_more():
    world = sent(60)
    world.note("anna", "bounce", 0)
    world.note("anna", "bounce", 1)
    world.ask(*(ask(100 + n) for n in range(60)))
    for one in world.advance(at("10:00", 7)):
        world.answer(one)
    world.advance(at("10:00", 7))
    assert world.note("anna", "bounce", 2) is None


def test_a_mail_that_was_not_used_is_none_of_those_that_bounces_are_counted_of():
    world = world_of(mailbox(auto_pause=RULES), 60, "10:00")
    granted = world.advance(at("10:00"))
    for number, one in enumerate(granted):
        world.answer(one, used=number < 50)
    assert world.note("anna", "bounce", 0) is None
    assert world.note("anna", "bounce", 1) is None
    assert world.note("anna", "bounce", 2) == "bounce_rate: 3 bounces of 50 mails in 7 days"


def test_where_it_is_switched_off_nothing_rests():
    world = sent(100, None)
    assert [world.note("anna", "bounce", n) for n in range(100)] == [None] * 100


@pytest.mark.parametrize("restarts", [False, True])
def test_a_weeks_sends_are_known_though_their_grants_are_kept_for_26_hours(restarts: bool):
    world = World(definitions(campaign(), mailbox(auto_pause=RULES)))
    world.advance(at("10:00"))
    for day in range(6):
        world.ask(*(ask(f"{day} {n}") for n in range(10)))
        for one in world.advance(at("10:00", day)):
            world.answer(one)
        world.advance(at("12:00", day))
        if restarts:
            world.restart()
    reasons = [world.note("anna", "bounce", f"0 {n}") for n in range(3)]
    assert reasons == [None, None, "bounce_rate: 3 bounces of 60 mails in 7 days"]


def test_what_is_remembered_of_a_mailbox_does_not_grow_for_ever():
    world = World(definitions(campaign(), mailbox(auto_pause=AutoPause(min_sends=10**6))))
    world.advance(at("10:00"))
    for day in range(120):
        world.ask(ask(day))
        for one in world.advance(at("10:00", day)):
            world.answer(one)
        world.note("anna", "bounce", day)
        world.save()
    assert len(world.rows["anna"]) < 2_000


def resumed_after_three_bounces() -> World:
    world = World(definitions(campaign(), mailbox(auto_pause=AutoPause())))
    world.advance(at("10:00"))
    world.ask(*(ask(number) for number in range(60)))
    for one in world.advance(at("10:01")):
        world.answer(one)
    for number in range(3):
        world.note("anna", "bounce", number)
    world.partition.resume("anna", at("10:03"))
    return world


@pytest.mark.parametrize("crashes", [False, True])
def test_bounces_that_a_person_has_looked_at_count_no_more_when_they_are_told_again(crashes: bool) -> None:
    world = resumed_after_three_bounces()
    if crashes:
        world.restart()
    for number in range(3):
        assert not world.note("anna", "bounce", number)
    world.advance(at("10:04"))
    world.ask(*(ask(1000 + number) for number in range(55)))
    assert len(world.advance(at("10:10"))) == 55
