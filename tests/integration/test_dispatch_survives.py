"""dispatch on a real broker and database, killed where it hurts: each ask one grant, no cap exceeded, none lost."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from schemas.definitions import Definition
from schemas.sending import Grant
from streams.failpoints import EXIT_CODE
from streams.settings import Settings
from tests.support.dispatch_role import outcome
from tests.support.dispatching import touch
from tests.support.streaming import ROOT, publish, settings_for, stored
from tests.support.waiting import wait_for

CAP, ASKED = 25, 40
MAILBOX = {
    "kind": "Mailbox", "id": "anna", "pool": "main", "from": "Anna <anna@sender.example>", "postal_address": "Storgatan 1",
    "smtp": {"host": "127.0.0.1", "port": 2525, "security": "none"}, "gap_seconds": 0,
}  # fmt: skip
CAMPAIGN = {
    "kind": "Campaign", "id": "c", "name": "C", "pool": "main", "mailboxes": ["anna"], "send_rate_per_hour": CAP,
    "send_days": ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"],
    "send_time_start": 0, "send_time_end": 24,
    "steps": [{"id": "intro", "kind": "email", "subject": "Hi", "body": "Hello"}],
}  # fmt: skip

Start = Callable[..., subprocess.Popen[bytes]]


def definition(kind: str, spec: dict[str, Any]) -> tuple[bytes, bytes]:
    now = datetime.now(UTC)
    status = "active" if kind == "campaign" else None
    told = Definition(kind=kind, id=spec["id"], revision=1, spec=spec, status=status, at=now)  # pyright: ignore
    return f"{kind}:{spec['id']}".encode(), told.write()


@pytest.fixture
def settings(kafka_bootstrap: str, topic_prefix: str, tmp_path: Path) -> Settings:
    return settings_for(kafka_bootstrap, topic_prefix, tmp_path)


@pytest.fixture
async def start(settings: Settings, postgres_dsn: str, tmp_path: Path) -> AsyncIterator[Start]:
    """Starts a dispatch worker; all are ended with the test."""
    workers: list[subprocess.Popen[bytes]] = []
    key = base64.b64encode(bytes(range(64))).decode()
    names = ("kafka_bootstrap_servers", "kafka_topic_prefix", "partitions", "session_timeout_s", "data_dir")
    given = {f"TOUCHLINE_{name.upper()}": str(getattr(settings, name)) for name in names}
    given |= {
        "TOUCHLINE_POSTGRES_DSN": postgres_dsn,
        "TOUCHLINE_TOKEN_KEYS": f"k1:{key}",
        "TOUCHLINE_TICK_SECONDS": "0.3",
    }

    def start(**more: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.support.role_worker", "dispatch"]
        with (tmp_path / f"worker{len(workers)}.log").open("wb") as log:
            worker = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **given, **more}, stderr=log, stdout=log)
        workers.append(worker)
        return worker

    yield start
    for worker in workers:
        worker.kill()
        worker.wait()


async def grants(settings: Settings) -> list[Grant]:
    return [Grant.read(record.value or b"") for record in await stored(settings, "sends")]


async def told(settings: Settings, wanted: int) -> list[Grant]:
    """Wait until so many different grants stand in `sends`."""

    async def enough() -> list[Grant]:
        found = await grants(settings)
        return found if len({grant.grant_id for grant in found}) >= wanted else []

    return await wait_for(enough, 40, what=f"{wanted} grants")


async def ended(worker: subprocess.Popen[bytes]) -> int:
    await wait_for(lambda: worker.poll() is not None, 40, what="the end of the worker")
    return worker.returncode


def asks(numbers: range) -> list[tuple[bytes, bytes]]:
    now = datetime.now(UTC)
    return [(b"main", touch(number, at=now, due_at=now).write()) for number in numbers]


@pytest.mark.parametrize("failpoint", ["after_limits", "after_outputs", "after_state"])
async def test_killed_between_stages_and_again_at_work_it_grants_each_touch_once_and_never_more_than_the_cap(
    settings, start, failpoint
):
    first = start(TOUCHLINE_FAILPOINT=failpoint)
    await wait_for(lambda: _provisioned(settings), 40, what="the topics")
    await publish(settings, [definition("mailbox", MAILBOX), definition("campaign", CAMPAIGN)], "definitions")
    await publish(settings, asks(range(ASKED)), "due-sends")
    assert await ended(first) == EXIT_CODE
    second = start()
    found = await told(settings, CAP)
    answers = [(b"main", outcome(grant, used=number % 5 > 0).write()) for number, grant in enumerate(_distinct(found))]
    await publish(settings, answers[:20], "grant-outcomes")  # four of them unused: their slots are free again
    found = await told(settings, CAP + 4)
    second.kill()
    start()
    await publish(settings, [*asks(range(ASKED)), *answers[:20]], "due-sends")  # repeats, and strangers among them
    await publish(settings, answers[20:], "grant-outcomes")
    found = await told(settings, CAP + 5)
    by_touch: dict[Any, set[str]] = {}
    for grant in found:
        by_touch.setdefault(grant.touch.send_id, set()).add(grant.grant_id)
    assert all(len(grant_ids) == 1 for grant_ids in by_touch.values())
    assert len(by_touch) == CAP + 5
    assert len({grant.pool_epoch for grant in found}) > 1


def _distinct(found: list[Grant]) -> list[Grant]:
    return list({grant.grant_id: grant for grant in found}.values())


async def _provisioned(settings: Settings) -> bool:
    from aiokafka.admin import AIOKafkaAdminClient

    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap_servers)
    await admin.start()
    try:
        return f"{settings.kafka_topic_prefix}dead-letters" in await admin.list_topics()
    finally:
        await admin.close()
