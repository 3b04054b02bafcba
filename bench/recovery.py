"""How fast a leads worker comes back, and how much memory a lead takes in it.

A real worker is started twice on topics of its own: once on an empty changelog, once on one full of leads. What the
second takes longer, from the start of the process to `/ready`, is the replay of the changelog and the timers' heap; what
it holds more is the leads.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from dataclasses import dataclass

import aiohttp
import psutil

from api.local.child import Child, StackError, free_ports, plain_environment
from api.supervisor import local_secrets
from bench import backlog
from bench.cpu import Meter
from bench.figures import Figure, Sizes, say
from bench.product import ROOT, Stack
from streams.outbox import Outbox
from streams.partitioning import partition_of
from streams.provision import ensure_topics
from streams.settings import Settings
from streams.tables import Table
from streams.topology import changelog_name
from streams.work import Routing, Work

AT_ONCE = 5_000
READY_S = 180.0
LOOK_S = 0.02


@dataclass(frozen=True, slots=True)
class _Back:
    """A worker that came back: seconds of wall and of CPU until `/ready`, and its resident bytes then."""

    wall_s: float
    cpu_s: float
    resident: int


async def measure_recovery(stack: Stack, sizes: Sizes) -> list[Figure]:
    """Leads a second (of wall, and of CPU), and resident bytes a lead."""
    count = sizes.recover
    empty, full = _settings(stack, "empty-"), _settings(stack, "full-")
    await ensure_topics(empty)
    await ensure_topics(full)
    say(f"recovery: writing {count} leads")
    await _write(full, count)
    await _come_back(stack, empty)  # the first start reads every module from the disk
    none, all_ = await _come_back(stack, empty), await _come_back(stack, full)
    say(f"empty {none.wall_s:.2f} s, full {all_.wall_s:.2f} s; CPU {none.cpu_s:.2f} s, {all_.cpu_s:.2f} s")
    longer_s, more_cpu_s = all_.wall_s - none.wall_s, all_.cpu_s - none.cpu_s
    if longer_s <= 0 or more_cpu_s <= 0:
        raise StackError("the recovery of nothing took as long as that of all: too few leads to measure")
    return [
        Figure("recover.leads_per_s", count / longer_s, "1/s", count),
        Figure("recover.leads_per_cpu_s", count / more_cpu_s, "1/s", count),
        Figure("lead.bytes", (all_.resident - none.resident) / count, "bytes", count),
    ]


def _settings(stack: Stack, prefix: str) -> Settings:
    return Settings(kafka_bootstrap_servers=stack.local.bootstrap_servers, kafka_topic_prefix=prefix)


async def _write(settings: Settings, count: int) -> None:
    """Fill the changelog of `leads` as the outbox writes it."""
    outbox = Outbox(settings)
    table = Table("leads", changelog_name(settings, "leads", "leads"))
    await outbox.start()
    try:
        work = Work(Routing(prefix=settings.kafka_topic_prefix, partitions=settings.partitions))
        for number, (key, value) in enumerate(backlog.leads(backlog.definitions(), count), start=1):
            work.put(table, key, value, partition_of(key, settings.partitions))
            if number % AT_ONCE == 0 or number == count:
                await outbox.flush(work)
                work = Work(Routing(prefix=settings.kafka_topic_prefix, partitions=settings.partitions))
    finally:
        await outbox.stop()


async def _come_back(stack: Stack, settings: Settings) -> _Back:
    """Start a worker, wait for `/ready`, look at it, end it."""
    port = free_ports(1)[0]
    env = plain_environment(
        TOUCHLINE_KAFKA_BOOTSTRAP_SERVERS=settings.kafka_bootstrap_servers,
        TOUCHLINE_KAFKA_TOPIC_PREFIX=settings.kafka_topic_prefix,
        TOUCHLINE_POSTGRES_DSN=stack.local.postgres_dsn,
        TOUCHLINE_METRICS_PORT=str(port),
        TOUCHLINE_DATA_DIR=str(stack.directory / settings.kafka_topic_prefix),
        **local_secrets(stack.directory),
    )
    worker = Child("leads", stack.directory / f"{settings.kafka_topic_prefix}leads.log", on_orphan=signal.SIGKILL)
    began = time.monotonic()
    worker.start([sys.executable, "-m", "api.cli", "worker", "leads"], env=env, cwd=ROOT)
    try:
        async with aiohttp.ClientSession() as http:

            async def ready() -> bool:
                try:
                    async with http.get(f"http://127.0.0.1:{port}/ready") as answer:
                        return answer.status == 200
                except aiohttp.ClientError:
                    return False

            await worker.ready(ready, READY_S)
        wall_s = time.monotonic() - began
        pid = worker.pid
        assert pid is not None
        return _Back(wall_s, Meter((pid,)).read(), psutil.Process(pid).memory_info().rss)
    finally:
        await asyncio.to_thread(worker.stop, signal.SIGTERM, 20.0)
