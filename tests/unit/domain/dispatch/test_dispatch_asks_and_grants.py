"""Repeats, withdrawals, answers, restarts, and what the ledger knows better."""

from dataclasses import replace
from random import Random
from zlib import crc32

import pytest

from domain.campaign import Window
from domain.dispatch.asks import Ask, Withdrawn, entry_domain, entry_of, entry_send_id
from domain.dispatch.grants import CHUNK, Slot, State, grant_id_of, read_chunk
from domain.dispatch.instants import DAY, HOUR, MINUTE, SECOND
from domain.dispatch.lanes import Lane
from domain.dispatch.limits import CampaignMeter
from domain.dispatch.partition import Granted
from tests.support.dispatching import World, ask, at, campaign, definitions, mailbox, send_id, touch


@pytest.fixture
def world() -> World:
    world = World(definitions(campaign(per_hour=3), mailbox()))
    world.advance(at("10:00"))
    return world


def test_a_repeated_ask_is_granted_once(world):
    world.ask(ask("one"), ask("one"), ask("one"))
    assert len(world.advance(at("10:00"))) == 1
    world.ask(ask("one"))
    assert world.advance(at("12:00")) == []


def test_a_repeated_ask_of_an_open_grant_tells_that_grant_again_and_an_answered_one_stays_silent(world):
    world.ask(ask("one"))
    [granted] = world.advance(at("10:00"))
    again = world.partition.offer(ask("one"))
    assert again is not None
    assert again.slot is granted.slot
    world.answer(granted)
    assert world.partition.offer(ask("one")) is None
    assert world.advance(at("12:00")) == []


@pytest.mark.parametrize("used", [True, False])
def test_a_higher_ask_no_is_a_new_ask_after_an_answer(world, used):
    world.ask(ask("one"))
    [granted] = world.advance(at("10:00"))
    world.answer(granted, used=used)
    world.ask(ask("one", ask_no=2))
    [again] = world.advance(at("10:05"))
    assert again.slot.ask_no == 2
    assert again.slot.grant_id > granted.slot.grant_id


def test_a_higher_ask_no_replaces_the_one_that_waits():
    world = World(definitions(campaign(status="paused"), mailbox()))
    world.ask(ask("one"), ask("one", ask_no=2, due_at=at("09:00")))
    world.ask(ask("one"))
    world.define(definitions(campaign(), mailbox()))
    granted = world.advance(at("10:00"))
    assert [(one.ask.ask_no, one.ask.due_at) for one in granted] == [(2, at("09:00"))]
    assert world.partition.waiting == 0


def test_a_touch_that_is_asked_for_again_while_it_waits_keeps_its_place_also_after_a_restart():
    world = World(definitions(campaign(per_hour=1), mailbox()))
    world.advance(at("10:00"))
    world.ask(*(ask(n, due_at=at("08:00") + n) for n in range(6)))
    world.advance(at("10:00"))
    for number in range(2, 40):
        world.ask(ask(1, ask_no=number, due_at=at("08:00") + 1))
    lane = world.partition._registry.lane("c", None)
    assert sum(len(queue.heap) for queue in lane.queues.values()) == 5, "its entry in the queue is the one it had"
    [second] = world.advance(at("11:00"))
    assert (second.ask.send_id, second.ask.ask_no) == (send_id(1), 39)
    world.ask(ask(2, ask_no=7, due_at=at("08:00") + 2))
    world.restart()
    [third] = world.advance(at("12:00"))
    assert (third.ask.send_id, third.ask.ask_no) == (send_id(2), 7)


