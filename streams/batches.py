"""The batch runner: decode, decide, write; what may fail and what then happens.

Nothing is acknowledged before it is on the broker. A bad event costs itself: it goes to `dead-letters` and its
neighbours go on. Infrastructure that is away costs time: the same batch is tried again in place.
"""

from __future__ import annotations

import asyncio
import logging
import random
import traceback
from collections.abc import Callable, Sequence
from typing import Protocol

from schemas.ticks import Tick
from streams import metrics
from streams.codec import decode
from streams.errors import Evicted, FlushFailed, Permanent, Poison, is_infrastructure
from streams.inbound import Inbound, Raw
from streams.partitioning import partition_of
from streams.topology import TOPICS
from streams.work import Routing, Work

log = logging.getLogger(__name__)

MAX_EVENTS = 500
MAX_BYTES = 16 * 1024 * 1024
MAX_DEAD_IN_A_ROW = 100
EXIT_FLUSH = 70
EXIT_DEAD_LETTERS = 71


class Handler(Protocol):
    """A role's shell around its decisions."""

    async def start(self) -> None:
        """Before anything is consumed."""

    async def stop(self) -> None:
        """After the last batch."""

    async def recovered(self, partitions: frozenset[int]) -> None:
        """The tables are whole and the leases taken: rebuild indexes, in slices that yield. After every rebalance.

        It is cancelled when a newer rebalance begins.
        """

    async def revoked(self, partitions: frozenset[int]) -> None:
        """A rebalance or an orderly stop: finish what is in the air (20 s at most)."""

    async def handle(self, work: Work, batch: Sequence[Inbound]) -> None:
        """Decide for these events, in order. Everything that is to happen goes into `work`."""

    async def reset(self) -> None:
        """A batch was discarded: put in-memory indexes back to what the tables say."""


class Flusher(Protocol):
    """What writes a batch (`Outbox`)."""

    async def flush(self, work: Work) -> None: ...


class Abandoned(Exception):
    """The partitions are going away: nothing was acknowledged, the batch will be read again by their next owner."""


class TooManyDeadLetters(Exception):
    """A topic we write ourselves is being emptied into `dead-letters`: most likely a bad deploy."""


class _Sorted:
    """A batch after decoding: what the handler gets, and what is set aside."""

    __slots__ = ("events", "faults", "misplaced")

    def __init__(self) -> None:
        self.events: list[Inbound] = []
        self.faults: list[tuple[Raw, Poison]] = []
        self.misplaced: list[tuple[Raw, int]] = []

    def into(self, work: Work) -> None:
        """Write what is set aside, once."""
        for raw, poison in self.faults:
            work.dead_letter(raw, poison.reason, poison.detail)
        for raw, partition in self.misplaced:
            work.republish(raw, partition)


