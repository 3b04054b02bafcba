"""One role: a Faust app with one agent, its tables, its leases, and the life of the process around it."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from streams import kafka, metrics
from streams.alive import Alive, boottime
from streams.batches import EXIT_FLUSH, MAX_BYTES, MAX_EVENTS, BatchRunner, Handler
from streams.clock import ClockLike
from streams.errors import is_infrastructure
from streams.health import HealthServer
from streams.inbound import Raw
from streams.outbox import Outbox
from streams.provision import ensure_topics
from streams.tables import Table, WindowTable
from streams.ticks import Ticker, WallGuard
from streams.topology import app_id, changelog_name, table_spec, topic_name
from streams.watchdog import Watchdog
from streams.work import Routing, Work

if TYPE_CHECKING:
    from schemas.ticks import Tick
    from streams.definitions import Definitions
    from streams.leases import LeasePort
    from streams.seam import SafeApp
    from streams.settings import Settings

log = logging.getLogger(__name__)

DRAIN_S = 20.0
"""How long a handler may finish what is in the air when its partitions go."""
BATCH_GRACE_S = 5.0
STOP_S = 5.0
"""Faust waits for a join that is under way, however long the rest of the group takes."""
_LINGER_S = 0.02
_ENOUGH = 100
"""With so many events waiting there is no use in waiting for more."""


def exit_process(code: int, reason: str) -> None:
    """Leave at once, without Faust's orderly stop: it would acknowledge or write what must not be."""
    log.log(logging.CRITICAL if code else logging.INFO, "exiting with %d: %s", code, reason)
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


class RoleStream:
    """A role's stream. Declare its tables, then `run(handler)`."""

    def __init__(
        self,
        *,
        role: str,
        settings: Settings,
        clock: ClockLike,
        topics: Sequence[str],
        ticks: str | None = None,
        leases: LeasePort | None = None,
        postgres_clock: Callable[[], Awaitable[datetime]] | None = None,
        definitions: Definitions | None = None,
        linger_s: float = _LINGER_S,
    ) -> None:
        self.role = role
        self.settings = settings
        self.clock = clock
        self.owner: UUID = uuid4()
        self.generation = -1
        self.epochs: dict[int, int] = {}
        self.partitions: frozenset[int] = frozenset()
        self.routing = Routing(role, settings.kafka_topic_prefix, settings.partitions, clock.wall)
        self.alive = Alive(settings.session_timeout_s)
        self.outbox = Outbox(settings, confirm=self.alive.confirm)
        self.definitions = definitions
        self._logical = {topic_name(settings, name): name for name in topics}
        self._leases = leases
        self._guard = WallGuard(postgres_clock)
        self._tick_topic = ticks
        self._ticker = Ticker(ticks, clock, self.outbox, self.routing, self._guard) if ticks else None
        self._tables: dict[str, Table] = {}
        self._windows: dict[str, WindowTable] = {}
        self._linger_s = linger_s

    # -- declared before the run

    def table(self, name: str) -> Table:
        """A table of this role (it stands in the topology), written in the STATE stage."""
        table_spec(self.role, name)
        return self._tables.setdefault(name, Table(name, changelog_name(self.settings, self.role, name)))

    def window_table(self, name: str, size_s: int) -> WindowTable:
        """A table of tumbling windows, written in the LIMITS stage. Faust keeps a tenth of a second off each end."""
        if table_spec(self.role, name).window_s != size_s:
            raise ValueError(f"{name} is declared with other windows in streams/topology.py")
        return self._windows.setdefault(
            name, WindowTable(name, size_s, changelog_name(self.settings, self.role, name))
        )

    def work(self) -> Work:
        """An empty unit of work, for `publish`."""
        return Work(self.routing)

    async def publish(self, work: Work) -> None:
        """Write outputs from outside of a batch, when this worker is confirmed alive. Raises Retryable, Evicted."""
        await self.outbox.publish(work)

    # -- the process

    def run(self, handler: Handler) -> int:
        """Work until SIGTERM or SIGINT; drain in order; the exit code (0 after an orderly stop)."""
        import uvloop  # noqa: PLC0415 - only processes that run a role need it

        return uvloop.run(self._main(handler))

    async def _main(self, handler: Handler) -> int:
        process = RoleProcess(self, handler)
        return await process.run()


