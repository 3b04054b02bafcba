"""The whole pipeline with its clock in lockstep: campaign time stands until everything that it brought about is done.

It moves only when every input is read, no grant is open, and no mail and no answer is under way; so each touch has the
instant that its limits and waits give it, to the microsecond, however slow the machine is.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import re
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

import aiohttp
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from api.demo.rig import Options, Rig
from api.local.smtp_record import Accepted, RecordReader
from domain.dispatch.instants import SECOND, instant
from schemas.ticks import Tick
from streams import kafka
from streams.clock import write_instant
from streams.settings import Settings, load_settings
from streams.topology import ROLES, TICKS, TOPICS, app_id, topic_name

Act = Callable[[], Awaitable[None]]
Until = datetime | Callable[[], bool] | Callable[[], Awaitable[bool]]

_LOOK_S = 0.03
_QUIET_LOOKS = 2
"""A result and its grant's use are written together, but not in one record: a second look sees what the first could not."""
_METRIC = re.compile(r"^(touchline_\w+)(\{.*\})? (\S+)$", re.MULTILINE)
_LABEL = re.compile(r'reason="([^"]*)"')
_NEXT = {"leads": "touchline_leads_next_timer_seconds", "dispatch": "touchline_dispatch_next_seconds"}


class NotQuiet(AssertionError):
    """What was still under way when the deadline came."""


