"""Tables as handlers see them: immutable bytes by key, with the partition each key belongs to.

A table is plain memory until a stream binds it to Faust's store, so handlers can be tested without a broker. Only
`Work` changes a table, and only after the broker has acknowledged the change.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, MutableMapping
from typing import Any

WindowKey = tuple[str, tuple[float, float]]


class Table:
    """A keyed table: key bytes -> value bytes."""

    def __init__(self, name: str, changelog: str = "") -> None:
        self.name = name
        self.changelog = changelog or f"{name}-changelog"
        self._data: MutableMapping[bytes, bytes] = {}
        self._partition_of: MutableMapping[bytes, int] = {}

    def bind(self, data: MutableMapping[Any, Any], partition_of: MutableMapping[Any, int]) -> None:
        """Use a store's own mappings (Faust's memory store) instead of private ones."""
        self._data, self._partition_of = data, partition_of

    def get(self, key: bytes) -> bytes | None:
        """The value on the broker; a batch's own writes are seen through `Work.get`."""
        return self._data.get(key)

    def partition(self, key: bytes) -> int | None:
        """The partition a key belongs to."""
        return self._partition_of.get(key)

    def items(self, partition: int) -> Iterator[tuple[bytes, bytes]]:
        """Keys and values of one partition. Costs a pass over all keys: use `entries` to rebuild many partitions."""
        return ((key, value) for key, value, of in self.entries() if of == partition)

    def entries(self) -> Iterator[tuple[bytes, bytes, int]]:
        """(key, value, partition) of everything this worker holds. The table must not change meanwhile."""
        partition_of = self._partition_of
        for key, value in self._data.items():
            yield key, value, partition_of[key]

    def __len__(self) -> int:
        return len(self._data)

    def apply(self, key: bytes, value: bytes | None, partition: int) -> None:
        """Make an acknowledged write visible. Called by the flush only."""
        if value is None:
            self._data.pop(key, None)
            self._partition_of.pop(key, None)
        else:
            self._data[key] = value
            self._partition_of[key] = partition

    @staticmethod
    def encode_key(key: bytes) -> bytes:
        """The key as it stands in the changelog."""
        return key


class WindowTable:
    """Tumbling windows addressed by event time: (key, start second) -> value bytes. Nothing expires by itself."""

    def __init__(self, name: str, size_s: int, changelog: str = "") -> None:
        self.name = name
        self.size_s = size_s
        self.changelog = changelog or f"{name}-changelog"
        self._data: MutableMapping[WindowKey, bytes] = {}
        self._partition_of: MutableMapping[WindowKey, int] = {}

    def bind(self, data: MutableMapping[Any, Any], partition_of: MutableMapping[Any, int]) -> None:
        """Use a store's own mappings (Faust's memory store) instead of private ones."""
        self._data, self._partition_of = data, partition_of

    def window(self, key: str, start_s: int) -> WindowKey:
        """A window's key in the form in which Faust writes and recovers it: `end = start + size - 0.1`."""
        if start_s % self.size_s:
            raise ValueError(f"{start_s} is not the start of a {self.size_s} s window of {self.name}")
        return (key, (float(start_s), start_s + self.size_s - 0.1))

    def get(self, key: str, start_s: int) -> bytes | None:
        """The value on the broker of the window that starts at `start_s` (seconds since the epoch)."""
        return self._data.get(self.window(key, start_s))

    def get_raw(self, window: WindowKey) -> bytes | None:
        return self._data.get(window)

    def entries(self) -> Iterator[tuple[str, int, bytes, int]]:
        """(key, start second, value, partition) of every window this worker holds."""
        partition_of = self._partition_of
        for window, value in self._data.items():
            yield window[0], int(window[1][0]), value, partition_of[window]

    def __len__(self) -> int:
        return len(self._data)

    def apply(self, window: WindowKey, value: bytes | None, partition: int) -> None:
        """Make an acknowledged write visible. Called by the flush only."""
        if value is None:
            self._data.pop(window, None)
            self._partition_of.pop(window, None)
        else:
            self._data[window] = value
            self._partition_of[window] = partition

    @staticmethod
    def encode_key(window: WindowKey) -> bytes:
        """The key as it stands in the changelog: the JSON `[key, [start, end]]`."""
        return json.dumps([window[0], list(window[1])], separators=(",", ":"), ensure_ascii=False).encode()
