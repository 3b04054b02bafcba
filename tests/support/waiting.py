"""Waiting for a condition with a deadline, which is what tests do instead of sleeping."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

PAUSE_S = 0.02


async def wait_for(
    condition: Callable[[], T | Awaitable[T]], deadline_s: float = 30.0, *, what: str | None = None
) -> T:
    """The first true value of `condition` (a function or coroutine function), looked at every 20 ms.

    Fails with `what` (else the condition's name) when none comes within `deadline_s` wall seconds.
    """
    until = time.monotonic() + deadline_s
    while True:
        value = condition()
        if inspect.isawaitable(value):
            value = await value
        if value:
            return value  # pyright: ignore[reportReturnType]
        if time.monotonic() > until:
            name = what or getattr(condition, "__qualname__", repr(condition))
            raise AssertionError(f"not within {deadline_s:g} s: {name}; last value: {value!r}")
        await asyncio.sleep(PAUSE_S)


def wait_for_sync(condition: Callable[[], T], deadline_s: float = 30.0, *, what: str | None = None) -> T:
    """`wait_for` for a test without a loop."""
    until = time.monotonic() + deadline_s
    while not (value := condition()):
        if time.monotonic() > until:
            raise AssertionError(f"not within {deadline_s:g} s: {what or condition!r}; last value: {value!r}")
        time.sleep(PAUSE_S)
    return value
