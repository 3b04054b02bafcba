"""A whole Touchline for one run: local servers, all roles, a stand-in for Claude, correspondents, and the judge's evidence.

The demo, the fault run and the bench stand on it. Everything is on loopback and below one directory.
"""

import asyncio
import csv
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import asyncpg
import yaml

from api.demo.borrowed import borrow
from api.demo.claude_stub import ClaudeStub
from api.demo.correspondents import Correspondents, Ways, once
from api.demo.judge import Accepted, Stopped, Verdict, judge
from api.demo.leads import EXAMPLES, read_leads
from api.demo.letters import read_letter
from api.demo.personas import expected_steps, persona_of
from api.local.child import StackError, free_ports
from api.local.choose import Services, choose
from api.local.jars import Progress
from api.local.smtp_record import read_record
from api.local.stack import LocalStack
from api.supervisor import PROCESSES, Supervisor, local_secrets
from domain.tokens import TokenKeys, address_key, lead_key
from streams.clock import Clock
from streams.settings import load_settings

ROOT = Path(__file__).resolve().parents[2]
FIRST_MORNING = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
"""Campaign time at the start: a Monday, an hour before the first European windows open."""


@dataclass(slots=True)
class Options:
    """How a run differs from the demo.

    `own_servers`: start Kafka and PostgreSQL here even where the environment names some (the fault run kills them). `ways`: in
    what copies, and how late, the correspondents' mail is brought.
    """

    leads: int = 300
    clock_rate: float = 18000.0
    tick_seconds: float = 0.25
    processes: Sequence[str] = PROCESSES
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    use_claude: bool = False
    campaign: Path = EXAMPLES / "campaign.yaml"
    leads_file: Path = EXAMPLES / "leads.csv"
    starts_at: datetime = FIRST_MORNING
    own_servers: bool = False
    ways: Ways = once


