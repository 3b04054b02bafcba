"""The runner's rules, without a broker."""

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from schemas.engagements import Engagement
from streams import batches
from streams.batches import EXIT_DEAD_LETTERS, EXIT_FLUSH, BatchRunner, TooManyDeadLetters
from streams.errors import Evicted, FlushFailed, Poison, Retryable
from streams.inbound import Inbound, Raw
from streams.partitioning import partition_of
from streams.tables import Table
from streams.work import Routing, Work
from tests.support.waiting import wait_for

LEADS = Table("leads")


class Broker:
    """Keeps what is flushed; `faults` are raised first, one a flush."""

    def __init__(self) -> None:
        self.flushed: list[Work] = []
        self.faults: list[Exception] = []

    async def flush(self, work: Work) -> None:
        if self.faults:
            raise self.faults.pop(0)
        work.apply()
        self.flushed.append(work)

    def dead(self) -> list[tuple[str, str]]:
        return [letter for work in self.flushed for letter in work.dead]

    def keys(self) -> list[str]:
        return [
            (record.key or b"").decode()
            for work in self.flushed
            for record in work.outputs
            if record.topic == "engagements"
        ]


class Handler:
    """Emits one engagement an event; `faults` maps a lead to what handling it raises, each time it is called."""

    def __init__(self) -> None:
        self.faults: dict[str, Callable[[], Exception | None]] = {}
        self.resets = 0
        self.batches: list[int] = []
        self.blocked: asyncio.Event | None = None

    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    async def recovered(self, partitions: frozenset[int]) -> None: ...
    async def revoked(self, partitions: frozenset[int]) -> None: ...

    async def reset(self) -> None:
        self.resets += 1

    async def handle(self, work: Work, batch: Sequence[Inbound]) -> None:
        self.batches.append(len(batch))
        if self.blocked is not None:
            await self.blocked.wait()
        for event in batch:
            error = self.faults.get(event.key, lambda: None)()
            if error is not None:
                raise error
            at = event.body.at
            work.emit("engagements", Engagement(type="sent", event_id="e", lead_id=event.key, at=at), event.key)
            work.put(LEADS, event.key.encode(), b"seen", event.partition)


class Exits:
    def __init__(self) -> None:
        self.codes: list[int] = []

    def __call__(self, code: int, reason: str) -> None:
        self.codes.append(code)


def reply(lead: str, partition: int = 0, topic: str = "enrollments") -> Raw:
    body = {"type": "pause", "event_id": "e", "lead_id": lead, "at": "2026-03-02T00:00:00Z"}
    return Raw(topic, partition, 0, lead.encode(), json.dumps(body).encode())


def disposition(lead: str, value: bytes | None = None) -> Raw:
    """A record of an internal topic, good unless `value` says otherwise."""
    body = {
        "event_id": "e",
        "lead_id": lead,
        **dict.fromkeys(("campaign_id", "step_id"), "x"),
        **dict.fromkeys(("reply_id", "enrollment_id", "send_id"), "6f1d3a52-6a0e-5a7c-9d5e-70756c736531"),
        "matched_by": "references",
        "confidence": 1,
        "at": "2026-03-02T00:00:00Z",
    }
    return Raw("replies", 0, 0, lead.encode(), json.dumps(body).encode() if value is None else value)


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
def handler() -> Handler:
    return Handler()


@pytest.fixture
def exits() -> Exits:
    return Exits()


@pytest.fixture
def runner(broker: Broker, handler: Handler, exits: Exits) -> BatchRunner:
    return BatchRunner(handler, broker, Routing("leads"), exit_process=exits, backoff_s=0.001)


def always(error: Exception) -> Callable[[], Exception]:
    return lambda: error


async def test_one_bad_event_costs_one_event_whatever_its_place(
    runner: BatchRunner, broker: Broker, handler: Handler
) -> None:
    leads = [f"l{number}" for number in range(33)]
    for place in (0, 7, 32):
        broker.flushed.clear()
        handler.faults = {leads[place]: always(Poison("bad_data", "why"))}
        assert await runner.run([reply(lead) for lead in leads])
        assert broker.dead() == [("enrollments", "bad_data")]
        assert broker.keys() == leads[:place] + leads[place + 1 :]


