"""What goes wrong in a fault run, and how long each role needs to be whole again."""

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import aiohttp

from api.demo.rig import Rig
from api.supervisor import Worker

RECOVERY_LIMIT_S = 90.0
"""A role that is not whole by then counts with this time."""
LOOK_S = 0.25


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

    async def run(self, kills: int, stop: asyncio.Event) -> None:
        """At least `kills` kills spread over all roles, one freeze, two broker restarts, one of Postgres; until `stop`."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as http:
            for number in range(1, kills + 1):
                await self._kill(http, self._victim(number))
                if number == kills // 5:
                    await self._restart_kafka(http)
                elif number == 2 * kills // 5:
                    await self._freeze(http)
                elif number == 3 * kills // 5:
                    await self._restart_postgres(http)
                elif number == 4 * kills // 5:
                    await self._restart_kafka(http)
                await self._pause(stop)

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

    async def _pause(self, stop: asyncio.Event) -> None:
        try:
            async with asyncio.timeout(self._rng.uniform(1.0, 6.0)):
                await stop.wait()
        except TimeoutError:
            return


def _role(worker: Worker) -> str:
    return worker.name.partition("-")[0]


async def _ready(http: aiohttp.ClientSession, worker: Worker) -> bool:
    try:
        async with http.get(f"http://127.0.0.1:{worker.port}/ready") as answer:
            return answer.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False
