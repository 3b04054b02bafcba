"""What a tick costs while many wait and nobody is due: the real handlers of leads and dispatch on tables in memory.

All who wait stand in one partition, which is the worst case. Each number is measured in a process of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import Callable, Iterator
from datetime import timedelta
from statistics import median

from agents.dispatch import Dispatch
from agents.leads import Leads
from agents.leads_watch import note
from api.local.child import StackError
from bench import backlog
from bench.figures import Figure, Sizes, say
from bench.product import ROOT
from domain.campaign import Definitions
from domain.leads.effects import Policy
from schemas.ticks import Tick
from streams.batches import Handler
from streams.clock import ManualClock
from streams.inbound import Inbound, Raw
from streams.tables import Table, WindowTable
from streams.work import Work

PARTITION = 0
SECOND = timedelta(seconds=1)


async def measure_ticks(sizes: Sizes) -> list[Figure]:
    """Microseconds a tick, the tick of leads and the tick of dispatch together, by how many wait in each of them."""
    return [await _measured(count, sizes.ticks_timed) for count in sizes.ticks]


async def _measured(count: int, timed: int) -> Figure:
    say(f"ticks while {count} wait")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.ticks", "--waiting", str(count), "--timed", str(timed), cwd=ROOT, stdout=PIPE
    )
    out, _ = await process.communicate()
    if process.returncode:
        raise StackError(f"the process that ticks while {count} wait failed")
    found = json.loads(out)
    say(f"  leads {found['leads_us']:.0f} us, dispatch {found['dispatch_us']:.0f} us")
    return Figure("tick.us", found["leads_us"] + found["dispatch_us"], "us", count)


class _Nothing:
    """A ledger that must not be written: nothing is due."""

    async def stop(self, stops: object) -> None:
        raise AssertionError("a tick with nothing due stopped somebody")

    async def release(self, releases: object) -> None:
        raise AssertionError("a tick with nothing due released somebody")

    async def suppress(self, suppressions: object) -> None:
        raise AssertionError("a tick with nothing due suppressed somebody")

    async def settle_ambiguous(self, send_ids: object) -> int:
        raise AssertionError("a tick with nothing due proved a delivery")


async def _leads(known: Definitions, count: int, clock: ManualClock) -> tuple[Leads, str]:
    table = Table("leads")
    _fill(table, backlog.leads(known, count))
    seen = Work()
    note(seen, table, PARTITION, known.campaigns.values())  # as the worker before left it: nobody edited anything since
    seen.apply()
    handler = Leads(
        table=table,
        stops=_Nothing(),  # pyright: ignore[reportArgumentType] - it refuses what a tick might call
        proofs=_Nothing(),
        definitions=lambda: known,
        clock=clock,
        policy=Policy(),
    )
    await handler.recovered(frozenset({PARTITION}))
    return handler, "lead-ticks"


async def _dispatch(known: Definitions, count: int, clock: ManualClock) -> tuple[Dispatch, str]:
    """Every touch but one waits for the campaign's hourly cap."""
    capped = backlog.with_hourly_cap(known, 1)
    waiting = Table("waiting")
    _fill(waiting, backlog.asks(known, count + 1))
    handler = Dispatch(
        waiting=waiting, grants=WindowTable("grants", 60), mailboxes=Table("mailboxes"), definitions=lambda: capped,
        epochs=lambda: {PARTITION: 1}, clock=clock,
    )  # fmt: skip
    await handler.recovered(frozenset({PARTITION}))
    return handler, "pool-ticks"


def _fill(table: Table, rows: Iterator[tuple[bytes, bytes]]) -> None:
    for key, value in rows:
        table.apply(key, value, PARTITION)


async def _tick(handler: Handler, topic: str, clock: ManualClock) -> float:
    """One tick through the handler and into the tables; its microseconds."""
    clock.advance(SECOND)
    tick = Tick(at=clock.now(), wall=clock.wall())
    raw = Raw(topic, PARTITION, 0, str(PARTITION).encode(), tick.write())
    event = Inbound(topic, PARTITION, 0, str(PARTITION), tick, raw)
    began = time.perf_counter()
    work = Work()
    await handler.handle(work, [event])
    work.apply()
    return (time.perf_counter() - began) * 1e6


async def _median_us(made: Callable[..., object], count: int, timed: int) -> float:
    clock = ManualClock(backlog.NOW)
    handler, topic = await made(backlog.definitions(), count, clock)  # type: ignore[misc]
    for _ in range(10):
        await _tick(handler, topic, clock)
    return median([await _tick(handler, topic, clock) for _ in range(timed)])


async def _all(count: int, timed: int) -> dict[str, float]:
    return {
        "leads_us": await _median_us(_leads, count, timed),
        "dispatch_us": await _median_us(_dispatch, count, timed),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--waiting", type=int, required=True)
    parser.add_argument("--timed", type=int, required=True)
    options = parser.parse_args()
    sys.stdout.write(json.dumps(asyncio.run(_all(options.waiting, options.timed))) + "\n")
