"""A loop beside the batches of a role: it works while there is something to do, then waits to be woken or for a poll."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable

import structlog

from streams.errors import is_infrastructure

log = structlog.get_logger("touchline.loops")

LONGEST_PAUSE_S = 10.0


async def repeat(some: Callable[[], Awaitable[bool]], woken: asyncio.Event, poll_s: float, name: str) -> None:
    """Call `some` for as long as it answers that there is more. Faults slow the loop down and never end it."""
    failures = 0
    while True:
        woken.clear()
        try:
            more = await some()
            failures = 0
        except Exception as error:  # noqa: BLE001 - whatever it was, the loop goes on
            failures += 1
            expected = is_infrastructure(error)
            say = log.warning if expected else log.error
            say("loop_tries_again", loop=name, failures=failures, exc_info=None if expected else error)
            await asyncio.sleep(min(LONGEST_PAUSE_S, 0.1 * 2 ** min(failures, 8)) * random.uniform(0.5, 1.0))
            continue
        if not more:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(poll_s):
                    await woken.wait()
