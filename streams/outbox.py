"""Writing to the broker in acknowledged stages: limits, then outputs, then state.

A crash between two stages repeats outputs under the same ids, which every reader ignores; it never forgets one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from streams import kafka
from streams.access import connect
from streams.errors import FlushFailed, NotAlive, Retryable
from streams.failpoints import Failpoints
from streams.work import Record, Stage, Work

if TYPE_CHECKING:
    from streams.settings import Settings

MAX_REQUEST = 16 * 1024 * 1024
BATCH_BYTES = 256 * 1024
_POINTS = {Stage.LIMITS: "after_limits", Stage.OUTPUTS: "after_outputs", Stage.STATE: "after_state"}


async def _nothing() -> None:
    return None


class Outbox:
    """A plain idempotent producer (acks=all). `confirm` runs before each flush and may refuse it."""

    def __init__(
        self,
        settings: Settings,
        *,
        confirm: Callable[[], Awaitable[None]] = _nothing,
        failpoints: Failpoints | None = None,
    ) -> None:
        self._settings = settings
        self._producer: AIOKafkaProducer | None = None
        self._confirm = confirm
        self._failpoints = failpoints or Failpoints()
        self._offsets: MutableMapping[Any, Any] | None = None
        self._make_tp: Callable[[str, int], Any] = TopicPartition

    def track(self, offsets: MutableMapping[Any, Any], make_tp: Callable[[str, int], Any]) -> None:
        """Note the acknowledged changelog offsets here (Faust's `recovery.active_offsets`).

        Because the outbox bypasses Faust's producer, a worker that keeps its partitions would replay them otherwise.
        """
        self._offsets, self._make_tp = offsets, make_tp

    async def start(self) -> None:
        """Connect. Raises KafkaError when no broker answers, AccessRefused when they refuse."""
        producer = AIOKafkaProducer(
            **kafka.connection(self._settings),
            acks="all",
            enable_idempotence=True,
            max_batch_size=BATCH_BYTES,
            max_request_size=MAX_REQUEST,
        )
        try:
            await connect(producer, self._settings)
        except BaseException:
            await producer.stop()
            raise
        self._producer = producer

    async def stop(self) -> None:
        """Disconnect. Nothing is in flight: every flush was awaited."""
        if self._producer is not None:
            await self._producer.stop()
            self._producer = None

    async def flush(self, work: Work) -> None:
        """Write the batch, stage by stage, each acknowledged before the next; then make it visible.

        Raises NotAlive before anything is written when the membership cannot be confirmed, FlushFailed when the
        broker did not acknowledge (what is on it is then unknown) or another worker has taken over between two stages.
        """
        await self._confirm()
        is_begun = False
        for stage in Stage:
            records = work.records(stage)
            if records:
                if is_begun:
                    await self._confirm_again(stage)
                is_begun = True
                await self._write(records, changelog=stage is not Stage.OUTPUTS)
                self._failpoints.hit(_POINTS[stage])
        work.apply()

    async def _confirm_again(self, stage: Stage) -> None:
        """A stage can take longer than a session. Whoever owns the partitions by now reads the tables as they stand: an
        older state written after that would be what the next recovery finds.
        """
        try:
            await self._confirm()
        except NotAlive as error:
            raise FlushFailed(f"nothing was written from {stage.name} on: {error}") from error

    async def publish(self, work: Work) -> None:
        """Write outputs from outside a batch (a sender's results, the API). Raises Retryable when the broker is away.

        What was written before the error may be there: publishing again repeats it under the same ids.
        """
        if work.writes_tables():
            raise TypeError("only a batch writes tables")
        if not work.outputs:
            work.apply()
            return
        await self._confirm()
        try:
            await self._write(work.outputs, changelog=False)
        except FlushFailed as error:
            raise Retryable(str(error)) from error
        work.apply()

    async def _write(self, records: list[Record], *, changelog: bool) -> None:
        """One stage: a record batch a partition, all in flight together, all acknowledged on return."""
        if self._producer is None:
            raise FlushFailed("the outbox is not started")
        try:
            acks = [
                ack
                for (topic, partition), group in _by_partition(records).items()
                for ack in await self._send(self._producer, topic, partition, group)
            ]
            await asyncio.gather(*(future for future, _ in acks))
        except KafkaError as error:
            raise FlushFailed(f"the broker did not acknowledge: {error!r}") from error
        if changelog and self._offsets is not None:
            for future, count in acks:
                meta = future.result()
                tp = self._make_tp(meta.topic, meta.partition)
                known = self._offsets.get(tp)
                last = meta.offset + count - 1
                self._offsets[tp] = last if known is None else max(known, last)

    @staticmethod
    async def _send(
        producer: AIOKafkaProducer, topic: str, partition: int, group: list[Record]
    ) -> list[tuple[asyncio.Future[Any], int]]:
        """Fill record batches for one partition and hand them over in order: (the ack, its records) for each."""
        sent: list[tuple[asyncio.Future[Any], int]] = []
        batch = producer.create_batch()
        for record in group:
            if batch.append(timestamp=None, key=record.key, value=record.value, headers=record.headers) is None:
                sent.append((await producer.send_batch(batch, topic, partition=partition), batch.record_count()))
                batch = producer.create_batch()
                batch.append(timestamp=None, key=record.key, value=record.value, headers=record.headers)
        count = batch.record_count()
        batch.close()
        sent.append((await producer.send_batch(batch, topic, partition=partition), count))
        return sent


def _by_partition(records: list[Record]) -> dict[tuple[str, int], list[Record]]:
    groups: dict[tuple[str, int], list[Record]] = {}
    for record in records:
        place = (record.topic, record.partition)
        group = groups.get(place)
        if group is None:
            groups[place] = [record]
        else:
            group.append(record)
    return groups
