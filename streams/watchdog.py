"""A thread that looks at the loop: when it stands still, all stacks are printed and the process ends.

A worker that hangs in a loop or a lock sends no heartbeats, and others take its partitions over. A fresh process takes its
place only when it has ended.
"""

from __future__ import annotations

import faulthandler
import os
import sys
import threading
from collections.abc import Callable

EXIT_STUCK = 72


def _exit() -> None:
    faulthandler.dump_traceback(sys.stderr, all_threads=True)
    sys.stderr.flush()
    os._exit(EXIT_STUCK)


class Watchdog:
    """Calls `on_stuck` (print and end) when `age()`, in seconds, passes `limit_s`."""

    def __init__(
        self,
        age: Callable[[], float],
        *,
        limit_s: float = 30.0,
        every_s: float = 1.0,
        on_stuck: Callable[[], None] = _exit,
    ) -> None:
        self._age = age
        self._limit_s = limit_s
        self._every_s = every_s
        self._on_stuck = on_stuck
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Stop watching."""
        self._stop.set()

    def _watch(self) -> None:
        while not self._stop.wait(self._every_s):
            if self._age() > self._limit_s:
                self._on_stuck()
                return
