"""Rows of a shared table that this process works on by slow calls: claimed, kept up while a call runs, let go of after a fault.

A claim lapses by itself, so what a process that was killed held is taken up by another.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol
from uuid import UUID

import structlog

from streams.errors import is_infrastructure

log = structlog.get_logger("touchline.claims")

CLAIM_S = 20.0
"""Wall seconds after which the rows of a process that was killed are taken up by another."""
RENEW_S = 5.0
"""How often the claims of rows with a call under way are kept up: a model may take longer than a claim lasts."""
DRAIN_S = 5.0


class ClaimStore(Protocol):
    """Where the claims stand."""

    async def let_go(self, ids: Sequence[UUID] | None = None, /) -> None: ...

    async def renew(self, ids: Sequence[UUID], seconds: float, /) -> None: ...


class Claims:
    """Up to `slots` calls at a time, each for one claimed row, or for a few together."""

    def __init__(self, store: ClaimStore, slots: int) -> None:
        self._store = store
        self._slots = slots
        self._calls: dict[asyncio.Task[None], tuple[UUID, ...]] = {}
        self._dropped: set[UUID] = set()
        self._renewed_at = 0.0

    @property
    def calls(self) -> tuple[asyncio.Task[None], ...]:
        """The calls under way."""
        return tuple(self._calls)

    @property
    def free(self) -> int:
        """How many calls may begin now."""
        return self._slots - len(self._calls)

    async def wait(self) -> None:
        """Return when a call has ended, or it is time to keep the claims up."""
        await asyncio.wait(self._calls, return_when=asyncio.FIRST_COMPLETED, timeout=RENEW_S)

    def begin(
        self,
        row: UUID | Sequence[UUID],
        call: Coroutine[Any, Any, None],
        name: str,
        ended: Callable[[], None] = lambda: None,
    ) -> None:
        """Start the call for a claimed row, or for several; `ended` is called after it."""
        task = asyncio.create_task(call, name=name)
        self._calls[task] = (row,) if isinstance(row, UUID) else tuple(row)

        def end(task: asyncio.Task[None]) -> None:
            self._calls.pop(task, None)
            ended()

        task.add_done_callback(end)

    async def keep_up(self) -> None:
        """Renew the claims of the calls under way, where it is time to."""
        if self._calls and time.monotonic() - self._renewed_at >= RENEW_S:
            await self._store.renew([row for rows in self._calls.values() for row in rows], CLAIM_S)
            self._renewed_at = time.monotonic()

    def drop(self, *row_ids: UUID) -> None:
        """The work on these failed: they are to be free again."""
        self._dropped.update(row_ids)

    async def let_go_of_dropped(self) -> None:
        """Rows whose work failed are free again as soon as Postgres is there to say so."""
        if self._dropped:
            dropped = list(self._dropped)
            await self._store.let_go(dropped)
            self._dropped.difference_update(dropped)

    async def stop(self, loops: Sequence[asyncio.Task[None]]) -> None:
        """End the loops that claim, give the calls a moment to finish, and free whatever is still claimed."""
        for task in loops:
            task.cancel()
        await asyncio.gather(*loops, return_exceptions=True)
        if self._calls:
            await asyncio.wait(self._calls, timeout=DRAIN_S)
        for call in self.calls:
            call.cancel()
        await asyncio.gather(*self.calls, return_exceptions=True)
        try:
            async with asyncio.timeout(DRAIN_S):
                await self._store.let_go()
        except Exception as error:
            if not is_infrastructure(error):
                raise
            log.info("claims_lapse_by_themselves", error=type(error).__name__)
