"""Caps to draw against, counts by local day, and people who are drawn and not rolled."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid5

from domain.campaign import Definitions, Ramp, Window, WorkdayRanges
from domain.dispatch.instants import HOUR, micros
from domain.simulation.caps import campaign_cap, day_cap, open_hours, sender_cap, zones_of
from domain.simulation.people import LONGEST, SOONEST, Rates, acts_on
from domain.simulation.tally import Sent, Tally
from domain.windows import zone_of
from tests.support.dispatching import campaign, mailbox

MONDAY, SUNDAY = date(2026, 3, 2), date(2026, 3, 1)
UTC_ZONE = zone_of(None, None, None)
NINE_TO_FIVE = Window(frozenset(range(5)), 9, 17)
SPACE = UUID(int=7)


def test_a_day_without_a_window_has_a_cap_of_none_at_all() -> None:
    known = Definitions({}, {"anna": mailbox(per_day=9)})
    one = campaign(window=NINE_TO_FIVE, per_hour=5)
    assert day_cap(one, known, {UTC_ZONE}, SUNDAY, {}) == 0
    assert day_cap(one, known, {UTC_ZONE}, MONDAY, {}) == 9
    assert day_cap(one, Definitions({}, {"anna": mailbox()}), {UTC_ZONE}, MONDAY, {}) == 40


def test_leads_in_many_zones_keep_the_window_open_for_longer() -> None:
    zones = zones_of(campaign(window=NINE_TO_FIVE), Definitions({}, {}), ["Asia/Tokyo", None])
    assert open_hours(NINE_TO_FIVE, {UTC_ZONE}, MONDAY) == 8
    assert open_hours(NINE_TO_FIVE, zones, MONDAY) == 16


def test_the_smallest_of_a_mailbox_s_caps_counts() -> None:
    ramp, workday = Ramp(5, 2, 50), WorkdayRanges((540, 540), (1020, 1020), daily_target=(3, 3))
    assert sender_cap(mailbox(per_day=30, per_hour=2), 8, MONDAY, 0) == 16
    assert sender_cap(mailbox(per_day=30, ramp=ramp), 8, MONDAY, 4) == 13
    assert sender_cap(mailbox(per_day=30, ramp=ramp, workday=workday), 8, MONDAY, 4) == 3
    assert sender_cap(mailbox(gap_s=(3600.0, 7200.0)), 8, MONDAY, 0) == 9
    assert sender_cap(mailbox(), 8, MONDAY, 0) is None
    assert campaign_cap(campaign(), 8) is None


def test_touch_time_is_split_at_the_local_midnight() -> None:
    tally = Tally(zone_of("Europe/Paris", None, None))
    since = datetime(2026, 3, 2, 22, 0, tzinfo=UTC)  # 23:00 in Paris
    tally.passed(micros(since), micros(since) + 3 * HOUR, {"window_closed": 2})
    assert tally.waiting_hours() == {"window_closed": 6.0}
    assert tally.mean_backlog(MONDAY) == {"window_closed": 2 / 24}
    assert tally.mean_backlog(date(2026, 3, 3)) == {"window_closed": 4 / 24}
    tally.sent(Sent("lead", "intro", "a", "anna", since))
    assert tally.per_day == {MONDAY: 1}


def test_people_do_the_same_whenever_they_are_asked_at_about_the_rates_assumed() -> None:
    rates = Rates(0.4, 0.1, 0.2)
    ids = [uuid5(SPACE, str(number)) for number in range(4000)]
    acts = [acts_on(send_id, rates, 1) for send_id in ids]
    assert acts == [acts_on(send_id, rates, 1) for send_id in ids]
    for kind, share in (("open", 0.4), ("click", 0.1), ("reply", 0.2)):
        assert abs(sum(any(act.kind == kind for act in one) for one in acts) / len(acts) - share) < 0.03
    assert all(SOONEST <= act.after <= 2 * LONGEST for one in acts for act in one)
    assert all(one[0].after < one[1].after for one in acts if len(one) > 1 and one[1].kind == "click")


def test_nobody_opens_at_a_rate_of_none_and_everybody_at_one() -> None:
    assert acts_on(SPACE, Rates(0, 0, 0), 1) == ()
    assert [act.kind for act in acts_on(SPACE, Rates(1, 1, 1), 1)] == ["open", "click", "reply"]


def test_a_ramp_that_has_ended_caps_no_more_than_its_own_cap() -> None:
    grown = replace(mailbox(), ramp=Ramp(5, 10, 50))
    assert sender_cap(grown, 8, MONDAY, 400) == 50
    assert timedelta(0) < SOONEST
