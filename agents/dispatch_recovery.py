"""How dispatch comes back: its tables, merged with what the ledger knows of the partitions' grants."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from typing import TypeVar

import structlog

from agents import dispatch_metrics as metrics
from agents.dispatch_shelf import Shelf, read_entry
from domain.campaign import Definitions
from domain.dispatch.grants import Chunk, ChunkKey, Slot, read_chunk
from domain.dispatch.instants import micros
from domain.dispatch.partition import PoolPartition
from sinks.ports import LedgerGrant, RecentGrantsPort
from streams.errors import Retryable
from streams.tables import Table, WindowTable

LOG = structlog.get_logger("dispatch")

Entry = TypeVar("Entry")

SLICE = 500
"""Entries between two yields: a rebuild never holds up the heartbeats."""
_MAX_DELAY_S = 5.0


class Recovery:
    """Rebuilds the partitions of a worker. The ledger's grants are kept until they are on the broker."""

    def __init__(
        self,
        waiting: Table,
        grants: WindowTable,
        mailboxes: Table,
        ledger: RecentGrantsPort | None,
        epochs: Callable[[], Mapping[int, int]],
    ) -> None:
        self._waiting = waiting
        self._grants = grants
        self._mailboxes = mailboxes
        self._ledger = ledger
        self._epochs = epochs
        self._told: dict[int, list[LedgerGrant]] = {}
        self._numbers: dict[tuple[int, int], int] = {}

    async def ask_ledger(self, partitions: Iterable[int]) -> None:
        """After the leases are taken: what the ledger has of these partitions' last day. Waits while it is away."""
        self._told = {number: await self._recent(number) for number in sorted(partitions)}

    async def _recent(self, partition: int) -> list[LedgerGrant]:
        if self._ledger is None:
            return []
        delay = 0.2
        while True:
            try:
                return list(await self._ledger.recent_grants(partition))
            except Retryable as error:
                LOG.warning("ledger_away", partition=partition, error=str(error))
            await asyncio.sleep(delay)
            delay = min(delay * 2, _MAX_DELAY_S)

    def note(self, partitions: Mapping[int, PoolPartition]) -> None:
        """Before partitions are thrown away: the numbers they gave are not given again in their epoch."""
        for number, partition in partitions.items():
            self._numbers[(number, partition.epoch)] = partition.number

    async def rebuild(self, shelves: Mapping[int, Shelf], definitions: Definitions) -> dict[int, PoolPartition]:
        """Partitions as the tables, and the ledger where it knows more, have them."""
        began = time.monotonic()
        epochs = self._epochs()
        rebuilt: dict[int, PoolPartition] = {}
        for number, shelf in shelves.items():
            epoch = epochs.get(number, 1)
            rebuilt[number] = PoolPartition(shelf, epoch, number=self._numbers.get((number, epoch), 0))
        chunks: dict[int, list[Chunk]] = {number: [] for number in rebuilt}
        async for key, start_s, value, number in _slices(self._grants.entries()):
            if number in chunks:
                chunks[number].append(read_chunk(ChunkKey.read(key, start_s), value))
        for partition in rebuilt.values():
            partition.define(definitions)
        for key, value, number in self._mailboxes.entries():
            if number in rebuilt:
                rebuilt[number].restore_mailbox(key.decode(), value)
        for number, partition in rebuilt.items():
            partition.restore(chunks[number], [_slot(grant) for grant in self._told.get(number, ())])
            await asyncio.sleep(0)
        async for send_id, value, number in _slices(self._waiting.entries()):
            if number in rebuilt:
                rebuilt[number].restore_waiting(send_id, read_entry(send_id, value))
        metrics.REBUILT.set(time.monotonic() - began)
        return rebuilt

    def done(self, partitions: Iterable[int]) -> None:
        """A batch of these partitions is on the broker: what the ledger told of them stands in the table now."""
        for number in partitions:
            self._told.pop(number, None)


def _slot(grant: LedgerGrant) -> Slot:
    return Slot(
        grant.grant_id,
        grant.send_id.bytes,
        0,
        grant.mailbox_id,
        grant.campaign_id,
        grant.domain,
        micros(grant.granted_at),
        grant.use,
    )


async def _slices(entries: Iterator[Entry]) -> AsyncIterator[Entry]:
    for number, entry in enumerate(entries):
        if number % SLICE == SLICE - 1:
            await asyncio.sleep(0)
        yield entry
