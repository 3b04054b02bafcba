"""Letting things gather for a moment where handling them together costs little more than handling one."""

from __future__ import annotations

import asyncio
import time


class Pace:
    """Lets `enough` of them pass at once, fewer when the last time was `pace_s` ago: the first after a quiet moment goes at once."""

    __slots__ = ("_enough", "_next", "_pace_s")

    def __init__(self, pace_s: float, enough: int) -> None:
        self._pace_s = pace_s
        self._enough = enough
        self._next = 0.0

    async def wait(self, size: int) -> None:
        """Wait until `size` of them may pass."""
        delay = self._next - time.monotonic()
        if size < self._enough and delay > 0:
            await asyncio.sleep(delay)
        self._next = time.monotonic() + self._pace_s
