"""Where a consumer stands: markers, logs that begin late, and rebalances that come while a position is set."""

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest
from aiokafka import ConsumerRecord
from aiokafka.errors import IllegalStateError
from faust.tables.recovery import RebalanceAgain
from faust.transport.consumer import Consumer as PlainConsumer
from faust.types.tuples import TP

from streams.faust_app import add_tables, build_app
from streams.inbox import Inbox
from streams.replay import Replay
from streams.seam import SafeApp, SafeConsumer
from streams.settings import Settings
from streams.tables import Table
from streams.topology import changelog_name

SOURCE = TP("enrollments", 0)


def records(*offsets: int, topic: str = "enrollments") -> list[Any]:
    return [ConsumerRecord(topic, 0, offset, 0, 0, b"k%d" % offset, b"v", None, 1, 1, ()) for offset in offsets]


@pytest.fixture
async def app(tmp_path: Path) -> SafeApp:
    made = build_app(Settings(data_dir=tmp_path, partitions=4), "leads", "me")
    cast(Any, made.topics)._acking_topics.add("enrollments")
    made.inbox = Inbox({"enrollments"}, limit=100)
    return made


@pytest.fixture
async def consumer(app: SafeApp) -> SafeConsumer:
    made = app.safe_consumer
    made.flow_active, made._sought_in = True, 0
    return made


async def handled(app: SafeApp, consumer: SafeConsumer, *offsets: int) -> int | None:
    """Hand these on, process them, and commit as Faust does every second; the committed offset."""
    await consumer._hand_on(SOURCE, records(*offsets), 0)
    consumer.record((SOURCE, record.offset) for _, _, record in app.inbox.take(500, 1 << 20))
    offset = consumer._new_offset(SOURCE)
    if offset is not None and consumer._should_commit(SOURCE, offset):
        consumer._committed_offset[SOURCE] = offset
    return consumer._committed_offset[SOURCE]


@pytest.fixture
def sought(consumer: SafeConsumer, monkeypatch: pytest.MonkeyPatch) -> dict[TP, int]:
    """A broker on which nothing is committed and every log begins at offset 500: where the consumer is put."""
    positions: dict[TP, int] = {}

    async def committed() -> dict[TP, int | None]:
        return {SOURCE: None}

    async def earliest(*partitions: TP) -> dict[TP, int]:
        return dict.fromkeys(partitions, 500)

    async def seek(partition: TP, offset: int) -> None:
        positions[partition] = offset

    monkeypatch.setattr(consumer, "seek_to_committed", committed)
    monkeypatch.setattr(consumer, "earliest_offsets", earliest)
    monkeypatch.setattr(consumer, "_seek", seek)
    monkeypatch.setattr(consumer, "assignment", lambda: {SOURCE})
    return positions


async def test_a_transactions_marker_at_the_committed_offset_holds_no_commit_up(
    app: SafeApp, consumer: SafeConsumer
) -> None:
    consumer._committed_offset[SOURCE] = consumer._read_offset[SOURCE] = 100
    assert await handled(app, consumer, 100) == 101
    assert await handled(app, consumer, 102) == 103


async def test_nor_does_one_that_the_last_owner_stopped_before(app: SafeApp, consumer: SafeConsumer) -> None:
    consumer._committed_offset[SOURCE] = consumer._read_offset[SOURCE] = 101
    assert await handled(app, consumer, 102) == 103


async def test_a_log_that_begins_late_is_committed_like_any_other(
    app: SafeApp, consumer: SafeConsumer, sought: dict[TP, int]
) -> None:
    await consumer.perform_seek()
    consumer.resume_flow()
    assert sought == {SOURCE: 500}
    assert await handled(app, consumer, *range(500, 550)) == 550
    assert await handled(app, consumer, *range(550, 600)) == 600


