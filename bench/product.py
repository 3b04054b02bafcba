"""A whole Touchline for measuring: local Kafka and Postgres, an SMTP sink that is never the limit, all roles and the API.

Everything is on loopback and below one directory. What a user would do is done with the command line.
"""

from __future__ import annotations

import asyncio
import csv
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import asyncpg
import yaml

from api.local.child import Child, StackError, free_ports
from api.local.stack import LocalStack
from api.supervisor import Supervisor, local_secrets
from bench.cpu import Meter
from domain.tokens import TokenKeys

ROOT = Path(__file__).resolve().parents[1]
MAILBOXES = 8
POLL_S = 0.5
SLOW_S = 600.0

SUBJECT = "Question about {{ company }}"
BODY = """\
Hi {{ first_name }},

I help independent hotels in {{ city }} fill quiet weeks.
Would the spring rates at https://sender.example/spring suit {{ company }}?

{{ sender_name }}
"""


class Stack:
    """Kafka, Postgres and the SMTP sink, without any of our roles."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.local = LocalStack(directory, parts=("kafka", "postgres"))
        self.smtp_port = 0
        self._sink = Child("SMTP sink", directory / "sink.log", on_orphan=signal.SIGKILL)

    async def __aenter__(self) -> Self:
        self.directory.mkdir(parents=True, exist_ok=True)
        await self.local.start()
        try:
            self.smtp_port = free_ports(1)[0]
            command = [sys.executable, "-m", "bench.smtp_sink", "--port", str(self.smtp_port)]
            self._sink.start(command, env=dict(os.environ), cwd=ROOT)
            await self._sink.ready(self._answers, 20.0)
        except BaseException:
            self._stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    async def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.smtp_port), 0.2):
                return True
        except OSError:
            return False

    def _stop(self) -> None:
        self._sink.stop(signal.SIGTERM, 5.0)
        self.local.stop()

    def pid_of(self, server: str) -> int:
        """Process id of `kafka` or `postgres`."""
        pid = self.local.kafka.pid if server == "kafka" else self.local.postgres._child.pid
        if pid is None:
            raise StackError(f"{server} is not running")
        return pid

    async def query(self, statement: str, *arguments: object) -> list[asyncpg.Record]:
        """Rows from Postgres."""
        connection = await asyncpg.connect(self.local.postgres_dsn)
        try:
            return await connection.fetch(statement, *arguments)
        finally:
            await connection.close()


class Product:
    """All roles and the API on a `Stack`, at clock rate 1."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        port = free_ports(1)[0]
        self.public_url = f"http://127.0.0.1:{port}"
        secrets = local_secrets(stack.directory)
        self.keys = TokenKeys.parse(secrets["TOUCHLINE_TOKEN_KEYS"])
        self.env = {
            "TOUCHLINE_KAFKA_BOOTSTRAP_SERVERS": stack.local.bootstrap_servers,
            "TOUCHLINE_POSTGRES_DSN": stack.local.postgres_dsn,
            "TOUCHLINE_PUBLIC_URL": self.public_url,
            "TOUCHLINE_API_PORT": str(port),
            "TOUCHLINE_DATA_DIR": str(stack.directory),
            **secrets,
        }
        self.supervisor = Supervisor(self.env, stack.directory / "logs")
        self._closing = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self.supervisor.start()
        self._closing.push_async_callback(self.supervisor.stop)
        try:
            await self.supervisor.ready()
        except BaseException:
            await self._closing.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._closing.aclose()

    def pid_of(self, name: str) -> int:
        """Process id of a role or of `api`."""
        pid = self.supervisor.workers[name].child.pid
        if pid is None:
            raise StackError(f"{name} is not running")
        return pid

    def meters(self) -> dict[str, Meter]:
        """A meter for each role, the API, `kafka` and `postgres`."""
        ours = {name: Meter((self.pid_of(name),)) for name in self.supervisor.workers}
        return ours | {name: Meter((self.stack.pid_of(name),)) for name in ("kafka", "postgres")}

    @property
    def restarts(self) -> int:
        """How often a process had to be started again: a measurement with one is worth nothing."""
        return sum(worker.restarts for worker in self.supervisor.workers.values())

    async def touchline(self, *arguments: str) -> Any:
        """Run a command of the command line with --json and read its answer. Raises StackError when it fails."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "api.cli", *arguments, "--json",
            cwd=ROOT, env={**_plain_environment(), **self.env},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate()
        if process.returncode:
            raise StackError(f"touchline {' '.join(arguments)} failed: {(err or out).decode().strip()[-2000:]}")
        return json.loads(out)

    async def apply(self, campaign_id: str) -> None:
        """Define a campaign of one tracked email without limits, its eight mailboxes and their pool."""
        path = self.stack.directory / f"{campaign_id}.yaml"
        path.write_text(yaml.safe_dump_all(documents(campaign_id, self.stack.smtp_port), sort_keys=False), "utf-8")
        await self.touchline("apply", str(path))

    async def enroll(self, campaign_id: str, leads: int) -> None:
        """Enroll that many new leads from a CSV."""
        path = self.stack.directory / f"{campaign_id}.csv"
        write_leads(path, campaign_id, leads)
        await self.touchline("enroll", campaign_id, str(path))

    async def launch(self, campaign_id: str) -> None:
        """Open the campaign."""
        await self.touchline("launch", campaign_id)

    async def projected(self, campaign_id: str, leads: int, deadline_s: float = SLOW_S) -> None:
        """Wait until the read models tell that every lead's email is sent and its sequence over. Raises StackError."""

        async def done() -> bool:
            rows = await self.stack.query("select * from campaign_progress where campaign_id = $1", campaign_id)
            return bool(rows) and rows[0]["emails_sent"] >= leads and rows[0]["completed"] >= leads

        await until(done, f"the campaign {campaign_id}", deadline_s)


