"""Faust's recovery, which ends the process where the broker does not answer it. Part of the seam (`streams/seam.py`)."""

from __future__ import annotations

from typing import Any

from faust.tables import TableManager
from faust.tables.recovery import Recovery, ServiceStopped


class _Recovery(Recovery):
    async def _wait(self, coro: Any, timeout: Any = None) -> None:  # noqa: ASYNC109 - the name is Faust's
        """Faust takes its own impatience for a stop: recovery ends for good, and the partitions are held but never read."""
        try:
            await super()._wait(coro, timeout)
        except ServiceStopped:
            if self.should_stop:
                raise
            raise TimeoutError(f"a step of the recovery was not answered within {timeout:.0f} s") from None


class SafeTables(TableManager):
    @property
    def recovery(self) -> Recovery:
        """The recovery service of the tables."""
        if self._recovery is None:
            self._recovery = _Recovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._recovery
