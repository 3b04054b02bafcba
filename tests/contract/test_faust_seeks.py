"""What arrives while Faust is still seeking is dropped by it: where nothing is committed it must be read again."""

from collections.abc import AsyncIterator

import pytest

from streams.settings import Settings
from tests.support.streaming import Worker, enrollment, publish

EVENTS = 40


@pytest.fixture
async def start(settings: Settings) -> AsyncIterator[object]:
    running: list[Worker] = []

    def started(**options: str) -> Worker:
        running.append(Worker(settings, options=dict(options), TOUCHLINE_TICK_SECONDS="60"))
        return running[-1]

    yield started
    for worker in running:
        worker.close()


async def test_records_fetched_before_the_seek_ends_are_read_again_where_nothing_was_committed(settings, start) -> None:
    await publish(settings, [enrollment(number) for number in range(EVENTS)])
    worker = start(overtaken_seek="safe")
    await worker.handled(f"e{number}" for number in range(EVENTS))
    assert worker.events("dropped")[0]["records"] > 0


async def test_fausts_own_seek_loses_them(settings, start) -> None:
    await publish(settings, [enrollment(number) for number in range(EVENTS)])
    worker = start(overtaken_seek="plain")
    await worker.reported("recovered")
    with pytest.raises(AssertionError, match="all events handled"):
        await worker.handled((f"e{number}" for number in range(EVENTS)), deadline_s=8)
