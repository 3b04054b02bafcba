"""What we lean on in Faust when workers come, go, freeze and die, on a real broker."""

import json
import signal
from collections import Counter

import aiohttp

from api.local.child import free_ports
from streams.partitioning import partition_of
from streams.settings import Settings
from streams.topology import app_id, changelog_name
from tests.support.streaming import Worker, committed, engaged, enrollment, publish, stored
from tests.support.waiting import wait_for

KEYS = 200
_NONE = {"partitions": ()}


def in_partitions(settings: Settings, partitions: list[int]) -> int:
    return sum(partition_of(enrollment(n)[0], settings.partitions) in partitions for n in range(KEYS))


async def test_kept_partitions_replay_nothing_and_lost_ones_are_forgotten(
    settings: Settings, workers: list[Worker]
) -> None:
    await publish(settings, [enrollment(number) for number in range(KEYS)])
    first = Worker(settings, TOUCHLINE_TICK_SECONDS="60")
    workers.append(first)
    await first.handled(f"e{number}" for number in range(KEYS))

    second = Worker(settings, TOUCHLINE_TICK_SECONDS="60")
    workers.append(second)
    (joined,) = await second.reported("recovered")
    (_, kept) = await first.reported("recovered", 2)
    assert sorted(kept["partitions"] + joined["partitions"]) == [0, 1, 2, 3]
    assert (kept["applied"], kept["foreign"]) == (0, 0)
    assert kept["keys"] == in_partitions(settings, kept["partitions"])
    assert joined["keys"] == joined["applied"] == in_partitions(settings, joined["partitions"])

    second.send(signal.SIGTERM)
    assert await second.exit_code() == 0
    whole = (await first.reported("recovered", 3))[-1]
    assert whole["partitions"] == [0, 1, 2, 3]
    assert (whole["keys"], whole["applied"]) == (KEYS, joined["keys"])
    assert Counter(await engaged(settings)) == Counter(f"e{number}" for number in range(KEYS))


async def test_without_the_acknowledged_offsets_faust_replays_even_what_was_kept(
    settings: Settings, workers: list[Worker]
) -> None:
    await publish(settings, [enrollment(number) for number in range(KEYS)])
    first = Worker(settings, options={"forgets_offsets": True}, TOUCHLINE_TICK_SECONDS="60")
    workers.append(first)
    await first.handled(f"e{number}" for number in range(KEYS))
    second = Worker(settings, TOUCHLINE_TICK_SECONDS="60")
    workers.append(second)
    (_, kept) = await first.reported("recovered", 2)
    assert kept["applied"] == in_partitions(settings, kept["partitions"]) > 0


async def test_a_frozen_worker_that_thaws_writes_nothing_and_ends(settings: Settings, workers: list[Worker]) -> None:
    first = Worker(settings, options={"slow_s": 0.5}, TOUCHLINE_TICK_SECONDS="60")
    workers.append(first)
    await first.reported("recovered")
    await publish(settings, [enrollment(number) for number in range(40)])
    await first.reported("done")
    await publish(settings, [enrollment(number) for number in range(40, 80)])
    first.send(signal.SIGSTOP)
    before = first.done()

    second = Worker(settings, TOUCHLINE_TICK_SECONDS="60")
    workers.append(second)
    await wait_for(lambda: len(second.done() | before) >= 80, what="the other worker has done the rest")
    written = [await stored(settings, topic) for topic in ("engagements", changelog_name(settings, "leads", "leads"))]

    first.send(signal.SIGCONT)
    assert await first.exit_code() == 70
    assert "stood still" in "".join(first.errors)
    after = [await stored(settings, topic) for topic in ("engagements", changelog_name(settings, "leads", "leads"))]
    assert after == written
    assert Counter(await engaged(settings)) == Counter(f"e{number}" for number in range(80))


async def test_a_killed_worker_is_replaced_and_its_work_is_neither_lost_nor_repeated_in_state(
    settings: Settings, workers: list[Worker]
) -> None:
    first, second = (Worker(settings, options={"slow_s": 0.02}, TOUCHLINE_TICK_SECONDS="60") for _ in range(2))
    workers += [first, second]
    await wait_for(lambda: _shared(first, second), what="both have partitions")
    await publish(settings, [enrollment(number, f"lead-{number % 20}") for number in range(300)])
    await first.reported("done")
    first.send(signal.SIGKILL)
    await publish(settings, [enrollment(number, f"lead-{number % 20}") for number in range(300, 400)])
    await wait_for(lambda: _state_when(settings, 400), what="the state is whole")
    assert set(await engaged(settings)) == {f"e{number}" for number in range(400)}


