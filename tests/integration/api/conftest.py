"""A migrated database and its pool."""

import asyncpg
import pytest

from tests.support.control import World


@pytest.fixture
def world(pool: asyncpg.Pool) -> World:
    return World(pool)
