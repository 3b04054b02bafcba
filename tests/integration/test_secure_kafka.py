"""Kafka behind TLS and SASL, on a real broker: everything that connects to it does so, and a refusal says which setting."""

import asyncio
import gc
import json
import os
import signal
import subprocess
import sys
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
import pytest_asyncio
from typer.testing import CliRunner, Result

from api.cli import app
from api.local.child import StackError, free_ports
from api.local.jars import kafka_jars
from api.publisher import Outgoing, Publisher
from schemas.definitions import Definition
from schemas.engagements import Engagement
from streams import dead_letters
from streams.access import AccessRefused, check_access
from streams.definitions import Definitions
from streams.errors import Retryable
from streams.inbound import Raw
from streams.outbox import Outbox
from streams.provision import ensure_topics
from streams.settings import Settings, load_settings
from streams.work import Routing, Work
from tests.support.documents import DOCUMENTS
from tests.support.secure_kafka import SecureKafka, start_secure_kafka
from tests.support.stream_worker import AT
from tests.support.streaming import ROOT, stored
from tests.support.waiting import wait_for, wait_for_sync

P = "TOUCHLINE_KAFKA_"
LISTENERS: dict[str, Callable[[SecureKafka], dict[str, str]]] = {
    "SCRAM-SHA-512 over TLS": SecureKafka.scram,
    "client certificate": SecureKafka.certificate,
    "PLAIN without TLS": SecureKafka.plain,
}
Configure = Callable[[dict[str, str]], None]

pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
"""aiokafka lets go of a connection that was refused without waiting for TLS to take its leave: a command that ends at
once may end before that, and Python then tells of the socket whenever it comes to collect it."""


