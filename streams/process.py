"""The life of one role's process: start, rebalances, stop.

A rebalance, in order: no more ticks and batches; offsets committed; the handler drained; then Faust recovers the
tables, the leases are taken, the handler rebuilds its indexes, and only then do streams, ticks and flushes go on.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

from aiokafka.errors import KafkaError

from streams import metrics
from streams.alive import boottime
from streams.batches import EXIT_FLUSH, BatchRunner, Handler
from streams.errors import is_infrastructure
from streams.health import HealthServer
from streams.leases import keep_renewed
from streams.provision import ensure_topics
from streams.watchdog import Watchdog

if TYPE_CHECKING:
    from schemas.ticks import Tick
    from streams.role import RoleStream
    from streams.seam import SafeApp

log = logging.getLogger(__name__)

DRAIN_S = 20.0
"""How long a handler may finish what is in the air when its partitions go."""
BATCH_GRACE_S = 5.0
STOP_S = 5.0
"""Faust waits for a join that is under way, however long the rest of the group takes."""
COMMIT_S = 5.0
LEAVE_S = 28.0
"""A stop ends by then, in order or not: with the broker away nothing can be handed over, and whoever asked kills later."""


def exit_process(code: int, reason: str) -> NoReturn:
    """Leave at once, without Faust's orderly stop: it would acknowledge or write what must not be."""
    log.log(logging.CRITICAL if code else logging.INFO, "exiting with %d: %s", code, reason)
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


