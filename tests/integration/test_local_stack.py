"""The local stack on real parts: it starts, survives kills with everything it held, and dies with its owner."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import aiosmtplib
import asyncpg
import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import UnknownTopicOrPartitionError
from pydantic import SecretStr

from api.local.child import StackError
from api.local.choose import NoContainerError, Services, choose
from api.local.jars import kafka_version
from api.local.smtp_record import read_record
from api.local.stack import LocalStack
from streams.settings import Settings
from tests.support.waiting import wait_for

ROOT = Path(__file__).resolve().parents[2]


async def _create_topic(bootstrap: str, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 1, 1)])
    await admin.close()


async def _produce(bootstrap: str, topic: str, values: list[bytes]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
    await producer.start()
    for value in values:
        await producer.send_and_wait(topic, value)
    await producer.stop()


async def _consume(bootstrap: str, topic: str) -> list[bytes]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False)
    await consumer.start()
    partition = TopicPartition(topic, 0)
    consumer.assign([partition])
    end = (await consumer.end_offsets([partition]))[partition]
    values: list[bytes] = []
    while await consumer.position(partition) < end:
        for records in (await consumer.getmany(timeout_ms=500)).values():
            values += [record.value or b"" for record in records]
    await consumer.stop()
    return values


async def _send_mail(port: int, message_id: str) -> None:
    message = f"Message-ID: <{message_id}>\r\nSubject: hello\r\n\r\nbody\r\n"
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, use_tls=False, start_tls=False) as client:
        await client.sendmail("a@sender.example", ["b@lead.example"], message)


async def test_a_message_and_a_row_make_the_round_trip(stack: Services, topic_prefix: str, postgres_dsn: str) -> None:
    topic = f"{topic_prefix}trip"
    await _create_topic(stack.bootstrap_servers, topic)
    await _produce(stack.bootstrap_servers, topic, [b"hello"])
    assert await _consume(stack.bootstrap_servers, topic) == [b"hello"]
    connection = await asyncpg.connect(postgres_dsn)
    await connection.execute("create table greetings (word text)")
    await connection.execute("insert into greetings values ('grüß')")
    assert await connection.fetchval("select word from greetings") == "grüß"
    await connection.close()


async def test_every_test_gets_an_empty_database(postgres_dsn: str) -> None:
    connection = await asyncpg.connect(postgres_dsn)
    assert await connection.fetchval("select count(*) from pg_tables where schemaname = 'public'") == 0
    await connection.close()


async def test_a_topic_is_never_made_by_using_it(stack: Services, topic_prefix: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.bootstrap_servers)
    await admin.start()
    (described,) = await admin.describe_topics([f"{topic_prefix}never"])
    assert described["error_code"] == UnknownTopicOrPartitionError.errno
    assert f"{topic_prefix}never" not in await admin.list_topics()
    await admin.close()


async def test_kills_of_every_server_lose_nothing_and_keep_the_addresses(tmp_path: Path) -> None:
    stack = LocalStack(tmp_path)
    await stack.start()
    addresses = (stack.bootstrap_servers, stack.postgres_dsn, stack.smtp_port)
    await _create_topic(stack.bootstrap_servers, "kept")
    await _produce(stack.bootstrap_servers, "kept", [b"1", b"2", b"3"])
    connection = await asyncpg.connect(stack.postgres_dsn)
    await connection.execute("create table kept (n int); insert into kept values (1), (2)")
    await connection.close()
    await _send_mail(stack.smtp_port, "kept@sender.example")

    for server in (stack.kafka, stack.postgres, stack.smtp):
        server.kill()
        assert server.pid is None
    for server in (stack.kafka, stack.postgres, stack.smtp):
        await server.start()

    assert (stack.bootstrap_servers, stack.postgres_dsn, stack.smtp_port) == addresses
    assert await _consume(stack.bootstrap_servers, "kept") == [b"1", b"2", b"3"]
    connection = await asyncpg.connect(stack.postgres_dsn)
    assert await connection.fetchval("select count(*) from kept") == 2
    assert await connection.fetchval("show fsync") == "on"
    await connection.close()
    await _send_mail(stack.smtp_port, "later@sender.example")
    assert [mail.message_id for mail in read_record(stack.smtp_record)] == [
        "<kept@sender.example>",
        "<later@sender.example>",
    ]
    stack.stop()


OWNER = textwrap.dedent("""
    import asyncio, json, sys
    from pathlib import Path
    from api.local.stack import LocalStack

    async def own():
        stack = LocalStack(Path(sys.argv[1]))
        await stack.start()
        pids = [stack.kafka.pid, stack.postgres.pid, stack.smtp.pid]
        print(json.dumps({"pids": pids, "dsn": stack.postgres_dsn, "kafka": stack.bootstrap_servers}), flush=True)
        await asyncio.Event().wait()

    asyncio.run(own())