def test_a_touch_that_is_asked_for_again_with_another_zone_keeps_its_place_in_that_zones_queue():
    office = campaign(window=Window(frozenset(range(5)), 9, 17))
    world = World(definitions(office, mailbox()))
    world.advance(at("10:00"))
    for number in range(3):
        world.ask(ask(number, zone="America/Los_Angeles"))
    assert world.advance(at("10:00")) == [], "there it is night"
    world.ask(ask(1, ask_no=2, zone="Europe/Stockholm"))
    [granted] = world.advance(at("10:00"))
    assert (granted.ask.send_id, granted.ask.ask_no) == (send_id(1), 2)
    world.ask(ask(2, ask_no=2, zone="Europe/Stockholm"), ask(2, ask_no=3, zone="America/Los_Angeles"))
    assert world.advance(at("10:00")) == []
    assert world.partition.waiting == 2
    assert sorted(one.ask.ask_no for one in world.advance(at("20:00"))) == [1, 3]
    assert (world.partition.waiting, world.by_reason()) == (0, {})


def test_a_withdrawn_touch_is_not_granted_and_no_late_ask_revives_it(world):
    world.ask(ask("one"))
    assert world.partition.withdraw(send_id("one"), 2, at("10:00"))
    assert world.advance(at("10:00")) == []
    for number in (1, 2):
        world.ask(ask("one", ask_no=number))
    assert world.advance(at("11:00")) == []
    world.restart()
    world.ask(ask("one", ask_no=2))
    assert world.advance(at("12:00")) == []


def test_a_withdrawal_that_comes_before_its_ask_holds(world):
    assert not world.partition.withdraw(send_id("one"), 1, at("10:00"))
    world.ask(ask("one"))
    assert world.advance(at("10:00")) == []


def test_a_late_withdrawal_never_kills_a_newer_ask(world):
    world.ask(ask("one", ask_no=3))
    assert not world.partition.withdraw(send_id("one"), 2, at("10:00"))
    assert len(world.advance(at("10:00"))) == 1


def test_a_withdrawn_touch_may_be_asked_for_anew_with_a_higher_number(world):
    for number in (1, 3, 5):
        world.ask(ask("one", ask_no=number))
        world.partition.withdraw(send_id("one"), number + 1, at("10:00"))
    world.ask(ask("one", ask_no=7))
    assert [one.ask.ask_no for one in world.advance(at("10:00"))] == [7]
    assert world.partition.waiting == 0
    assert world.by_reason() == {}


def test_tombstones_are_forgotten_after_seven_campaign_days_unless_made_again(world):
    world.partition.withdraw(send_id("one"), 1, world.partition.now)
    world.partition.withdraw(send_id("two"), 1, world.partition.now)
    world.advance(world.partition.now + 3 * DAY)
    world.partition.withdraw(send_id("two"), 2, world.partition.now)
    world.advance(at("10:00") + 7 * DAY - 1)
    assert set(world.waiting.rows) == {send_id("one"), send_id("two")}
    world.restart()
    world.advance(at("10:00") + 7 * DAY)
    assert world.waiting.rows == {send_id("two"): Withdrawn(2, at("10:00") + 3 * DAY)}
    world.advance(at("10:00") + 10 * DAY)
    assert world.waiting.rows == {}


def test_the_dead_of_a_lane_are_dropped_when_they_are_the_majority():
    lane = Lane(0, CampaignMeter("c"), None)
    asks = [ask(n) for n in range(1000)]
    for one in asks:
        lane.add(one)
    for one in asks[:900]:
        lane.withdraw(one)
    assert len(lane) == 100
    assert sum(len(queue.heap) for queue in lane.queues.values()) < 300
    left = []
    while (head := lane.head()) is not None:
        left.append(lane.pop(head[1]))
    assert len(left) == 100


def test_an_unused_grant_frees_its_slot_once_however_often_it_is_told(world):
    world.ask(*(ask(n) for n in range(9)))
    granted = world.advance(at("10:00"))
    assert len(granted) == 3
    assert world.answer(granted[0], used=False)
    assert not world.answer(granted[0], used=False)
    assert not world.answer(granted[0], used=True)
    assert world.instants(world.advance(at("10:20"))) == ["10:00"]
    assert not world.answer(granted[0], used=False)
    assert world.advance(at("10:40")) == []


