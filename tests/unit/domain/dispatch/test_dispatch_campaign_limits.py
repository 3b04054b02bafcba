"""Campaign limits: rolling hour, rolling cycle, day, status, start and end (docs/behaviour.md 3.1)."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest

from domain.campaign import Window
from domain.dispatch.instants import NEVER
from tests.support.dispatching import ALWAYS, World, ask, at, campaign, definitions, mailbox, send_id

STANDARD = {"per_hour": 75, "batch_size": 25}


def standard(**changes) -> World:
    return World(definitions(campaign(**STANDARD, **changes), mailbox()))


def by_minute(world: World) -> dict[str, int]:
    return dict(Counter(world.instants()))


def test_the_standard_preset_sends_25_at_10_00_10_10_10_20_none_at_10_30_and_25_at_11_00():
    world = standard()
    world.ask(*(ask(n) for n in range(200)))
    for minute in range(0, 61, 10):
        world.advance(at("10:00") + minute * 60_000_000)
    assert by_minute(world) == {"10:00": 25, "10:10": 25, "10:20": 25, "11:00": 25}


def test_one_tick_of_an_hour_grants_the_same_each_at_its_own_instant():
    world = standard()
    world.advance(at("10:00"))
    world.ask(*(ask(n) for n in range(200)))
    world.advance(at("12:00"))
    assert by_minute(world) == {
        "10:00": 25,
        "10:10": 25,
        "10:20": 25,
        "11:00": 25,
        "11:10": 25,
        "11:20": 25,
        "12:00": 25,
    }


def test_a_grant_a_microsecond_short_of_an_hour_still_counts():
    world = standard()
    world.advance(at("10:00"))
    world.ask(*(ask(n) for n in range(76)))
    world.advance(at("11:00") - 1)
    assert len(world.granted) == 75
    world.advance(at("11:00"))
    assert len(world.granted) == 76


def test_what_was_due_before_the_first_tick_happens_at_it_and_is_never_back_dated():
    world = standard()
    world.ask(*(ask(n, due_at=at("09:00")) for n in range(30)))
    world.advance(at("14:00"))
    assert by_minute(world) == {"14:00": 25}


def test_time_that_passed_while_nobody_decided_is_not_granted_into():
    world = standard()
    world.advance(at("10:00"))
    world.ask(*(ask(n) for n in range(200)))
    world.advance(at("10:00"))
    world.advance(at("14:00"), since=at("14:00"))
    assert by_minute(world) == {"10:00": 25, "14:00": 25}


def test_an_older_instant_never_opens_an_older_window():
    world = standard()
    world.advance(at("12:00"))
    world.ask(*(ask(n) for n in range(200)))
    world.advance(at("12:00"))
    world.advance(at("10:00"))
    world.advance(at("11:59"))
    assert by_minute(world) == {"12:00": 25}
    assert world.partition.now == at("12:00")


def test_after_a_restart_time_goes_on_from_the_last_grant():
    world = standard()
    world.advance(at("12:00"))
    world.ask(*(ask(n) for n in range(200)))
    world.advance(at("12:00"))
    world.restart()
    world.advance(at("09:00"), since=at("09:00"))
    assert by_minute(world) == {"12:00": 25}


def test_a_touch_that_arrives_where_nothing_blocks_is_granted_without_waiting_for_a_tick():
    world = standard()
    world.advance(at("10:00"))
    world.ask(ask("one"))
    assert world.instants(world.advance(at("10:00:07"))) == ["10:00"]
    world.advance(at("10:00:08"))
    world.ask(ask("two"))
    assert world.instants(world.advance(at("10:00:08"))) == ["10:00:08"]


def test_the_day_turns_at_midnight_in_the_campaigns_zone():
    window = Window(frozenset(range(7)), 0, 24, zone="America/New_York")  # midnight is 05:00 UTC
    world = World(definitions(campaign(per_day=3, window=window), mailbox()))
    world.advance(at("02:00"))
    world.ask(*(ask(n) for n in range(9)))
    world.advance(at("23:00"))
    assert by_minute(world) == {"02:00": 3, "05:00": 3}


def test_a_day_of_25_hours_has_one_daily_limit():
    window = Window(frozenset(range(7)), 0, 24, zone="Europe/Berlin")
    world = World(definitions(campaign(per_day=2, window=window), mailbox()))
    autumn = int(datetime(2026, 10, 24, 22, tzinfo=UTC).timestamp()) * 1_000_000  # local midnight
    world.advance(autumn)
    world.ask(*(ask(n) for n in range(6)))
    world.advance(autumn + 26 * 3_600_000_000)
    assert [(one.slot.at - autumn) // 3_600_000_000 for one in world.granted] == [0, 0, 25, 25]


def test_the_limit_that_frees_last_is_the_one_that_is_named():
    world = World(definitions(campaign(per_hour=2, batch_size=1, per_day=5), mailbox()))
    world.advance(at("10:00"))
    world.ask(*(ask(n) for n in range(9)))
    seen = []
    for clock in ("10:00", "10:10", "11:00", "11:10", "12:00"):
        world.advance(at(clock))
        left = next(n for n in range(9) if send_id(n) in world.waiting.rows)
        why = world.partition.explain(send_id(left))
        assert why is not None
        seen.append((why.code, why.frees_at))
    assert seen == [
        ("campaign_cycle", at("10:10")),
        ("campaign_hour", at("11:00")),
        ("campaign_hour", at("11:10")),
        ("campaign_hour", at("12:00")),
        ("campaign_day", at("00:00", day=1)),
    ]


@pytest.mark.parametrize("status", ["draft", "scheduled", "paused", "completed", "archived"])
def test_a_campaign_that_is_not_active_gets_nothing_and_goes_on_when_it_is(status):
    world = World(definitions(campaign(status=status), mailbox()))
    world.ask(ask("one"))
    assert world.advance(at("10:00")) == []
    assert world.partition.explain(send_id("one")) == (f"campaign_{status}", NEVER, 0)
    world.define(definitions(campaign(), mailbox()))
    assert world.instants(world.advance(at("10:05"))) == ["10:00"]


def test_everything_stopped_grants_nothing():
    world = World(definitions(campaign(), mailbox(), stopped=True))
    world.ask(ask("one"))
    assert world.advance(at("10:00")) == []
    assert world.by_reason() == {"stopped": 1}


def test_an_unknown_campaign_waits_for_its_definition():
    world = World(definitions(mailbox()))
    world.ask(ask("one"))
    assert world.advance(at("10:00")) == []
    assert world.by_reason() == {"campaign_unknown": 1}
    world.define(definitions(campaign(), mailbox()))
    assert len(world.advance(at("10:01"))) == 1


def test_nothing_goes_before_start_at():
    world = World(definitions(campaign(start_at=datetime(2026, 3, 2, 11, 30, tzinfo=UTC)), mailbox()))
    world.advance(at("10:00"))
    world.ask(ask("one"))
    assert world.instants(world.advance(at("14:00"))) == ["11:30"]


def test_nothing_goes_after_end_date_and_dispatch_leaves_it_to_others():
    world = World(definitions(campaign(end_date=date(2026, 3, 2)), mailbox()))
    world.advance(at("23:59"))
    world.ask(ask("in time"))
    assert len(world.advance(at("23:59"))) == 1
    world.advance(at("00:00", day=1))
    world.ask(ask("late"))
    assert world.advance(at("09:00", day=3)) == []
    assert world.by_reason() == {"campaign_ended": 1}


def test_raising_a_limit_takes_effect_at_once():
    world = World(definitions(campaign(per_hour=1), mailbox()))
    world.advance(at("10:00"))
    world.ask(*(ask(n) for n in range(5)))
    world.advance(at("10:00"))
    world.define(definitions(campaign(per_hour=3), mailbox()))
    world.advance(at("10:05"))
    assert by_minute(world) == {"10:00": 3}
    world.define(definitions(campaign(per_hour=4, cycle=timedelta(minutes=1), window=ALWAYS), mailbox()))
    assert len(world.advance(at("10:06"))) == 1


@pytest.mark.parametrize("status", ["completed", "archived"])
def test_an_answer_to_a_reply_goes_when_its_campaign_is_over_and_nothing_else_does(status):
    world = World(definitions(campaign(status=status), mailbox()))
    world.advance(at("10:00"))
    world.ask(ask("step", mailbox_id="anna"), ask("answer", mailbox_id="anna", is_answer=True))
    world.advance(at("11:00"))
    assert [granted.ask.send_id for granted in world.granted] == [send_id("answer")]


def test_an_answer_to_a_reply_goes_after_the_end_date():
    world = World(definitions(campaign(end_date=date(2026, 3, 1)), mailbox()))
    world.advance(at("10:00"))
    world.ask(ask("step", mailbox_id="anna"), ask("answer", mailbox_id="anna", is_answer=True))
    world.advance(at("11:00"))
    assert [granted.ask.send_id for granted in world.granted] == [send_id("answer")]


@pytest.mark.parametrize("status", ["draft", "scheduled", "paused"])
def test_an_answer_to_a_reply_waits_while_its_campaign_is_held(status):
    world = World(definitions(campaign(status=status), mailbox()))
    world.ask(ask("answer", mailbox_id="anna", is_answer=True))
    world.advance(at("11:00"))
    assert world.granted == []


def test_answers_to_replies_and_touches_share_the_campaigns_limits():
    world = World(definitions(campaign(per_hour=10), mailbox()))
    world.advance(at("10:00"))
    world.ask(*(ask(n, mailbox_id="anna") for n in range(8)))
    world.ask(*(ask(f"answer {n}", mailbox_id="anna", is_answer=True) for n in range(8)))
    world.advance(at("10:59"))
    assert len(world.granted) == 10
