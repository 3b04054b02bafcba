"""The seam with Faust, which with `group_member` and `replay` is all that knows its internals.

Pinned to faust-streaming 0.15.3 and aiokafka 0.14.0.

What is changed, and why (each has a contract test):
- only the runner acknowledges. Faust acknowledges events that raised, that it skipped, that it could not decode;
- the commit position never passes an event that is still in flight;
- offsets are committed before partitions are given up, not forgotten and repeated;
- tables are written by the outbox only; a write past it is refused;
- fetched messages go straight to the runner, and to the tables: Faust's way there costs more than all the rest.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from itertools import pairwise
from time import monotonic
from typing import Any, Protocol, cast

import faust
from aiokafka.errors import ConsumerStoppedError, IllegalStateError
from faust.transport.drivers import aiokafka as driver
from faust.types.tuples import TP, ack_lock

from streams.group_member import FETCH_WAIT_MS, GroupMember
from streams.inbox import Inbox
from streams.replay import Replay

log = logging.getLogger(__name__)

HANDED = 100
"""How many records are handed on before other work of the event loop has its turn."""


class Rebalancing(Protocol):
    """Who is told of a rebalance, in Faust's event loop."""

    async def leaving(self) -> None:
        """Partitions are about to go: finish or abandon the running batch. Offsets are committed right after."""

    async def left(self) -> None:
        """Everything acknowledged is committed."""

    async def recovered(self, generation: int) -> bool:
        """The tables are whole and the streams held back: take over. False: they are leaving again."""
        ...


class NotThroughTheOutbox(TypeError):
    """Somebody wrote a table directly: the write would never be acknowledged."""


class DurableTable(faust.Table[Any, Any]):
    """A Faust table whose changelog the outbox writes. Faust recovers and purges it; nobody else may change it."""

    async def on_recovery_completed(self, active_tps: set[TP], standby_tps: set[TP]) -> None:
        """What went with lost partitions is purged before the takeover (`streams/recovery.py`)."""

    def on_key_set(self, key: Any, value: Any) -> None:
        raise NotThroughTheOutbox(f"{self.name} is written through Work.put only")

    def on_key_del(self, key: Any) -> None:
        raise NotThroughTheOutbox(f"{self.name} is written through Work.put only")