def test_a_freed_slot_is_granted_at_once_and_never_earlier_than_now(world):
    world.ask(*(ask(n) for n in range(4)))
    granted = world.advance(at("10:00"))
    world.advance(at("10:30"))
    world.answer(granted[0], used=False)
    assert world.instants(world.advance(at("10:31"))) == ["10:30"]


def test_a_campaigns_slot_freed_at_one_mailbox_goes_to_a_touch_of_another():
    both = campaign(per_hour=1, mailbox_ids=("anna", "bert"))
    world = World(definitions(both, mailbox("anna"), mailbox("bert")))
    world.advance(at("10:00"))
    world.ask(ask("a", mailbox_id="anna", priority=0), ask("b", mailbox_id="bert"))
    [first] = world.advance(at("10:00"))
    world.advance(at("10:05"))
    world.answer(first, used=False)
    assert [one.slot.mailbox_id for one in world.advance(at("10:05"))] == ["bert"]


def test_no_timeout_frees_a_slot(world):
    world.ask(*(ask(n) for n in range(4)))
    world.advance(at("10:00"))
    world.define(definitions(campaign(), mailbox(per_day=3)))
    assert world.advance(at("23:59")) == []
    assert world.partition.open == 3


def test_an_answer_to_a_grant_that_was_never_made_changes_nothing(world):
    assert not world.partition.answer(grant_id_of(9, 9), used=False)


def test_grant_ids_sort_as_text_in_the_order_they_were_made_across_epochs(world):
    world.ask(*(ask(n) for n in range(3)))
    world.advance(at("10:00"))
    world.restart(epoch=12)
    world.ask(*(ask(n) for n in range(3, 9)))
    world.advance(at("12:00"))
    ids = [one.slot.grant_id for one in world.granted]
    assert ids == sorted(ids)
    assert len(set(ids)) == len(ids) == 9


def test_numbers_go_on_after_a_rebalance_that_kept_the_epoch(world):
    world.ask(ask("one"))
    world.advance(at("10:00"))
    world.restart(epoch=1)
    world.ask(ask("two"))
    world.advance(at("10:01"))
    assert [one.slot.grant_id for one in world.granted] == [grant_id_of(1, 1), grant_id_of(1, 2)]


def test_after_a_crash_before_the_state_was_written_the_open_grant_is_told_again_and_nothing_is_granted_in_its_place(
    world,
):
    world.ask(ask("one"), ask("two"))
    kept = dict(world.waiting.rows)
    granted = world.advance(at("10:00"))
    world.waiting.rows.update(kept)  # limits were written, the deletion from `waiting` was not
    again = world.restart()
    assert {one.slot.grant_id for one in again} == {one.slot.grant_id for one in granted}
    assert [one.ask for one in again] == [kept[one.slot.send_id] for one in again]
    assert world.waiting.rows == {}
    assert world.advance(at("12:00")) == []


def test_after_a_crash_an_answered_grant_is_neither_told_nor_granted_again(world):
    world.ask(ask("one"))
    kept = dict(world.waiting.rows)
    [granted] = world.advance(at("10:00"))
    world.answer(granted)
    world.save()
    world.waiting.rows.update(kept)
    assert world.restart() == []
    assert world.waiting.rows == {}
    assert world.advance(at("12:00")) == []


def test_slots_stay_taken_through_a_restart(world):
    world.ask(*(ask(n) for n in range(9)))
    world.advance(at("10:00"))
    world.restart()
    assert world.advance(at("10:59")) == []
    assert world.instants(world.advance(at("11:30"))) == ["11:00"] * 3


def foreign(name: object, clock: str, state: State = "used", **changes) -> Slot:
    known = Slot(
        grant_id_of(7, crc32(str(name).encode())), send_id(name), 0, "anna", "c", "example.org", at(clock), state
    )
    return replace(known, **changes)


