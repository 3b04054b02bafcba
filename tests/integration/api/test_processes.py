"""Real processes: the API without its servers, a role killed and started again."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import asyncpg
import pytest

from api.publisher import Outgoing, Publisher
from api.supervisor import Supervisor, Worker
from domain.ids import enrollment_id, event_id
from domain.tokens import LinkToken, TokenKeys, link_token
from schemas.engagements import Engagement
from sinks.postgres.read_models import ReadModels
from streams.provision import ensure_topics
from streams.settings import Settings
from tests.support.streaming import ROOT
from tests.support.waiting import wait_for

KEYS = "k1:" + "A" * 43 + "="
AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


async def get(url: str, *, allow_redirects: bool = True) -> aiohttp.ClientResponse:
    async with aiohttp.ClientSession() as http, http.get(url, allow_redirects=allow_redirects) as answer:
        await answer.read()
        return answer


async def is_up(worker: Worker) -> bool:
    try:
        return (await get(f"http://127.0.0.1:{worker.port}/health")).status == 200
    except aiohttp.ClientError:
        return False


@pytest.fixture
async def nowhere(tmp_path: Path) -> AsyncIterator[Supervisor]:
    """The API alone, with a broker and a database that nobody runs."""
    env = {
        "TOUCHLINE_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9",
        "TOUCHLINE_POSTGRES_DSN": "postgresql://nobody@127.0.0.1:9/none",
        "TOUCHLINE_TOKEN_KEYS": KEYS,
    }
    supervisor = Supervisor(env, tmp_path, processes=["api"])
    supervisor.start()
    yield supervisor
    await supervisor.stop()


async def test_the_api_starts_and_tracks_while_kafka_and_postgres_are_away_and_is_restarted_when_killed(
    nowhere: Supervisor,
) -> None:
    api = nowhere.workers["api"]
    base = f"http://127.0.0.1:{api.port}"
    await wait_for(lambda: is_up(api), 30)
    keys = TokenKeys.parse(KEYS)
    pixel = link_token(keys, LinkToken("open", "lead-1", "q1", "intro"))
    click = link_token(keys, LinkToken("click", "lead-1", "q1", "intro", url="https://x.example/"))
    leave = link_token(keys, LinkToken("unsubscribe", "lead-1", "q1", "intro"))

    assert (await get(f"{base}/t/o/{pixel}.gif")).status == 200
    assert (await get(f"{base}/t/c/{click}", allow_redirects=False)).status == 302
    assert (await get(f"{base}/u/{leave}")).status == 200
    async with aiohttp.ClientSession() as http, http.post(f"{base}/u/{leave}") as answer:
        assert answer.status == 503
    assert (await get(f"{base}/ready")).status == 503

    first = api.child.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    await wait_for(lambda: api.restarts == 1 and api.child.pid not in (None, first), 15)
    await wait_for(lambda: is_up(api), 30)
    log = api.child.log.read_text()
    assert "lead-1" not in log


async def test_events_told_again_to_a_projector_that_was_killed_change_nothing(
    kafka_bootstrap: str, postgres_dsn: str, topic_prefix: str, tmp_path: Path, pool: asyncpg.Pool
) -> None:
    env = {
        "TOUCHLINE_KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap,
        "TOUCHLINE_POSTGRES_DSN": postgres_dsn,
        "TOUCHLINE_KAFKA_TOPIC_PREFIX": topic_prefix,
        "TOUCHLINE_PARTITIONS": "2",
        "TOUCHLINE_DATA_DIR": str(tmp_path),
        "TOUCHLINE_SESSION_TIMEOUT_S": "6",
    }
    settings = Settings(kafka_bootstrap_servers=kafka_bootstrap, kafka_topic_prefix=topic_prefix, partitions=2)
    await ensure_topics(settings)
    publisher = Publisher(settings)
    models = ReadModels(pool)
    told = [Outgoing("engagements", fact(number), f"lead-{number}") for number in range(40)]

    async def enrolled(count: int) -> bool:
        return (await models.progress("q1"))["enrolled"] == count

    supervisor = Supervisor(env, tmp_path / "logs", processes=["projector"])
    supervisor.start()
    try:
        await supervisor.ready(60)
        await publisher.publish(told[:20])
        await wait_for(lambda: enrolled(20), 30)
        worker = supervisor.workers["projector"]
        assert worker.child.pid is not None
        os.kill(worker.child.pid, signal.SIGKILL)
        await publisher.publish(told)
        await wait_for(lambda: enrolled(40), 60)
        await publisher.publish(told)
        await publisher.publish([Outgoing("engagements", fact(99), "lead-99")])
        await wait_for(lambda: enrolled(41), 30)
        log = worker.child.log.read_text()
    finally:
        await supervisor.stop()
        await publisher.stop()
    assert (await models.progress("q1"))["active"] == 41
    assert "Traceback" not in log


def fact(number: int) -> Engagement:
    lead = f"lead-{number}"
    return Engagement(
        type="enrolled",
        event_id=event_id("enrolled", lead),
        lead_id=lead,
        campaign_id="q1",
        enrollment_id=enrollment_id("q1", lead),
        status="enrolled",
        at=AT,
    )


def test_an_api_that_cannot_listen_ends_and_names_the_setting(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        plain = {name: value for name, value in os.environ.items() if not name.startswith("TOUCHLINE_")}
        env = {
            "TOUCHLINE_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9",
            "TOUCHLINE_POSTGRES_DSN": "postgresql://nobody@127.0.0.1:9/none",
            "TOUCHLINE_TOKEN_KEYS": KEYS,
            "TOUCHLINE_DATA_DIR": str(tmp_path),
            "TOUCHLINE_API_PORT": str(other.getsockname()[1]),
        }
        command = [sys.executable, "-m", "api.cli", "api"]
        ended = subprocess.run(
            command, cwd=ROOT, env=plain | env, capture_output=True, text=True, timeout=60, check=False
        )
    assert ended.returncode == 2, ended.stderr
    assert "TOUCHLINE_API_PORT: cannot listen on 127.0.0.1:" in ended.stderr
    assert "Traceback" not in ended.stderr
