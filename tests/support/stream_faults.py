"""What makes a stream worker meet the moments that are rare: answers that come late or never, records at the wrong time."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Mapping
from typing import Any


def report(event: str, **facts: Any) -> None:
    """A JSON line on stdout."""
    sys.stdout.write(json.dumps({"event": event, **facts}) + "\n")
    sys.stdout.flush()


def fetch_while_seeking(*, plain: bool) -> None:
    """Have a fetch return between Faust's resuming of the partitions and the end of its seek; `plain` with its own seek."""
    from faust.transport.consumer import Consumer

    from streams.seam import SafeConsumer

    seek_to_committed = SafeConsumer.seek_to_committed

    async def overtaken(consumer: Any) -> Any:
        committed = await seek_to_committed(consumer)
        consumer.resume_flow()
        records, _ = await consumer._wait_next_records(5.0)
        consumer.stop_flow()
        report("dropped", records=sum(map(len, (records or {}).values())))
        return committed

    SafeConsumer.seek_to_committed = overtaken  # type: ignore[method-assign]
    if plain:
        SafeConsumer.perform_seek = Consumer.perform_seek  # type: ignore[method-assign]


def seek_late(*, guarded: bool) -> None:
    """Have Faust's seek after a rebalance wait until a record has come; without the guard what comes until then counts."""
    from streams.seam import SafeConsumer

    perform_seek, hand_on = SafeConsumer.perform_seek, SafeConsumer._hand_on
    came = asyncio.Event()

    async def late(consumer: Any) -> None:
        if consumer.app.consumer_generation_id > 1:  # nothing is fetched before the very first seek
            await came.wait()
        await perform_seek(consumer)

    async def noted(consumer: Any, tp: Any, records: Any, generation: int) -> None:
        if not guarded:
            consumer._sought_in = generation
        await hand_on(consumer, tp, records, generation)
        if generation > 1 and tp.topic in consumer.app.inbox.topics and not came.is_set():
            came.set()
            report("came", records=len(records))

    SafeConsumer.perform_seek = late  # type: ignore[method-assign]
    SafeConsumer._hand_on = noted  # type: ignore[method-assign]


def seek_for_ever() -> None:
    """Have the broker never answer while positions are sought, and Faust wait for it for four seconds."""
    import streams.faust_app
    from streams.seam import SafeConsumer

    build_app = streams.faust_app.build_app

    def impatient(*args: Any) -> Any:
        app = build_app(*args)
        app.conf.broker_request_timeout = 4.0
        return app

    async def unanswered(consumer: Any) -> Any:
        report("seeking")
        await asyncio.Event().wait()

    streams.faust_app.build_app = impatient
    SafeConsumer.seek_to_committed = unanswered  # type: ignore[method-assign]


def replay_slowly(seconds: float) -> None:
    """Have every read of a changelog take so long."""
    from streams.seam import SafeConsumer

    hand_on = SafeConsumer._hand_on

    async def slow(consumer: Any, tp: Any, records: Any, generation: int) -> None:
        if tp.topic not in consumer.app.inbox.topics:
            report("replaying")
            await asyncio.sleep(seconds)
        await hand_on(consumer, tp, records, generation)

    SafeConsumer._hand_on = slow  # type: ignore[method-assign]


def answer_late() -> None:
    """Have the first recovery's question for the changelogs' ends answered when the next rebalance has begun."""
    from streams.seam import SafeConsumer

    highwaters, revoked = SafeConsumer.highwaters, SafeConsumer.on_partitions_revoked
    begun: list[asyncio.Event] = []

    async def late(consumer: Any, *tps: Any) -> Any:
        if not begun:
            begun.append(asyncio.Event())
            report("asked")
            await begun[0].wait()
        return await highwaters(consumer, *tps)

    async def noted(consumer: Any, tps: Any) -> None:
        await revoked(consumer, tps)
        if begun and not begun[0].is_set():
            report("left", generation=consumer.app.consumer_generation_id)
            asyncio.get_running_loop().call_later(0.2, begun[0].set)

    SafeConsumer.highwaters = late  # type: ignore[method-assign]
    SafeConsumer.on_partitions_revoked = noted  # type: ignore[method-assign]


def fail_joins() -> None:
    """Have the coordinator answer a join with a code that aiokafka does not know what to do with."""
    from aiokafka.consumer.group_coordinator import GroupCoordinator
    from aiokafka.errors import UnknownError

    async def unknown(coordinator: Any, subscription: Any) -> bool:
        raise UnknownError("no code that anybody knows")

    GroupCoordinator._do_rejoin_group = unknown  # type: ignore[method-assign]


def leave_when_idle(after_ms: int) -> None:
    """Have aiokafka leave the group when it was not asked for records for so long."""
    from streams import group_member

    group_member.NEVER_MS = after_ms


_FAULTS: dict[str, Callable[[Any], None]] = {
    "overtaken_seek": lambda how: fetch_while_seeking(plain=how == "plain"),
    "late_seek": lambda how: seek_late(guarded=how == "guarded"),
    "seeks_for_ever": lambda _: seek_for_ever(),
    "replay_s": replay_slowly,
    "answers_late": lambda _: answer_late(),
    "joins_fail": lambda _: fail_joins(),
    "leaves_after_ms": leave_when_idle,
}


def put_in_faults(options: Mapping[str, Any]) -> None:
    """Put those in that the worker's options name."""
    for name in _FAULTS.keys() & options.keys():
        _FAULTS[name](options[name])
