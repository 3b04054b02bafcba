"""Facts of Faust's internals that the seam changes, and that each change does what it says."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, cast

import pytest
from aiokafka import ConsumerRecord
from aiokafka.consumer.fetcher import PartitionRecords
from faust.transport.consumer import Consumer as PlainConsumer
from faust.types.tuples import TP, ConsumerMessage

from streams.faust_app import add_tables, build_app
from streams.group_member import _as_it_is
from streams.inbox import Inbox
from streams.seam import NotThroughTheOutbox, SafeApp, SafeConsumer
from streams.settings import Settings
from streams.tables import Table, WindowTable
from streams.topology import changelog_name

SOURCE = TP("enrollments", 0)


@pytest.fixture
async def app(tmp_path: Path) -> SafeApp:
    made = build_app(Settings(data_dir=tmp_path, partitions=4), "leads", "me")
    cast(Any, made.topics)._acking_topics.add("enrollments")
    return made


@pytest.fixture
async def consumer(app: SafeApp) -> SafeConsumer:
    consumer = app.safe_consumer
    consumer._committed_offset[SOURCE] = 37
    return consumer


def message(offset: int) -> Any:
    made = ConsumerMessage("enrollments", 0, offset, 0.0, 0, [], b"k", b"v", None, tp=SOURCE)
    made.tracked = True
    made.refcount = 1
    return made


async def test_the_commit_position_never_passes_an_event_in_flight(consumer: SafeConsumer) -> None:
    for offset in (38, 39):
        consumer.record([(SOURCE, offset)])
    assert consumer._new_offset(SOURCE) is None
    consumer.record([(SOURCE, 37)])
    assert consumer._new_offset(SOURCE) == 40


async def test_faust_alone_would_commit_past_the_event_in_flight(consumer: SafeConsumer) -> None:
    for offset in (38, 39):
        consumer.record([(SOURCE, offset)])
    assert PlainConsumer._new_offset(consumer, SOURCE) == 40


async def test_nor_does_it_where_nothing_was_ever_committed(consumer: SafeConsumer) -> None:
    consumer._committed_offset[SOURCE] = None
    consumer._floor[SOURCE] = 5
    consumer.record([(SOURCE, 6)])
    assert consumer._new_offset(SOURCE) is None
    consumer.record([(SOURCE, 5)])
    assert consumer._new_offset(SOURCE) == 7


async def test_what_faust_acknowledges_by_itself_counts_for_nothing(consumer: SafeConsumer) -> None:
    skipped = message(37)
    skipped.ack(consumer)
    assert skipped.acked
    assert consumer._acked[SOURCE] == []
    consumer.record([(SOURCE, 37)])
    assert consumer._acked[SOURCE] == [37]


async def test_tables_cannot_be_written_past_the_outbox(app: SafeApp) -> None:
    tables = add_tables(app, Settings(), {"leads": Table("leads")}, {"grants": WindowTable("grants", 60)})
    with pytest.raises(NotThroughTheOutbox):
        tables["leads"][b"k"] = b"v"
    with pytest.raises(NotThroughTheOutbox):
        tables["grants"]._set_key(("pool", (60.0, 119.9)), b"v")
    tables["leads"].data.data[b"k"] = b"v"
    with pytest.raises(NotThroughTheOutbox):
        del tables["leads"][b"k"]


async def test_changelogs_have_the_names_that_the_topology_creates(app: SafeApp) -> None:
    settings = Settings()
    tables = add_tables(app, settings, {"leads": Table("leads")}, {})
    assert tables["leads"].changelog_topic_name == changelog_name(settings, "leads", "leads")


async def test_faust_reads_a_window_key_back_as_it_was_written(app: SafeApp) -> None:
    windows = WindowTable("grants", 60)
    faust_table = add_tables(app, Settings(), {}, {"grants": windows})["grants"]
    window = windows.window("zoë", 1_772_445_600)
    decoded = faust_table.changelog_topic.schema.loads_key(
        app, type("Record", (), {"key": windows.encode_key(window), "headers": {}})(), loads=None, serializer="json"
    )
    assert faust_table._to_key(decoded) == window


async def test_the_settings_that_matter_are_set(app: SafeApp) -> None:
    conf = app.conf
    assert str(conf.store) == "memory:"
    assert (conf.table_standby_replicas, conf.topic_disable_leader, conf.topic_allow_declare) == (0, True, False)
    assert (conf.broker_session_timeout, conf.broker_heartbeat_interval, conf.broker_rebalance_timeout) == (10, 3, 30)
    assert (conf.consumer_auto_offset_reset, conf.stream_wait_empty, conf.web_enabled) == ("earliest", True, False)


# --- from the fetcher to the inbox ------------------------------------------------------------------------------------
def records(*offsets: int) -> list[Any]:
    return [ConsumerRecord("enrollments", 0, offset, 0, 0, b"k", b"v", None, 1, 1, ()) for offset in offsets]


@pytest.fixture
def reading(app: SafeApp, consumer: SafeConsumer) -> SafeConsumer:
    app.inbox = Inbox({"enrollments"}, limit=100)
    consumer.flow_active, consumer._sought_in = True, 0

    async def first(room: Coroutine[Any, Any, None], suspended: Coroutine[Any, Any, None]) -> None:
        suspended.close()
        await room

    consumer.wait_first = first  # pyright: ignore[reportAttributeAccessIssue] - Faust's own needs a started service
    return consumer


def waiting(app: SafeApp) -> list[int]:
    return [record.offset for _, _, record in app.inbox.take(500, 1 << 20)]


async def test_what_was_read_before_is_not_handed_on_again(app: SafeApp, reading: SafeConsumer) -> None:
    reading._read_offset[SOURCE] = 39
    await reading._hand_on(SOURCE, records(37, 38, 39, 40), 0)
    assert waiting(app) == [39, 40]
    await reading._hand_on(SOURCE, records(38, 39), 0)
    assert waiting(app) == []
    assert reading._read_offset[SOURCE] == 41


async def test_offsets_without_a_record_do_not_hold_up_the_commit(app: SafeApp, reading: SafeConsumer) -> None:
    reading._read_offset[SOURCE] = 37
    await reading._hand_on(SOURCE, records(37, 40, 41), 0)
    reading.record((SOURCE, offset) for offset in waiting(app))
    assert reading._new_offset(SOURCE) == 42


async def test_a_rebalance_while_the_inbox_is_full_leaves_the_position_alone(
    app: SafeApp, reading: SafeConsumer
) -> None:
    app.inbox.put([(SOURCE, 0, record) for record in records(*range(100))])
    handing = asyncio.create_task(reading._hand_on(SOURCE, records(100, 101), 0))
    await asyncio.sleep(0)
    assert not handing.done()
    app.consumer_generation_id = 1
    reading._read_offset[SOURCE] = 50  # where the rebalance seeks to
    app.inbox.clear()
    await handing
    assert reading._read_offset[SOURCE] == 50
    assert waiting(app) == []


async def test_nothing_is_handed_on_in_a_generation_before_its_positions_are_sought(
    app: SafeApp, reading: SafeConsumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The flow runs for a moment before Faust seeks, and a fetch of the new assignment may be answered just then."""

    async def committed() -> dict[TP, int]:
        return {SOURCE: 37}

    monkeypatch.setattr(reading, "seek_to_committed", committed)
    monkeypatch.setattr(reading, "assignment", lambda: {SOURCE})
    app.consumer_generation_id = 1
    await reading._hand_on(SOURCE, records(37, 38), 1)
    await reading._seek_back()  # what is fetched while the flow stands seeks too, before Faust does
    await reading._hand_on(SOURCE, records(37, 38), 1)
    assert waiting(app) == []
    await reading.perform_seek()
    reading.resume_flow()
    await reading._hand_on(SOURCE, records(37, 38), 1)
    assert waiting(app) == [37, 38]


