"""Who is due next: a heap a partition, so that a tick costs what is due and never what waits.

Entries are deleted lazily. What `pop_due` hands out counts as taken until `commit` (the batch is on the broker) or
`rollback` (it was discarded, and everything taken is due again).
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Iterable

Due = tuple[float, bytes]
"""(instant in seconds since the epoch, key)."""

_SLICE = 5_000
_SLACK = 1_024


class DueIndex:
    """At most one due instant a key."""

    def __init__(self) -> None:
        self._heaps: dict[int, list[Due]] = {}
        self._due: dict[int, dict[bytes, float]] = {}
        self._taken: list[tuple[int, float, bytes]] = []

    def __len__(self) -> int:
        return sum(map(len, self._due.values())) - len(self._taken)

    def push(self, partition: int, key: bytes, due_at: float | None) -> None:
        """Set when `key` is due (seconds since the epoch), replacing what was set before; None takes it out."""
        due = self._due.get(partition)
        if due is None:
            due, self._heaps[partition] = {}, []
            self._due[partition] = due
        if due_at is None:
            due.pop(key, None)
        elif due.get(key) != due_at:
            due[key] = due_at
            heap = self._heaps[partition]
            heapq.heappush(heap, (due_at, key))
            if len(heap) > 2 * len(due) + _SLACK:
                self._compact(partition)

    def due_at(self, partition: int, key: bytes) -> float | None:
        """When `key` is due."""
        return self._due.get(partition, {}).get(key)

    def next_at(self, partition: int) -> float | None:
        """The earliest due instant of a partition."""
        heap, due = self._heaps.get(partition), self._due.get(partition, {})
        while heap:
            at, key = heap[0]
            if due.get(key) == at:
                return at
            heapq.heappop(heap)
        return None

    def pop_due(self, partition: int, until: float, limit: int = 500) -> list[Due]:
        """Up to `limit` entries that are due at or before `until`, in order. They count as taken."""
        heap, due = self._heaps.get(partition), self._due.get(partition, {})
        found: list[Due] = []
        while heap and heap[0][0] <= until and len(found) < limit:
            entry = heapq.heappop(heap)
            if due.get(entry[1]) == entry[0] and (not found or found[-1] != entry):
                found.append(entry)
                self._taken.append((partition, *entry))
        return found

    def commit(self) -> None:
        """What was taken is done. Call it before pushing the keys' next instants."""
        taken, self._taken = self._taken, []
        for partition, at, key in taken:
            due = self._due.get(partition)
            if due is not None and due.get(key) == at:
                del due[key]

    def rollback(self) -> None:
        """What was taken is due again."""
        taken, self._taken = self._taken, []
        for partition, at, key in taken:
            if self._due.get(partition, {}).get(key) == at:
                heapq.heappush(self._heaps[partition], (at, key))

    async def rebuild(self, entries: Iterable[tuple[int, bytes, float | None]]) -> None:
        """Replace everything with (partition, key, due instant or None), in slices that yield to the loop."""
        self._heaps, self._due, self._taken = {}, {}, []
        left = _SLICE
        for partition, key, at in entries:
            left -= 1
            if left == 0:
                left = _SLICE
                await asyncio.sleep(0)
            if at is not None:
                due = self._due.get(partition)
                if due is None:
                    due, self._heaps[partition] = {}, []
                    self._due[partition] = due
                due[key] = at
                self._heaps[partition].append((at, key))
        for heap in self._heaps.values():
            await asyncio.sleep(0)
            heapq.heapify(heap)

    def drop(self, partitions: Iterable[int]) -> None:
        """Forget partitions that belong to another worker now."""
        for partition in partitions:
            self._heaps.pop(partition, None)
            self._due.pop(partition, None)
        self._taken = [entry for entry in self._taken if entry[0] in self._due]

    def _compact(self, partition: int) -> None:
        taken = {key for of, _, key in self._taken if of == partition}
        heap = [(at, key) for key, at in self._due[partition].items() if key not in taken]
        heapq.heapify(heap)
        self._heaps[partition] = heap
