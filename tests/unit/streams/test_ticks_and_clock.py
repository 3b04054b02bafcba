"""The clock as a stream: monotone, one at a time, and never far ahead of Postgres."""

from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.ticks import Tick
from streams.clock import Clock, ManualClock
from streams.ticks import Ticker, WallGuard
from streams.work import Routing, Work

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class Published:
    def __init__(self) -> None:
        self.ticks: list[tuple[int, Tick]] = []

    async def publish(self, work: Work) -> None:
        self.ticks += [(record.partition, Tick.read(record.value or b"")) for record in work.outputs]


def ticker(clock: ManualClock, guard: WallGuard | None = None) -> tuple[Ticker, Published]:
    published: Any = Published()
    return Ticker("lead-ticks", clock, published, Routing(), guard or WallGuard(None)), published


async def test_each_owned_partition_gets_a_tick_and_no_second_one_before_it_was_read() -> None:
    clock = ManualClock(NOON)
    made, published = ticker(clock)
    assert await made.tick() == 0
    made.own(frozenset({1, 3}))
    assert await made.tick() == 2
    clock.advance(SECOND)
    made.seen(1, published.ticks[0][1])
    assert await made.tick() == 1
    assert [(partition, tick.at) for partition, tick in published.ticks] == [(1, NOON), (3, NOON), (1, NOON + SECOND)]


async def test_a_tick_that_is_never_read_is_made_again_after_a_while() -> None:
    clock = ManualClock(NOON)
    made, _ = ticker(clock)
    made.own(frozenset({0}))
    assert [await made.tick() for _ in range(11)] == [1, *[0] * 9, 1]


async def test_instants_of_a_partition_never_step_back_also_across_rebalances() -> None:
    late = ManualClock(NOON - 30 * SECOND, NOON)
    made, published = ticker(late)
    made.own(frozenset({0}))
    made.seen(0, Tick(at=NOON, wall=NOON))
    await made.tick()
    made.release()
    assert await made.tick() == 0
    made.own(frozenset({0}))
    await made.tick()
    assert [tick.at for _, tick in published.ticks] == [NOON, NOON]


async def test_a_wall_instant_more_than_a_minute_ahead_of_postgres_is_refused() -> None:
    mono = 100.0

    async def postgres() -> datetime:
        return NOON

    guard = WallGuard(postgres, lambda: mono)
    assert not guard.refuses(NOON + timedelta(days=1))
    await guard.sample()
    assert not guard.refuses(NOON + 60 * SECOND)
    assert guard.refuses(NOON + 61 * SECOND)
    mono += 10
    assert not guard.refuses(NOON + 70 * SECOND)
    made, _ = ticker(ManualClock(NOON, NOON + 71 * SECOND), guard)
    made.own(frozenset({0}))
    assert await made.tick() == 0


def test_campaign_time_runs_from_the_shared_anchors_at_its_rate() -> None:
    anchor = datetime.now(UTC) - timedelta(seconds=10)
    clock = Clock(3600, anchor, NOON)
    assert timedelta(hours=10) <= clock.now() - NOON < timedelta(hours=10, minutes=30)
    assert abs(clock.wall() - datetime.now(UTC)) < SECOND
    assert abs(Clock().now() - datetime.now(UTC)) < SECOND
