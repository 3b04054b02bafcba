"""What a worker promises, on a real broker: each bad event costs itself, waiting costs time, nothing is lost."""

import asyncio
import json
import signal
from collections import Counter

from streams import dead_letters
from streams.partitioning import partition_of
from streams.settings import Settings
from streams.topology import app_id
from tests.support.streaming import Stored, Worker, committed, engaged, enrollment, publish, stored
from tests.support.waiting import wait_for


async def dead(settings: Settings) -> dict[str, dead_letters.DeadLetter]:
    """Dead letters by their original key."""
    return {(letter.key or b"").decode(errors="replace"): letter async for letter in dead_letters.read(settings)}


async def test_each_bad_record_becomes_a_dead_letter_and_its_neighbours_go_on(
    settings: Settings, workers: list[Worker]
) -> None:
    good = [enrollment(number) for number in range(30)]
    newer = enrollment(100, "newer", version=2)
    bad: list[tuple[bytes | None, bytes | None]] = [
        (b"not-json", b"{"),
        newer,
        enrollment(101, "unknown", type="dance"),
        (b"other-key", enrollment(102, "body-key")[1]),
        (None, enrollment(103)[1]),
        (b"no-value", None),
        (b"huge", json.dumps({"x": "y" * 550_000}).encode()),
        enrollment(104, "poison", notes="poison:a NUL in it"),
        enrollment(105, "boom", notes="boom"),
        enrollment(106, "permanent", notes="permanent"),
        enrollment(107, "large-state", notes="large-state"),
        enrollment(108, "large-output", notes="large-output"),
    ]
    await publish(settings, [*good[:15], *bad, *good[15:]])
    worker = Worker(settings)
    workers.append(worker)

    await worker.handled(f"e{number}" for number in range(30))
    letters = await wait_for(lambda: _dead_when(settings, len(bad)), what="all dead letters")

    assert {key: letter.reason for key, letter in letters.items()} == {
        "not-json": "invalid_json",
        "newer": "unknown_version",
        "unknown": "unknown_type",
        "other-key": "key_mismatch",
        "": "missing_key",
        "no-value": "missing_value",
        "huge": "too_large",
        "poison": "bad_data",
        "boom": "unexpected",
        "permanent": "permanent",
        "large-state": "state_too_large",
        "large-output": "output_too_large",
    }
    assert letters["poison"].detail == "a NUL in it"
    assert letters["boom"].detail == "ZeroDivisionError: a defect"
    assert letters["newer"].value == newer[1]
    assert (letters["newer"].source_topic, letters["newer"].role) == ("enrollments", "leads")
    assert Counter(await engaged(settings)) == Counter(f"e{number}" for number in range(30))
    assert worker.process.poll() is None
    worker.send(signal.SIGTERM)
    assert await worker.exit_code() == 0
    assert await committed(settings, app_id(settings, "leads"), "enrollments") == 30 + len(bad)

    moved = await dead_letters.replay(settings, letters["newer"])
    enrollments = await stored(settings, "enrollments")
    assert [r.value for r in enrollments if (r.partition, r.offset) == moved] == [newer[1]]


async def _dead_when(settings: Settings, count: int) -> dict[str, dead_letters.DeadLetter]:
    letters = await dead(settings)
    return letters if len(letters) >= count else {}


async def test_infrastructure_that_is_away_is_waited_for_and_nothing_is_lost_or_repeated(
    settings: Settings, workers: list[Worker]
) -> None:
    worker = Worker(settings)
    workers.append(worker)
    await worker.reported("recovered")
    await publish(settings, [enrollment(1, notes="retry:3"), enrollment(2, notes="connection:2"), enrollment(3)])
    await worker.handled(["e1", "e2", "e3"])
    assert len(worker.events("reset")) >= 3
    assert sorted(await engaged(settings)) == ["e1", "e2", "e3"]
    assert await dead(settings) == {}


async def test_a_record_in_the_wrong_partition_is_published_again_in_the_right_one(
    settings: Settings, workers: list[Worker]
) -> None:
    key, value = enrollment(7, "misplaced")
    right = partition_of(key, settings.partitions)
    await publish(settings, [(key, value)], partition=(right + 1) % settings.partitions)
    worker = Worker(settings)
    workers.append(worker)
    await worker.handled(["e7"])
    places = [record.partition for record in await stored(settings, "enrollments") if record.key == key]
    assert sorted(places) == sorted([right, (right + 1) % settings.partitions])
    assert [record.partition for record in await stored(settings, "engagements")] == [right]


