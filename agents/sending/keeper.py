"""The take-over: when partitions come into this worker's hands, and every minute after, it looks for what nobody works on.

Claimed touches of an owner before are sent, what it had in the air is ambiguous, what it recorded is told again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog

from agents.sending import metrics, reports
from agents.sending.hands import Hands
from agents.sending.teller import Teller, Telling
from sinks.ports import Claim, Finished, Lease, LedgerPort
from sinks.postgres.connect import retrying
from streams.clock import ClockLike

log = structlog.get_logger("touchline.sender")

SWEEP_S = 60.0
SETTLES = 6
"""How often between two sweeps a partition is settled: the next owner tells again what was told since."""
SLACK = timedelta(seconds=10)
"""How far the ledger's clock may step back without hiding a row from the next sweep."""


class Keeper:
    """Sweeps the leases it was last given. `receive` gets what it finds to send."""

    def __init__(
        self,
        ledger: LedgerPort,
        hands: Hands,
        teller: Teller,
        clock: ClockLike,
        receive: Callable[[list[Claim]], None],
        *,
        sweep_s: float = SWEEP_S,
    ) -> None:
        self._ledger = ledger
        self._hands = hands
        self._teller = teller
        self._clock = clock
        self._receive = receive
        self._sweep_s = sweep_s
        self._told: set[tuple[UUID, str]] = set()
        self._swept: frozenset[Lease] = frozenset()
        self._task: asyncio.Task[Any] | None = None

    def watch(self, leases: frozenset[Lease]) -> None:
        """Sweep these now, and again every minute, in place of those before."""
        if self._task is not None:
            self._task.cancel()
        self._told, self._swept = set(), frozenset()
        self._task = asyncio.create_task(self._run(leases), name="keeper") if leases else None

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _run(self, leases: frozenset[Lease]) -> None:
        while True:
            for lease in sorted(leases):
                try:
                    await self.sweep(lease)
                except Exception:
                    log.exception("sweep_failed", partition=lease.partition)
            for _ in range(SETTLES):
                await asyncio.sleep(self._sweep_s / SETTLES)
                await self.settle(leases)

    async def settle(self, leases: frozenset[Lease]) -> None:
        """Note how far everything of these is finished and told. Once they have been swept."""
        for lease in sorted(leases & self._swept):
            settled_at = self._hands.settled_at(lease)
            if settled_at is not None:
                await retrying("settle", lambda lease=lease, at=settled_at: self._ledger.settle(lease, at - SLACK))

    async def sweep(self, lease: Lease) -> None:
        """Find, tell, settle and forget, for one partition."""
        held = self._hands.held(lease)
        found = await retrying("take-over", lambda: self._ledger.take_over(lease, held, self._clock.now()))
        untold = [row for row in found.finished if (row.send_id, row.grant_id) not in self._told]
        if found.claims or untold:
            log.info("taken_over", partition=lease.partition, claims=len(found.claims), finished=len(untold))
            metrics.TAKEN_OVER.labels("claims").inc(len(found.claims))
            metrics.TAKEN_OVER.labels("finished").inc(len(untold))
        self._receive(self._hands.take(found.claims))
        await self._tell(untold)
        self._swept |= {lease}
        await self.settle(frozenset({lease}))
        await retrying("forget", lambda: self._ledger.forget(lease))

    async def _tell(self, untold: list[Finished]) -> None:
        """Returns when the broker has them all: only then may the partition be settled past them."""
        if not untold:
            return
        told = asyncio.Event()
        events: list[Telling] = [event for row in untold for event in reports.report_again(row)]
        self._teller.tell(events, told.set)
        await told.wait()
        self._told |= {(row.send_id, row.grant_id) for row in untold}