def test_grants_that_only_the_ledger_knows_are_counted_and_written(world):
    again = world.restart(
        foreign=[foreign("a", "09:30"), foreign("b", "09:40", state="open"), foreign("u", "09:45", "unused")]
    )
    assert again == []
    world.advance(at("10:00"), since=at("10:00"))
    world.ask(*(ask(n) for n in range(9)))
    assert world.instants(world.advance(at("10:45"))) == ["10:00", "10:30", "10:40"]
    world.restart()
    assert world.partition.open == 1 + 3
    assert world.advance(at("10:59")) == []


def test_a_grant_the_ledger_has_an_answer_for_is_answered_once(world):
    world.ask(*(ask(n) for n in range(9)))
    granted = world.advance(at("10:00"))
    told = [replace(granted[0].slot, state="unused", chunk=None), replace(granted[1].slot, state="used", chunk=None)]
    world.restart(foreign=told)
    assert world.partition.open == 1
    assert not world.answer(granted[0], used=False)
    assert world.instants(world.advance(at("10:59"))) == ["10:00"]
    world.restart(foreign=told)
    assert world.advance(at("10:59")) == []


def test_a_grant_known_by_both_is_counted_once(world):
    world.ask(*(ask(n) for n in range(9)))
    granted = world.advance(at("10:00"))
    world.restart(foreign=[replace(one.slot, chunk=None) for one in granted[:2]])
    assert world.partition.open == 3
    assert world.advance(at("10:59")) == []
    assert len(world.advance(at("11:00"))) == 3


def test_what_is_asked_again_after_the_ledger_told_of_its_grant_is_not_granted_in_its_place(world):
    told = foreign("one", "09:59", "open")
    world.restart(foreign=[told])
    again = world.partition.offer(ask("one", ask_no=4))
    assert again is not None
    assert again.slot.grant_id == told.grant_id
    assert world.advance(at("12:00")) == []
    world.answer(again, used=False)
    world.ask(ask("one", ask_no=4))
    assert world.advance(at("12:00")) == []
    world.ask(ask("one", ask_no=5))
    assert len(world.advance(at("12:00"))) == 1


def test_what_waits_although_the_ledger_knows_its_open_grant_is_told_again_and_not_granted_anew(world):
    world.define(definitions(campaign(status="paused"), mailbox()))
    world.ask(ask("one", ask_no=4))
    told = foreign("one", "09:59", "open")
    again = world.restart(foreign=[told])
    assert [(one.slot.grant_id, one.ask.ask_no) for one in again] == [(told.grant_id, 4)]
    world.define(definitions(campaign(), mailbox()))
    assert world.advance(at("12:00")) == []
    assert world.waiting.rows == {}


