"""Messages between Faust's consumer and the runner."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import Any

Fetched = tuple[Any, int, Any]
"""Topic and partition, the group's generation, and the consumer's record."""


class Inbox:
    """Records of the source topics on their way to the runner, each with its partition and the generation that it was
    fetched in; about `limit` of them at most.

    It stands in for the queue of Faust's stream: a queue, an event, two decodings and four tasks for each message cost
    more than the rest of the way through a worker.
    """

    def __init__(self, topics: Iterable[str], limit: int = 16_384) -> None:
        self.topics = frozenset(topics)
        self._limit = limit
        self._messages: deque[Fetched] = deque()
        self._filled = asyncio.Event()
        self._room = asyncio.Event()

    def __len__(self) -> int:
        return len(self._messages)

    @property
    def is_full(self) -> bool:
        """Whether a message more should wait for room."""
        return len(self._messages) >= self._limit

    def put(self, messages: Iterable[Fetched]) -> None:
        """Add messages at the end."""
        self._messages.extend(messages)
        self._filled.set()

    async def wait_for_room(self) -> None:
        """Return when something was taken."""
        self._room.clear()
        await self._room.wait()

    async def wait(self) -> None:
        """Return when there is a message."""
        while not self._messages:
            self._filled.clear()
            await self._filled.wait()

    def take(self, limit: int, max_bytes: int) -> list[Fetched]:
        """The next messages, at most `limit`; the last of them may pass `max_bytes`."""
        messages = self._messages
        taken: list[Fetched] = []
        size = 0
        while messages and len(taken) < limit and size < max_bytes:
            message = messages.popleft()
            taken.append(message)
            size += len(message[2].value or b"")
        self._room.set()
        return taken

    def clear(self) -> None:
        """Forget everything: the partitions are going, and what was not processed will be read again."""
        self._messages.clear()
        self._room.set()
