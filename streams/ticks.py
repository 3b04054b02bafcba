"""The clock as a stream: one tick a partition and second, made by whoever owns the partition, read by the same.

A tick whose wall instant is far ahead of Postgres's is refused with an alarm: a jumping clock must not freeze a
partition, nor fire a week's waits.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from schemas.ticks import Tick
from streams.clock import ClockLike
from streams.errors import Retryable, is_infrastructure
from streams.outbox import Outbox
from streams.work import Routing, Work

log = logging.getLogger(__name__)

MAX_AHEAD = timedelta(seconds=60)
_SAMPLE_S = 20.0
_UNANSWERED = 10
"""After so many ticks without an answer another one is made: the first may have been refused or lost."""


class WallGuard:
    """Knows Postgres's instant from a sample and the monotonic clock, so that a tick costs no query."""

    def __init__(
        self, postgres_clock: Callable[[], Awaitable[datetime]] | None, mono: Callable[[], float] = time.monotonic
    ) -> None:
        self._ask = postgres_clock
        self._mono = mono
        self._sample: tuple[datetime, float] | None = None

    async def sample(self) -> None:
        """Ask Postgres now. Raises what the query raises."""
        if self._ask is not None:
            before = self._mono()
            instant = await self._ask()
            self._sample = (instant.astimezone(UTC), (before + self._mono()) / 2)

    async def keep(self) -> None:
        """Ask again every 20 s, for ever. While Postgres is away the last sample goes on with the monotonic clock."""
        while self._ask is not None:
            await asyncio.sleep(_SAMPLE_S)
            try:
                await self.sample()
            except Exception as error:  # noqa: BLE001 - the last sample stays good
                if not is_infrastructure(error):
                    log.warning("postgres's clock could not be read: %r", error)

    def ahead(self, wall: datetime) -> timedelta:
        """How far `wall` is ahead of Postgres (zero without a sample)."""
        if self._sample is None:
            return timedelta(0)
        instant, at = self._sample
        return wall - (instant + timedelta(seconds=self._mono() - at))

    def refuses(self, wall: datetime) -> bool:
        """Whether a tick of that wall instant must not be followed."""
        return self.ahead(wall) > MAX_AHEAD


class Ticker:
    """Makes ticks for the partitions it owns. A partition whose last tick is still unread gets none on top."""

    def __init__(self, topic: str, clock: ClockLike, outbox: Outbox, routing: Routing, guard: WallGuard) -> None:
        self._topic = topic
        self._clock = clock
        self._outbox = outbox
        self._routing = routing
        self._guard = guard
        self._owned: dict[int, _Partition] = {}
        self._silent = True

    def own(self, partitions: frozenset[int]) -> None:
        """Tick these from now on. What was read before still counts: a partition's instants never step back."""
        known = self._owned
        self._owned = {number: _Partition(known[number].at if number in known else None) for number in partitions}
        self._silent = False

    def release(self) -> None:
        """Tick nothing until `own`: a rebalance has begun."""
        self._silent = True

    def seen(self, partition: int, tick: Tick) -> None:
        """A tick was read."""
        owned = self._owned.get(partition)
        if owned is not None:
            owned.waiting = 0
            owned.at = max(owned.at or tick.at, tick.at)

    async def tick(self) -> int:
        """Make one tick for each partition that waits for none. Returns how many. Raises Retryable."""
        if self._silent:
            return 0
        wall = self._clock.wall()
        if self._guard.refuses(wall):
            log.error("this machine's clock is %s ahead of postgres's: no ticks", self._guard.ahead(wall))
            return 0
        work = Work(self._routing)
        now = self._clock.now()
        made = 0
        for number, partition in self._owned.items():
            if 0 < partition.waiting < _UNANSWERED:
                partition.waiting += 1
                continue
            at = partition.at = max(partition.at or now, now)
            partition.waiting = 1
            work.emit(self._topic, Tick(at=at, wall=wall), str(number), partition=number)
            made += 1
        if made:
            await self._outbox.publish(work)
        return made

    async def run(self, every_s: float) -> None:
        """Tick for ever, at deadlines rather than after sleeps."""
        due = time.monotonic()
        while True:
            due = max(due + every_s, time.monotonic())
            await asyncio.sleep(due - time.monotonic())
            try:
                await self.tick()
            except Retryable as error:
                log.warning("no ticks: %s", error)


class _Partition:
    __slots__ = ("at", "waiting")

    def __init__(self, at: datetime | None = None) -> None:
        self.at = at
        self.waiting = 0