class RoleProcess:
    """The life of one role's process: start, rebalances, stop."""

    def __init__(self, stream: RoleStream, handler: Handler) -> None:
        self._stream = stream
        self._handler = handler
        self._runner = BatchRunner(
            handler,
            stream.outbox,
            stream.routing,
            rekeys=bool(stream._tables),
            refuses_tick=self._refuses_tick,
            exit_process=exit_process,
        )
        self._app: SafeApp = self._build()
        self._stop = asyncio.Event()
        self._recovering: asyncio.Task[None] | None = None
        self._recovered_tables: set[str] = set()
        self._recovered_generation = -1
        self._ready = False
        self._handler_started = False
        self._background: list[asyncio.Task[None]] = []
        self._assigned_at = time.monotonic()

    # -- building

    def _build(self) -> SafeApp:
        from streams.seam import DurableTable, SafeApp  # noqa: PLC0415 - importing faust is slow and process-wide

        stream, settings = self._stream, self._stream.settings
        datadir = settings.data_dir / "faust" / stream.role
        datadir.mkdir(parents=True, exist_ok=True)
        app = SafeApp(
            app_id(settings, stream.role),
            broker=kafka.faust_broker(settings),
            broker_credentials=kafka.faust_credentials(settings),
            store="memory://",
            datadir=str(datadir),
            canonical_url=f"http://{stream.owner}",
            web_enabled=False,
            web_tables_enabled=False,
            topic_partitions=settings.partitions,
            topic_replication_factor=settings.kafka_replication_factor,
            topic_disable_leader=True,
            topic_allow_declare=False,
            table_standby_replicas=0,
            broker_session_timeout=settings.session_timeout_s,
            broker_heartbeat_interval=settings.session_timeout_s * 0.3,
            broker_rebalance_timeout=max(30.0, settings.session_timeout_s),
            broker_request_timeout=max(40.0, settings.session_timeout_s),
            broker_commit_interval=1.0,
            consumer_auto_offset_reset="earliest",
            stream_wait_empty=True,
            stream_buffer_maxsize=16_384,
            Table=DurableTable,
        )
        app.rebalancer = self
        source = app.topic(
            *stream._logical,
            key_type=bytes,
            value_type=bytes,
            key_serializer="raw",
            value_serializer="raw",
            partitions=settings.partitions,
        )
        tables = [
            app.Table(name, partitions=settings.partitions, key_type=bytes, value_type=bytes)
            for name in stream._tables
        ]
        windows = [
            app.Table(name, partitions=settings.partitions, key_type=str, value_type=bytes).tumbling(float(table.size_s))
            for name, table in stream._windows.items()
        ]
        self._faust_tables = {table.name: table for table in tables} | {table.table.name: table.table for table in windows}
        for name, table in self._faust_tables.items():
            table.on_recover(_recover_callback(self, name))
        if not self._faust_tables:
            app.on_rebalance_complete.connect(self._on_rebalance_complete)
        app.agent(source, name=f"touchline.{stream.role}", concurrency=1)(self._consume)
        return app

    # -- start and stop

    async def run(self) -> int:
        stream = self._stream
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        stream.alive.start()
        watchdog = Watchdog(lambda: boottime() - stream.alive.beat_at)
        watchdog.start()
        health = HealthServer(stream.settings.host, stream.settings.metrics_port, self._waiting_for)
        await health.start()
        log.info("%s: metrics and health on %s:%d", stream.role, stream.settings.host, health.port)
        try:
            started = await self._or_stop(self._start())
            if started:
                await self._until_stopped()
            left = started and await self._leave()
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

    async def _start(self) -> None:
        stream = self._stream
        await _eventually(lambda: ensure_topics(stream.settings), "the topics")
        await _eventually(stream.outbox.start, "the brokers")
        await _eventually(stream._guard.sample, "postgres's clock")
        if stream.definitions is not None:
            await stream.definitions.start()
            await stream.definitions.wait_read()
        self._handler_started = True
        await self._handler.start()
        await self._app.start()
        self._background.append(asyncio.create_task(stream._guard.keep(), name="wall-guard"))
        if stream._ticker is not None:
            self._background.append(asyncio.create_task(self._tick(stream._ticker), name="ticker"))

    async def _or_stop(self, start: Any) -> bool:
        """Run the start unless a signal comes first."""
        starting, stopping = asyncio.ensure_future(start), asyncio.ensure_future(self._stop.wait())
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not starting.done():
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
            return False
        await starting
        return True

    async def _until_stopped(self) -> None:
        crashed = asyncio.ensure_future(self._app._crashed.wait())
        stopping = asyncio.ensure_future(self._stop.wait())
        await asyncio.wait({crashed, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if crashed.done():
            log.critical("faust crashed", exc_info=self._app.crash_reason)
            exit_process(EXIT_FLUSH, "faust crashed")
        crashed.cancel()

    async def _leave(self) -> bool:
        """Orderly: no new batch, offsets committed, the handler drained, and only then out of the group.

        False when Faust would not stop in time: its consumer's thread is still joining.
        """
        await self.leaving()
        await self._app.consumer.commit()
        await self.left(self._app.consumer.assignment())
        stopping = asyncio.create_task(self._app.stop())
        await asyncio.wait({stopping}, timeout=STOP_S)
        if stopping.done():
            await stopping
        return stopping.done()

    def _waiting_for(self) -> str | None:
        if self._stream.definitions is not None and not self._stream.definitions.is_read:
            return "definitions"
        if not self._ready or self._app.rebalancing:
            return "partitions"
        return None if self._app.tables.actives_ready else "tables"

    # -- rebalances

    async def leaving(self) -> None:
        """Called first of all: stop ticking, recovering and taking batches."""
        self._ready = False
        if self._stream._ticker is not None:
            self._stream._ticker.release()
        if self._recovering is not None:
            self._recovering.cancel()
            await asyncio.gather(self._recovering, return_exceptions=True)
        await self._runner.close(BATCH_GRACE_S)

    async def left(self, partitions: set[Any]) -> None:
        """Called with everything committed: let the handler finish what is in the air."""
        owned, self._stream.partitions = self._stream.partitions, frozenset()
        if owned:
            try:
                async with asyncio.timeout(DRAIN_S):
                    await self._handler.revoked(owned)
            except TimeoutError:
                log.warning("%s did not drain in %.0f s", self._stream.role, DRAIN_S)
            except Exception:
                log.exception("%s failed to drain", self._stream.role)

    async def table_recovered(self, name: str) -> None:
        """One table is whole. The last one to be opens the role, while Faust holds the streams back."""
        generation = self._app.consumer_generation_id
        if generation != self._recovered_generation:
            self._recovered_generation, self._recovered_tables = generation, set()
        self._recovered_tables.add(name)
        if self._recovered_tables == set(self._faust_tables):
            await self._open(generation)

    async def _on_rebalance_complete(self, *args: Any, **kwargs: Any) -> None:
        await self._open(self._app.consumer_generation_id)

    async def _open(self, generation: int) -> None:
        self._recovering = asyncio.create_task(self._recover(generation), name="recovered")
        try:
            await self._recovering
        except asyncio.CancelledError:
            log.info("recovery of generation %d abandoned: a newer rebalance has begun", generation)
        except Exception as error:
            log.critical("recovery failed", exc_info=error)
            exit_process(EXIT_FLUSH, "recovery failed")
        finally:
            self._recovering = None

    async def _recover(self, generation: int) -> None:
        from streams.seam import owned_partitions  # noqa: PLC0415

        stream = self._stream
        consumer: Any = self._app.consumer
        consumer.note_joined()
        partitions = owned_partitions(self._app, stream._logical)
        stream.generation, stream.partitions = generation, partitions
        self._bind_tables()
        stream.outbox.track(self._app.tables.recovery.active_offsets, _tp)
        stream.epochs = await self._take_leases(partitions, generation)
        await self._handler.recovered(partitions)
        stream.alive.joined(consumer, generation)
        if stream._ticker is not None:
            stream._ticker.own(partitions)
        self._runner.open()
        self._ready = True
        role = stream.role
        metrics.REBALANCES.labels(role).inc()
        metrics.PARTITIONS.labels(role).set(len(partitions))
        log.info("%s: generation %d, partitions %s", role, generation, sorted(partitions))

    async def _take_leases(self, partitions: frozenset[int], generation: int) -> dict[int, int]:
        stream = self._stream
        if stream._leases is None:
            return {}
        epochs: dict[int, int] = {}
        for partition in sorted(partitions):
            scope = f"{stream.role}:{partition}"
            epoch = await _eventually(lambda scope=scope: stream._leases.take(scope, stream.owner, generation), scope)
            if epoch is None:
                exit_process(EXIT_FLUSH, f"lease {scope} is held by a newer generation than {generation}")
            epochs[partition] = epoch
        return epochs

    def _bind_tables(self) -> None:
        stream = self._stream
        for name, table in (stream._tables | stream._windows).items():
            store: Any = self._faust_tables[name].data
            table.bind(store.data, store._key_partition)
            metrics.TABLE_KEYS.labels(stream.role, name).set_function(table.__len__)

    # -- consuming

    async def _consume(self, faust_stream: Any) -> None:
        """The agent's body. Nothing may leave it: Faust would acknowledge the event and go on."""
        try:
            channel = aiter(faust_stream.channel)
            queue: asyncio.Queue[Any] = channel.queue
            self._app.inbound_queue = queue
            while True:
                messages = await self._take(queue)
                await self._process(messages)
        except (asyncio.CancelledError, StopAsyncIteration) as error:
            if not self._stop.is_set():
                log.critical("the stream ended by itself", exc_info=error)
                exit_process(EXIT_FLUSH, "the stream ended by itself")
            if isinstance(error, asyncio.CancelledError):
                raise
        except BaseException as error:
            log.critical("the batch runner failed", exc_info=error)
            exit_process(EXIT_FLUSH, "the batch runner failed")

    async def _take(self, queue: asyncio.Queue[Any]) -> list[Any]:
        """The next messages: at most 500 or 16 MB, after a moment for more to come."""
        first = (await queue.get()).message
        if queue.qsize() < _ENOUGH:
            await asyncio.sleep(self._stream._linger_s)
        messages, size = [first], len(first.value or b"")
        while len(messages) < MAX_EVENTS and size < MAX_BYTES and not queue.empty():
            message = queue.get_nowait().message
            messages.append(message)
            size += len(message.value or b"")
        return messages

    async def _process(self, messages: list[Any]) -> None:
        app, role = self._app, self._stream.role
        generation = app.consumer_generation_id
        current = [message for message in messages if message.generation_id == generation]
        if not current:
            return
        started = time.monotonic()
        logical = self._stream._logical
        raws = [
            Raw(logical[m.topic], m.partition, m.offset, m.key, m.value, m.headers or (), m.timestamp)
            for m in current
        ]
        if await self._runner.run(raws) and app.consumer_generation_id == generation:
            record: Any = app.consumer.record  # type: ignore[attr-defined]
            for message in current:
                record(message)
            metrics.BATCHES.labels(role).inc()
            metrics.BATCH_EVENTS.labels(role).observe(len(raws))
            metrics.BATCH_SECONDS.labels(role).observe(time.monotonic() - started)
            metrics.EVENTS.labels(role, "all").inc(len(raws))

    # -- ticks

    def _refuses_tick(self, partition: int, tick: Tick) -> bool:
        stream = self._stream
        refused = stream._guard.refuses(tick.wall)
        if refused:
            log.error("a tick of partition %d is %s ahead of postgres: refused", partition, stream._guard.ahead(tick.wall))
        elif stream._ticker is not None:
            stream._ticker.seen(partition, tick)
        return refused

    async def _tick(self, ticker: Ticker) -> None:
        try:
            await ticker.run(self._stream.settings.tick_seconds)
        except Exception as error:
            log.critical("the ticker failed", exc_info=error)
            exit_process(EXIT_FLUSH, "the ticker failed")


def _tp(topic: str, partition: int) -> Any:
    from faust.types.tuples import TP  # noqa: PLC0415

    return TP(topic, partition)


def _recover_callback(process: RoleProcess, name: str) -> Callable[[], Awaitable[None]]:
    async def recovered() -> None:
        await process.table_recovered(name)

    return recovered


async def _eventually(attempt: Callable[[], Awaitable[Any]], what: str) -> Any:
    """Try until the infrastructure answers: waiting for it is not a failure."""
    delay = 0.2
    while True:
        try:
            return await attempt()
        except Exception as error:
            if not is_infrastructure(error) and not _is_kafka_connection(error):
                raise
            log.warning("waiting for %s: %r", what, error)
        await asyncio.sleep(delay)
        delay = min(delay * 2, 5.0)


def _is_kafka_connection(error: Exception) -> bool:
    from aiokafka.errors import KafkaError  # noqa: PLC0415

    return isinstance(error, KafkaError)
