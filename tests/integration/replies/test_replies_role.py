"""The role as a process, on a real broker and database, with a server that speaks the model's API."""

import asyncio
from asyncio.subprocess import Process
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from domain.tokens import TokenKeys, address_key, lead_key, mail_token
from schemas.replies import Disposition, InboundMail, Reply
from sinks.ports import SendRow
from sinks.postgres.migrate import migrate
from streams.provision import ensure_topics
from streams.settings import Settings
from tests.support import mails
from tests.support.claude_server import ANSWER, ClaudeServer, asked, message
from tests.support.replying import AT, touch
from tests.support.role_process import role_process

TOKEN_KEYS = "k1:" + "A" * 86 + "=="
KEYS = TokenKeys.parse(TOKEN_KEYS)


@pytest.fixture
def settings(kafka_bootstrap: str, topic_prefix: str, postgres_dsn: str, tmp_path: Path) -> Settings:
    return Settings.model_validate(
        {
            "kafka_bootstrap_servers": kafka_bootstrap,
            "kafka_topic_prefix": topic_prefix,
            "postgres_dsn": postgres_dsn,
            "token_keys": TOKEN_KEYS,
            "partitions": 2,
            "data_dir": tmp_path,
        }
    )


def worker(settings: Settings, model_url: str) -> AbstractAsyncContextManager[Process]:
    """The role's process, ended in order."""
    return role_process(
        settings,
        "replies",
        TOUCHLINE_TOKEN_KEYS=TOKEN_KEYS,
        TOUCHLINE_DATA_DIR=str(settings.data_dir),
        ANTHROPIC_API_KEY="test",
        ANTHROPIC_BASE_URL=model_url,
    )


async def read(settings: Settings, topic: str, model: Any, leads: int, deadline_s: float = 60) -> list[Any]:
    """The values on a topic until so many leads were told of."""
    consumer = AIOKafkaConsumer(
        settings.kafka_topic_prefix + topic,
        bootstrap_servers=settings.kafka_bootstrap_servers,
        auto_offset_reset="earliest",
    )
    await consumer.start()
    found: list[Any] = []
    try:
        async with asyncio.timeout(deadline_s):
            while len({event.lead_id for event in found}) < leads:
                found.append(model.read((await consumer.getone()).value))
    finally:
        await consumer.stop()
    return found


async def publish(settings: Settings, *raws: bytes) -> None:
    """Inbound mail, as the webhook writes it."""
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap_servers)
    await producer.start()
    for number, raw in enumerate(raws):
        body = InboundMail.model_construct(
            event_id=f"m{number}",
            message_id=f"<m{number}@x>",
            source="generic",
            received_at=AT,
            received_wall=AT,
            raw=raw,
        )
        topic = settings.kafka_topic_prefix + "inbound-replies"
        await producer.send_and_wait(topic, body.write(), key=body.message_id.encode())
    await producer.stop()


async def sent(dsn: str, lead: str) -> str:
    """A touch that the ledger holds as sent; its token."""
    row: SendRow = touch(lead, message_id=f"<{lead}@sender.example>")
    connection = await asyncpg.connect(dsn)
    await connection.execute(
        """
        insert into sends (send_id, enrollment_id, granted_at, expires_at, grant_order, pool_epoch, sender_epoch, campaign_version,
            entry_no, ask_no, attempt, pool_partition, sender_partition, owns_address, state, lead_key, address_key, lead_id,
            campaign_id, goal, step_id, variant, pool_id, mailbox_id, grant_id, message_id)
        values ($1, $2, $3, $3, 1, 1, 1, 1, 1, 1, 1, 0, 0, true, 'sent', $4, $5, $6, $7, 'acquisition', $8, 'a', $9, $10, '1-1', $11)
        """,
        row.send_id, row.enrollment_id, AT, lead_key(KEYS.hash_secret, lead),
        address_key(KEYS.hash_secret, f"{lead}@corp.example"), lead, row.campaign_id, row.step_id, row.pool_id, row.mailbox_id,
        row.message_id,
    )  # fmt: skip
    await connection.close()
    return mail_token(KEYS, row.send_id)


async def test_the_process_turns_mail_into_replies_and_dispositions(settings: Settings) -> None:
    assert settings.postgres_dsn is not None
    dsn = settings.postgres_dsn.get_secret_value()
    await migrate(dsn)
    await ensure_topics(settings)
    tokens = {lead: await sent(dsn, lead) for lead in ("yes", "no", "gone", "odd")}

    def reads(request: dict[str, Any]) -> dict[str, Any]:
        known = [{"id": mail["id"], **ANSWER} for mail in asked(request) if mail["body"] == "Call me"]
        return message({"answers": known} if known else "no JSON at all")

    def mail(lead: str, text: str) -> bytes:
        return mails.plain(text, In_Reply_To=f"<{tokens[lead]}@sender.example>", Message_ID=f"<{lead}@corp.example>")

    server = ClaudeServer(reads)
    try:
        async with worker(settings, await server.start()):
            await publish(
                settings,
                mail("yes", "Call me"),
                mail("no", "Please unsubscribe me"),
                mails.raw(mails.POSTFIX_BOUNCE, tokens["gone"]),
                mail("odd", "asdf"),
                mails.plain("Cheap watches", subject="Offer", sender="x@y.example", Message_ID="<spam@y.example>"),
                mail("yes", "Call me"),
            )
            replies = await read(settings, "replies", Reply, 3)
            events = await read(settings, "dispositions", Disposition, 4)
    finally:
        await server.stop()
    assert {reply.lead_id for reply in replies} == {"yes", "no", "odd"}
    assert len({reply.event_id for reply in replies}) == 3
    assert {(event.lead_id, event.disposition, event.decided_by) for event in events} == {
        ("yes", "INTERESTED", "model"),
        ("no", "UNSUBSCRIBE", "recogniser"),
        ("gone", "BOUNCE", "recogniser"),
        ("odd", "ESCALATE_UNCLEAR", "default"),
    }
