"""The three stages of a flush, and windows that survive whatever happens, on a real broker."""

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

from streams.failpoints import EXIT_CODE
from streams.provision import ensure_topics
from streams.settings import Settings
from streams.topology import app_id, changelog_name
from tests.support.streaming import Worker, committed, publish, settings_for, stored

MODULE = "tests.support.window_worker"


def paused(number: int, at: str = "2026-03-02T10:00:30Z", **more: Any) -> tuple[bytes, bytes]:
    body = {"type": "mailbox_paused", "event_id": f"e{number}", "pool_id": "main", "mailbox_id": "m", "at": at}
    return b"main", json.dumps(body | {"reason": "test"} | more).encode()


async def ready(bootstrap: str, prefix: str, tmp_path: Path) -> Settings:
    settings = settings_for(bootstrap, prefix, tmp_path)
    await ensure_topics(settings)
    return settings


async def dies_at(point: str, settings: Settings, workers: list[Worker]) -> None:
    await publish(settings, [paused(1)], topic="grant-outcomes")
    worker = Worker(settings, MODULE, TOUCHLINE_FAILPOINT=point)
    workers.append(worker)
    assert await worker.exit_code() == EXIT_CODE


async def counts(settings: Settings) -> tuple[int, int, int]:
    """Records in the three stages: windows, outputs, state."""
    windows = await stored(settings, changelog_name(settings, "dispatch", "grants"))
    state = await stored(settings, changelog_name(settings, "dispatch", "waiting"))
    return len(windows), len(await stored(settings, "due-sends")), len(state)


async def test_limits_are_acknowledged_before_outputs_and_outputs_before_state(
    kafka_bootstrap: str, topic_prefix: str, tmp_path: Path, workers: list[Worker]
) -> None:
    points = ("after_limits", "after_outputs", "after_state")
    settings = [await ready(kafka_bootstrap, f"{topic_prefix}{number}-", tmp_path) for number in range(3)]
    await asyncio.gather(*(dies_at(point, of, workers) for point, of in zip(points, settings, strict=True)))
    assert [await counts(of) for of in settings] == [(1, 0, 0), (1, 1, 0), (1, 1, 1)]
    assert [await committed(of, app_id(of, "dispatch"), "grant-outcomes") for of in settings] == [0, 0, 0]

    again = [Worker(of, MODULE) for of in settings]
    workers += again
    for worker in again:
        await worker.handled(["e1"])
        (recovered,) = worker.events("recovered")
        assert recovered["windows"] == {"main@1772445600": '["e1"]'}
    for of in settings:
        ids = {json.loads(record.value or b"")["event_id"] for record in await stored(of, "due-sends")}
        assert ids == {"e1"}


async def test_windows_are_recovered_whole_and_a_deleted_one_stays_deleted(
    kafka_bootstrap: str, topic_prefix: str, tmp_path: Path, workers: list[Worker]
) -> None:
    settings = await ready(kafka_bootstrap, topic_prefix, tmp_path)
    first = Worker(settings, MODULE)
    workers.append(first)
    await publish(
        settings,
        [paused(1), paused(2), paused(3, "2026-03-02T10:05:59Z"), paused(4, "2020-01-01T00:00:00Z")],
        topic="grant-outcomes",
    )
    await first.handled(["e1", "e2", "e3", "e4"])
    await publish(settings, [paused(5, "2026-03-02T10:05:00Z", reason="free")], topic="grant-outcomes")
    await first.handled(["e5"])
    first.send(signal.SIGTERM)
    assert await first.exit_code() == 0

    second = Worker(settings, MODULE)
    workers.append(second)
    (recovered,) = await second.reported("recovered")
    assert recovered["windows"] == {"main@1772445600": '["e1", "e2"]', "main@1577836800": '["e4"]'}
    keys = {record.key for record in await stored(settings, changelog_name(settings, "dispatch", "grants"))}
    assert keys == {
        b'["main",[1772445600.0,1772445659.9]]',
        b'["main",[1772445900.0,1772445959.9]]',
        b'["main",[1577836800.0,1577836859.9]]',
    }
