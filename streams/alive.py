"""Is this worker still the one the group believes in? Asked before every flush, and before MAIL and DATA.

Three measures, any of which may be the only one to show it: the pulse's own gap (frozen and thawed), the age of the
last good heartbeat (the group may have given us up), the group's generation (it has). A pulse that refreshed itself
before looking would hide a freeze, so the gap is measured first and never forgotten.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable
from typing import NoReturn, Protocol

from streams.errors import Evicted, NotAlive

log = logging.getLogger(__name__)

EXIT_ZOMBIE = 70
_PULSE_S = 0.25


def boottime() -> float:
    """Seconds on a clock that also counts while the machine sleeps, where the system has one."""
    clock_id = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock_id is None else time.clock_gettime(clock_id)


class Membership(Protocol):
    """What the group's coordinator client knows, read at each flush."""

    @property
    def generation(self) -> int:
        """The generation this member is in now, -1 outside of the group."""
        ...

    @property
    def heartbeat_at(self) -> float:
        """When the last heartbeat that was answered well was sent, in `boottime` seconds."""
        ...


def die(reason: str) -> NoReturn:
    """End the process on the spot: nothing it holds may be written any more."""
    log.critical("%s", reason)
    logging.shutdown()
    os._exit(EXIT_ZOMBIE)


class Alive:
    """`check()` costs about a microsecond. Past half of the session it refuses, and for a freeze it ends the process."""

    def __init__(
        self,
        session_s: float,
        *,
        now: Callable[[], float] = boottime,
        die: Callable[[str], NoReturn] = die,
    ) -> None:
        self._limit = session_s / 2
        self._now = now
        self._die = die
        self._beat = now()
        self._membership: Membership | None = None
        self._generation = -1
        self._task: asyncio.Task[None] | None = None

    @property
    def beat_at(self) -> float:
        """When the loop last turned, in `boottime` seconds. Read by the watchdog's thread."""
        return self._beat

    def start(self) -> None:
        """Begin to pulse in the running loop."""
        self._beat = self._now()
        self._task = asyncio.create_task(self._pulse(), name="pulse")

    async def stop(self) -> None:
        """Stop pulsing."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _pulse(self) -> None:
        while True:
            self._measure()
            self._beat = self._now()
            await asyncio.sleep(_PULSE_S)

    def _measure(self) -> None:
        gap = self._now() - self._beat
        if gap > self._limit:
            self._die(f"stood still for {gap:.1f} s, more than half of the session: another worker may have taken over")

    def joined(self, membership: Membership, generation: int) -> None:
        """The tables are whole and the leases taken for `generation`."""
        self._membership, self._generation = membership, generation

    def check(self) -> None:
        """Raise unless this worker may write now.

        Evicted: the group is in another generation. NotAlive: no heartbeat was answered for half of a session (the
        broker may be away, which is not freezing). A freeze ends the process.
        """
        self._measure()
        if self._membership is None:
            return
        if self._membership.generation != self._generation:
            raise Evicted(f"the group has left generation {self._generation}")
        age = self._now() - self._membership.heartbeat_at
        if age > self._limit:
            raise NotAlive(f"no good heartbeat for {age:.1f} s")

    async def confirm(self) -> None:
        """Wait until `check` passes: while the broker is away there is nobody to write to either. Raises Evicted."""
        while True:
            try:
                return self.check()
            except Evicted:
                raise
            except NotAlive:
                await asyncio.sleep(_PULSE_S)
