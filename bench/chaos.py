"""What goes wrong in a fault run, and how long each role needs to be whole again."""

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from api.demo.rig import Rig
from api.supervisor import Worker

RECOVERY_LIMIT_S = 90.0
"""A role that is not whole by then counts with this time."""
LOOK_S = 0.25
BUSY_WAIT_S = 10.0
"""How long every second kill waits for mail to flow: a kill in a quiet night proves little."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to go wrong, and how often. All but the kills are spread evenly between the kills."""

    kills: int = 30
    freezes: int = 1
    broker_restarts: int = 2
    postgres_restarts: int = 1
    pause_s: float = 6.0
    """The longest pause after a kill and its recovery."""

    def between_kills(self) -> dict[int, list[str]]:
        """Number of a kill -> what comes after it."""
        others = ["broker"] * min(1, self.broker_restarts) + ["freeze"] * self.freezes
        others += ["postgres"] * self.postgres_restarts + ["broker"] * max(0, self.broker_restarts - 1)
        plan: dict[int, list[str]] = {}
        for place, other in enumerate(others, start=1):
            plan.setdefault(max(1, place * self.kills // (len(others) + 1)), []).append(other)
        return plan


@dataclass(slots=True)
class Damage:
    """What was done and what it took."""

    kills: Counter[str] = field(default_factory=Counter[str])
    freezes: int = 0
    broker_restarts: int = 0
    postgres_restarts: int = 0
    recovered_s: list[float] = field(default_factory=list[float])

    @property
    def recovered_p95_s(self) -> float:
        """Seconds from a kill until the killed worker's role was whole again, the 95th percentile."""
        ordered = sorted(self.recovered_s)
        return round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))], 1) if ordered else 0.0


class Chaos:
    """Kills, freezes and restarts by turns. `say` is told each act."""

    def __init__(self, rig: Rig, rng: random.Random, say: Callable[[str], None]) -> None:
        self._rig = rig
        self._rng = rng
        self._say = say
        self.damage = Damage()

    async def run(self, plan: Plan) -> None:
        """Carry out the plan. Kills go over all roles by turns, every second one while mail flows."""
        others = {"broker": self._restart_kafka, "freeze": self._freeze, "postgres": self._restart_postgres}
        between = plan.between_kills()
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as http:
            for number in range(1, plan.kills + 1):
                if number % 2:
                    await self._until_mail_flows()
                await self._kill(http, self._victim(number))
                for other in between.get(number, ()):
                    await others[other](http)
                await asyncio.sleep(self._rng.uniform(plan.pause_s / 6, plan.pause_s))

    async def _until_mail_flows(self) -> None:
        record = self._rig.stack.smtp_record
        before, until = _size(record), time.monotonic() + BUSY_WAIT_S
        while _size(record) == before and time.monotonic() < until:
            await asyncio.sleep(LOOK_S / 5)

    def _victim(self, number: int) -> Worker:
        """Roles by turns, so that each is hit; which of its workers is drawn."""
        roles = sorted({_role(worker) for worker in self._workers()})
        role = roles[number % len(roles)]
        return self._rng.choice([worker for worker in self._workers() if _role(worker) == role])

    def _workers(self) -> Sequence[Worker]:
        return list(self._rig.supervisor.workers.values())

    async def _kill(self, http: aiohttp.ClientSession, worker: Worker) -> None:
        pid = worker.child.pid
        if pid is None:
            return
        self._say(f"kill {worker.name}")
        os.kill(pid, signal.SIGKILL)
        self.damage.kills[_role(worker)] += 1
        self.damage.recovered_s.append(await self._whole(http, _role(worker), worker, pid))

    async def _whole(self, http: aiohttp.ClientSession, role: str, killed: Worker | None = None, pid: int = 0) -> float:
        """Seconds until every worker of the role says that it is ready (and the killed one is another process)."""
        started = time.monotonic()
        while (waited := time.monotonic() - started) < RECOVERY_LIMIT_S:
            again = killed is None or killed.child.pid not in (None, pid)
            if again and all([await _ready(http, w) for w in self._workers() if _role(w) == role]):
                self._say(f"  {role} whole after {waited:.1f} s")
                return waited
            await asyncio.sleep(LOOK_S)
        self._say(f"  {role} is not whole after {RECOVERY_LIMIT_S:.0f} s")
        return RECOVERY_LIMIT_S

    async def _freeze(self, http: aiohttp.ClientSession) -> None:
        """SIGSTOP a sender past its session, so that the group gives it up, then let it thaw."""
        worker = next(w for w in self._workers() if _role(w) == "sender")
        pid = worker.child.pid
        if pid is None:
            return
        session = float(self._rig.env.get("TOUCHLINE_SESSION_TIMEOUT_S", "10"))
        self._say(f"freeze {worker.name} for {session + 8:.0f} s")
        os.kill(pid, signal.SIGSTOP)
        await asyncio.sleep(session + 8)
        os.kill(pid, signal.SIGCONT)
        self.damage.freezes += 1
        await self._whole(http, "sender")

    async def _restart_kafka(self, http: aiohttp.ClientSession) -> None:
        self._say("kill the broker and start it again")
        await asyncio.to_thread(self._rig.stack.kafka.kill)
        await asyncio.sleep(2)
        await self._rig.stack.kafka.start()
        self.damage.broker_restarts += 1
        for role in sorted({_role(worker) for worker in self._workers()}):
            await self._whole(http, role)

    async def _restart_postgres(self, http: aiohttp.ClientSession) -> None:
        self._say("kill PostgreSQL and start it again")
        await asyncio.to_thread(self._rig.stack.postgres.kill)
        await asyncio.sleep(2)
        await self._rig.stack.postgres.start()
        self.damage.postgres_restarts += 1
        for role in sorted({_role(worker) for worker in self._workers()}):
            await self._whole(http, role)


def _size(record: Path) -> int:
    return record.stat().st_size if record.exists() else 0


def _role(worker: Worker) -> str:
    return worker.name.partition("-")[0]


async def _ready(http: aiohttp.ClientSession, worker: Worker) -> bool:
    try:
        async with http.get(f"http://127.0.0.1:{worker.port}/ready") as answer:
            return answer.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False
