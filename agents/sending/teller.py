"""Tells what was recorded: results to leads, uses and pauses to dispatch, with the broker's acknowledgement.

What is recorded but untold when the process dies is told by the next owner's sweep, under the same ids.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import structlog

from agents.sending.pace import Pace
from schemas.sending import GrantOutcome, MailboxPaused, SendResult
from streams.errors import Retryable
from streams.work import Work

log = structlog.get_logger("touchline.sender")

Telling = SendResult | GrantOutcome | MailboxPaused
MAX_BATCH = 400
PACE_S = 0.08
"""Between two small batches: a record batch a partition is written and read for each, by every reader of it."""
_LONGEST_WAIT_S = 2.0


class Publisher(Protocol):
    """Writing outside of a batch (`streams.role.RoleStream`)."""

    def work(self) -> Work: ...

    async def publish(self, work: Work) -> None: ...


def emit(work: Work, messages: Sequence[Telling]) -> None:
    """Each to its topic, under its key."""
    for message in messages:
        if isinstance(message, SendResult):
            work.emit("send-results", message, message.lead_id)
        else:
            work.emit("grant-outcomes", message, message.pool_id)


class Teller:
    """One task that publishes what all mailboxes have to tell, together, again and again until it is acknowledged."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._waiting: list[tuple[Sequence[Telling], Callable[[], None]]] = []
        self._something = asyncio.Event()
        self._nothing = asyncio.Event()
        self._nothing.set()
        self._pace = Pace(PACE_S, MAX_BATCH)
        self._task: asyncio.Task[Any] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="teller")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def tell(self, messages: Sequence[Telling], told: Callable[[], None]) -> None:
        """Publish these; `told` is called when the broker has them."""
        self._waiting.append((messages, told))
        self._nothing.clear()
        self._something.set()

    async def all_told(self) -> None:
        """Wait until the broker has everything."""
        await self._nothing.wait()

    async def _run(self) -> None:
        while True:
            await self._something.wait()
            await self._pace.wait(len(self._waiting))
            batch, self._waiting = self._waiting[:MAX_BATCH], self._waiting[MAX_BATCH:]
            if not self._waiting:
                self._something.clear()
            for told in await self._told(batch):
                told()
            if not self._waiting:
                self._nothing.set()

    async def _told(self, batch: Sequence[tuple[Sequence[Telling], Callable[[], None]]]) -> list[Callable[[], None]]:
        """Publish these and answer which were: one that cannot be costs no other, and not this task."""
        try:
            await self._publish([message for messages, _ in batch for message in messages])
        except Exception as error:
            log.error("results_unfit", count=len(batch), exc_info=error)
            if len(batch) == 1:
                return []
            return [told for one in batch for told in await self._told([one])]
        return [told for _, told in batch]

    async def _publish(self, messages: list[Telling]) -> None:
        wait_s = 0.05
        while True:
            work = self._publisher.work()
            emit(work, messages)
            try:
                return await self._publisher.publish(work)
            except Retryable as error:
                log.warning("results_wait", count=len(messages), error=type(error).__name__)
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, _LONGEST_WAIT_S)
