"""What contract tests of workers begin with."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from streams.provision import ensure_topics
from streams.settings import Settings
from tests.support.streaming import Worker, settings_for


@pytest.fixture
async def settings(kafka_bootstrap: str, topic_prefix: str, tmp_path: Path) -> Settings:
    """Settings of one test, whose topics are there."""
    made = settings_for(kafka_bootstrap, topic_prefix, tmp_path)
    await ensure_topics(made)
    return made


@pytest.fixture
async def workers() -> AsyncIterator[list[Worker]]:
    """Workers put in here are ended with the test."""
    running: list[Worker] = []
    yield running
    for worker in running:
        worker.close()