class SafeConsumer(driver.Consumer):
    """Faust's consumer, with offsets that only move for what is on the broker."""

    app: SafeApp  # pyright: ignore[reportIncompatibleVariableOverride]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._floor: dict[TP, int] = {}
        self._sought_in: int | None = None
        self._fetched_at = 0.0

    def _new_consumer_thread(self) -> GroupMember:
        return GroupMember(self, loop=self.loop, thread_loop=self.loop, beacon=self.beacon)

    @property
    def _member(self) -> GroupMember:
        return cast(GroupMember, self._thread)

    # -- acknowledging

    def ack(self, message: Any) -> bool:
        """Faust's own acknowledgements count for nothing: it acknowledges what raised and what it skipped."""
        message.acked = True
        self._unacked_messages.discard(message)
        return False

    def record(self, done: Iterable[tuple[TP, int]]) -> None:
        """The consequences of these (partition, offset) are on the broker: their offsets may be committed.

        What Faust's own `ack` does, for a whole batch.
        """
        with ack_lock:
            for tp, offset in done:
                committed, index = self._committed_offset[tp], self._acked_index[tp]
                if (committed is None or offset >= committed) and offset not in index:
                    index.add(offset)
                    self._acked[tp].append(offset)
                    self._n_acked += 1

    async def commit_recorded(self) -> None:
        """Commit all that was recorded until now. Faust's `commit` joins one that is under way, which knows less."""
        await self.maybe_wait_for_commit_to_finish()
        await self.commit()

    def _new_offset(self, tp: TP) -> int | None:
        acked = self._acked[tp]
        if acked and not self._gap[tp]:
            committed = self._committed_offset[tp]
            floor = self._floor.get(tp, 0) if committed is None else committed
            if min(acked) > floor:
                return None
        return super()._new_offset(tp)

    # -- rebalancing

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        try:
            await self.app.rebalancer.leaving()
            await self.commit_recorded()
            self._floor.clear()
            await self.app.rebalancer.left()
        finally:  # aiokafka logs what is raised here, and joins
            await super().on_partitions_revoked(revoked)
            self._sought_in = None
            self.stop_flow()  # Faust forgets to where nothing was assigned

    @property
    def rejoining(self) -> bool:
        """Whether this member waits for its next assignment."""
        return self._member.rejoining

    @property
    def generation(self) -> int:
        """The group generation of this member now (-1: none)."""
        return self._member.generation

    @property
    def heartbeat_at(self) -> float:
        """When the last heartbeat that was answered well was sent (`boottime` seconds)."""
        return self._member.heartbeat_at

    async def perform_seek(self) -> None:
        """Go back to what is committed, and to the beginning of source partitions where nothing is.

        Faust resumes the partitions before it seeks, and a fetch that is under way may return their records before the
        flow is resumed: they are dropped. aiokafka's `seek_to_committed` leaves a partition without a committed offset
        where it stands, behind them.

        The flow stands still meanwhile (Faust resumes it after every seek): where no table had to be recovered it runs
        already. What is handed on before or during the seek would come a second time after it, so nothing is until then.
        """
        generation = self.app.consumer_generation_id
        self.stop_flow()
        await self._seek_back()
        self._sought_in = generation

    async def _seek_back(self) -> None:
        await super().perform_seek()
        topics = self.app.inbox.topics
        uncommitted = [tp for tp in self.assignment() if tp.topic in topics and not self._committed_offset.get(tp)]
        if uncommitted:
            for tp, offset in (await self.earliest_offsets(*uncommitted)).items():
                await self.seek(TP(*tp), offset)  # also drops what is fetched; a reset would wait for it to be taken
                if offset:
                    self._floor[TP(*tp)] = offset  # its first record is not read without a position

    async def verify_all_partitions_active(self) -> None:
        """Faust's livelock messages speak of stream iteration, which the runner does not use; the watchdog is ours."""

    async def create_topic(self, *args: Any, **kwargs: Any) -> None:
        """Topics are created from the topology before a role starts."""

    # -- fetching

    async def _fetched(self, timeout_s: float) -> list[tuple[TP, list[Any]]]:
        """Fetched records by topic and partition, the fewest first: a tick does not wait behind a thousand events.

        Seeks back when a rebalance came in between.
        """
        records, active = await self._wait_next_records(timeout_s)
        if records is None or self.should_stop:
            return []
        if not self.flow_active:
            await self._drop(records)
            return []
        self._set_pace(bool(records))
        buffered = self._buffered_partitions
        chunks = [(tp, some) for tp, some in records.items() if active is None or tp in active or tp in buffered]
        return sorted(chunks, key=_length)

    async def _drop(self, records: Mapping[TP, list[Any]]) -> None:
        """Have what came while the flow stands still read again: Faust may have sought already."""
        try:
            await self._seek_back()
            recovery = cast(Any, self.app.tables).recovery
            for tp in [tp for tp in records if tp in recovery.active_tps and tp in self.assignment()]:
                await self.seek(tp, max(0, recovery.active_offsets.get(tp) or 0))
        except (IllegalStateError, AssertionError) as error:  # aiokafka asserts that anything is assigned
            log.info("partitions went while their position was set: the next assignment sets it (%s)", error)

    def _set_pace(self, any_came: bool) -> None:
        now = monotonic()
        self._member.gather(busy=any_came and now - self._fetched_at < 2 * FETCH_WAIT_MS / 1000)
        if any_came:
            self._fetched_at = now

    async def _drain_messages(self, fetcher: Any) -> None:
        """Hand fetched records on: source topics to the inbox, changelogs to their tables."""
        replay = self.app.replay
        try:
            while not (self._stopped.is_set() or fetcher._stopped.is_set()):
                await self.sleep(0)
                chunks = await self._fetched(1.0)
                generation = self.app.consumer_generation_id
                for tp, records in chunks:
                    for start in range(0, len(records), HANDED):
                        if not self.flow_active or self.app.consumer_generation_id != generation:
                            break
                        await self._hand_on(tp, records[start : start + HANDED], generation)
                await replay.finish(idle=not chunks)
        except ConsumerStoppedError:
            if not self.transport.app.should_stop:
                raise
        except asyncio.CancelledError:
            if not self.transport.app.should_stop:
                raise

    async def _hand_on(self, tp: TP, records: list[Any], generation: int) -> None:
        """Hand on some of a partition's records, without those that were read before."""
        last = self._read_offset[tp]
        if last is not None and records[0].offset < last:
            records = [record for record in records if record.offset >= last]
            if not records:
                return
        inbox = self.app.inbox
        if tp.topic not in inbox.topics:
            self.app.replay.apply(tp, records)
        elif self._sought_in != generation:
            return  # Faust has yet to seek in this generation: they are read again after it
        else:
            if last is None:
                self._floor.setdefault(tp, records[0].offset)
            await self._note_gaps(tp, last, records)
            if inbox.is_full:
                await self.wait_first(inbox.wait_for_room(), self.suspend_flow.wait())
            if not self.flow_active or self.app.consumer_generation_id != generation:
                return  # a rebalance came in between: its seek has set the position, which must not move past these
            inbox.put([(tp, generation, record) for record in records])
        self._read_offset[tp] = records[-1].offset + 1
        await asyncio.sleep(0)

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Faust's own leaves out the committed offset itself, which is the next to be read."""
        offset_from = max(offset_from, self._committed_offset[tp] or 0)
        if offset_from <= offset_to:
            self._gap[tp].addi(offset_from, offset_to + 1)
            await asyncio.sleep(0)
            self._gap[tp].merge_overlaps()

    async def _note_gaps(self, tp: TP, last: int | None, records: list[Any]) -> None:
        """Offsets at which there is no record (a transaction's marker, what compaction left) count as done."""
        first = records[0].offset
        if last is not None and first > last:
            await self._add_gap(tp, last, first - 1)
        if records[-1].offset - first + 1 == len(records):
            return
        for before, after in pairwise(records):
            if after.offset - before.offset > 1:
                await self._add_gap(tp, before.offset + 1, after.offset - 1)