async def test_a_defect_is_bisected_like_poison_and_the_handler_is_reset_each_time(
    runner: BatchRunner, broker: Broker, handler: Handler
) -> None:
    handler.faults = {"l3": always(ZeroDivisionError("x")), "l5": always(KeyError("y"))}
    assert await runner.run([reply(f"l{number}") for number in range(8)])
    assert broker.dead() == [("enrollments", "unexpected")] * 2
    assert broker.keys() == ["l0", "l1", "l2", "l4", "l6", "l7"]
    assert handler.resets >= 4


async def test_infrastructure_faults_try_the_same_batch_again_in_place(
    runner: BatchRunner, broker: Broker, handler: Handler
) -> None:
    errors: list[Exception | None] = [Retryable("away"), ConnectionResetError(), TimeoutError(), None]
    handler.faults = {"l1": lambda: errors.pop(0)}
    assert await runner.run([reply("l0"), reply("l1")])
    assert handler.batches == [2, 2, 2, 2]
    assert broker.dead() == []
    assert broker.keys() == ["l0", "l1"]


async def test_a_database_that_reports_a_deadlock_is_infrastructure(runner: BatchRunner, handler: Handler) -> None:
    class DeadlockDetectedError(Exception):
        sqlstate = "40P01"

    errors: list[Exception | None] = [DeadlockDetectedError(), None]
    handler.faults = {"l0": lambda: errors.pop(0)}
    assert await runner.run([reply("l0")])
    assert handler.batches == [1, 1]


async def test_nothing_of_a_discarded_attempt_is_flushed(runner: BatchRunner, broker: Broker, handler: Handler) -> None:
    errors: list[Exception | None] = [Retryable("away"), None]
    handler.faults = {"l1": lambda: errors.pop(0)}
    await runner.run([reply("l0"), reply("l1")])
    assert len(broker.flushed) == 1
    assert len(broker.flushed[0].outputs) == 2


async def test_undecodable_records_are_set_aside_with_the_first_flush_and_never_reach_the_handler(
    runner: BatchRunner, broker: Broker, handler: Handler
) -> None:
    assert await runner.run([reply("l0"), Raw("enrollments", 0, 1, b"k", b"{"), reply("l1")])
    assert broker.dead() == [("enrollments", "invalid_json")]
    assert handler.batches == [2]
    assert len(broker.flushed) == 1


async def test_a_misplaced_record_goes_to_its_own_partition_only_where_the_role_keeps_tables(
    broker: Broker, handler: Handler, exits: Exits
) -> None:
    right = partition_of(b"l0", 8)
    misplaced = reply("l0", (right + 3) % 8)
    for rekeys in (True, False):
        broker.flushed.clear()
        runner = BatchRunner(handler, broker, Routing("leads"), rekeys=rekeys, exit_process=exits)
        assert await runner.run([misplaced])
        (record,) = broker.flushed[0].outputs
        assert (record.topic, record.partition) == (("enrollments", right) if rekeys else ("engagements", right))


async def test_a_flush_that_fails_ends_the_process(runner: BatchRunner, broker: Broker, exits: Exits) -> None:
    broker.faults = [FlushFailed("no ack")]
    with pytest.raises(FlushFailed):
        await runner.run([reply("l0")])
    assert exits.codes == [EXIT_FLUSH]


async def test_an_evicted_worker_abandons_the_batch(
    runner: BatchRunner, broker: Broker, handler: Handler, exits: Exits
) -> None:
    broker.faults = [Evicted("generation 3 is over")]
    assert not await runner.run([reply("l0")])
    assert (handler.resets, exits.codes, broker.flushed) == (1, [], [])


