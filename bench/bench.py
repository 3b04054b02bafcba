"""`make bench`: one JSON line a metric, all in one run on one stack. Progress goes to standard error.

    python -m bench.bench [--quick] [--only PREFIX]

`--only` measures the metrics whose names begin so (email, baseline, tick, recover, lead, pixel, dispatch, reply). What the
figures mean and what was found in them: docs/performance.md.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.answers import measure_answers
from bench.emails import measure_baseline, measure_emails
from bench.figures import FULL, QUICK, Figure, Sizes, say
from bench.late import measure_late
from bench.pixels import measure_pixels
from bench.product import Product, Stack
from bench.recovery import measure_recovery
from bench.ticks import measure_ticks


@dataclass(frozen=True, slots=True)
class Part:
    """What is measured together: the beginnings of its metrics' names, and on what it is measured."""

    prefixes: tuple[str, ...]
    on_stack: Callable[[Stack, Sizes], Awaitable[list[Figure]]] | None = None
    on_product: Callable[[Product, Sizes], Awaitable[list[Figure]]] | None = None


async def _ticks(stack: Stack, sizes: Sizes) -> list[Figure]:
    return await measure_ticks(sizes)


PARTS: tuple[Part, ...] = (
    Part(("baseline.",), on_stack=measure_baseline),
    Part(("email.",), on_product=measure_emails),
    Part(("pixel.",), on_product=measure_pixels),
    Part(("dispatch.",), on_product=measure_late),
    Part(("recover.", "lead."), on_stack=measure_recovery),
    Part(("reply.",), on_stack=measure_answers),
    Part(("tick.",), on_stack=_ticks),
)
"""In the order in which they run. Those on the product share one, started once."""


def chosen(only: str) -> list[Part]:
    """The parts that measure something whose name begins with `only`."""
    return [part for part in PARTS if any(p.startswith(only) or only.startswith(p) for p in part.prefixes)]


async def run(directory: Path, sizes: Sizes, only: str, tell: Callable[[Figure], None]) -> None:
    """Measure, telling each figure as soon as it is known."""

    def told(figures: list[Figure]) -> None:
        for figure in figures:
            if figure.metric.startswith(only):
                tell(figure)

    parts = chosen(only)
    async with AsyncExitStack() as closing:
        stack = await closing.enter_async_context(Stack(directory))
        say(f"the stack is up; {os.cpu_count()} cores, Python {sys.version}")
        for part in parts:
            if part.on_stack is not None and part.on_product is None and part is PARTS[0]:
                told(await part.on_stack(stack, sizes))
        if any(part.on_product for part in parts):
            async with Product(stack) as product:
                say("all roles are up")
                for part in parts:
                    if part.on_product is not None:
                        told(await part.on_product(product, sizes))
        for part in parts:
            if part.on_stack is not None and part is not PARTS[0]:
                told(await part.on_stack(stack, sizes))


def _print(figure: Figure) -> None:
    sys.stdout.write(figure.line() + "\n")
    sys.stdout.flush()


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description="Measure Touchline: one JSON line a metric.")
    parser.add_argument("--quick", action="store_true", help="small sizes: does it run, not how fast")
    parser.add_argument("--only", default="", metavar="PREFIX", help="only metrics whose names begin so")
    parser.add_argument("--keep", type=Path, help="keep the run's logs here")
    options = parser.parse_args()
    if not chosen(options.only):
        parser.error(f"no metric begins with {options.only!r}")
    directory = Path(tempfile.mkdtemp(prefix="touchline-bench-"))
    try:
        asyncio.run(run(directory, QUICK if options.quick else FULL, options.only, _print))
    finally:
        if options.keep and (directory / "logs").exists():
            shutil.copytree(directory / "logs", options.keep, dirs_exist_ok=True)
        shutil.rmtree(directory, ignore_errors=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