class BatchRunner:
    """Runs one batch after the other. `close` and `open` are the rebalance's two ends."""

    def __init__(
        self,
        handler: Handler,
        outbox: Flusher,
        routing: Routing,
        *,
        rekeys: bool = False,
        refuses_tick: Callable[[int, Tick], bool] = lambda partition, tick: False,
        exit_process: Callable[[int, str], None],
        backoff_s: float = 0.1,
    ) -> None:
        self._handler = handler
        self._outbox = outbox
        self._routing = routing
        self._rekeys = rekeys
        self._refuses_tick = refuses_tick
        self._exit = exit_process
        self._backoff_s = backoff_s
        self._closing = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._handling: asyncio.Task[None] | None = None
        self._undecodable: dict[str, int] = {}
        self._unhandled: dict[str, int] = {}

    def open(self) -> None:
        """Batches may run."""
        self._closing.clear()

    async def close(self, grace_s: float) -> None:
        """Take no more batches; let the running one finish, or abandon it after `grace_s`. Returns when none runs."""
        self._closing.set()
        try:
            async with asyncio.timeout(grace_s):
                await self._idle.wait()
        except TimeoutError:
            if self._handling is not None:
                self._handling.cancel()
            await self._idle.wait()

    async def run(self, raws: Sequence[Raw]) -> bool:
        """Process one batch. True: it is on the broker and may be acknowledged. False: it was abandoned.

        Raises TooManyDeadLetters (nothing of the batch that trips it is written).
        """
        if self._closing.is_set():
            return False
        self._idle.clear()
        try:
            aside = self._sort(raws)
            await self._settle(aside.events, aside)
        except Abandoned:
            metrics.ABANDONED.labels(self._routing.role).inc()
            return False
        finally:
            self._idle.set()
        return True

    def _sort(self, raws: Sequence[Raw]) -> _Sorted:
        aside = _Sorted()
        partitions = self._routing.partitions
        for raw in raws:
            topic = TOPICS[raw.topic]
            if self._rekeys and topic.rekey and raw.key is not None:
                right = partition_of(raw.key, partitions)
                if right != raw.partition:
                    aside.misplaced.append((raw, right))
                    continue
            try:
                event = decode(raw)
            except Poison as poison:
                aside.faults.append((raw, poison))
                self._count(self._undecodable, raw.topic)
                continue
            self._undecodable[raw.topic] = 0
            if type(event.body) is Tick and self._refuses_tick(raw.partition, event.body):
                metrics.TICKS_REFUSED.labels(self._routing.role).inc()
                continue
            aside.events.append(event)
        return aside

    async def _settle(self, events: Sequence[Inbound], aside: _Sorted | None) -> None:
        """Get these events onto the broker, whatever it takes; `aside` goes with the first flush."""
        attempt = 0
        while True:
            work = Work(self._routing)
            if aside is not None:
                aside.into(work)
            try:
                if events:
                    await self._handle(work, events)
            except Exception as error:  # noqa: BLE001 - the one place where every fault is classed
                await self._discard(error)
                if is_infrastructure(error):
                    attempt += 1
                    await self._back_off(attempt, error)
                    continue
                if len(events) > 1:
                    middle = len(events) // 2
                    await self._settle(events[:middle], aside)
                    return await self._settle(events[middle:], None)
                work = self._bury(events[0], error, aside)
            else:
                for event in events:
                    self._unhandled[event.topic] = 0
            return await self._flush(work)

    async def _handle(self, work: Work, events: Sequence[Inbound]) -> None:
        self._handling = asyncio.ensure_future(self._handler.handle(work, events))
        try:
            await self._handling
        except asyncio.CancelledError:
            if not self._closing.is_set():
                raise
            await self._handler.reset()
            raise Abandoned from None
        finally:
            self._handling = None

    async def _discard(self, error: Exception) -> None:
        """Put the handler's memory back. Where even that fails only a fresh process is trustworthy."""
        if isinstance(error, Abandoned):
            raise error
        try:
            await self._handler.reset()
        except Exception:
            log.exception("the handler could not be reset")
            self._exit(EXIT_FLUSH, "the handler could not be reset")
            raise

    def _bury(self, event: Inbound, error: Exception, aside: _Sorted | None) -> Work:
        """The dead letter of the one event that failed."""
        if isinstance(error, Poison):
            reason, detail = error.reason, error.detail
        else:
            reason = "permanent" if isinstance(error, Permanent) else "unexpected"
            detail = traceback.format_exception_only(error)[-1].strip()
            log.error("event of %s could not be handled", event.topic, exc_info=error)
        self._count(self._unhandled, event.topic)
        work = Work(self._routing)
        if aside is not None:
            aside.into(work)
        work.dead_letter(event, reason, detail)
        return work

    def _count(self, streaks: dict[str, int], topic: str) -> None:
        streaks[topic] = streaks.get(topic, 0) + 1
        if streaks[topic] >= MAX_DEAD_IN_A_ROW and not TOPICS[topic].strangers:
            message = f"{streaks[topic]} dead letters in a row on {topic}: stopping before the topic is emptied"
            log.critical("%s", message)
            self._exit(EXIT_DEAD_LETTERS, message)
            raise TooManyDeadLetters(message)

    async def _back_off(self, attempt: int, error: Exception) -> None:
        delay = min(10.0, self._backoff_s * 2 ** min(attempt - 1, 10)) * random.uniform(0.5, 1.0)
        log.warning("trying again in %.1f s (attempt %d): %r", delay, attempt, error)
        metrics.RETRIES.labels(self._routing.role).inc()
        try:
            async with asyncio.timeout(delay):
                await self._closing.wait()
        except TimeoutError:
            return
        raise Abandoned

    async def _flush(self, work: Work) -> None:
        try:
            with metrics.FLUSH_SECONDS.labels(self._routing.role).time():
                await self._outbox.flush(work)
        except Evicted as error:
            await self._handler.reset()
            raise Abandoned from error
        except Exception as error:
            log.critical("a flush failed: what is on the broker is unknown", exc_info=error)
            self._exit(EXIT_FLUSH, "a flush failed")
            raise FlushFailed(str(error)) from error
        for topic, reason in work.dead:
            metrics.DEAD_LETTERS.labels(self._routing.role, topic, reason).inc()
