"""The unit of work: what a batch sees, and what it leaves behind."""

import pytest

from schemas.engagements import Engagement
from streams.codec import decode
from streams.errors import Poison
from streams.inbound import Raw
from streams.tables import Table, WindowTable
from streams.work import Routing, Stage, Work
from tests.support.stream_worker import AT


def test_a_batch_sees_its_own_writes_and_nobody_else_does_until_it_is_applied() -> None:
    table, windows, work = Table("leads"), WindowTable("grants", 60), Work()
    table.apply(b"gone", b"old", 1)
    work.put(table, b"k", b"v", 3)
    work.put(table, b"gone", None, 1)
    work.put_window(windows, "pool", 120, b"w", 2)
    assert (work.get(table, b"k"), work.get(table, b"gone"), work.get_window(windows, "pool", 120)) == (
        b"v",
        None,
        b"w",
    )
    assert (table.get(b"k"), table.get(b"gone"), windows.get("pool", 120)) == (None, b"old", None)
    work.apply()
    assert (table.get(b"k"), table.get(b"gone"), windows.get("pool", 120)) == (b"v", None, b"w")
    assert list(table.entries()) == [(b"k", b"v", 3)]
    assert list(table.items(3)) == [(b"k", b"v")]
    assert list(windows.entries()) == [("pool", 120, b"w", 2)]


def test_windows_are_limits_messages_outputs_and_tables_state() -> None:
    work = Work(Routing("leads", "p-", 4))
    work.put(Table("leads", "p-leads-changelog"), b"k", b"v", 3)
    work.put_window(WindowTable("grants", 60, "p-grants-changelog"), "pool", 60, None, 2)
    work.emit("engagements", Engagement(type="sent", event_id="e", lead_id="l", at=AT), "l", partition=1)
    (limit,), (output,), (state,) = (work.records(stage) for stage in Stage)
    assert limit[:4] == ("p-grants-changelog", 2, b'["pool",[60.0,119.9]]', None)
    assert output[:3] == ("p-engagements", 1, b"l")
    assert state[:4] == ("p-leads-changelog", 3, b"k", b"v")


def test_many_writes_of_a_key_in_a_batch_are_one_record() -> None:
    table, work = Table("leads"), Work()
    for number in range(10):
        work.put(table, b"k", b"%d" % number, 0)
    assert [record.value for record in work.records(Stage.STATE)] == [b"9"]


@pytest.mark.parametrize("value", [b"", bytearray(b"x"), "x"])
def test_only_immutable_bytes_are_values(value: object) -> None:
    with pytest.raises(TypeError):
        Work().put(Table("leads"), b"k", value, 0)  # type: ignore[arg-type]


def test_an_oversized_value_or_output_is_poison_before_it_is_written() -> None:
    work = Work()
    with pytest.raises(Poison, match="state_too_large"):
        work.put(Table("leads"), b"k", b"x" * 1_000_000, 0)
    large = Engagement(type="sent", event_id="e", lead_id="l", at=AT, data={"x": "y" * 600_000})
    with pytest.raises(Poison, match="output_too_large"):
        work.emit("engagements", large, "l")
    assert [work.records(stage) for stage in Stage] == [[], [], []]


def test_callbacks_run_only_when_the_batch_is_applied() -> None:
    ran: list[str] = []
    work = Work()
    work.after_commit(lambda: ran.append("index"))
    assert ran == []
    work.apply()
    assert ran == ["index"]


def test_a_window_is_addressed_by_its_own_start() -> None:
    with pytest.raises(ValueError, match="not the start"):
        WindowTable("grants", 60).get("pool", 61)


def test_an_internal_topic_carries_no_headers() -> None:
    work = Work()
    event = decode(Raw("lead-ticks", 0, 0, b"0", b'{"at":"2026-03-02T00:00:00Z","wall":"2026-03-02T00:00:00Z"}'))
    work.emit("lead-ticks", event.body, "0", partition=0)
    assert work.outputs[0].headers == []


def test_a_dead_letter_keeps_bytes_and_headers_and_adds_the_story() -> None:
    work = Work(Routing("sender", "", 8))
    work.dead_letter(Raw("sends", 9, 5, None, b"\xff", [("ce_id", b"1"), ("dl-reason", b"older")]), "bad", "detail")
    (record,) = work.outputs
    headers = dict(record.headers)
    assert (record.topic, record.partition, record.key, record.value) == ("dead-letters", 1, None, b"\xff")
    assert headers["dl-role"] == b"sender"
    assert (headers["dl-topic"], headers["dl-partition"], headers["dl-offset"]) == (b"sends", b"9", b"5")
    assert (headers["dl-reason"], headers["dl-detail"], headers["ce_id"]) == (b"bad", b"detail", b"1")
    assert work.dead == [("sends", "bad")]
