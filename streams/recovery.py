"""Faust's recovery, with the takeover of the partitions as a step of its own. Part of the seam (`streams/seam.py`).

Faust tells callbacks that its tables are whole; a rebalance in the middle of the reading tells them too, with half a
table, and what they began goes on beside the next recovery. Here the takeover is awaited, in the generation it is for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from faust.tables import TableManager
from faust.tables.recovery import RebalanceAgain, Recovery, ServiceStopped

if TYPE_CHECKING:
    from streams.seam import SafeApp


class _Recovery(Recovery):
    async def on_recovery_completed(self, generation_id: int = 0) -> None:
        await self._take_over(generation_id)
        await super().on_recovery_completed(generation_id)  # its callbacks do nothing (`DurableTable`)

    async def _resume_streams(self, generation_id: int = 0) -> None:  # without tables
        await self._take_over(generation_id)
        await super()._resume_streams(generation_id)

    async def _take_over(self, generation_id: int) -> None:
        app = cast("SafeApp", self.app)
        member = app.safe_consumer
        superseded = self.signal_recovery_start.is_set() or app.consumer_generation_id != generation_id
        if superseded or member.rejoining or member.generation != generation_id:
            raise RebalanceAgain
        for table in self.tables.values():
            await table.data.on_recovery_completed(self.actives_for_table[table], self.standbys_for_table[table])
        if not await app.rebalancer.recovered(generation_id):
            raise RebalanceAgain

    async def _wait(self, coro: Any, timeout: Any = None) -> None:  # noqa: ASYNC109 - the name is Faust's
        """Faust takes its own impatience for a stop: recovery ends for good, and the partitions are held but never read.

        While the group is joined anew nothing is answered, and the next assignment begins afresh.
        """
        try:
            await super()._wait(coro, timeout)
        except ServiceStopped:
            if self.should_stop:
                raise
            if cast("SafeApp", self.app).safe_consumer.rejoining:
                raise RebalanceAgain from None
            raise TimeoutError(f"a step of the recovery was not answered within {timeout:.0f} s") from None


class SafeTables(TableManager):
    @property
    def recovery(self) -> Recovery:
        """The recovery service of the tables."""
        if self._recovery is None:
            self._recovery = _Recovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._recovery
