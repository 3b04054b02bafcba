"""`touchline up` on a data directory: a user's campaign through a kill of everything, an orderly stop, a second start."""

import asyncio
import json
import signal
import socket
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest
import yaml
from aiokafka import AIOKafkaProducer

from api.local.child import free_ports
from api.local.smtp_record import read_record
from tests.support.touchline import child, family_of, kill_group, letters, touchline
from tests.support.waiting import wait_for

CAMPAIGN = Path(__file__).with_name("days.yaml")
LEADS = 24
STEPS = ("intro", "nudge", "last")
RATE = "28800"
GONE_S = 40.0


class Up:
    """A data directory with `touchline up` on it, and the commands of another terminal."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.env = {"TOUCHLINE_DATA_DIR": str(directory)}
        self.port = free_ports(1)[0]
        self.family: list[psutil.Process] = []

    def start(self) -> Any:
        """`async with up.start() as process:`; `ready` then waits until it says so."""
        return child("up", "--rate", RATE, "--port", str(self.port), env=self.env)

    async def ready(self, process: asyncio.subprocess.Process) -> list[str]:
        """What it said up to the line that tells how to go on."""
        assert process.stdout is not None
        said: list[str] = []
        async with asyncio.timeout(90):
            while not (said and "Ctrl-C" in said[-1]):
                line = await process.stdout.readline()
                assert line, (said, await process.stderr.read() if process.stderr else b"")
                said.append(line.decode().rstrip())
        self.family += family_of(process.pid)
        return said

    async def complete(self) -> bool:
        """Whether every lead got every touch; not those of which it is said that one is unknowable since the kill."""
        connected = await asyncpg.connect(self.settings["TOUCHLINE_POSTGRES_DSN"])
        try:
            unknown = await connected.fetch("select lead_id from sends where state = 'ambiguous'")
        finally:
            await connected.close()
        named = {row["lead_id"] for row in unknown}
        assert len(named) < LEADS
        leads = [number for number in range(LEADS) if f"crm-{number}" not in named]
        got = {(mail.recipient, mail.step) for mail in letters(self.record)}
        return all((f"guest-{number}@hotel.example", step) in got for number in leads for step in STEPS)

    def alive(self) -> list[psutil.Process]:
        return [one for one in self.family if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]

    @property
    def settings(self) -> dict[str, str]:
        return json.loads((self.directory / "stack.json").read_text())

    @property
    def record(self) -> Path:
        return self.directory / "smtp" / "accepted.jsonl"


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    """The directory; processes that a failing test leaves behind are killed."""
    running = Up(tmp_path / "data")
    yield running
    for process in running.alive():
        process.kill()


def campaign_file(path: Path, smtp_port: int) -> Path:
    """The campaign of three days, at any hour, with mailboxes at this mail server."""
    documents = list(yaml.safe_load_all(CAMPAIGN.read_text()))
    for document in documents:
        if document["kind"] == "Mailbox":
            document["smtp"]["port"] = smtp_port
        if document["kind"] == "Campaign":
            document |= {"send_time_start": 0, "send_time_end": 24, "send_days": list(ALL_DAYS)}
    path.write_text(yaml.safe_dump_all(documents))
    return path


ALL_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


async def produce(bootstrap: str) -> None:
    """Enroll with a plain Kafka client, as the README shows."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
    await producer.start()
    try:
        for number in range(LEADS):
            event = {
                "type": "enroll",
                "version": 1,
                "event_id": f"crm-{number}",
                "lead_id": f"crm-{number}",
                "campaign_id": "three-days",
                "lead": {"email": f"guest-{number}@hotel.example", "first_name": "Zoé"},
            }
            key = str(event["lead_id"]).encode()
            await producer.send_and_wait("enrollments", json.dumps(event).encode(), key=key)
    finally:
        await producer.stop()


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_killed_as_a_whole_and_started_again_every_lead_gets_each_touch_once(up: Up, tmp_path: Path) -> None:
    async with up.start() as first:
        said = await up.ready(first)
        assert any(str(up.record) in line for line in said)
        address = next(line for line in said if line.startswith("Mail to")).split()[2]
        campaign = campaign_file(tmp_path / "campaign.yaml", int(address.rpartition(":")[2]))
        assert (await touchline("apply", str(campaign), env=up.env)).code == 0
        await produce(up.settings["TOUCHLINE_KAFKA_BOOTSTRAP_SERVERS"])
        launched = await touchline("launch", "three-days", "--json", env=up.env)
        assert launched.data["status"] == "active"

        second = await touchline("up", "--port", str(free_ports(1)[0]), env=up.env)
        assert second.code == 1
        assert second.err.splitlines()[0] == (
            f"error: the data directory {up.directory} is in use by process {first.pid}. "
            "Stop that one, or name another directory."
        )

        await wait_for(lambda: len(read_record(up.record)) >= LEADS // 2, 60, what="half of the first touches")
        kill_group(first.pid)
        await first.wait()

    async with up.start() as again:  # at once: what the kill left behind is still ending
        await up.ready(again)
        await wait_for(up.complete, 150, what="all touches")
        again.send_signal(signal.SIGINT)
        async with asyncio.timeout(60):
            out, err = await again.communicate()
        assert (again.returncode, err.decode()) == (0, "")
        assert out.decode().splitlines()[-1].startswith("Stopped.")
    await wait_for(lambda: not up.alive(), GONE_S, what="the end of every process")
    assert not (up.directory / "stack.json").exists()
    got = Counter((mail.recipient, mail.step) for mail in letters(up.record))
    assert set(got.values()) == {1}


async def test_a_taken_port_is_said_at_once_and_nothing_is_started(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = await touchline("up", "--data-dir", str(tmp_path / "data"), "--port", str(port))
    assert (ended.code, ended.err) == (2, f"error: port {port} is taken: choose another with --port\n")
    assert not (tmp_path / "data").exists()