class Lockstep:
    """`async with Lockstep(directory, options) as lock:` and a `Rig` runs, its clock standing at `options.starts_at`.

    `grain`: instants to stop at are rounded up to its multiples (zero: each to its microsecond). `on_letter` is called
    with each mail that was accepted, once all is quiet, in their order.
    """

    def __init__(
        self,
        directory: Path,
        options: Options,
        *,
        grain: timedelta = timedelta(0),
        on_letter: Callable[[Accepted], Awaitable[None]] | None = None,
    ) -> None:
        self.now = options.starts_at
        self.steps = 0
        self._file = directory / "clock"
        env = {**options.env, "TOUCHLINE_CLOCK_FILE": str(self._file)}
        self.rig = Rig(directory, replace(options, clock_rate=1.0, tick_seconds=0.05, env=env))
        self._grain = grain
        self._on_letter = on_letter
        self._acts: list[tuple[datetime, int, Act]] = []
        self._numbers = itertools.count()
        self._closing = AsyncExitStack()
        self._ticked: dict[TopicPartition, tuple[int, datetime]] = {}

    async def __aenter__(self) -> Self:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        write_instant(self._file, self.now)
        try:
            await self._closing.enter_async_context(self.rig)
            await self._connect()
        except BaseException:
            await self._closing.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._closing.aclose()

    async def _connect(self) -> None:
        env = {name.lower().removeprefix("touchline_"): value for name, value in self.rig.env.items()}
        fields = ("kafka_bootstrap_servers", "kafka_topic_prefix", "partitions")
        self._settings: Settings = load_settings(**{name: env[name] for name in fields if name in env})
        connection = kafka.connection(self._settings)
        self._admin = AIOKafkaAdminClient(**connection)
        await self._admin.start()
        self._closing.push_async_callback(self._admin.close)
        self._ends = AIOKafkaConsumer(**connection, enable_auto_commit=False, fetch_max_wait_ms=20)
        await self._ends.start()
        self._closing.push_async_callback(self._ends.stop)
        self._ends.assign(
            [self._tp(topic, number) for topic in TICKS.values() for number in range(self._settings.partitions)]
        )
        await self._ends.seek_to_end()
        self._http = await self._closing.enter_async_context(aiohttp.ClientSession())
        self._letters = RecordReader(self.rig.stack.smtp_record)

    def _tp(self, topic: str, number: int) -> TopicPartition:
        return TopicPartition(topic_name(self._settings, topic), number)

    # -- moving

    def at(self, instant: datetime, act: Act) -> None:
        """Have something done when the clock gets there (at once where it is past)."""
        heapq.heappush(self._acts, (instant, next(self._numbers), act))

    async def step(self, instant: datetime, deadline_s: float = 60.0) -> None:
        """Move the clock, do what is scripted by then, and wait until all is quiet."""
        self.now = max(self.now, instant)
        self.steps += 1
        write_instant(self._file, self.now)
        await self.quiet(deadline_s)
        while self._acts and self._acts[0][0] <= self.now:
            _, _, act = heapq.heappop(self._acts)
            await act()
            if not self._acts or self._acts[0][0] > self.now:
                await self.quiet(deadline_s)

    async def run_until(
        self, until: Until, *, longest: timedelta = timedelta(days=1), deadline_s: float = 60.0
    ) -> None:
        """Go from event to event until an instant has come or something holds; at most `longest` at a time."""
        await self.quiet(deadline_s)
        while not await self._is_there(until):
            nexts = [at for at in await self._next_instants() if at > self.now]
            nexts += [at for at, _, _ in self._acts[:1]]
            target = min([*nexts, self.now + longest])
            target = min(self._rounded(target), until) if isinstance(until, datetime) else self._rounded(target)
            await self.step(target, deadline_s)

    async def _is_there(self, until: Until) -> bool:
        if isinstance(until, datetime):
            return self.now >= until
        told = until()
        return told if isinstance(told, bool) else await told

    def _rounded(self, at: datetime) -> datetime:
        if not self._grain:
            return at
        since = at - datetime(1970, 1, 1, tzinfo=UTC)
        return at + (-since % self._grain)

    async def _next_instants(self) -> list[datetime]:
        """When the timers of `leads` and the limits of `dispatch` have something to do."""
        found: list[datetime] = []
        for role, name in _NEXT.items():
            for at in (await self.metrics(role)).get(name, ()):
                if at[1] > 0:
                    found.append(instant(round(at[1] * SECOND)))  # a float of seconds has room for microseconds
        return found

    # -- looking

    async def metrics(self, role: str) -> dict[str, list[tuple[str, float]]]:
        """A role's metrics: name -> (labels, value)."""
        port = self.rig.supervisor.workers[role].port
        async with self._http.get(f"http://127.0.0.1:{port}/metrics") as answer:
            text = await answer.text()
        found: dict[str, list[tuple[str, float]]] = {}
        for name, labels, value in _METRIC.findall(text):
            found.setdefault(name, []).append((labels, float(value)))
        return found

    async def waiting(self) -> dict[str, int]:
        """Touches that wait at dispatch, by the limit in the way, as of its last count (it counts every five seconds)."""
        rows = (await self.metrics("dispatch")).get("touchline_dispatch_waiting", [])
        return {_LABEL.findall(labels)[0]: round(count) for labels, count in rows if count}

    async def quiet(self, deadline_s: float = 60.0) -> None:
        """Wait until everything that this instant brings about is done. Raises NotQuiet with what is still under way."""
        until = time.monotonic() + deadline_s
        looks = 0
        self._ticked.clear()  # definitions are read without a group: a tick from now on is likely to see them
        while True:
            busy = await self._busy()
            looks = 0 if busy else looks + 1
            if looks >= _QUIET_LOOKS:
                if not await self._deliver():
                    return
                looks = 0
            if time.monotonic() > until:
                raise NotQuiet(f"at {self.now}: {busy}")
            await asyncio.sleep(_LOOK_S)

    async def _deliver(self) -> bool:
        """Hand on what was accepted since; whether there was any."""
        letters = self._letters.new() if self._on_letter is not None else []
        for letter in letters:
            assert self._on_letter is not None
            await self._on_letter(letter)
        return bool(letters)

    async def _busy(self) -> str:
        """What is under way, in words; empty: nothing. The groups' offsets are read before the topics' ends."""
        await self._follow_ticks()
        offsets = {role: await self._admin.list_consumer_group_offsets(app_id(self._settings, role)) for role in ROLES}
        numbers = range(self._settings.partitions)
        for role, ticks in TICKS.items():
            for number in numbers:
                tp = self._tp(ticks, number)
                offset, at = self._ticked.get(tp, (-1, datetime.min.replace(tzinfo=UTC)))
                known = offsets[role].get(tp)
                if at < self.now or known is None or known.offset <= offset:
                    return f"{role} has not seen the tick of partition {number}"
        readings = [(role, topic) for role, topics in ROLES.items() for topic in topics if topic not in TICKS.values()]
        ends = await self._ends.end_offsets([self._tp(topic, n) for topic in TOPICS for n in numbers])
        for role, topic in readings:
            for number in numbers:
                tp = self._tp(topic, number)
                known = offsets[role].get(tp)
                if ends[tp] > (known.offset if known is not None else 0):
                    return f"{role} has not read {topic}"
        if any(count for _, count in (await self.metrics("dispatch")).get("touchline_dispatch_open_grants", [])):
            return "grants are open"
        if await self.rig.query("select 1 from sends where state in ('claimed', 'sending') limit 1"):
            return "mails are on their way"
        if await self.rig.query("select 1 from replies where state in ('matched', 'reading', 'judged') limit 1"):
            return "replies are being judged"
        if await self.rig.query("select 1 from untold_events where topic <> 'card-events' limit 1"):
            return "an unsubscribe is not told yet"
        return ""

    async def _follow_ticks(self) -> None:
        """Note the first tick of each partition that carries the present instant: its reader has seen it when it is acked."""
        for tp, records in (await self._ends.getmany(timeout_ms=0)).items():
            for record in records:
                at = Tick.read(record.value or b"").at
                if tp not in self._ticked or self._ticked[tp][1] < at:
                    self._ticked[tp] = (record.offset, at)
