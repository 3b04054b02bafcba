"""Zombies: what `Alive` and the watchdog notice."""

import asyncio
import threading
from typing import NoReturn

import pytest

from streams.alive import Alive
from streams.errors import Evicted, NotAlive
from streams.watchdog import Watchdog
from tests.support.waiting import wait_for


class Time:
    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


class Group:
    def __init__(self, time: Time) -> None:
        self.generation = 7
        self.heartbeat_at = time.at


class Died(BaseException):
    pass


def die(reason: str) -> NoReturn:
    raise Died(reason)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def group(time: Time) -> Group:
    return Group(time)


@pytest.fixture
def alive(time: Time, group: Group) -> Alive:
    made = Alive(10.0, now=time, die=die)
    made.joined(group, 7)
    return made


def test_a_worker_in_its_generation_with_fresh_heartbeats_may_write(alive: Alive, time: Time) -> None:
    time.at += 4.9
    alive.check()


def test_a_pulse_gap_past_half_of_the_session_ends_the_process(alive: Alive, time: Time, group: Group) -> None:
    time.at += 5.1
    group.heartbeat_at = time.at
    with pytest.raises(Died, match="stood still"):
        alive.check()


async def test_the_pulse_measures_its_own_gap_before_it_refreshes(alive: Alive, time: Time, group: Group) -> None:
    time.at += 5.1
    group.heartbeat_at = time.at
    with pytest.raises(Died, match="stood still"):
        await alive._pulse()


async def test_a_heartbeat_that_is_not_answered_is_waited_for_and_not_fatal(
    alive: Alive, time: Time, group: Group
) -> None:
    group.heartbeat_at = time.at - 5.1
    with pytest.raises(NotAlive):
        alive.check()
    confirming = asyncio.create_task(alive.confirm())
    await asyncio.sleep(0)
    assert not confirming.done()
    group.heartbeat_at = time.at
    await asyncio.wait_for(confirming, 5)


async def test_another_generation_is_eviction_at_once(alive: Alive, group: Group) -> None:
    group.generation = 8
    with pytest.raises(Evicted):
        alive.check()
    with pytest.raises(Evicted):
        await asyncio.wait_for(alive.confirm(), 5)


async def test_the_watchdog_fires_once_when_the_loop_stands_still_and_not_before() -> None:
    age = 0.0
    fired = threading.Event()
    watchdog = Watchdog(lambda: age, limit_s=30, every_s=0.005, on_stuck=fired.set)
    watchdog.start()
    await asyncio.sleep(0.05)
    assert not fired.is_set()
    age = 31.0
    await wait_for(fired.is_set, 5)
    watchdog.stop()