async def test_a_retrying_batch_is_abandoned_as_soon_as_the_partitions_go(
    broker: Broker, handler: Handler, exits: Exits
) -> None:
    runner = BatchRunner(handler, broker, Routing("leads"), exit_process=exits, backoff_s=60)
    handler.faults = {"l0": always(Retryable("away"))}
    running = asyncio.create_task(runner.run([reply("l0")]))
    await wait_for(lambda: handler.resets == 1)
    await asyncio.wait_for(runner.close(grace_s=30), 5)
    assert await running is False
    assert await runner.run([reply("l0")]) is False
    runner.open()
    handler.faults = {}
    assert await runner.run([reply("l0")])


async def test_a_batch_that_does_not_finish_in_its_grace_is_cancelled_and_reset(
    runner: BatchRunner, broker: Broker, handler: Handler
) -> None:
    handler.blocked = asyncio.Event()
    running = asyncio.create_task(runner.run([reply("l0")]))
    await wait_for(lambda: handler.batches == [1])
    await asyncio.wait_for(runner.close(grace_s=0.01), 5)
    assert await running is False
    assert (handler.resets, broker.flushed) == (1, [])


async def test_a_running_batch_finishes_before_the_partitions_go(
    runner: BatchRunner, broker: Broker, handler: Handler
) -> None:
    handler.blocked = asyncio.Event()
    running = asyncio.create_task(runner.run([reply("l0")]))
    await wait_for(lambda: handler.batches == [1])
    closing = asyncio.create_task(runner.close(grace_s=30))
    handler.blocked.set()
    await asyncio.wait_for(closing, 5)
    assert await running is True
    assert broker.keys() == ["l0"]


async def test_a_hundred_undecodable_records_of_an_internal_topic_stop_the_role_and_are_not_written(
    runner: BatchRunner, broker: Broker, exits: Exits
) -> None:
    for _ in range(3):
        assert await runner.run([disposition("l", b"{")] * 33)
    with pytest.raises(TooManyDeadLetters):
        await runner.run([disposition("l", b"{")] * 50)
    assert exits.codes == [EXIT_DEAD_LETTERS]
    assert len(broker.dead()) == 99


async def test_a_hundred_events_the_handler_refuses_stop_the_role_too(
    runner: BatchRunner, broker: Broker, handler: Handler, exits: Exits
) -> None:
    handler.faults = {"bad": always(ZeroDivisionError())}
    for _ in range(9):
        assert await runner.run([disposition("bad")] * 11)
    with pytest.raises(TooManyDeadLetters):
        await runner.run([disposition("bad")] * 11)
    assert exits.codes == [EXIT_DEAD_LETTERS]
    assert len(broker.dead()) == batches.MAX_DEAD_IN_A_ROW - 1


async def test_a_good_event_between_bad_ones_starts_the_count_again(
    runner: BatchRunner, broker: Broker, exits: Exits
) -> None:
    for _ in range(3):
        await runner.run([*[disposition("l", b"{")] * 99, disposition("good")])
    assert exits.codes == []
    assert len(broker.dead()) == 297


async def test_topics_that_strangers_write_never_stop_the_role(
    runner: BatchRunner, broker: Broker, handler: Handler, exits: Exits
) -> None:
    handler.faults = {"bad": always(Poison("bad_data"))}
    await runner.run([Raw("enrollments", 0, n, b"k", b"{") for n in range(150)])
    await runner.run([reply("bad") for _ in range(150)])
    assert exits.codes == []
    assert len(broker.dead()) == 300


async def test_a_refused_tick_is_dropped_and_its_neighbours_go_on(
    broker: Broker, handler: Handler, exits: Exits
) -> None:
    def refuses(partition: int, tick: Any) -> bool:
        return partition == 1

    runner = BatchRunner(handler, broker, Routing("leads"), refuses_tick=refuses, exit_process=exits)
    tick = json.dumps({"at": "2026-03-02T00:00:00Z", "wall": "2026-03-02T00:00:00Z"}).encode()
    seen: list[int] = []

    async def handle(work: Work, batch: Sequence[Inbound]) -> None:
        seen.extend(event.partition for event in batch)

    handler.handle = handle  # type: ignore[method-assign]
    assert await runner.run([Raw("lead-ticks", number, 0, b"k", tick) for number in range(3)])
    assert seen == [0, 2]
    assert broker.dead() == []