class RoleProcess:
    """Runs a stream with its handler until SIGTERM or SIGINT."""

    def __init__(self, stream: RoleStream, handler: Handler) -> None:
        from streams.faust_app import add_agent, add_tables, build_app
        from streams.inbox import Inbox
        from streams.intake import Intake
        from streams.replay import Replay

        self._stream = stream
        self._handler = handler
        self._runner = BatchRunner(
            handler,
            stream.outbox,
            stream.routing,
            rekeys=bool(stream.tables),
            refuses_tick=self._refuses_tick,
            exit_process=exit_process,
        )
        settings = stream.settings
        self._app: SafeApp = build_app(settings, stream.role, str(stream.owner))
        self._app.rebalancer = self
        self._app.inbox = Inbox(stream.logical)
        self._faust_tables = add_tables(self._app, settings, stream.tables, stream.windows)
        self._app.replay = Replay(self._app, self._faust_tables)
        self._intake = Intake(self._app, self._runner, stream.role, stream.logical, stream.linger_s)
        add_agent(self._app, settings, f"touchline.{stream.role}", list(stream.logical), self._consume)
        self._stop = asyncio.Event()
        self._recovering: asyncio.Task[None] | None = None
        self._open = False
        self._handler_started = False
        self._background: list[asyncio.Task[None]] = []

    # -- start and stop

    async def run(self) -> int:
        """Work until a signal, then leave in order. Returns the exit code; faults end the process themselves."""
        stream = self._stream
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._asked_to_stop)
        stream.alive.start()
        watchdog = Watchdog(lambda: boottime() - stream.alive.beat_at)
        watchdog.start()
        health = HealthServer(stream.settings.host, stream.settings.metrics_port, self._waiting_for)
        await health.start()
        log.info("%s: metrics and health on %s:%d", stream.role, stream.settings.host, health.port)
        left = False
        try:
            if await self._unless_stopped(self._start()):
                await self._until_stopped()
                left = await self._leave()
        finally:
            for task in self._background:
                task.cancel()
            await asyncio.gather(*self._background, return_exceptions=True)
            if self._handler_started:
                await self._handler.stop()
            await stream.outbox.stop()
            if stream.definitions is not None:
                await stream.definitions.stop()
            await health.stop()
            watchdog.stop()
            await stream.alive.stop()
        if not left:
            exit_process(0, "stopped while joining: the group will notice that this member has gone")
        return 0

    def _asked_to_stop(self) -> None:
        if not self._stop.is_set():
            self._stop.set()
            asyncio.get_running_loop().call_later(LEAVE_S, exit_process, 0, f"not stopped within {LEAVE_S:.0f} s")

    async def _start(self) -> None:
        stream = self._stream
        await _eventually(lambda: ensure_topics(stream.settings), "the topics")
        await _eventually(stream.outbox.start, "the brokers")
        await _eventually(stream.guard.sample, "postgres's clock")
        if stream.definitions is not None:
            await stream.definitions.start()
            await stream.definitions.wait_read()
        self._handler_started = True
        await self._handler.start()
        self._background.append(asyncio.create_task(stream.guard.keep(), name="wall-guard"))
        if stream.ticker is not None:
            self._background.append(asyncio.create_task(self._tick(), name="ticker"))
        if stream.leases is not None:
            renewing = keep_renewed(stream.leases, stream.owner, stream.held, stream.renew_s)
            self._background.append(asyncio.create_task(renewing, name="leases"))
        await self._app.start()

    async def _unless_stopped(self, start: Coroutine[Any, Any, None]) -> bool:
        """Run the start, unless a signal comes first (then False)."""
        starting, stopping = asyncio.create_task(start), asyncio.create_task(self._stop.wait())
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if starting.done():
            await starting
            return True
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        return False

    async def _until_stopped(self) -> None:
        crashed, stopping = asyncio.create_task(self._app.wait_crashed()), asyncio.create_task(self._stop.wait())
        await asyncio.wait({crashed, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if crashed.done():
            log.critical("faust crashed", exc_info=self._app.crash_reason)
            exit_process(EXIT_FLUSH, "faust crashed")
        crashed.cancel()

    async def _leave(self) -> bool:
        """Orderly: no new batch, offsets committed, the handler drained, and only then out of the group.

        False when Faust would not stop in time: its consumer is still joining.
        """
        await self.leaving()
        with suppress(TimeoutError):  # the next owner reads again what is not committed
            async with asyncio.timeout(COMMIT_S):
                await self._app.safe_consumer.commit_recorded()
        await self.left()
        stopping = asyncio.create_task(self._app.stop())
        await asyncio.wait({stopping}, timeout=STOP_S)
        if stopping.done():
            await stopping
        return stopping.done()

    def _waiting_for(self) -> str | None:
        """What `/ready` waits for."""
        if self._stream.definitions is not None and not self._stream.definitions.is_read:
            return "definitions"
        if not self._open or self._app.rebalancing:
            return "partitions"
        return None if self._app.tables.actives_ready else "tables"

    # -- rebalances

    async def leaving(self) -> None:
        """Called first of all: stop ticking, recovering and taking batches."""
        self._open = False
        if self._stream.ticker is not None:
            self._stream.ticker.release()
        if self._recovering is not None:
            self._recovering.cancel()
            await asyncio.gather(self._recovering, return_exceptions=True)
        self._app.inbox.clear()
        await self._runner.close(BATCH_GRACE_S)

    async def left(self) -> None:
        """Called with everything committed: let the handler finish what is in the air."""
        owned, self._stream.partitions = self._stream.partitions, frozenset()
        if not owned:
            return
        try:
            async with asyncio.timeout(DRAIN_S):
                await self._handler.revoked(owned)
        except TimeoutError:
            log.warning("%s did not drain in %.0f s", self._stream.role, DRAIN_S)
        except Exception:
            log.exception("%s failed to drain", self._stream.role)

    async def recovered(self, generation: int) -> bool:
        """Everything is recovered and Faust holds the streams back: the partitions are ours to open.

        False: a newer rebalance or the stop has begun.
        """
        if self._stop.is_set():
            return False
        self._recovering = asyncio.create_task(self._recover(generation), name="recovered")
        try:
            await self._recovering
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            if not (self._stop.is_set() or self._app.safe_consumer.rejoining):
                exit_process(EXIT_FLUSH, "the takeover was cancelled, and by no rebalance")
            log.info("recovery of generation %d abandoned: a newer rebalance has begun", generation)
            return False
        except Exception as error:
            log.critical("recovery failed", exc_info=error)
            exit_process(EXIT_FLUSH, "recovery failed")
        finally:
            self._recovering = None
        return True

    async def _recover(self, generation: int) -> None:
        stream = self._stream
        consumer = self._app.safe_consumer
        partitions = self._app.owned_partitions(stream.logical)
        self._bind_tables()
        stream.outbox.track(self._app.active_offsets, self._app.partition_key)
        stream.epochs = await self._take_leases(partitions, generation)
        stream.generation, stream.partitions = generation, partitions
        await self._handler.recovered(partitions)
        stream.alive.joined(consumer, generation)
        if stream.ticker is not None:
            stream.ticker.own(partitions)
        self._runner.open()
        self._open = True
        metrics.REBALANCES.labels(stream.role).inc()
        metrics.PARTITIONS.labels(stream.role).set(len(partitions))
        log.info("%s: generation %d, partitions %s", stream.role, generation, sorted(partitions))

    async def _take_leases(self, partitions: frozenset[int], generation: int) -> dict[int, int]:
        stream, leases = self._stream, self._stream.leases
        epochs: dict[int, int] = {}
        if leases is None:
            return epochs
        for partition in sorted(partitions):
            scope = stream.scope(partition)
            epoch = await _eventually(lambda scope=scope: leases.take(scope, stream.owner, generation), scope)
            if epoch is None:
                exit_process(EXIT_FLUSH, f"lease {scope} is held by a newer generation than {generation}")
            epochs[partition] = epoch
        return epochs

    def _bind_tables(self) -> None:
        stream = self._stream
        for name, table in (stream.tables | stream.windows).items():
            store = self._faust_tables[name].data
            table.bind(store.data, store._key_partition)
            metrics.TABLE_KEYS.labels(stream.role, name).set_function(table.__len__)

    # -- what runs

    async def _consume(self, faust_stream: Any) -> None:
        """The agent's body. Nothing may leave it: Faust would acknowledge the event and go on."""
        try:
            await self._intake.consume()
        except (asyncio.CancelledError, StopAsyncIteration) as error:
            if not self._stop.is_set():
                log.critical("the stream ended by itself", exc_info=error)
                exit_process(EXIT_FLUSH, "the stream ended by itself")
            if isinstance(error, asyncio.CancelledError):
                raise
        except BaseException as error:
            log.critical("the batch runner failed", exc_info=error)
            exit_process(EXIT_FLUSH, "the batch runner failed")

    async def _tick(self) -> None:
        assert self._stream.ticker is not None
        try:
            await self._stream.ticker.run(self._stream.settings.tick_seconds)
        except Exception as error:
            log.critical("the ticker failed", exc_info=error)
            exit_process(EXIT_FLUSH, "the ticker failed")

    def _refuses_tick(self, partition: int, tick: Tick) -> bool:
        stream = self._stream
        if stream.guard.refuses(tick.wall):
            ahead = stream.guard.ahead(tick.wall)
            log.error("a tick of partition %d is %s ahead of postgres: refused", partition, ahead)
            return True
        if stream.ticker is not None:
            stream.ticker.seen(partition, tick)
        return False


async def _eventually(attempt: Callable[[], Awaitable[Any]], what: str) -> Any:
    """Try until the infrastructure answers: waiting for it is not a failure."""
    delay = 0.2
    while True:
        try:
            return await attempt()
        except Exception as error:
            if not (is_infrastructure(error) or isinstance(error, KafkaError)):
                raise
            log.warning("waiting for %s: %r", what, error)
        await asyncio.sleep(delay)
        delay = min(delay * 2, 5.0)
