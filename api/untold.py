"""Telling of what people asked for: an unsubscribe is noted with its suppression and published until the broker has it.

Hits by pixel and link may be lost with the process that took them; what a person asked for may not. Publishing again
changes nothing: a hit keeps its event id.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import structlog
from pydantic import ValidationError

from api.http import metrics
from api.publisher import Outgoing, PublisherPort
from schemas.tracking import Hit
from sinks.ports import Suppression
from streams.errors import Poison, Retryable

LOG = structlog.get_logger("api.untold")
AT_ONCE = 500


class UntoldPort(Protocol):
    """Where a suppression and what tells of it are one (`sinks.postgres.stops.PostgresStops`)."""

    async def unsubscribe(self, suppressions: Sequence[Suppression], event_id: str, hit: str) -> None: ...
    def telling(self, at_most: int = AT_ONCE) -> AbstractAsyncContextManager[list[str]]: ...


class Untold:
    """`suppress` commits and returns; `run` publishes soon after, and whatever another process left behind."""

    def __init__(self, store: UntoldPort, publisher: PublisherPort, *, every_s: float = 2.0) -> None:
        self._store = store
        self._publisher = publisher
        self._every_s = every_s
        self._some = asyncio.Event()

    async def suppress(self, suppressions: Sequence[Suppression], hit: Hit) -> None:
        """Commit suppressions with the hit that tells of them. Raises Retryable: then nothing is promised."""
        await self._store.unsubscribe(suppressions, hit.event_id, hit.model_dump_json())
        self._some.set()

    async def run(self) -> None:
        """Go on for ever, at once after each `suppress` and every two seconds."""
        while True:
            try:
                while await self.once() == AT_ONCE:
                    pass
            except Retryable as error:
                LOG.warning("unsubscribes_wait", error=str(error))
                await asyncio.sleep(self._every_s)  # however many come meanwhile
            try:
                async with asyncio.timeout(self._every_s):
                    await self._some.wait()
            except TimeoutError:
                continue
            self._some.clear()

    async def once(self) -> int:
        """Publish what is noted; returns how many were."""
        async with self._store.telling(AT_ONCE) as noted:
            if noted:
                await self._publish([hit for text in noted if (hit := _read(text)) is not None])
        return len(noted)

    async def _publish(self, hits: Sequence[Hit]) -> None:
        """One that no topic takes costs only itself."""
        try:
            await self._publisher.publish([Outgoing("tracking-hits", hit, hit.lead_id) for hit in hits])
        except Poison as error:
            if len(hits) > 1:
                for hit in hits:
                    await self._publish([hit])
                return
            LOG.error("hit_refused", lead_id=hits[0].lead_id, event_id=hits[0].event_id, error=error.reason)
            metrics.HITS_REFUSED.inc()


def _read(text: str) -> Hit | None:
    """A noted hit; None for one that another version wrote and this one cannot read."""
    try:
        return Hit.model_validate_json(text, extra="ignore")
    except ValidationError as error:
        LOG.error("hit_unreadable", errors=error.error_count())
        metrics.HITS_REFUSED.inc()
        return None
