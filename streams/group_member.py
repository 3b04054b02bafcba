"""aiokafka's consumer as Faust drives it, in the event loop of everything else. Part of the seam (`streams/seam.py`)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import Any

from aiokafka.consumer.fetcher import PartitionRecords
from faust.transport.drivers import aiokafka as driver
from faust.types.tuples import TP
from mode import Service

from streams.alive import boottime

FETCH_BYTES = 512 * 1024
FETCH_WAIT_MS = 100
"""While records keep coming a fetch is answered with so many bytes, or after so long with what there is: one over all
partitions of a role costs as much as ten events. After a quiet moment the first record is answered with at once."""
QUIET_WAIT_MS = 1500
NEVER_MS = 10 * 365 * 86_400_000
"""A member that fetches nothing for long would leave the group, and not join again before it fetches. One that owns nothing
and one that waits for its leases fetch nothing; whether the process still turns is the watchdog's to say."""


def _as_it_is(key: bytes | None) -> bytes | None:
    """Marks a consumer whose records are handed on as aiokafka decoded them, without its record class around them."""
    return key


_plain_record = PartitionRecords._consumer_record


def _record(batch: Any, tp: Any, record: Any) -> Any:
    return record if batch._key_deserializer is _as_it_is else _plain_record(batch, tp, record)


PartitionRecords._consumer_record = _record  # type: ignore[method-assign]


class GroupMember(driver.AIOKafkaConsumerThread):
    """The member of the consumer group. Faust makes it a thread with a loop of its own: every call crosses two queues, and
    the interpreter's lock goes to and fro. Here it is a service like any other, and its heartbeats tell that the loop turns.

    Notes when a heartbeat was last answered well: aiokafka keeps that to itself.
    """

    wait_for_shutdown = False
    heartbeat_at: float = 0.0

    # -- a service instead of a thread

    async def start(self) -> None:
        self._thread_started.set()
        await self._default_start()

    async def on_start(self) -> None:
        await super().on_start()
        coordinator: Any = self._ensure_consumer()._coordinator
        heartbeat = coordinator._do_heartbeat

        async def noted() -> bool:
            sent_at = boottime()
            answered = await heartbeat()
            if answered:
                self.heartbeat_at = sent_at
            return answered

        coordinator._do_heartbeat = noted

    async def stop(self) -> None:
        if self._started.is_set():
            await Service.stop(self)

    async def on_stop(self) -> None:
        if self._consumer is not None:
            await self._consumer.stop()

    def _stopped_set(self) -> None:
        self._stopped.set()

    async def _stop_children(self) -> None:
        await self._default_stop_children()

    async def _stop_futures(self) -> None:
        await self._default_stop_futures()

    async def _stop_exit_stacks(self) -> None:
        await self._default_stop_exit_stacks()

    async def call_thread(self, fun: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any) -> Any:
        result = fun(*args, **kwargs)
        return await result if isawaitable(result) else result

    @Service.task
    async def _heed_the_coordinator(self) -> None:
        """What the coordinator cannot mend by itself waits to be asked for, and nothing goes on: it ends the process."""
        while not self.should_stop:
            await self.sleep(1.0)
            inner: Any = self._consumer
            if inner is not None and not self.should_stop:
                inner._coordinator.check_errors()

    # -- rebalances

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        await self.consumer.on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        self.heartbeat_at = boottime()  # to have joined is as good as a heartbeat
        await self.consumer.on_partitions_assigned(assigned, generation_id)

    @property
    def generation(self) -> int:
        """The group generation of this member now (-1: none)."""
        inner: Any = self._consumer
        return -1 if inner is None else int(inner._coordinator.generation)

    @property
    def rejoining(self) -> bool:
        """Whether this member has given its partitions up and waits for the next assignment."""
        inner: Any = self._consumer
        return inner is None or inner._subscription.reassignment_in_progress

    # -- fetching

    def _create_worker_consumer(self, *args: Any, **kwargs: Any) -> Any:
        consumer: Any = super()._create_worker_consumer(*args, **kwargs)
        consumer._key_deserializer = _as_it_is
        consumer._isolation_level = "read_committed"  # what a producer took back was never said
        consumer._max_poll_interval_ms = NEVER_MS
        return consumer

    def gather(self, *, busy: bool) -> None:
        """Say how the next fetches wait for records."""
        fetching: Any = self._ensure_consumer()._fetcher
        fetching._fetch_min_bytes = FETCH_BYTES if busy else 1
        fetching._fetch_max_wait_ms = FETCH_WAIT_MS if busy else QUIET_WAIT_MS