async def test_nothing_is_handed_on_while_the_positions_are_sought(
    reading: SafeConsumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no table had to be recovered Faust lets records through before it seeks back: they would come twice."""
    flowing: list[bool] = []

    async def seek(consumer: Any) -> None:
        flowing.append(consumer.flow_active)

    monkeypatch.setattr(PlainConsumer, "perform_seek", seek)
    monkeypatch.setattr(reading, "assignment", set)
    await reading.perform_seek()
    assert flowing == [False]


async def test_a_commit_that_is_under_way_is_not_taken_for_one_of_what_was_recorded_since(
    consumer: SafeConsumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    committed: list[str] = []

    async def force(*_: Any, **__: Any) -> bool:
        committed.append("all")
        return True

    monkeypatch.setattr(consumer, "force_commit", force)
    for commit, expected in ((PlainConsumer.commit, []), (SafeConsumer.commit_recorded, ["all"])):
        consumer._commit_fut = asyncio.get_running_loop().create_future()
        leaving = asyncio.create_task(commit(consumer))
        await asyncio.sleep(0)
        under_way, consumer._commit_fut = consumer._commit_fut, None
        under_way.set_result(None)
        await leaving
        assert committed == expected


async def test_records_come_as_the_consumer_decoded_them_to_the_worker_and_to_nobody_else() -> None:
    class Decoded:
        offset, timestamp, timestamp_type, key, value, checksum, headers = 7, 1, 0, b"k", b"v", None, []

    def unwrapped(deserializer: Any) -> Any:
        batch = PartitionRecords(SOURCE, None, None, 0, deserializer, None, False, 0)
        return batch._consumer_record(SOURCE, Decoded)

    assert unwrapped(_as_it_is) is Decoded
    assert isinstance(unwrapped(None), ConsumerRecord)


async def test_the_shortest_queue_of_a_fetch_goes_first(reading: SafeConsumer, monkeypatch: pytest.MonkeyPatch) -> None:
    tick = TP("lead-ticks", 0)

    async def fetched(timeout_s: float) -> Any:
        return {SOURCE: records(*range(1000)), tick: records(7)}, {SOURCE, tick}

    monkeypatch.setattr(reading, "_wait_next_records", fetched)
    monkeypatch.setattr(reading._member, "gather", lambda *, busy: None)
    assert [tp for tp, _ in await reading._fetched(1.0)] == [tick, SOURCE]


async def test_fetches_gather_records_while_they_keep_coming(
    reading: SafeConsumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    came: list[bool] = [True, True, False, True]
    paces: list[bool] = []

    async def fetched(timeout_s: float) -> Any:
        return ({SOURCE: records(1)} if came.pop(0) else {}), {SOURCE}

    monkeypatch.setattr(reading, "_wait_next_records", fetched)
    monkeypatch.setattr(reading._member, "gather", lambda *, busy: paces.append(busy))
    for _ in range(3):
        await reading._fetched(1.0)
    reading._fetched_at -= 10.0
    await reading._fetched(1.0)
    assert paces == [False, True, False, False]