""")


def _own(directory: Path) -> tuple[subprocess.Popen[str], dict[str, object]]:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(directory)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        start_new_session=True,
    )
    assert owner.stdout is not None
    line = owner.stdout.readline()
    assert line, "the owner ended before its stack was up"
    return owner, json.loads(line)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel's tie to the parent is Linux's")
async def test_servers_die_with_a_killed_owner_and_the_directory_starts_again_with_everything(tmp_path: Path) -> None:
    owner, said = _own(tmp_path)
    pids = [int(pid) for pid in said["pids"]]  # pyright: ignore[reportGeneralTypeIssues]
    try:
        connection = await asyncpg.connect(str(said["dsn"]))
        await connection.execute("create table kept (n int); insert into kept values (7)")
        await _create_topic(str(said["kafka"]), "kept")
        await _produce(str(said["kafka"]), "kept", [b"7"])
    finally:
        owner.kill()
        owner.wait()
        owner.communicate()
    # no wait for the servers' end: whoever starts next must cope with servers that are still going down
    async with LocalStack(tmp_path) as stack:
        assert not any(pid in {stack.kafka.pid, stack.postgres.pid, stack.smtp.pid} for pid in pids)
        again = await asyncpg.connect(stack.postgres_dsn)
        assert await again.fetchval("select n from kept") == 7
        await again.close()
        assert await _consume(stack.bootstrap_servers, "kept") == [b"7"]
    await wait_for(lambda: not any(psutil.pid_exists(pid) for pid in pids), 20, what="the first owner's servers to end")


async def test_a_stale_process_id_of_somebody_else_does_not_stop_a_start(tmp_path: Path) -> None:
    stack = LocalStack(tmp_path, parts=["postgres"])
    await stack.start()
    pid_file = tmp_path / "postgres" / "data" / "postmaster.pid"
    stale = pid_file.read_text().split("\n", 1)[1]
    stack.stop()
    pid_file.write_text(f"{os.getpid()}\n{stale}")  # as after a reboot: the number now belongs to another process
    async with LocalStack(tmp_path, parts=["postgres"]) as again:
        assert again.postgres.pid is not None
    assert psutil.pid_exists(os.getpid())


async def test_a_directory_has_one_owner_at_a_time(tmp_path: Path) -> None:
    async with LocalStack(tmp_path, parts=["smtp"]):
        with pytest.raises(StackError, match=f"in use by process {os.getpid()}"):
            await LocalStack(tmp_path, parts=["smtp"]).start()
    async with LocalStack(tmp_path, parts=["smtp"]) as again:
        assert again.smtp.pid is not None


async def test_a_part_that_cannot_start_says_why_and_leaves_nothing_running(tmp_path: Path) -> None:
    listener = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    stack = LocalStack(tmp_path, parts=["postgres", "smtp"], ports={"postgres": port})
    with pytest.raises(StackError, match=f"port {port}, which PostgreSQL should listen on, is taken"):
        await stack.start()
    assert (stack.postgres.pid, stack.smtp.pid) == (None, None)
    listener.close()
    async with LocalStack(tmp_path, parts=["postgres", "smtp"]) as again:
        assert again.postgres.pid is not None


async def test_only_loopback_is_bound(tmp_path: Path) -> None:
    async with LocalStack(tmp_path) as stack:
        for pid in (stack.kafka.pid, stack.postgres.pid, stack.smtp.pid):
            assert pid is not None
            listening = [
                c.laddr.ip for c in psutil.Process(pid).net_connections("tcp") if c.status == psutil.CONN_LISTEN
            ]
            assert listening
            assert {ip.removeprefix("::ffff:") for ip in listening} == {"127.0.0.1"}


async def test_addresses_of_the_environment_are_used_and_nothing_is_started(stack: Services, tmp_path: Path) -> None:
    settings = Settings(kafka_bootstrap_servers=stack.bootstrap_servers, postgres_dsn=SecretStr(stack.postgres_dsn))
    chosen = await choose(tmp_path, settings, smtp=False)
    assert (chosen.kafka_from, chosen.postgres_from) == ("environment", "environment")
    assert (chosen.bootstrap_servers, chosen.postgres_dsn) == (stack.bootstrap_servers, stack.postgres_dsn)
    assert (chosen.stack.kafka.pid, chosen.stack.postgres.pid) == (None, None)
    chosen.stop()


async def test_addresses_of_the_environment_that_do_not_answer_are_refused_by_name(tmp_path: Path) -> None:
    settings = Settings(
        kafka_bootstrap_servers="127.0.0.1:1",
        postgres_dsn=SecretStr("postgresql://touchline:secret@127.0.0.1:1/touchline"),
    )
    with pytest.raises(StackError) as refused:
        await choose(tmp_path, settings)
    assert "TOUCHLINE_KAFKA_BOOTSTRAP_SERVERS is 127.0.0.1:1" in str(refused.value)
    assert "TOUCHLINE_POSTGRES_DSN is postgresql://touchline@127.0.0.1:1/touchline" in str(refused.value)
    assert "secret@" not in str(refused.value).replace("example: postgresql://touchline:secret@", "")


async def test_without_a_container_the_embedded_stack_is_used(stack: Services, tmp_path: Path) -> None:
    def no_engine():
        raise NoContainerError("no Docker engine answers")

    settings = Settings(kafka_bootstrap_servers=stack.bootstrap_servers)
    chosen = await choose(tmp_path, settings, postgres_container=no_engine, smtp=False)
    try:
        assert chosen.postgres_from == "embedded"
        assert chosen.stack.postgres.pid is not None
    finally:
        chosen.stop()


async def test_when_nothing_starts_the_message_names_every_way_its_failure_and_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_engine():
        raise NoContainerError("no Docker engine answers (connection refused)")

    monkeypatch.setenv("TOUCHLINE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    with pytest.raises(StackError) as failed:
        await choose(
            tmp_path / "stack", Settings(), kafka_container=no_engine, postgres_container=no_engine, smtp=False
        )
    message = str(failed.value)
    assert "environment: TOUCHLINE_KAFKA_BOOTSTRAP_SERVERS is not set" in message
    assert "environment: TOUCHLINE_POSTGRES_DSN is not set" in message
    assert "container for Kafka: no Docker engine answers (connection refused)" in message
    assert "container for PostgreSQL: no Docker engine answers (connection refused)" in message
    assert "embedded: the Kafka broker's jars could not be fetched from Maven Central" in message
    assert "HTTPS_PROXY" in message
    assert list((tmp_path / "cache" / f"kafka-{kafka_version()}").glob("*.jar")) == []


async def test_the_sink_as_a_process_ends_at_sigterm(tmp_path: Path) -> None:
    async with LocalStack(tmp_path, parts=["smtp"]) as stack:
        assert stack.smtp.pid is not None
        os.kill(stack.smtp.pid, signal.SIGTERM)
        await wait_for(lambda: stack.smtp.pid is None, 10, what="the sink to end")
