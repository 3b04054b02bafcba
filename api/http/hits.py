"""Raw hits on their way to Kafka: a request never waits for the broker, and hits wait in memory while it is away."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import deque

import structlog

from api.http import metrics
from api.publisher import Outgoing, PublisherPort
from schemas.tracking import Hit
from streams.errors import Poison, Retryable

LOG = structlog.get_logger("api.hits")
AT_ONCE = 500
LINGER_S = 0.05


class HitBuffer:
    """At most `capacity` hits wait; when it is full the newest is dropped and counted; requests are answered anyway."""

    def __init__(self, publisher: PublisherPort, *, capacity: int = 100_000) -> None:
        self._publisher = publisher
        self._capacity = capacity
        self._waiting: deque[Hit] = deque()
        self._some = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self._task: asyncio.Task[None] | None = None

    def add(self, hit: Hit) -> None:
        """Take a hit; costs nothing but memory."""
        if len(self._waiting) >= self._capacity:
            metrics.HITS_DROPPED.inc()
            return
        self._waiting.append(hit)
        self._some.set()
        self._empty.clear()

    def __len__(self) -> int:
        return len(self._waiting)

    def start(self) -> None:
        """Begin to deliver in the background."""
        self._task = asyncio.create_task(self._deliver(), name="hits")

    async def stop(self, grace_s: float = 5.0) -> None:
        """Deliver what waits, for `grace_s` at most, and stop."""
        if self._task is None:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace_s):
                await self._empty.wait()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        if self._waiting:
            LOG.error("hits_lost_at_stop", count=len(self._waiting))

    async def _deliver(self) -> None:
        failures = 0
        while True:
            if not self._waiting:
                self._some.clear()
                await self._some.wait()
                await asyncio.sleep(LINGER_S)
            try:
                await self._publish(min(AT_ONCE, len(self._waiting)))
            except Retryable as error:
                failures += 1
                LOG.warning("hits_wait", count=len(self._waiting), error=str(error))
                await asyncio.sleep(min(5.0, 0.1 * 2 ** min(failures, 6)) * random.uniform(0.5, 1.0))
                continue
            failures = 0
            if not self._waiting:
                self._empty.set()

    async def _publish(self, count: int) -> None:
        """Publish the next `count` hits and forget them. A refused batch is halved, so a bad hit costs only itself."""
        some = [self._waiting[number] for number in range(count)]
        try:
            await self._publisher.publish([_outgoing(hit) for hit in some])
        except Poison as error:
            if count > 1:
                await self._publish(count // 2)
                await self._publish(count - count // 2)
                return
            LOG.error("hit_refused", lead_id=some[0].lead_id, event_id=some[0].event_id, error=error.reason)
            metrics.HITS_REFUSED.inc()
        for _ in some:
            self._waiting.popleft()


def _outgoing(hit: Hit) -> Outgoing:
    return Outgoing("tracking-hits", hit, hit.lead_id)


def network_of(address: str | None) -> str:
    """The network of a caller, never its whole address: /24 of an IPv4 address, /48 of an IPv6 one."""
    if not address:
        return ""
    if ":" in address:
        mapped = address.rpartition(":")[2]
        if "." in mapped:
            return network_of(mapped)
        return ":".join(address.split("::")[0].split(":")[:3]) + "::/48"
    return address.rpartition(".")[0] + ".0/24" if address.count(".") == 3 else ""
