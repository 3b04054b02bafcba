"""A circuit breaker around an API: after failures in a row nobody is sent there but one probe at a time."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog

from sinks import claude_metrics as metrics

log = structlog.get_logger("touchline.claude")

AFTER = 5
"""Failures in a row that open it."""
PAUSE_S = 15.0
LONGEST_PAUSE_S = 120.0
"""Wall seconds until a probe: 15, doubling with each probe that fails, or as long as the API asks for, up to ..."""
LONGEST_ASKED_S = 600.0


class Breaker:
    """Closed, open, or half open while a probe is under way. Not for several threads."""

    def __init__(
        self, *, after: int = AFTER, pause_s: float = PAUSE_S, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._after = after
        self._first_pause_s = pause_s
        self._now = now
        self._failures = 0
        self._pause_s = pause_s
        self._until: float | None = None
        self._probing = False
        self.why = "unavailable"
        """The last failure."""

    @property
    def is_open(self) -> bool:
        """Whether calls are turned away (a probe aside)."""
        return self._until is not None

    @property
    def wait_s(self) -> float:
        """Wall seconds until a probe may go; a moment while one is under way."""
        return 0.0 if self._until is None else max(1.0, self._until - self._now())

    def allow(self) -> bool:
        """Whether a call may go. Each that may is followed by `succeeded`, `failed` or `gave_up`."""
        if self._until is None:
            return True
        if self._probing or self._now() < self._until:
            return False
        self._probing = True
        return True

    def succeeded(self) -> None:
        """The API answered, whatever it said."""
        if self._until is not None:
            log.info("claude_breaker_closed")
            metrics.BREAKER_OPEN.set(0)
        self._failures, self._pause_s = 0, self._first_pause_s
        self._until, self._probing = None, False

    def failed(self, why: str, asked_s: float | None = None) -> None:
        """No answer. `asked_s`: how long the API asks to be left alone."""
        self.why = why
        self._failures += 1
        if self._until is not None and not self._probing:
            return  # one that began before it opened
        if self._until is None and self._failures < self._after:
            return
        if self._probing:
            self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S)
        self._probing = False
        pause_s = max(self._pause_s, min(asked_s or 0.0, LONGEST_ASKED_S))
        self._until = self._now() + pause_s
        metrics.BREAKER_OPEN.set(1)
        log.warning("claude_breaker_open", why=why, failures=self._failures, seconds=round(pause_s, 1))

    def gave_up(self) -> None:
        """The call ended without telling anything of the API: it was cancelled, or never left."""
        self._probing = False