def _length(chunk: tuple[TP, list[Any]]) -> int:
    return len(chunk[1])


class _Producer(driver.Producer):
    async def create_topic(self, *args: Any, **kwargs: Any) -> None:
        """Topics are created from the topology before a role starts."""


class SafeTransport(driver.Transport):
    Consumer = SafeConsumer
    Producer = _Producer


class SafeApp(faust.App):
    """Faust's app with the safe consumer. `rebalancer` is told of rebalances; `inbox` gets the messages."""

    rebalancer: Rebalancing
    inbox: Inbox
    replay: Replay

    def _new_transport(self) -> SafeTransport:
        return SafeTransport(self.conf.broker_consumer, self)

    @property
    def safe_consumer(self) -> SafeConsumer:
        """The consumer, by its own type."""
        return cast(SafeConsumer, self.consumer)

    @property
    def active_offsets(self) -> dict[TP, int | None]:
        """Changelog partition -> the last offset that is in the table: recovery goes on after it."""
        return cast(Any, self.tables).recovery.active_offsets

    async def wait_crashed(self) -> None:
        """Return when a Faust service has crashed."""
        await self._crashed.wait()

    @staticmethod
    def partition_key(topic: str, partition: int) -> TP:
        """The key of `tables.recovery.active_offsets`."""
        return TP(topic, partition)

    def owned_partitions(self, topics: Iterable[str]) -> frozenset[int]:
        """Partition numbers of the given topics (names on the broker) that this worker owns."""
        names = set(topics)
        return frozenset(tp.partition for tp in self.consumer.assignment() if tp.topic in names)
