"""A migrated database and its pool."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from sinks.postgres.connect import connect
from sinks.postgres.migrate import migrate


@pytest.fixture
async def pool(postgres_dsn: str) -> AsyncIterator[asyncpg.Pool]:
    """Of a database of the test's own, with room for eight movers at once."""
    await migrate(postgres_dsn)
    pool = await connect(postgres_dsn, name="test", max_size=8)
    yield pool
    await pool.close()
