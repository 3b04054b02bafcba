"""What recovery does with changelogs as they may really end, on a real broker."""

import signal
from pathlib import Path

from aiokafka import AIOKafkaProducer

from streams import kafka
from streams.provision import ensure_topics
from streams.topology import changelog_name
from tests.support.streaming import Worker, enrollment, publish, settings_for
from tests.support.waiting import wait_for


async def test_a_changelog_that_ends_in_something_that_is_not_a_record_is_recovered(
    kafka_bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    """Faust alone waits for the last offset for ever, where a transaction's marker stands."""
    settings = settings_for(kafka_bootstrap, topic_prefix, tmp_path)
    await ensure_topics(settings)
    producer = AIOKafkaProducer(**kafka.connection(settings), transactional_id=f"{topic_prefix}x", acks="all")
    await producer.start()
    try:
        async with producer.transaction():
            name = changelog_name(settings, "leads", "leads")
            for key, value in ((b"kept", b'["e1"]'), (b"deleted", b'["e2"]'), (b"deleted", None)):
                await producer.send_and_wait(name, value, key, partition=2)
    finally:
        await producer.stop()
    worker = Worker(settings)
    try:
        (recovered,) = await worker.reported("recovered")
        assert (recovered["keys"], recovered["applied"]) == (1, 3)
    finally:
        worker.close()


async def test_values_written_again_and_deleted_come_back_as_they_were_last(
    kafka_bootstrap: str, topic_prefix: str, tmp_path: Path
) -> None:
    settings = settings_for(kafka_bootstrap, topic_prefix, tmp_path)
    await ensure_topics(settings)
    first = Worker(settings)
    try:
        await publish(settings, [enrollment(number, "lead") for number in range(5)])
        await first.handled(f"e{number}" for number in range(5))
        first.send(signal.SIGKILL)
        await wait_for(lambda: first.process.poll() is not None)
        second = Worker(settings)
        try:
            await publish(settings, [enrollment(2, "lead"), enrollment(9, "lead")])
            await second.handled(["e9"])
            assert "e2" not in second.done()
            assert second.events("reset") == []
        finally:
            second.close()
    finally:
        first.close()