async def test_partitions_that_go_while_their_position_is_set_do_not_end_the_worker(
    consumer: SafeConsumer, sought: dict[TP, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(partition: TP, offset: int) -> None:
        raise IllegalStateError("No current assignment for partition")

    async def fetched(timeout_s: float) -> Any:
        return {SOURCE: records(1)}, {SOURCE}

    monkeypatch.setattr(consumer, "_seek", gone)
    monkeypatch.setattr(consumer, "_wait_next_records", fetched)
    consumer.stop_flow()
    assert await consumer._fetched(1.0) == []


async def test_changelog_records_that_came_while_the_flow_stood_are_read_again(
    app: SafeApp, consumer: SafeConsumer, sought: dict[TP, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Recovery has sought already; a fetch that was under way answers before the flow goes on, and is dropped."""
    settings = Settings(data_dir=tmp_path, partitions=4)
    log = TP(changelog_name(settings, "leads", "leads"), 0)
    tables = add_tables(app, settings, {"leads": Table("leads")}, {})
    app.replay = Replay(app, tables)
    recovery = cast(Any, app.tables).recovery
    recovery.active_tps.add(log)
    recovery.tp_to_table[log] = tables["leads"]
    recovery.active_highwaters[log], recovery.active_offsets[log] = 9, -1
    sought[log] = 0

    async def getmany(active_partitions: Any, timeout: float) -> dict[TP, list[Any]]:
        start, sought[log] = sought[log], 10
        return {log: records(*range(start, 10), topic=log.topic)} if start < 10 else {}

    async def position(partition: TP) -> int:
        return sought[partition]

    fetch = consumer._wait_next_records

    async def overtaken(timeout_s: float) -> Any:
        monkeypatch.setattr(consumer, "_wait_next_records", fetch)
        found = await fetch(timeout_s)
        consumer.stop_flow()
        return found

    async def turn() -> None:
        chunks = await consumer._fetched(1.0)
        for tp, some in chunks:
            await consumer._hand_on(tp, some, 0)
        await app.replay.finish(idle=not chunks)

    monkeypatch.setattr(consumer, "_getmany", getmany)
    monkeypatch.setattr(consumer, "position", position)
    monkeypatch.setattr(consumer, "assignment", lambda: {log})
    monkeypatch.setattr(consumer._member, "gather", lambda *, busy: None)
    monkeypatch.setattr(consumer, "_wait_next_records", overtaken)
    consumer.resume_flow()
    consumer._set_active_tps({log})
    whole = asyncio.create_task(recovery.signal_recovery_end.wait())
    await asyncio.sleep(0)

    await turn()
    consumer.resume_flow()
    for _ in range(3):
        await turn()
        await asyncio.sleep(0)
    assert whole.done()
    assert len(tables["leads"].data.data) == 10


async def test_a_changelog_that_goes_while_its_position_is_asked_for_is_left_alone(
    app: SafeApp, consumer: SafeConsumer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = TP(changelog_name(Settings(data_dir=tmp_path), "leads", "leads"), 0)
    app.replay = Replay(app, {})
    recovery = cast(Any, app.tables).recovery
    recovery.active_tps.add(log)
    recovery.active_highwaters[log], recovery.active_offsets[log] = 9, -1

    async def gone(partition: TP) -> int:
        raise IllegalStateError("No current assignment for partition")

    async def given_up(partition: TP) -> int:
        recovery.active_tps.discard(log)
        return 10

    whole = asyncio.create_task(recovery.signal_recovery_end.wait())
    await asyncio.sleep(0)
    for position in (gone, given_up):
        monkeypatch.setattr(consumer, "position", position)
        await app.replay.finish(idle=True)
        assert recovery.active_offsets[log] == -1
    whole.cancel()


@pytest.mark.parametrize(("rejoining", "error"), [(True, RebalanceAgain), (False, TimeoutError)])
async def test_a_step_that_is_not_answered_in_time_is_an_error_unless_the_group_is_joined_anew(
    app: SafeApp, monkeypatch: pytest.MonkeyPatch, rejoining: bool, error: type[Exception]
) -> None:
    monkeypatch.setattr(SafeConsumer, "rejoining", rejoining)
    with pytest.raises(error):
        await cast(Any, app.tables).recovery._wait(asyncio.Event(), timeout=0.01)


async def test_nothing_flows_after_partitions_were_revoked_even_where_none_was_assigned(
    app: SafeApp, consumer: SafeConsumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    class Told:
        async def leaving(self) -> None:
            told.append("leaving")

        async def left(self) -> None:
            told.append("left")

        async def recovered(self, generation: int) -> bool:
            return True

    async def revoked(consumer: Any, partitions: Any) -> None:
        told.append("revoked")

    async def commit(*_: Any, **__: Any) -> bool:
        told.append("committed")
        return True

    app.rebalancer = Told()
    monkeypatch.setattr(PlainConsumer, "on_partitions_revoked", revoked)
    monkeypatch.setattr(consumer, "commit", commit)
    await consumer.on_partitions_revoked(set())
    assert told == ["leaving", "committed", "left", "revoked"]
    assert not consumer.flow_active
    await consumer._hand_on(SOURCE, records(1), 0)
    assert len(app.inbox) == 0
