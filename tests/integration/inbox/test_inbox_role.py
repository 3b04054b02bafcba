"""`touchline worker inbox` as processes on a real broker and database: mail in a mailbox becomes a record on the topic, once the
broker has it and not before, whichever worker is killed.
"""

import asyncio
from asyncio.subprocess import Process
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from schemas.definitions import Definition
from schemas.replies import InboundMail
from streams.provision import ensure_topics
from streams.settings import Settings
from tests.support.imap_server import AT, ImapServer, letter
from tests.support.role_process import role_process
from tests.support.waiting import wait_for


@pytest.fixture
async def settings(kafka_bootstrap: str, topic_prefix: str, postgres_dsn: str, tmp_path: Path) -> Settings:
    made = Settings.model_validate(
        {
            "kafka_bootstrap_servers": kafka_bootstrap,
            "kafka_topic_prefix": topic_prefix,
            "postgres_dsn": postgres_dsn,
            "partitions": 2,
            "data_dir": tmp_path,
        }
    )
    await ensure_topics(made)
    return made


def worker(settings: Settings, name: str) -> AbstractAsyncContextManager[Process]:
    """A process of the role; ended in order unless the test has killed it."""
    return role_process(settings, "inbox", name, INBOX_PASSWORD="hunter2")


async def apply(settings: Settings, name: str, server: ImapServer, revision: int = 1, **imap: str) -> None:
    """The definition of a mailbox, as the API publishes it."""
    spec = {
        "kind": "Mailbox", "id": name, "pool": "main", "from": f"{name}@sender.example", "postal_address": "Street 1",
        "smtp": {"host": "smtp.example"},
        "imap": {
            "host": "127.0.0.1", "port": server.port, "security": "none", "username": name,
            "password_ref": "env:INBOX_PASSWORD", "since": AT.isoformat(), **imap,
        },
    }  # fmt: skip
    definition = Definition(kind="mailbox", id=name, revision=revision, spec=spec, at=datetime.now(UTC))
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap_servers)
    await producer.start()
    topic = settings.kafka_topic_prefix + "definitions"
    await producer.send_and_wait(topic, definition.write(), key=f"mailbox:{name}".encode())
    await producer.stop()


@asynccontextmanager
async def arriving(settings: Settings) -> AsyncIterator[list[InboundMail]]:
    """What comes on the topic."""
    consumer = AIOKafkaConsumer(
        settings.kafka_topic_prefix + "inbound-replies",
        bootstrap_servers=settings.kafka_bootstrap_servers,
        auto_offset_reset="earliest",
    )
    await consumer.start()
    found: list[InboundMail] = []

    async def follow() -> None:
        async for record in consumer:
            found.append(InboundMail.read(record.value or b""))

    following = asyncio.create_task(follow())
    try:
        yield found
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await consumer.stop()


async def test_mail_goes_from_mailboxes_to_the_topic_though_a_worker_is_killed_and_a_password_is_wrong(
    settings: Settings,
) -> None:
    assert settings.postgres_dsn is not None
    async with ImapServer() as good, ImapServer() as bad, arriving(settings) as mails:
        bad.secrets = {"another"}
        good.add(letter(1))
        async with worker(settings, "first") as first:
            await apply(settings, "bert", bad)
            await apply(settings, "anna", good)
            await wait_for(lambda: len(mails) == 1, 60)
            await wait_for(lambda: good.idling and bad.count("AUTHENTICATE"))
            async with worker(settings, "second"):
                good.add(letter(2))
                await wait_for(lambda: len(mails) == 2)
                first.kill()
                await first.wait()
                good.add(letter(3))
                connection = await asyncpg.connect(settings.postgres_dsn.get_secret_value())
                await connection.execute("update inboxes set held_until = now()")  # instead of half a minute's wait
                await wait_for(lambda: len(mails) >= 3, 30)
                await apply(settings, "anna", good, 2, processed="seen")
                await wait_for(lambda: good.count("SELECT"))
                good.add(letter(4))
                await wait_for(lambda: good.held[4].flags == {"\\Seen"})
        rows = {row["mailboxes"][0]: row for row in await connection.fetch("select * from inboxes")}
        await connection.close()
    assert Counter(mail.message_id for mail in mails).keys() == {f"<m{number}@corp.example>" for number in (1, 2, 3, 4)}
    assert rows["anna"]["last_uid"] == 4
    assert rows["anna"]["owner"] is None, "let go in order"
    assert (rows["bert"]["state"], rows["bert"]["why"]) == ("refused", "login")
    assert bad.count("AUTHENTICATE PLAIN") <= 2, "once a worker: servers lock accounts out"
