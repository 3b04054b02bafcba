"""The real servers tests run on: one broker and one database server a session, a fresh database a test."""

import itertools
import os
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
import pytest_asyncio
from hypothesis import settings

from api.local.choose import Services, choose
from api.local.smtp import SmtpSink
from streams.settings import load_settings
from tests.support.containers import kafka_container, postgres_container

settings.register_profile("fixed", derandomize=True)
settings.register_profile("random")
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))
"""The same examples in every run of the same tests: a change is judged by what it changed. `random` looks for new ones."""

_numbers = itertools.count(1)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Services]:
    """Kafka and PostgreSQL for the whole session: from the environment, else containers, else the local stack."""
    services = await choose(
        tmp_path_factory.mktemp("stack"),
        load_settings(),
        kafka_container=kafka_container,
        postgres_container=postgres_container,
        smtp=False,
        durable=False,
    )
    yield services
    services.stop()


@pytest.fixture(scope="session")
def kafka_bootstrap(stack: Services) -> str:
    """Addresses of the broker."""
    return stack.bootstrap_servers


@pytest.fixture
def topic_prefix() -> str:
    """A prefix for topics and groups that no other test, and no other run against the same broker, uses."""
    return f"t{os.getpid()}-{next(_numbers)}-"


def with_database(dsn: str, database: str) -> str:
    """The same server and credentials, another database."""
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{database}"))


async def create_database(dsn: str, template: str = "template1") -> str:
    """A new database on the server of `dsn`, a copy of `template`; its DSN. Drop it with `drop_database`."""
    name = f"touchline_test_{os.getpid()}_{next(_numbers)}"
    connection = await asyncpg.connect(dsn)
    try:
        # file_copy takes milliseconds for a small template and forces no log records
        await connection.execute(f'create database "{name}" template "{template}" strategy file_copy')
    finally:
        await connection.close()
    return with_database(dsn, name)


async def drop_database(dsn: str) -> None:
    """Drop the database of `dsn`, ending whatever is still connected to it."""
    name = urlsplit(dsn).path.removeprefix("/")
    connection = await asyncpg.connect(with_database(dsn, "postgres"))
    try:
        await connection.execute(f'drop database if exists "{name}" with (force)')
    finally:
        await connection.close()


@pytest.fixture
async def postgres_dsn(stack: Services) -> AsyncIterator[str]:
    """DSN of an empty database of the test's own."""
    dsn = await create_database(stack.postgres_dsn)
    yield dsn
    await drop_database(dsn)


@pytest.fixture
async def smtp_sink(tmp_path: Path) -> AsyncIterator[SmtpSink]:
    """An SMTP sink in the test's own loop, with a record and a script of its own; whole messages are kept."""
    sink = SmtpSink(tmp_path / "accepted.jsonl", keep_raw=True)
    await sink.start()
    yield sink
    await sink.stop()