def test_chunks_hold_fifty_grants_and_read_back_as_written():
    world = World(definitions(campaign('c"ü'), mailbox("a/b")))
    world.advance(at("10:00:30"))
    world.ask(*(ask(n, campaign_id='c"ü', mailbox_id="a/b") for n in range(120)))
    world.advance(at("10:00:30"))
    assert sorted((place.key, place.start_s) for place in world.windows) == [
        (f"a/b/{part}", at("10:00") // 1_000_000) for part in range(3)
    ]
    chunks = [read_chunk(place, value) for place, value in sorted(world.windows.items())]
    assert [len(chunk.slots) for chunk in chunks] == [CHUNK, CHUNK, 20]
    slots = [slot for chunk in chunks for slot in chunk.slots]
    assert [slot.grant_id for slot in slots] == [one.slot.grant_id for one in world.granted]
    assert {(slot.campaign_id, slot.mailbox_id, slot.state) for slot in slots} == {('c"ü', "a/b", "open")}
    assert all(len(value) < 10_000 for value in world.windows.values())


@pytest.mark.parametrize("restarts", [False, True])
def test_windows_are_deleted_after_26_hours_but_never_while_a_grant_is_open(restarts):
    world = World(definitions(campaign(), mailbox()))
    world.advance(at("10:00"))
    world.ask(ask("answered"))
    [answered] = world.advance(at("10:00"))
    world.advance(at("10:01"))
    world.ask(ask("open"))
    [still_open] = world.advance(at("10:01"))
    world.answer(answered)
    world.advance(at("10:02"))
    assert len(world.windows) == 2
    world.advance(at("10:00") + 40 * HOUR)
    assert len(world.windows) == 1
    if restarts:
        world.restart()
        world.advance(at("10:00") + 40 * HOUR, since=at("10:00") + 40 * HOUR)
    assert world.partition.open == 1
    world.answer(still_open)
    world.advance(at("10:00") + 41 * HOUR)
    assert world.windows == {}


def test_answered_grants_leave_room_for_open_ones_after_a_restart():
    world = World(definitions(campaign(), mailbox()), max_open=2)
    world.advance(at("10:00"))
    world.ask(*(ask(n) for n in range(5)))
    for one in world.advance(at("10:00")):
        world.answer(one)
    world.restart()
    assert len(world.advance(at("10:01"))) == 2


def test_an_answer_an_hour_late_is_written_before_its_chunk_is_forgotten():
    world = World(definitions(campaign(), mailbox(per_day=2)))
    world.advance(at("01:00"))
    world.ask(*(ask(n) for n in range(3)))
    first, second = world.advance(at("01:00"))
    world.advance(at("05:00"))
    world.answer(first, used=False)
    world.answer(second)
    assert world.instants(world.advance(at("05:00"))) == ["05:00"]
    world.restart()
    assert world.partition.open == 1
    assert world.advance(at("05:00") + 30 * MINUTE) == []


def test_entries_sort_by_priority_then_due_instant_then_send_id():
    asks = [replace(ask(n), priority=n % 3, due_at=at("08:00") + n % 7) for n in range(50)]
    wanted = sorted(asks, key=lambda one: (one.priority, one.due_at, one.send_id))
    assert [entry_send_id(entry) for entry in sorted(map(entry_of, asks))] == [one.send_id for one in wanted]
    assert entry_domain(entry_of(asks[0])) == entry_domain(entry_of(replace(asks[1], domain=asks[0].domain)))


def test_an_ask_takes_only_a_zone_that_exists_from_its_message():
    def zone_of(timezone: str | None) -> str | None:
        return Ask.of(touch("one", timezone=timezone), b"{}").zone

    assert [zone_of(name) for name in ("Europe/Paris", "UTC", "Atlantis/Capital", None)] == [
        "Europe/Paris",
        "UTC",
        None,
        None,
    ]


def test_a_chunk_is_always_written_as_its_grants_are_now():
    world = World(definitions(campaign(), mailbox()))
    world.advance(at("10:00"))
    random = Random(7)
    waits: list[Granted] = []
    for number in range(120):
        world.ask(ask(number))
        waits += world.advance(at("10:00") + number * SECOND)
        for _ in range(random.randrange(3)):
            if waits:
                world.answer(waits.pop(random.randrange(len(waits))), used=random.random() < 0.8)
        world.save()
        told = {
            slot.grant_id: slot.state
            for place, value in world.windows.items()
            for slot in read_chunk(place, value).slots
        }
        assert told == {one.slot.grant_id: one.slot.state for one in world.granted}


def test_a_grant_that_only_the_ledger_knew_is_written_with_the_number_of_its_ask_when_that_is_met(world):
    world.restart(foreign=[foreign("a", "09:30", "open"), foreign("b", "09:30", "open")])
    world.ask(ask("a", ask_no=3))
    assert world.partition.answer(foreign("b", "09:30").grant_id, used=True)
    world.save()
    [(place, value)] = world.windows.items()
    assert [slot.ask_no for slot in read_chunk(place, value).slots] == [3, 0]
