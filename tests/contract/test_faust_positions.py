"""Commits on a real broker where offsets hold no record: transactions, and logs that begin late."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from api.lag import Unread, read_lag
from streams import kafka
from streams.partitioning import partition_of
from streams.settings import Settings
from streams.topology import topic_name
from tests.support.streaming import Worker, enrollment, publish
from tests.support.waiting import wait_for

LEAD = "lead"


@pytest.fixture
async def worker(settings: Settings) -> AsyncIterator[Worker]:
    running = Worker(settings)
    yield running
    running.close()


async def committed_to(settings: Settings, offset: int) -> None:
    """Wait until the one partition that is written to is committed up to this offset."""

    async def is_committed() -> bool:
        found = await read_lag(settings, [("leads", "enrollments")])
        return [item.committed for item in found if item.end] == [offset]

    await wait_for(is_committed, what=f"a commit of {offset}")


async def test_what_a_producer_commits_is_read_and_what_it_takes_back_is_not(
    settings: Settings, worker: Worker
) -> None:
    producer = AIOKafkaProducer(
        **kafka.connection(settings), transactional_id=f"{settings.kafka_topic_prefix}producer", acks="all"
    )
    await producer.start()
    try:
        await worker.reported("recovered")
        for number, taken_back in ((0, False), (1, True), (2, False)):
            key, value = enrollment(number, LEAD)
            partition = partition_of(key, settings.partitions)
            await producer.begin_transaction()
            await producer.send_and_wait(topic_name(settings, "enrollments"), value, key, partition=partition)
            await (producer.abort_transaction() if taken_back else producer.commit_transaction())
            if number == 0:
                await worker.handled(["e0"])
                await committed_to(settings, 1)
        await worker.handled(["e0", "e2"])
        await committed_to(settings, 5)
        assert "e1" not in worker.done()
        look = await Unread(settings).look()
        assert look.read["enrollments"] == look.ends["enrollments"]  # the last marker is nothing that is unread
    finally:
        await producer.stop()


async def test_a_log_that_begins_late_is_committed_though_nothing_ever_was(settings: Settings, tmp_path: Path) -> None:
    await publish(settings, [enrollment(number, LEAD) for number in range(10)])
    place = TopicPartition(topic_name(settings, "enrollments"), partition_of(LEAD.encode(), settings.partitions))
    admin = AIOKafkaAdminClient(**kafka.connection(settings))
    await admin.start()
    await admin.delete_records({place: RecordsToDelete(before_offset=5)})
    await admin.close()
    worker = Worker(settings)
    try:
        await worker.handled(f"e{number}" for number in range(5, 10))
        await committed_to(settings, 10)
    finally:
        worker.close()
