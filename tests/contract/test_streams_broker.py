"""The parts of the stream layer that talk to a broker by themselves: topics, outbox, definitions, dead letters."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from schemas.definitions import Definition
from schemas.engagements import Engagement
from streams import dead_letters, kafka
from streams.definitions import Definitions
from streams.errors import FlushFailed, Retryable
from streams.inbound import Raw
from streams.outbox import Outbox
from streams.partitioning import partition_of
from streams.provision import PartitionsDiffer, TopologyError, ensure_topics, verify_partitions
from streams.settings import Settings
from streams.tables import Table, WindowTable
from streams.topology import TABLES, TOPICS, all_topics, changelog_name, topic_name
from streams.work import Routing, Work
from tests.support.stream_worker import AT
from tests.support.streaming import publish, settings_for, stored
from tests.support.waiting import wait_for


@pytest.fixture
async def settings(kafka_bootstrap: str, topic_prefix: str, tmp_path: Path) -> Settings:
    return settings_for(kafka_bootstrap, topic_prefix, tmp_path)


def routing(settings: Settings) -> Routing:
    return Routing("leads", settings.kafka_topic_prefix, settings.partitions)


async def test_every_topic_and_every_changelog_is_created_once(settings: Settings) -> None:
    created = await ensure_topics(settings)
    assert set(created) == set(all_topics(settings))
    assert len(created) == len(TOPICS) + len(TABLES)
    assert f"{settings.kafka_topic_prefix}touchline-dispatch-grants-changelog" in created
    assert await ensure_topics(settings) == []


async def test_two_processes_may_create_the_topics_at_once(settings: Settings) -> None:
    await asyncio.gather(*(ensure_topics(settings) for _ in range(3)))


async def test_a_topic_with_other_partitions_or_cleanup_refuses_the_start_and_says_which(settings: Settings) -> None:
    admin = AIOKafkaAdminClient(**kafka.connection(settings))
    await admin.start()
    try:
        await admin.create_topics(
            [
                NewTopic(topic_name(settings, "sends"), settings.partitions + 1, 1),
                NewTopic(changelog_name(settings, "leads", "leads"), settings.partitions, 1),
            ]
        )
    finally:
        await admin.close()
    with pytest.raises(TopologyError) as refused:
        await ensure_topics(settings)
    assert str(refused.value).splitlines() == [
        f"{topic_name(settings, 'sends')}: has 5 partitions, TOUCHLINE_PARTITIONS says 4",
        f"{changelog_name(settings, 'leads', 'leads')}: cleanup.policy is delete, must be compact",
    ]


@pytest.mark.parametrize("attempt", [ensure_topics, verify_partitions])
async def test_a_setting_that_differs_from_the_topics_is_named_in_one_sentence_with_both_counts_and_the_remedy(
    settings: Settings, attempt: Callable[[Settings], Awaitable[object]]
) -> None:
    await verify_partitions(settings)  # nothing is there yet, so nothing differs
    await ensure_topics(settings)
    await verify_partitions(settings)
    with pytest.raises(PartitionsDiffer) as refused:
        await attempt(settings.model_copy(update={"partitions": 6}))
    (problem,) = refused.value.problems
    assert problem.startswith("TOUCHLINE_PARTITIONS: is 6, but the topics have 4 partitions")
    assert "set TOUCHLINE_PARTITIONS=4" in problem


async def test_nothing_is_created_beside_topics_of_another_partition_count(settings: Settings) -> None:
    admin = AIOKafkaAdminClient(**kafka.connection(settings))
    await admin.start()
    try:
        names = {topic_name(settings, name) for name in ("sends", "engagements")}
        await admin.create_topics([NewTopic(name, 2, 1) for name in names])

        async def are_listed() -> bool:
            return names <= set(await admin.list_topics())

        await wait_for(are_listed, 10)
        with pytest.raises(PartitionsDiffer):
            await ensure_topics(settings)
        assert not (all_topics(settings).keys() - names) & set(await admin.list_topics())
    finally:
        await admin.close()


async def test_a_flush_is_on_the_broker_when_it_returns_and_notes_the_changelogs_offsets(settings: Settings) -> None:
    await ensure_topics(settings)
    table = Table("leads", changelog_name(settings, "leads", "leads"))
    windows = WindowTable("grants", 60, changelog_name(settings, "dispatch", "grants"))
    offsets: dict[tuple[str, int], int] = {}
    outbox = Outbox(settings)
    await outbox.start()
    try:
        outbox.track(offsets, lambda topic, partition: (topic, partition))
        for turn in range(2):
            work = Work(routing(settings))
            for number in range(700):
                work.put(table, f"k{number}".encode(), b"v" * 900, number % 2)
            work.put(table, b"large", b"w" * 800_000, 2)
            work.put_window(windows, "pool", 60, b"grants", 3)
            work.emit("engagements", Engagement(type="sent", event_id=f"e{turn}", lead_id="l", at=AT), "l")
            assert table.get(b"large") is None or turn
            await outbox.flush(work)
            assert table.get(b"large") == b"w" * 800_000
            assert windows.get("pool", 60) == b"grants"
            assert offsets == {
                (table.changelog, 0): 350 * (turn + 1) - 1,
                (table.changelog, 1): 350 * (turn + 1) - 1,
                (table.changelog, 2): turn,
                (windows.changelog, 3): turn,
            }
    finally:
        await outbox.stop()
    changelog = await stored(settings, table.changelog)
    assert len(changelog) == 1402
    first = [record.key for record in changelog if record.partition == 0][:350]
    assert first == [f"k{number}".encode() for number in range(0, 700, 2)]
    assert [r.partition for r in await stored(settings, "engagements")] == [partition_of(b"l", 4)] * 2


async def test_a_flush_that_the_broker_refuses_fails_and_shows_nothing(settings: Settings) -> None:
    await ensure_topics(settings)
    table = Table("leads", changelog_name(settings, "leads", "leads"))
    outbox = Outbox(settings)
    await outbox.start()
    try:
        work = Work(routing(settings))
        work.put(table, b"k", b"v", 0)
        work._tables[table][b"k"] = (b"v" * 5_000_000, 0)  # past the check of sizes: the broker itself refuses it
        with pytest.raises(FlushFailed):
            await outbox.flush(work)
        assert table.get(b"k") is None
    finally:
        await outbox.stop()


async def test_publishing_from_outside_a_batch_may_be_tried_again_but_never_writes_tables(settings: Settings) -> None:
    await ensure_topics(settings)
    outbox = Outbox(settings)
    work = Work(routing(settings))
    work.emit("engagements", Engagement(type="sent", event_id="e", lead_id="l", at=AT), "l")
    with pytest.raises(Retryable):
        await outbox.publish(work)
    await outbox.start()
    try:
        await outbox.publish(work)
        await outbox.publish(work)
        tables = Work(routing(settings))
        tables.put(Table("leads"), b"k", b"v", 0)
        with pytest.raises(TypeError):
            await outbox.publish(tables)
    finally:
        await outbox.stop()
    assert len(await stored(settings, "engagements")) == 2


def definition(definition_id: str, revision: int = 1, **more: object) -> tuple[bytes, bytes]:
    made = Definition(kind="pool", id=definition_id, revision=revision, spec={}, at=AT, **more)  # type: ignore[arg-type]
    return f"pool:{definition_id}".encode(), made.write()


async def test_definitions_are_read_whole_by_every_process_and_then_followed(settings: Settings) -> None:
    await ensure_topics(settings)
    await publish(
        settings,
        [
            definition("a"),
            definition("a", 2),
            definition("b"),
            (b"pool:bad", b"{"),
            definition("gone"),
            (b"pool:gone", None),
        ],
        topic="definitions",
    )
    everyone = [Definitions(settings), Definitions(settings)]
    changes: list[tuple[tuple[str, str], int | None]] = []
    everyone[0].on_change(lambda key, new: changes.append((key, new.revision if new else None)))
    try:
        for definitions in everyone:
            await definitions.start()
            await asyncio.wait_for(definitions.wait_read(), 20)
            assert {key: made.revision for key, made in definitions.all().items()} == {
                ("pool", "a"): 2,
                ("pool", "b"): 1,
            }
        await publish(settings, [definition("c"), definition("b", 2, deleted=True)], topic="definitions")
        for definitions in everyone:
            await wait_for(lambda of=definitions: set(of.all()) == {("pool", "a"), ("pool", "c")}, what="the change")
        assert (("pool", "c"), 1) in changes
        assert changes[-1] in ((("pool", "c"), 1), (("pool", "b"), None))
    finally:
        for definitions in everyone:
            await definitions.stop()


async def test_a_dead_letter_keeps_the_original_and_an_oversized_one_says_that_it_is_a_stub(settings: Settings) -> None:
    await ensure_topics(settings)
    original = Raw("enrollments", 2, 17, b"key", b"value", [("ce_id", b"1")])
    stub = Raw("inbound-replies", 1, 18, b"big", b"x" * 9_500_000)
    work = Work(routing(settings))
    work.dead_letter(original, "bad_data", "why")
    work.dead_letter(stub, "too_large")
    outbox = Outbox(settings)
    await outbox.start()
    await outbox.publish(work)
    await outbox.stop()

    letters = {letter.key: letter async for letter in dead_letters.read(settings)}
    kept, cut = letters[b"key"], letters[b"big"]
    assert (kept.reason, kept.detail, kept.source_partition, kept.source_offset) == ("bad_data", "why", 2, 17)
    assert (kept.value, kept.headers, kept.truncated) == (b"value", [("ce_id", b"1")], False)
    assert cut.truncated
    assert len(cut.value or b"") == dead_letters.STUB_BYTES
    (one,) = [letter async for letter in dead_letters.read(settings, kept.partition, kept.offset)]
    assert one == kept
    partition, offset = await dead_letters.replay(settings, kept)
    (back,) = await stored(settings, "enrollments")
    assert (back.partition, back.offset, back.value) == (partition, offset, b"value")
    assert json.dumps(back.headers) == '{"ce_id": "1"}'
    with pytest.raises(dead_letters.ReplayRefused):
        await dead_letters.replay(settings, cut)
