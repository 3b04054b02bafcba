"""What a bench run prints: one JSON line a figure."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement. `n` is over how many emails, leads, requests or ticks it was taken."""

    metric: str
    value: float
    unit: str
    n: int

    def line(self) -> str:
        """The JSON line, the value to four significant digits or better."""
        value = round(self.value, 1) if abs(self.value) >= 100 else round(self.value, 3)
        return json.dumps({"metric": self.metric, "value": value, "unit": self.unit, "n": self.n})


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much a run measures."""

    leads: int
    warm_up: int
    baseline: int
    ticks: tuple[int, ...]
    ticks_timed: int
    recover: int
    pixels: int
    late_a_second: int
    late_s: int
    answers: int


FULL = Sizes(
    leads=20_000,
    warm_up=1_000,
    baseline=20_000,
    ticks=(10_000, 100_000, 1_000_000),
    ticks_timed=300,
    recover=100_000,
    pixels=10_000,
    late_a_second=50,
    late_s=40,
    answers=5_000,
)
QUICK = Sizes(
    leads=300,
    warm_up=50,
    baseline=300,
    ticks=(1_000, 2_000),
    ticks_timed=20,
    recover=2_000,
    pixels=200,
    late_a_second=20,
    late_s=3,
    answers=300,
)


def per_item_us(cpu_s: float, items: int) -> float:
    """Microseconds an item. Raises ValueError when there was none: a figure over nothing is no figure."""
    if items <= 0:
        raise ValueError("nothing was measured")
    return cpu_s * 1e6 / items


def percentile(values: list[float], share: float) -> float:
    """The nearest-rank percentile (`share` in (0, 1]). Raises ValueError for no values."""
    if not values:
        raise ValueError("nothing was measured")
    ordered = sorted(values)
    rank = max(1, -int(-share * len(ordered) // 1))
    return ordered[min(rank, len(ordered)) - 1]


def say(text: str) -> None:
    """Progress, for people: standard error."""
    sys.stderr.write(f"[{time.strftime('%H:%M:%S')}] {text}\n")
    sys.stderr.flush()