async def until(done: Callable[[], Any], what: str, deadline_s: float) -> None:
    """Look every half second. Raises StackError when it is not done in time."""
    ends = time.monotonic() + deadline_s
    while not await done():
        if time.monotonic() > ends:
            raise StackError(f"{what} was not through after {deadline_s:.0f} s")
        await asyncio.sleep(POLL_S)


def documents(campaign_id: str, smtp_port: int) -> list[dict[str, Any]]:
    """Pool, mailboxes and campaign in the form a user writes: no limits, no gap, a window that is always open."""
    boxes = [f"box{number}" for number in range(MAILBOXES)]
    smtp = {"host": "127.0.0.1", "port": smtp_port, "security": "none"}
    days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
    return [
        {"kind": "Pool", "id": "bench"},
        *(
            {
                "kind": "Mailbox", "id": box, "pool": "bench", "from": f"Anna Berg <{box}@sender.example>",
                "postal_address": "Storgatan 1, 111 22 Stockholm", "smtp": smtp, "gap_seconds": 0,
                "reply_domain": "reply.sender.example",
            }
            for box in boxes
        ),
        {
            "kind": "Campaign", "id": campaign_id, "name": campaign_id, "pool": "bench", "mailboxes": boxes,
            "limits": "off", "send_days": days, "send_time_start": 0, "send_time_end": 24, "evergreen": True,
            "tracking": {"opens": True, "clicks": True},
            "steps": [{"id": "intro", "kind": "email", "subject": SUBJECT, "body": BODY}],
        },
    ]  # fmt: skip


def lead(campaign_id: str, number: int) -> Mapping[str, str]:
    """One lead as a row of a CSV."""
    return {
        "lead_id": f"{campaign_id}-{number:07d}",
        "email": f"guest{number}.{campaign_id}@hotel{number % 500}.example",
        "first_name": "Zoé",
        "last_name": "O'Neill",
        "company": f"Hôtel des Deux Rives {number}",
        "city": "Málaga",
        "country": "Spain",
    }


def write_leads(path: Path, campaign_id: str, leads: int) -> None:
    """A CSV of leads nobody else has."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(lead(campaign_id, 0)))
        writer.writeheader()
        writer.writerows(lead(campaign_id, number) for number in range(leads))


def _plain_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("TOUCHLINE_")}