class Rig:
    """`async with Rig(directory, options) as rig:` and everything runs; `launch`, then `settled`, then `verdict`."""

    def __init__(
        self,
        directory: Path,
        options: Options,
        *,
        progress: Progress | None = None,
        say: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.directory = directory
        self.options = options
        self.leads = read_leads(options.leads, options.leads_file)
        self.documents: list[dict[str, Any]] = list(yaml.safe_load_all(options.campaign.read_text("utf-8")))
        self.campaign_id = str(next(doc["id"] for doc in self.documents if doc["kind"] == "Campaign"))
        self.caps = {
            doc["id"]: int(doc["hourly_limit"])
            for doc in self.documents
            if doc["kind"] == "Mailbox" and "hourly_limit" in doc
        }
        self._progress = progress
        self._say = say
        self._closing = AsyncExitStack()

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._closing.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._closing.aclose()

    async def _start(self) -> None:
        options = self.options
        self._script_bounces()
        servers = await self._servers()
        self.stack = servers.stack
        self._say("Kafka, PostgreSQL and the SMTP server are up; starting the roles and the API ...")
        stub = await self._closing.enter_async_context(ClaudeStub())
        wall = datetime.now(UTC)
        self.clock = Clock(rate=options.clock_rate, wall_anchor=wall, campaign_anchor=options.starts_at)
        secrets = local_secrets(self.directory)
        port = free_ports(1)[0]
        self.public_url = f"http://127.0.0.1:{port}"
        self.env = {
            "TOUCHLINE_KAFKA_BOOTSTRAP_SERVERS": servers.bootstrap_servers,
            "TOUCHLINE_POSTGRES_DSN": servers.postgres_dsn,
            "TOUCHLINE_CLOCK_RATE": str(options.clock_rate),
            "TOUCHLINE_CLOCK_ORIGIN": f"{wall.isoformat()}/{options.starts_at.isoformat()}",
            "TOUCHLINE_TICK_SECONDS": str(options.tick_seconds),
            "TOUCHLINE_PUBLIC_URL": self.public_url,
            "TOUCHLINE_API_PORT": str(port),
            "TOUCHLINE_DATA_DIR": str(self.directory),
            **secrets,
            **await self._room(servers),
            **({} if options.use_claude else {"ANTHROPIC_BASE_URL": stub.url, "ANTHROPIC_API_KEY": "local"}),
            **options.env,
        }
        self.keys = TokenKeys.parse(secrets["TOUCHLINE_TOKEN_KEYS"])
        self.supervisor = Supervisor(self.env, self.directory / "logs", processes=options.processes)
        self.supervisor.start()
        self._closing.push_async_callback(self.supervisor.stop)
        await self.supervisor.ready()
        self.correspondents = Correspondents(
            self.stack.smtp_record,
            self.clock,
            f"{self.public_url}/webhooks/inbound/generic",
            secrets["TOUCHLINE_WEBHOOK_SECRET"].encode(),
            {lead.email: lead.name for lead in self.leads},
            options.ways,
        )
        following = asyncio.create_task(self.correspondents.run())
        self._closing.push_async_callback(_cancel, following)

    async def _servers(self) -> Services:
        """Kafka, PostgreSQL and the mail server: those the environment names (never the mail server), else our own."""
        if self.options.own_servers:
            stack = await self._closing.enter_async_context(LocalStack(self.directory, progress=self._progress))
            return Services(stack.bootstrap_servers, stack.postgres_dsn, "embedded", "embedded", stack)
        services = await choose(self.directory, load_settings(), progress=self._progress)
        self._closing.callback(services.stop)
        return services

    async def _room(self, servers: Services) -> Mapping[str, str]:
        """Settings that keep this run apart from everything else on servers that are not its own."""
        if servers.kafka_from == servers.postgres_from == "embedded":
            return {}
        return await self._closing.enter_async_context(borrow(servers))

    def _script_bounces(self) -> None:
        """Have the mail server refuse the addresses that do not exist."""
        rules = [
            {"to": lead.email, "at": "rcpt", "reply": "550 5.1.1 no such user here"}
            for lead in self.leads
            if persona_of(lead.email).bounces == "rcpt"
        ]
        script = self.directory / "smtp" / "script.json"
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text(json.dumps(rules))

    # -- what a user does

    async def touchline(self, *arguments: str) -> Any:
        """Run a command of the command line with --json and read its answer. Raises StackError when it fails."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "api.cli",
            *arguments,
            "--json",
            cwd=ROOT,
            env={**os.environ, **self.env},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        if process.returncode:
            raise StackError(f"touchline {' '.join(arguments)} failed: {(err or out).decode().strip()[-2000:]}")
        return json.loads(out)

    async def launch(self) -> None:
        """Apply the campaign, enroll the leads, launch: the three commands of a user."""
        campaign, leads = self.directory / "campaign.yaml", self.directory / "leads.csv"
        for document in self.documents:
            if document["kind"] == "Mailbox":
                document["smtp"] |= {"host": self.stack.smtp_host, "port": self.stack.smtp_port}
                # So many correspondents bounce that chance would decide whether a mailbox rests after its first fifty mails.
                document.setdefault("auto_pause", False)
        campaign.write_text(yaml.safe_dump_all(self.documents, allow_unicode=True, sort_keys=False), "utf-8")
        with leads.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(self.leads[0].row))
            writer.writeheader()
            writer.writerows(lead.row for lead in self.leads)
        await self.touchline("apply", str(campaign))
        self._say(f"The campaign is applied; enrolling {len(self.leads)} leads ...")
        await self.touchline("enroll", self.campaign_id, str(leads))
        await self.touchline("launch", self.campaign_id)
        self.launched_at = self.clock.now()
        self._say(f"Launched. {self.options.clock_rate / 3600:.3g} hours of campaign time pass each second.")

    async def query(self, statement: str, *arguments: object) -> list[asyncpg.Record]:
        """Rows from Postgres, for the evidence and the view. Raises what asyncpg raises."""
        connection = await asyncpg.connect(self.env["TOUCHLINE_POSTGRES_DSN"])
        try:
            return await connection.fetch(statement, *arguments)
        finally:
            await connection.close()

    async def progress(self) -> dict[str, int]:
        """The campaign's figures (docs/behaviour.md 6.4); empty before the first lead."""
        rows = await self.query("select * from campaign_progress where campaign_id = $1", self.campaign_id)
        return {name: int(value or 0) for name, value in rows[0].items() if name != "campaign_id"} if rows else {}

    async def settled(self) -> bool:
        """Nothing is still to come: every enrollment has ended, every answer is given and judged."""
        figures = await self.progress()
        if figures.get("enrolled", 0) < len(self.leads) or figures["active"] or figures["paused"]:
            return False
        open_replies = await self.query("select 1 from replies where state in ('matched', 'reading', 'judged') limit 1")
        return not open_replies and not self.correspondents.busy

    # -- the evidence

    def accepted(self) -> list[Accepted]:
        """What the mail server accepted, from its own record."""
        found: list[Accepted] = []
        for message in read_record(self.stack.smtp_record):
            letter = read_letter(message.raw or b"")
            box = letter.sender.partition("@")[0]
            found.append(
                Accepted(letter.recipient, letter.step, letter.message_id, box, letter.date, message.accepted_wall)
            )
        return found

    async def stops(self) -> dict[str, list[Stopped]]:
        """When each recipient was stopped or suppressed, and released, by the commits in Postgres."""
        by_key: dict[bytes, list[Stopped]] = {}
        for row in await self.query("select lead_key, stopped_at, released_at from stops"):
            by_key.setdefault(row["lead_key"], []).append(Stopped(row["stopped_at"], row["released_at"]))
        for row in await self.query("select key, suppressed_at, lifted_at from suppressions"):
            by_key.setdefault(row["key"], []).append(Stopped(row["suppressed_at"], row["lifted_at"]))
        secret = self.keys.hash_secret
        found = {
            lead.email: [
                *by_key.get(lead_key(secret, lead.lead_id), []),
                *by_key.get(address_key(secret, lead.email), []),
            ]
            for lead in self.leads
        }
        return {email: spans for email, spans in found.items() if spans}

    async def ambiguous(self) -> frozenset[tuple[str, str]]:
        """(recipient, step) of every touch whose fate Touchline says it does not know."""
        emails = {lead.lead_id: lead.email for lead in self.leads}
        rows = await self.query("select lead_id, step_id from sends where state = 'ambiguous'")
        return frozenset((emails[row["lead_id"]], row["step_id"]) for row in rows)

    async def reply_cards(self) -> list[tuple[str, str]]:
        """(recipient, type) of every card that a reply made."""
        emails = {lead.lead_id: lead.email for lead in self.leads}
        rows = await self.query("select lead_id, type from cards where reply_id is not null")
        return [(emails[row["lead_id"]], row["type"]) for row in rows]

    async def statuses(self) -> dict[str, str]:
        """Recipient to where its enrollment stands."""
        emails = {lead.lead_id: lead.email for lead in self.leads}
        rows = await self.query(
            "select lead_id, status from campaign_contact_status where campaign_id = $1", self.campaign_id
        )
        return {emails[row["lead_id"]]: row["status"] for row in rows}

    async def verdict(self) -> Verdict:
        """The judge's findings as things stand."""
        expected = {lead.email: expected_steps(persona_of(lead.email)) for lead in self.leads}
        return judge(self.accepted(), expected, await self.stops(), await self.ambiguous())

    def campaign_cap(self) -> int:
        """The campaign's cap in a rolling hour."""
        spec = next(doc for doc in self.documents if doc["kind"] == "Campaign")
        presets = {"conservative": 50, "standard": 75, "aggressive": 150}
        return int(spec.get("send_rate_per_hour") or presets.get(spec.get("preset") or "", 75))

    def campaign_days(self) -> timedelta:
        """How much campaign time has passed since the launch."""
        return self.clock.now() - self.launched_at


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
