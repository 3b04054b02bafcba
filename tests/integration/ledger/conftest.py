"""The ledger's world, for every test of this folder: a copy of one migrated database each."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from api.local.choose import Services
from sinks.postgres.migrate import migrate
from tests.conftest import create_database, drop_database
from tests.support.ledger import World, opened


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def migrated(stack: Services) -> AsyncIterator[str]:
    """The name of a database with all migrations, to be copied."""
    dsn = await create_database(stack.postgres_dsn)
    await migrate(dsn)
    yield dsn.rpartition("/")[2].partition("?")[0]
    await drop_database(dsn)


@pytest.fixture
async def world(stack: Services, migrated: str) -> AsyncIterator[World]:
    dsn = await create_database(stack.postgres_dsn, migrated)
    async with opened(dsn) as world:
        yield world
    await drop_database(dsn)