async def test_leases_are_renewed_for_as_long_as_they_are_held(settings: Settings, workers: list[Worker]) -> None:
    worker = Worker(settings, options={"leases": {"refuse": False}, "renew_s": 0.2})
    workers.append(worker)
    await worker.reported("recovered")
    renewed = await worker.reported("renewed", 2)
    assert renewed[0]["scopes"] == ["leads:0", "leads:1", "leads:2", "leads:3"]


async def test_public_topics_carry_cloudevents_headers(settings: Settings, workers: list[Worker]) -> None:
    await publish(settings, [enrollment(1)])
    worker = Worker(settings)
    workers.append(worker)
    await worker.handled(["e1"])
    (record,) = await stored(settings, "engagements")
    assert record.headers == {
        "ce_specversion": "1.0",
        "ce_id": "e1",
        "ce_source": "/touchline/leads",
        "ce_type": "touchline.engagements.enrolled",
        "ce_time": "2026-03-02T00:00:00Z",
        "content-type": "application/json",
    }


async def test_a_topic_that_strangers_write_never_stops_the_role(settings: Settings, workers: list[Worker]) -> None:
    await publish(settings, [(f"k{number}".encode(), b"{") for number in range(150)])
    await publish(settings, [enrollment(1)])
    worker = Worker(settings)
    workers.append(worker)
    await worker.handled(["e1"])
    await wait_for(lambda: _dead_when(settings, 150), what="all dead letters")
    assert worker.process.poll() is None


async def test_a_hundred_dead_letters_in_a_row_on_an_internal_topic_stop_the_role_before_they_are_written(
    settings: Settings, workers: list[Worker]
) -> None:
    await publish(settings, [(b"0", b"{")] * 120, topic="lead-ticks", partition=0)
    worker = Worker(settings)
    workers.append(worker)
    assert await worker.exit_code() == 71
    assert "in a row on lead-ticks" in "".join(worker.errors)
    assert len(await stored(settings, "dead-letters")) < 100


async def test_an_orderly_stop_loses_nothing_and_repeats_nothing(settings: Settings, workers: list[Worker]) -> None:
    ids = [f"e{number}" for number in range(400)]
    first = Worker(settings, options={"slow_s": 0.05})
    workers.append(first)
    await first.reported("recovered")
    feeding = asyncio.create_task(publish(settings, [enrollment(number) for number in range(400)]))
    await first.reported("done")
    first.send(signal.SIGTERM)
    assert await first.exit_code() == 0
    assert [line["event"] for line in first.lines[-2:]] == ["revoked", "stopped"]
    await feeding
    second = Worker(settings)
    workers.append(second)
    await wait_for(lambda: set(ids) <= first.done() | second.done(), what="all handled")
    assert not first.done() & second.done()
    assert Counter(await engaged(settings)) == Counter(ids)


async def test_ticks_arrive_each_second_in_their_own_partition_and_never_step_back(
    settings: Settings, workers: list[Worker]
) -> None:
    worker = Worker(settings, TOUCHLINE_TICK_SECONDS="0.1")
    workers.append(worker)
    ticks = await wait_for(lambda: _ticks_when(settings, 12), what="three ticks a partition")
    assert all(record.key == str(record.partition).encode() for record in ticks)
    by_partition: dict[int, list[str]] = {}
    for record in ticks:
        by_partition.setdefault(record.partition, []).append(json.loads(record.value or b"")["at"])
    assert sorted(by_partition) == [0, 1, 2, 3]
    assert all(instants == sorted(instants) for instants in by_partition.values())


async def _ticks_when(settings: Settings, count: int) -> list[Stored]:
    ticks = await stored(settings, "lead-ticks")
    return ticks if len(ticks) >= count else []


async def test_a_tick_far_ahead_of_postgres_is_refused_when_it_is_read(
    settings: Settings, workers: list[Worker]
) -> None:
    ahead = json.dumps({"at": "2030-01-01T00:00:00Z", "wall": "2030-01-01T00:00:00Z"}).encode()
    await publish(settings, [(b"0", ahead)], topic="lead-ticks", partition=0)
    worker = Worker(settings, TOUCHLINE_TICK_SECONDS="0.1")
    workers.append(worker)
    await wait_for(lambda: {tick["partition"] for tick in worker.events("tick")} == {0, 1, 2, 3}, what="each partition")
    assert not [tick for tick in worker.events("tick") if tick["at"].startswith("2030")]
    assert "refused" in "".join(worker.errors)


async def test_a_machine_whose_clock_is_far_ahead_makes_no_ticks(settings: Settings, workers: list[Worker]) -> None:
    worker = Worker(settings, options={"postgres_behind_s": 90}, TOUCHLINE_TICK_SECONDS="0.1")
    workers.append(worker)
    await worker.reported("recovered")
    await wait_for(lambda: "no ticks" in "".join(worker.errors), what="the alarm")
    assert await stored(settings, "lead-ticks") == []