def _shared(*workers: Worker) -> bool:
    return all(
        len(line["partitions"]) == 2 for worker in workers for line in worker.events("recovered")[-1:] or [_NONE]
    )


async def _state_when(settings: Settings, events: int) -> bool:
    newest: dict[bytes | None, bytes] = {}
    for record in await stored(settings, changelog_name(settings, "leads", "leads")):
        newest[record.key] = record.value or b"[]"
    seen = [event_id for value in newest.values() for event_id in json.loads(value)]
    assert len(seen) == len(set(seen))
    return len(seen) == events


async def test_a_batch_that_cannot_finish_is_abandoned_at_a_stop_and_done_by_the_next_owner(
    settings: Settings, workers: list[Worker]
) -> None:
    first = Worker(settings, options={"hangs": True})
    workers.append(first)
    await publish(settings, [enrollment(1, notes="hang")])
    await first.reported("hanging")
    first.send(signal.SIGTERM)
    assert await first.exit_code() == 0
    assert await committed(settings, app_id(settings, "leads"), "enrollments") == 0
    second = Worker(settings)
    workers.append(second)
    await second.handled(["e1"])
    assert await engaged(settings) == ["e1"]


async def test_ready_only_when_the_tables_are_whole_and_stopping_while_joining_is_quick(
    settings: Settings, workers: list[Worker]
) -> None:
    port, other = free_ports(2)
    worker = Worker(settings, TOUCHLINE_METRICS_PORT=str(port))
    workers.append(worker)
    seen: list[int] = []
    async with aiohttp.ClientSession() as client:

        async def ready(at: int) -> bool:
            try:
                async with client.get(f"http://127.0.0.1:{at}/ready") as answer:
                    seen.append(answer.status)
            except aiohttp.ClientConnectionError:
                return False
            return seen[-1] == 200

        await wait_for(lambda: ready(port), what="ready")
        assert worker.events("recovered")
        assert seen[0] == 503
        async with client.get(f"http://127.0.0.1:{port}/metrics") as answer:
            assert "touchline_batches_total" in await answer.text()
        worker.send(signal.SIGKILL)
        joining = Worker(settings, TOUCHLINE_METRICS_PORT=str(other))
        workers.append(joining)
        await wait_for(lambda: joining.events("started"), what="started")
        joining.send(signal.SIGTERM)
        assert await joining.exit_code(10.0) == 0


async def _handled_over_a_rebalance(settings: Settings, workers: list[Worker], **options: object) -> int:
    """Six thousand events for a slow worker that a second one joins; how many were handled, repeats included."""
    first = Worker(settings, options={"slow_s": 0.5} | options, TOUCHLINE_TICK_SECONDS="60")
    workers.append(first)
    await first.reported("recovered")
    await publish(settings, [enrollment(number) for number in range(6000)])
    await first.reported("done")
    second = Worker(settings, TOUCHLINE_TICK_SECONDS="60")
    workers.append(second)
    await second.reported("recovered")
    ids = {f"e{number}" for number in range(6000)}
    await wait_for(lambda: ids <= first.done() | second.done(), what="all handled")
    assert Counter(await engaged(settings)) == Counter(ids)
    assert bool(first.events("came")) == ("late_seek" in options)
    return sum(line["handled"] for worker in workers for line in worker.events("done"))


async def test_events_left_in_the_buffer_are_read_again_after_a_rebalance(
    settings: Settings, workers: list[Worker]
) -> None:
    """A worker whose buffer is full of unread events gives half of the partitions away and loses none of them."""
    assert await _handled_over_a_rebalance(settings, workers) == 6000


async def test_what_comes_between_the_flow_and_the_seek_is_handled_once(
    settings: Settings, workers: list[Worker]
) -> None:
    assert await _handled_over_a_rebalance(settings, workers, late_seek="guarded") == 6000


async def test_without_the_seams_guard_it_is_handled_twice(settings: Settings, workers: list[Worker]) -> None:
    assert await _handled_over_a_rebalance(settings, workers, late_seek="open") > 6000
