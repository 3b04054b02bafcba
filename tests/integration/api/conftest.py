"""A migrated database and its pool."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from sinks.postgres.connect import connect
from sinks.postgres.migrate import migrate
from tests.support.control import World


@pytest.fixture
async def pool(postgres_dsn: str) -> AsyncIterator[asyncpg.Pool]:
    """Connections to a fresh database with every migration applied."""
    await migrate(postgres_dsn)
    pool = await connect(postgres_dsn, name="test", max_size=6)
    yield pool
    await pool.close()


@pytest.fixture
def world(pool: asyncpg.Pool) -> World:
    return World(pool)
