"""Recovery and takeover: changelogs as they may really end, rebalances in between, what is not answered; on a real broker."""

import signal

import pytest
from aiokafka import AIOKafkaProducer

from streams import kafka
from streams.settings import Settings
from streams.topology import changelog_name
from tests.support.streaming import Worker, enrollment, publish
from tests.support.waiting import wait_for


async def test_a_changelog_that_ends_in_something_that_is_not_a_record_is_recovered(
    settings: Settings, workers: list[Worker]
) -> None:
    """Faust alone waits for the last offset for ever, where a transaction's marker stands."""
    transactional_id = f"{settings.kafka_topic_prefix}x"
    producer = AIOKafkaProducer(**kafka.connection(settings), transactional_id=transactional_id, acks="all")
    await producer.start()
    try:
        async with producer.transaction():
            name = changelog_name(settings, "leads", "leads")
            for key, value in ((b"kept", b'["e1"]'), (b"deleted", b'["e2"]'), (b"deleted", None)):
                await producer.send_and_wait(name, value, key, partition=2)
    finally:
        await producer.stop()
    worker = Worker(settings)
    workers.append(worker)
    (recovered,) = await worker.reported("recovered")
    assert (recovered["keys"], recovered["applied"]) == (1, 3)


async def test_values_written_again_and_deleted_come_back_as_they_were_last(
    settings: Settings, workers: list[Worker]
) -> None:
    first = Worker(settings)
    workers.append(first)
    await publish(settings, [enrollment(number, "lead") for number in range(5)])
    await first.handled(f"e{number}" for number in range(5))
    first.send(signal.SIGKILL)
    await wait_for(lambda: first.process.poll() is not None)
    second = Worker(settings)
    workers.append(second)
    await publish(settings, [enrollment(2, "lead"), enrollment(9, "lead")])
    await second.handled(["e9"])
    assert "e2" not in second.done()
    assert second.events("reset") == []


async def test_an_index_that_cannot_be_built_ends_the_process_instead_of_vanishing(
    settings: Settings, workers: list[Worker]
) -> None:
    worker = Worker(settings, options={"fail_recovery": True})
    workers.append(worker)
    assert await worker.exit_code() == 70
    assert "an index that cannot be built" in "".join(worker.errors)


async def test_a_recovery_that_faust_gives_up_ends_the_process_instead_of_leaving_its_partitions_unread(
    settings: Settings, workers: list[Worker]
) -> None:
    worker = Worker(settings, options={"seeks_for_ever": True})
    workers.append(worker)
    await worker.reported("seeking")
    assert await worker.exit_code() == 70
    assert "was not answered within 4 s" in "".join(worker.errors)


async def test_a_rebalance_in_the_middle_of_a_recovery_makes_nothing_of_half_a_table(
    settings: Settings, workers: list[Worker]
) -> None:
    """Faust swallows it, and tells that the tables are whole: an index was built of half of them while they grew."""
    await publish(settings, [enrollment(number) for number in range(2000)])
    first = Worker(settings, TOUCHLINE_TICK_SECONDS="60")
    workers.append(first)
    await first.handled(f"e{number}" for number in range(2000))
    first.send(signal.SIGTERM)
    assert await first.exit_code() == 0

    second = Worker(settings, options={"replay_s": 0.6, "rebuild_s": 0.0005}, TOUCHLINE_TICK_SECONDS="60")
    workers.append(second)
    await second.reported("replaying", 2)
    third = Worker(settings, TOUCHLINE_TICK_SECONDS="60")
    workers.append(third)
    (joined,) = await third.reported("recovered")
    (stayed,) = await second.reported("recovered")
    assert sorted(stayed["partitions"] + joined["partitions"]) == [0, 1, 2, 3]
    assert stayed["generation"] == joined["generation"]
    assert stayed["keys"] + joined["keys"] == 2000
    await publish(settings, [enrollment(number) for number in range(2000, 2200)])
    await wait_for(lambda: len(second.done() | third.done()) == 200, what="both work")
    assert len(second.events("recovered")) == 1


async def test_a_recovery_that_ends_when_its_partitions_are_given_up_opens_nothing(
    settings: Settings, workers: list[Worker]
) -> None:
    first = Worker(settings, options={"slow_s": 4.5}, TOUCHLINE_TICK_SECONDS="60")
    workers.append(first)
    await first.reported("recovered")
    late = Worker(settings, options={"answers_late": True}, TOUCHLINE_TICK_SECONDS="60")
    workers.append(late)
    await late.reported("asked")
    await first.reported("recovered", 2)
    await publish(settings, [enrollment(number) for number in range(400)])  # it is slow to join again
    third = Worker(settings, TOUCHLINE_TICK_SECONDS="60")
    workers.append(third)
    ids = {f"e{number}" for number in range(400)}
    await wait_for(lambda: ids <= first.done() | late.done() | third.done(), what="all handled")
    (left,) = late.events("left")
    assert all(line["generation"] > left["generation"] for line in late.events("recovered"))
    assert sum(line["handled"] for worker in workers for line in worker.events("done")) == 400


async def test_leases_are_taken_for_every_partition_before_the_handler_is_told(
    settings: Settings, workers: list[Worker]
) -> None:
    taker = Worker(settings, options={"leases": {"refuse": False}})
    workers.append(taker)
    (recovered,) = await taker.reported("recovered")
    (started,) = taker.events("started")
    assert recovered["epochs"] == {"0": 41, "1": 41, "2": 41, "3": 41}
    leases = taker.events("lease")
    assert [lease["scope"] for lease in leases] == ["leads:0", "leads:1", "leads:2", "leads:3"]
    assert {(lease["owner"], lease["generation"]) for lease in leases} == {(started["owner"], recovered["generation"])}
    refused = Worker(settings, options={"leases": {"refuse": True}})
    workers.append(refused)
    assert await refused.exit_code() == 70
    assert refused.events("recovered") == []


async def test_a_member_that_waits_long_for_its_leases_takes_over_when_they_are_given(
    settings: Settings, workers: list[Worker]
) -> None:
    """It fetches nothing meanwhile; aiokafka lets such a member leave, and not join again before it fetches."""
    away = {"leases": {"refuse": False, "away_s": 8.0}}
    waits = Worker(settings, options=away, TOUCHLINE_TICK_SECONDS="60", BROKER_MAX_POLL_INTERVAL="4")
    workers.append(waits)
    (recovered,) = await waits.reported("recovered")
    assert recovered["generation"] == 1


async def test_without_the_seam_it_leaves_for_ever(settings: Settings, workers: list[Worker]) -> None:
    away = {"leases": {"refuse": False, "away_s": 8.0}, "leaves_after_ms": 4000}
    leaves = Worker(settings, options=away, TOUCHLINE_TICK_SECONDS="60")
    workers.append(leaves)
    with pytest.raises(AssertionError, match="1 x recovered"):
        await leaves.reported("recovered", deadline_s=15)
    assert "LeaveGroup" in "".join(leaves.errors)


async def test_an_error_that_the_coordinator_cannot_mend_ends_the_process(
    settings: Settings, workers: list[Worker]
) -> None:
    worker = Worker(settings, options={"joins_fail": True})
    workers.append(worker)
    assert await worker.exit_code() == 70
    assert "no code that anybody knows" in "".join(worker.errors)
