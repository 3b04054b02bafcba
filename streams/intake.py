"""From Faust's consumer to the batch runner and back: which messages make a batch, and when their offsets count."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from streams import metrics
from streams.batches import MAX_BYTES, MAX_EVENTS, BatchRunner
from streams.inbound import Raw
from streams.inbox import Fetched

if TYPE_CHECKING:
    from streams.seam import SafeApp

LINGER_S = 0.02
_ENOUGH = 100
"""With so many events waiting there is no use in waiting for more."""


class Intake:
    """Feeds the runner. `logical` maps the names on the broker to the names of the topology."""

    def __init__(
        self, app: SafeApp, runner: BatchRunner, role: str, logical: Mapping[str, str], linger_s: float = LINGER_S
    ) -> None:
        self._app = app
        self._runner = runner
        self._role = role
        self._logical = logical
        self._linger_s = linger_s

    async def consume(self) -> None:
        """Process for ever."""
        inbox = self._app.inbox
        while True:
            await inbox.wait()
            if len(inbox) < _ENOUGH:
                await asyncio.sleep(self._linger_s)
            await self._process(inbox.take(MAX_EVENTS, MAX_BYTES))

    async def _process(self, fetched: list[Fetched]) -> None:
        """Run what belongs to the group's present generation: the rest will be read again by whoever owns it."""
        app, logical = self._app, self._logical
        generation = app.consumer_generation_id
        current = [(tp, record) for tp, fetched_in, record in fetched if fetched_in == generation]
        if not current:
            return
        started = time.monotonic()
        raws = [
            Raw(logical[tp.topic], tp.partition, r.offset, r.key, r.value, r.headers, r.timestamp / 1000)
            for tp, r in current
        ]
        if await self._runner.run(raws) and app.consumer_generation_id == generation:
            app.safe_consumer.record([(tp, record.offset) for tp, record in current])
            metrics.BATCHES.labels(self._role).inc()
            metrics.BATCH_EVENTS.labels(self._role).observe(len(raws))
            metrics.BATCH_SECONDS.labels(self._role).observe(time.monotonic() - started)
            metrics.EVENTS.labels(self._role).inc(len(raws))
