"""All roles and the API as child processes of this one: started together, restarted after a crash, stopped in order."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import secrets
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp

from api.local.child import Child, StackError, free_ports
from streams.settings import parse_origin

ROLES = ("leads", "dispatch", "sender", "replies", "projector")
PROCESSES = (*ROLES, "api")
DRAIN_S = 30.0
WATCH_S = 0.2
LONGEST_PAUSE_S = 10.0
STEADY_S = 30.0


class Worker:
    """One child: how it is started, where it says that it is ready, how often it had to be restarted."""

    def __init__(self, name: str, command: Sequence[str], env: Mapping[str, str], log: Path, port: int) -> None:
        self.name = name
        self.port = port
        self.restarts = 0
        self.wanted = True
        self.child = Child(name, log, on_orphan=signal.SIGTERM)
        self._command = command
        self._env = env
        self._started = 0.0
        self._pause_s = 0.0
        self._not_before = 0.0

    def start(self) -> None:
        """Start it now."""
        self._started = time.monotonic()
        self.child.start(self._command, env=self._env, cwd=Path.cwd())

    def tend(self) -> bool:
        """Start it again when it has ended and its pause is over; True when that happened."""
        now = time.monotonic()
        if not self.wanted or self.child.pid is not None:
            return False
        if self._not_before < self._started:
            steady = now - self._started > STEADY_S
            self._pause_s = 0.5 if steady or not self._pause_s else min(LONGEST_PAUSE_S, self._pause_s * 2)
            self._not_before = now + self._pause_s
            return False
        if now < self._not_before:
            return False
        self.restarts += 1
        self.child.stop(signal.SIGTERM, 0.1)
        self.start()
        return True


class Supervisor:
    """Runs `processes` with `env` on top of this process's own environment; their logs stand in `logs`.

    `workers[name].child` gives the process id and takes signals: a test that kills one finds it restarted.
    """

    def __init__(
        self,
        env: Mapping[str, str],
        logs: Path,
        *,
        processes: Sequence[str] = PROCESSES,
        on_restart: Callable[[str], None] = lambda name: None,
    ) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        self._on_restart = on_restart
        self._watching: asyncio.Task[None] | None = None
        self.workers: dict[str, Worker] = {}
        self._env = env
        self._logs = logs
        for name, free in zip(processes, free_ports(len(processes)), strict=True):
            self.workers[name] = self._worker(name, free)

    def _worker(self, name: str, free: int) -> Worker:
        role = name.partition("-")[0]
        own = {**os.environ, **self._env, "PYTHONUNBUFFERED": "1"}
        port = free
        if role == "api":
            port = int(own.get("TOUCHLINE_API_PORT") or free)
            own["TOUCHLINE_API_PORT"] = str(port)
        else:
            own["TOUCHLINE_METRICS_PORT"] = str(port)
        arguments = ["api"] if role == "api" else ["worker", role]
        command = [sys.executable, "-m", "api.cli", *arguments]
        return Worker(name, command, own, self._logs / f"{name}.log", port)

    def add(self, name: str) -> None:
        """Start one more process, in the thread that started the others."""
        self.workers[name] = self._worker(name, free_ports(1)[0])
        self.workers[name].start()

    def start(self) -> None:
        """Start all. Call it from a thread that lives as long as they do (the main one)."""
        for worker in self.workers.values():
            worker.start()
        self._watching = asyncio.get_running_loop().create_task(self._watch(), name="supervisor")

    async def ready(self, deadline_s: float = 90.0) -> None:
        """Wait until every process says that it is ready. Raises StackError with the log of the first that is not."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as http:
            await asyncio.gather(*(self._ready(http, worker, deadline_s) for worker in self.workers.values()))

    @staticmethod
    async def _ready(http: aiohttp.ClientSession, worker: Worker, deadline_s: float) -> None:
        until = time.monotonic() + deadline_s
        while True:
            with suppress(aiohttp.ClientError, TimeoutError):
                async with http.get(f"http://127.0.0.1:{worker.port}/ready") as answer:
                    if answer.status == 200:
                        return
            if time.monotonic() > until or worker.restarts > 3:
                raise StackError(f"{worker.name} is not ready; {worker.child.tail()}")
            await asyncio.sleep(WATCH_S)

    async def _watch(self) -> None:
        while True:
            for worker in tuple(self.workers.values()):
                if worker.tend():
                    self._on_restart(worker.name)
            await asyncio.sleep(WATCH_S)

    async def stop(self) -> None:
        """Ask all to end, senders and the rest draining side by side; kill what takes longer than half a minute."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        running = [worker for worker in self.workers.values() if worker.child.pid is not None]
        await asyncio.gather(*(asyncio.to_thread(worker.child.stop, signal.SIGTERM, DRAIN_S) for worker in running))


def local_secrets(directory: Path) -> dict[str, str]:
    """Token keys and secrets of a local stack: made once, kept in its data directory, readable by their owner only."""
    path = directory / "secrets.json"
    if path.exists():
        return dict(json.loads(path.read_text()))
    key = base64.b64encode(secrets.token_bytes(64)).decode()
    made = {
        "TOUCHLINE_TOKEN_KEYS": f"k1:{key}",
        "TOUCHLINE_API_TOKEN": secrets.token_urlsafe(24),
        "TOUCHLINE_WEBHOOK_SECRET": secrets.token_urlsafe(24),
    }
    directory.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(json.dumps(made, indent=2))
    return made


def local_clock(directory: Path, rate: float, now: datetime | None = None) -> dict[str, str]:
    """The shared clock of a local stack. It goes on where it stood when the stack is started again, at any rate."""
    path = directory / "clock.json"
    wall = now or datetime.now(UTC)
    campaign = wall
    if path.exists():
        kept = json.loads(path.read_text())
        wall_anchor, campaign_anchor = parse_origin(kept["origin"])
        if kept["rate"] == rate:
            return {"TOUCHLINE_CLOCK_RATE": str(rate), "TOUCHLINE_CLOCK_ORIGIN": kept["origin"]}
        campaign = campaign_anchor + timedelta(seconds=(wall - wall_anchor).total_seconds() * kept["rate"])
    elif rate == 1.0:
        return {"TOUCHLINE_CLOCK_RATE": "1.0"}
    origin = f"{wall.isoformat()}/{campaign.isoformat()}"
    directory.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"rate": rate, "origin": origin}))
    return {"TOUCHLINE_CLOCK_RATE": str(rate), "TOUCHLINE_CLOCK_ORIGIN": origin}
