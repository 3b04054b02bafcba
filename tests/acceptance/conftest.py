"""Whole pipelines on the session's broker and database."""

import pytest

from api.local.choose import Services


@pytest.fixture
def servers(stack: Services) -> dict[str, str]:
    """Settings that name the session's servers: a run makes room of its own on them."""
    return {
        "TOUCHLINE_KAFKA_BOOTSTRAP_SERVERS": stack.bootstrap_servers,
        "TOUCHLINE_POSTGRES_DSN": stack.postgres_dsn,
        "TOUCHLINE_PARTITIONS": "4",
    }