@pytest.fixture(autouse=True)
def _collected() -> Iterator[None]:
    """Sockets that this file's commands left are collected in this file, not in whichever test runs next."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def secure(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SecureKafka]:
    """The broker, started once for this file."""
    try:
        await asyncio.to_thread(kafka_jars)
    except StackError as error:
        pytest.skip(f"this needs a broker of its own, and its jars cannot be had: {error}")
    running = await start_secure_kafka(tmp_path_factory.mktemp("secure"))
    yield running
    running.broker.stop()


@pytest.fixture
def configure(monkeypatch: pytest.MonkeyPatch, topic_prefix: str, tmp_path: Path) -> Configure:
    """Sets the environment to a listener, with topics and a directory of this test's own."""
    for name in [name for name in os.environ if name.startswith("TOUCHLINE_")]:
        monkeypatch.delenv(name)

    def set_all(env: dict[str, str]) -> None:
        own = {
            "TOUCHLINE_KAFKA_TOPIC_PREFIX": topic_prefix,
            "TOUCHLINE_PARTITIONS": "2",
            "TOUCHLINE_TOKEN_KEYS": "k1:" + "A" * 43 + "=",
            "TOUCHLINE_DATA_DIR": str(tmp_path),
        }
        for name, value in (own | env).items():
            monkeypatch.setenv(name, value)

    return set_all


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Runs `touchline ...` as a process of its own, in the environment as it stands; ended with the test."""
    running: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "api.cli", *arguments],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        return process

    yield start
    for process in running:
        if process.poll() is None:
            process.kill()
        process.communicate()


def touchline(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result


def is_ready(port: int) -> bool:
    """Whether the role's own `/ready` says so."""
    try:
        with urlopen(f"http://127.0.0.1:{port}/ready", timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False


def lag_of_leads(topic: str) -> int:
    rows: list[dict[str, Any]] = json.loads(touchline("lag", "--json").stdout)
    return sum(row["lag"] for row in rows if row["topic"] == topic and row["group"].endswith("leads"))


@pytest.mark.parametrize("listener", LISTENERS)
def test_commands_and_a_role_work_a_campaign_through(
    listener: str,
    secure: SecureKafka,
    configure: Configure,
    postgres_dsn: str,
    started: Callable[..., subprocess.Popen[str]],
    tmp_path: Path,
) -> None:
    (port,) = free_ports(1)
    own = {"TOUCHLINE_POSTGRES_DSN": postgres_dsn, "TOUCHLINE_METRICS_PORT": str(port)}
    configure(LISTENERS[listener](secure) | own)
    documents, leads = tmp_path / "q1.yaml", tmp_path / "leads.csv"
    documents.write_text(DOCUMENTS)
    leads.write_text("lead_id,email,first_name\n1,ann@x.example,Ann\n2,bo@x.example,Bo\n")
    touchline("topics")
    touchline("apply", str(documents))
    touchline("enroll", "q1", str(leads))
    touchline("launch", "q1")
    assert lag_of_leads("enrollments") == 2

    role = started("worker", "leads")
    settings = load_settings()

    def told() -> list[str]:
        records = asyncio.run(stored(settings, "engagements"))
        return sorted(body["lead_id"] for r in records if (body := json.loads(r.value or b"{}"))["type"] == "enrolled")

    try:
        wait_for_sync(lambda: is_ready(port) or role.poll() is not None, 40, what="the role is ready")
        wait_for_sync(lambda: told() == ["1", "2"] or role.poll() is not None, 15, what="both leads enrolled")
        wait_for_sync(lambda: lag_of_leads("enrollments") == 0 or role.poll() is not None, 15, what="offsets committed")
        assert {record.key for record in asyncio.run(stored(settings, "due-sends"))} == {b"main"}
    finally:
        if role.poll() is None:
            role.send_signal(signal.SIGTERM)
        _, errors = role.communicate(timeout=30)
    assert role.returncode == 0, errors
    assert "Traceback" not in errors


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
async def test_every_mechanism_is_let_in_over_tls(mechanism: str, secure: SecureKafka, configure: Configure) -> None:
    configure(secure.scram(mechanism))
    await check_access(load_settings())


async def test_outbox_definitions_and_dead_letters_use_the_same_connection(
    secure: SecureKafka, configure: Configure
) -> None:
    configure(secure.scram())
    settings = load_settings()
    await ensure_topics(settings)
    work = Work(Routing("leads", settings.kafka_topic_prefix, settings.partitions))
    work.emit("definitions", Definition(kind="pool", id="main", revision=1, spec={}, at=AT), "pool:main")
    work.emit("engagements", Engagement(type="sent", event_id="e", lead_id="l", at=AT), "l")
    work.dead_letter(Raw("enrollments", 0, 7, b"l", b"{", []), "invalid_json", "")
    outbox = Outbox(settings)
    await outbox.start()
    await outbox.flush(work)
    await outbox.stop()

    definitions = Definitions(settings)
    await definitions.start()
    try:
        await asyncio.wait_for(definitions.wait_read(), 20)
        assert set(definitions.all()) == {("pool", "main")}
    finally:
        await definitions.stop()
    (letter,) = [letter async for letter in dead_letters.read(settings)]
    partition, offset = await dead_letters.replay(settings, letter)
    (back,) = await stored(settings, "enrollments")
    assert (back.partition, back.offset, back.value) == (partition, offset, b"{")


def nobody(secure: SecureKafka) -> dict[str, str]:
    return secure.scram() | {P + "SASL_PASSWORD": "wrong"}


REFUSALS: dict[str, tuple[Callable[[SecureKafka], dict[str, str]], str, str]] = {
    "a wrong password": (nobody, "SASL_PASSWORD", "refuses user 'touchline'"),
    "a wrong password of PLAIN": (
        lambda s: s.plain() | {P + "SASL_PASSWORD": "wrong"},
        "SASL_PASSWORD",
        "refuses user",
    ),
    "an unknown user": (lambda s: s.scram() | {P + "SASL_USERNAME": "eve"}, "SASL_PASSWORD", "refuses user 'eve'"),
    "a mechanism the broker does not take": (
        lambda s: s.plain() | {P + "SASL_MECHANISM": "SCRAM-SHA-512"},
        "SASL_MECHANISM",
        "does not take SCRAM-SHA-512",
    ),
    "an authority that did not sign": (
        lambda s: s.scram() | {P + "SSL_CAFILE": str(s.files.other_ca)},
        "SSL_CAFILE",
        "is not trusted",
    ),
    "a certificate of another name": (
        lambda s: s.scram() | {P + "BOOTSTRAP_SERVERS": f"localhost:{s.sasl_ssl}"},
        "BOOTSTRAP_SERVERS",
        "is for another name",
    ),
    "no client certificate": (
        lambda s: s.certificate() | {P + "SSL_CERTFILE": "", P + "SSL_KEYFILE": ""},
        "SSL_CERTFILE",
        "asks for a client certificate",
    ),
    "a client certificate of a stranger": (
        lambda s: (
            s.certificate() | {P + "SSL_CERTFILE": str(s.files.stranger), P + "SSL_KEYFILE": str(s.files.stranger)}
        ),
        "SSL_CERTFILE",
        "client's side of TLS",
    ),
    "SASL where there is none": (
        lambda s: s.plain() | {P + "BOOTSTRAP_SERVERS": s.broker.bootstrap_servers},
        "SECURITY_PROTOCOL",
        "does not take SASL",
    ),
    "no TLS where there is TLS": (
        lambda s: {P + "BOOTSTRAP_SERVERS": f"127.0.0.1:{s.mutual}"},
        "SECURITY_PROTOCOL",
        "speaks TLS",
    ),
    "a key that is locked": (
        lambda s: s.certificate() | {P + "SSL_KEYFILE": str(s.files.client_key_locked)},
        "SSL_CERTFILE",
        "unlocked key",
    ),
    "a file without certificates": (
        lambda s: s.scram() | {P + "SSL_CAFILE": str(s.files.client_key)},
        "SSL_CAFILE",
        "has no CA certificates",
    ),
}


@pytest.mark.parametrize("what", REFUSALS)
def test_a_refusal_names_its_setting_with_an_example(what: str, secure: SecureKafka, configure: Configure) -> None:
    env, setting, told = REFUSALS[what]
    configure(env(secure))
    refused = touchline("topics", code=2).stderr
    assert f"\n  {P}{setting}: " in refused
    assert told in refused
    assert f"Example: {P}{setting}=" in refused


def test_every_command_that_needs_kafka_tells_a_refusal(
    secure: SecureKafka, configure: Configure, postgres_dsn: str, tmp_path: Path
) -> None:
    configure(nobody(secure) | {"TOUCHLINE_POSTGRES_DSN": postgres_dsn})
    documents = tmp_path / "q1.yaml"
    documents.write_text(DOCUMENTS)
    leads = tmp_path / "leads.csv"
    leads.write_text("email\nann@x.example\n")
    applied = touchline("apply", str(documents)).stdout  # the database took it: the topic has to wait
    assert f"{P}SASL_PASSWORD: " in applied
    assert "What was applied is stored" in applied
    for command in (["lag"], ["dlq", "list"], ["dlq", "replay", "--reason", "x"], ["enroll", "q1", str(leads)]):
        assert f"{P}SASL_PASSWORD: " in touchline(*command, code=2).stderr, command
    checks = {check["name"]: check for check in json.loads(touchline("doctor", "--json", code=1).stdout)}
    assert f"{P}SASL_PASSWORD: " in checks["kafka"]["found"]


@pytest.mark.parametrize("process", [["worker", "leads"], ["api"]])
def test_a_process_that_is_refused_ends_and_says_why(
    process: list[str],
    secure: SecureKafka,
    configure: Configure,
    postgres_dsn: str,
    started: Callable[..., subprocess.Popen[str]],
) -> None:
    configure(nobody(secure) | {"TOUCHLINE_POSTGRES_DSN": postgres_dsn, "TOUCHLINE_API_PORT": "0"})
    _, errors = (running := started(*process)).communicate(timeout=40)
    assert running.returncode == 2, errors
    assert f"{P}SASL_PASSWORD: " in errors
    assert "Traceback" not in errors


async def test_what_runs_already_waits_when_it_is_refused_later(
    secure: SecureKafka, configure: Configure, caplog: pytest.LogCaptureFixture
) -> None:
    configure(nobody(secure))
    settings = load_settings()
    publisher, definitions = Publisher(settings), Definitions(settings)
    message = Engagement(type="sent", event_id="e", lead_id="l", at=AT)
    with pytest.raises(Retryable, match=f"{P}SASL_PASSWORD: "):
        await publisher.publish([Outgoing("engagements", message, "l")])
    await definitions.start()
    try:
        told = "definitions cannot be read, trying again"
        await wait_for(lambda: caplog.text.count(told) > 1, 20, what="two attempts")
        assert not definitions.is_read
    finally:
        await definitions.stop()


def test_a_broker_that_hangs_up_is_told_with_the_protocol_in_question(
    secure: SecureKafka, configure: Configure
) -> None:
    """It may also be on its way down, so a role waits for it instead of ending."""
    configure(secure.certificate() | {P + "BOOTSTRAP_SERVERS": secure.broker.bootstrap_servers})
    assert "closed the connection at once: is SSL what it speaks?" in touchline("topics", code=1).stderr


async def test_one_broker_that_lets_us_in_is_enough_and_one_that_is_away_is_no_refusal(secure: SecureKafka) -> None:
    def settings(servers: str) -> Settings:
        return Settings(kafka_bootstrap_servers=servers, kafka_security_protocol="PLAINTEXT")

    await check_access(settings("127.0.0.1:9"))
    await check_access(settings(f"127.0.0.1:{secure.mutual},{secure.broker.bootstrap_servers}"))
    with pytest.raises(AccessRefused, match="speaks TLS"):
        await check_access(settings(f"127.0.0.1:9,127.0.0.1:{secure.mutual}"))


@pytest.mark.parametrize("process", [["topics"], ["worker", "leads"]])
def test_more_copies_than_brokers_end_the_start_and_name_the_setting(
    process: list[str],
    secure: SecureKafka,
    configure: Configure,
    postgres_dsn: str,
    started: Callable[..., subprocess.Popen[str]],
) -> None:
    more = {"TOUCHLINE_POSTGRES_DSN": postgres_dsn, f"{P}REPLICATION_FACTOR": "3"}
    configure(secure.plain() | more)
    _, errors = (running := started(*process)).communicate(timeout=40)
    assert running.returncode == 1, errors
    assert f"{P}REPLICATION_FACTOR is 3, which this cluster cannot hold" in errors
    assert "Traceback" not in errors
