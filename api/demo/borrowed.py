"""Room of a run's own on servers that others use too: a database and a topic prefix, both gone afterwards."""

import secrets
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient

from api.local.choose import Services
from streams.kafka import connection
from streams.settings import load_settings


@asynccontextmanager
async def borrow(servers: Services) -> AsyncGenerator[Mapping[str, str]]:
    """The settings that name the room. Raises what asyncpg and aiokafka raise, so the account must be able to make both."""
    name = f"touchline_demo_{secrets.token_hex(4)}"
    prefix = f"{name}-"
    await _execute(servers.postgres_dsn, f'create database "{name}"')
    try:
        parts = urlsplit(servers.postgres_dsn)
        yield {
            "TOUCHLINE_POSTGRES_DSN": urlunsplit(parts._replace(path=f"/{name}")),
            "TOUCHLINE_KAFKA_TOPIC_PREFIX": prefix,
        }
    finally:
        await _execute(servers.postgres_dsn, f'drop database if exists "{name}" with (force)')
        if servers.kafka_from == "environment":
            await _delete_topics(prefix)


async def _execute(dsn: str, statement: str) -> None:
    connected = await asyncpg.connect(dsn)
    try:
        await connected.execute(statement)
    finally:
        await connected.close()


async def _delete_topics(prefix: str) -> None:
    admin = AIOKafkaAdminClient(**connection(load_settings()))
    await admin.start()
    try:
        ours = [topic for topic in await admin.list_topics() if topic.startswith(prefix)]
        if ours:
            await admin.delete_topics(ours)
    finally:
        await admin.close()
