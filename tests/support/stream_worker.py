"""A small role in a process of its own, for tests of the stream layer: `python -m tests.support.stream_worker`.

It counts what it reads: each lead's value in the table is the list of event ids seen, each new one is emitted once as
an engagement. What an enrollment says in `notes` makes it misbehave. It reports on stdout, one JSON object a line.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.engagements import Engagement
from streams.clock import Clock
from streams.errors import Permanent, Poison, Retryable
from streams.inbound import Inbound
from streams.role import RoleStream
from streams.settings import load_settings
from streams.work import Work
from tests.support.stream_faults import put_in_faults, report

AT = datetime(2026, 3, 2, tzinfo=UTC)


class Counting:
    """The handler. `options` come from WORKER_OPTIONS (JSON)."""

    def __init__(self, stream: RoleStream, options: dict[str, Any]) -> None:
        self.stream = stream
        self.options = options
        self.leads = stream.table("leads")
        self.tries: dict[str, int] = {}
        self.applied = 0

    async def start(self) -> None:
        report("started", owner=str(self.stream.owner))

    async def stop(self) -> None:
        report("stopped")

    async def recovered(self, partitions: frozenset[int]) -> None:
        if self.options.get("fail_recovery"):
            raise ValueError("an index that cannot be built")
        keys: list[str] = []
        for key, _, _ in self.leads.entries():  # as a role builds its indexes
            keys.append(key.decode())
            if self.options.get("rebuild_s"):
                await asyncio.sleep(self.options["rebuild_s"])
        report(
            "recovered",
            partitions=sorted(partitions),
            keys=len(keys),
            foreign=sum(of not in partitions for _, _, of in self.leads.entries()),
            applied=self.applied,
            epochs=self.stream.epochs,
            generation=self.stream.generation,
        )
        self.applied = 0

    async def revoked(self, partitions: frozenset[int]) -> None:
        report("revoked", partitions=sorted(partitions))

    async def reset(self) -> None:
        report("reset")

    async def handle(self, work: Work, batch: Sequence[Inbound]) -> None:
        new: list[str] = []
        for event in batch:
            if event.topic == "lead-ticks":
                report("tick", partition=event.partition, at=event.body.at.isoformat())
                continue
            await self.misbehave(work, event)
            key = event.key.encode()
            seen: list[str] = json.loads(work.get(self.leads, key) or b"[]")
            if event.body.event_id not in seen:
                seen.append(event.body.event_id)
                work.put(self.leads, key, json.dumps(seen).encode(), event.partition)
                engagement = Engagement(type="enrolled", event_id=event.body.event_id, lead_id=event.key, at=AT)
                work.emit("engagements", engagement, event.key, partition=event.partition)
                new.append(event.body.event_id)
        if self.options.get("slow_s"):
            await asyncio.sleep(self.options["slow_s"])
        handled = sum(event.topic == "enrollments" for event in batch)
        work.after_commit(lambda: report("done", ids=new, handled=handled))

    async def misbehave(self, work: Work, event: Inbound) -> None:
        notes = event.body.notes or ""
        tries = self.tries[event.body.event_id] = self.tries.get(event.body.event_id, 0) + 1
        match notes.partition(":"):
            case ("poison", _, detail):
                raise Poison("bad_data", detail)
            case ("permanent", _, _):
                raise Permanent("it will never work")
            case ("boom", _, _):
                raise ZeroDivisionError("a defect")
            case ("retry", _, times) if tries <= int(times):
                raise Retryable("not now")
            case ("connection", _, times) if tries <= int(times):
                raise ConnectionResetError("gone")
            case ("large-state", _, _):
                work.put(self.leads, event.key.encode(), b"x" * 2_000_000, event.partition)
            case ("large-output", _, _):
                data = {"x": "y" * 600_000}
                large = Engagement(type="enrolled", event_id="large", lead_id=event.key, at=AT, data=data)
                work.emit("engagements", large, event.key)
            case ("hang", _, _) if self.options.get("hangs"):
                report("hanging")
                await asyncio.Event().wait()
            case _:
                pass


def count_recovered(handler: Counting) -> None:
    """Count the changelog records of leads that a recovery puts into the table."""
    from streams.replay import Replay

    plain = Replay.apply

    def counted(replay: Any, tp: Any, records: Any) -> None:
        known = replay._recovery.active_offsets.get(tp)
        plain(replay, tp, records)
        if tp.topic.endswith("leads-leads-changelog") and replay._recovery.active_offsets.get(tp) != known:
            handler.applied += sum(known is None or record.offset > known for record in records)

    Replay.apply = counted  # type: ignore[method-assign]


class FixedLeases:
    """Leases in memory, or refused; for the first `away_s` seconds nobody answers."""

    def __init__(self, *, refuse: bool, away_s: float = 0.0) -> None:
        self.refuse = refuse
        self.back_at = time.monotonic() + away_s

    async def take(self, scope: str, owner: Any, generation: int) -> int | None:
        if time.monotonic() < self.back_at:
            raise ConnectionRefusedError("nobody answers yet")
        report("lease", scope=scope, owner=str(owner), generation=generation)
        return None if self.refuse else 41

    async def renew(self, scopes: Sequence[str], owner: Any) -> None:
        report("renewed", scopes=list(scopes))


def main() -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    options: dict[str, Any] = json.loads(os.environ.get("WORKER_OPTIONS", "{}"))
    settings = load_settings()

    async def postgres_clock() -> datetime:
        return datetime.now(UTC) - timedelta(seconds=options.get("postgres_behind_s", 0))

    stream = RoleStream(
        role="leads",
        settings=settings,
        clock=Clock(),
        topics=["enrollments", "lead-ticks"],
        ticks="lead-ticks",
        leases=FixedLeases(**options["leases"]) if "leases" in options else None,
        postgres_clock=postgres_clock,
        renew_s=options.get("renew_s", 3600.0),
    )
    if options.get("forgets_offsets"):
        stream.outbox.track = lambda offsets, make_tp: None  # type: ignore[method-assign]
    put_in_faults(options)
    handler = Counting(stream, options)
    count_recovered(handler)
    return stream.run(handler)


if __name__ == "__main__":
    sys.exit(main())
