"""dispatch: decides when a touch may go, and from which mailbox.

Reads `due-sends`, `grant-outcomes`, `pool-ticks`. Owns the tables `waiting` (send_id -> a touch that may not go yet, or
the tombstone of a withdrawn one), `grants` (windows of a minute: what was granted) and `mailboxes` (pauses, warm-up,
bounces and complaints: here is who pauses a mailbox and knows every mail that it was granted). Writes `sends`. A flush
goes: grants, then sends, then what no longer waits.

What may go is decided in `domain/dispatch/partition.py`; here it is read, carried out and written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import structlog

from agents import dispatch_metrics as metrics
from agents.dispatch_recovery import Recovery
from agents.dispatch_shelf import Shelf
from agents.dispatch_told import Told, walls
from domain.campaign import Definitions
from domain.dispatch.asks import Ask
from domain.dispatch.coverage import OUTAGE, Coverage
from domain.dispatch.instants import NEVER, SECOND, micros
from domain.dispatch.partition import Explanation, Granted, PoolPartition
from schemas.sending import DueSend, GrantOutcome, MailboxNote, MailboxPaused, MailboxResumed, WithdrawSend
from schemas.ticks import Tick
from sinks.ports import RecentGrantsPort
from streams.clock import ClockLike
from streams.errors import Retryable
from streams.inbound import Inbound
from streams.tables import Table, WindowTable
from streams.work import Work

LOG = structlog.get_logger("dispatch")

ROLE = "dispatch"
TOPICS = ("due-sends", "grant-outcomes", "pool-ticks")
TICKS = "pool-ticks"

GRANT_LIFE = timedelta(seconds=30)
"""A grant that has not passed the gate by then (wall time) is answered `expired`."""
MAX_TOUCH = 500 * 1024
"""A grant carries its touch, and must fit where the touch did."""
NOTHING = Definitions({}, {})
_COUNT_EVERY = timedelta(seconds=5)


class Dispatch:
    """The role's handler. `definitions()` answers what is in force, `epochs()` the epoch of each owned partition."""

    def __init__(
        self,
        *,
        waiting: Table,
        grants: WindowTable,
        mailboxes: Table,
        definitions: Callable[[], Definitions],
        epochs: Callable[[], Mapping[int, int]],
        clock: ClockLike,
        ledger: RecentGrantsPort | None = None,
        outage: timedelta = OUTAGE,
    ) -> None:
        self._waiting = waiting
        self._grants = grants
        self._mailboxes = mailboxes
        self._source = definitions
        self._clock = clock
        self._outage = outage
        self._definitions = NOTHING
        self._recovery = Recovery(waiting, grants, mailboxes, ledger, epochs)
        self._owned: frozenset[int] = frozenset()
        self._partitions: dict[int, PoolPartition] = {}
        self._shelves: dict[int, Shelf] = {}
        self._coverage: dict[int, Coverage] = {}
        self._counted_wall: datetime | None = None
        self._counted: set[tuple[str, str]] = set()

    async def start(self) -> None:
        """Nothing to prepare: definitions are read before a role starts."""

    async def stop(self) -> None:
        """Nothing is in flight between batches."""

    async def revoked(self, partitions: frozenset[int]) -> None:
        """Nothing is in flight between batches."""

    async def recovered(self, partitions: frozenset[int]) -> None:
        """Ask the ledger what it knows of these partitions' grants, then rebuild the queues, in slices that yield."""
        self._owned = partitions
        self._forget()
        self._coverage = {number: Coverage(self._outage) for number in partitions}
        await self._recovery.ask_ledger(partitions)
        await self._rebuild()

    async def reset(self) -> None:
        """A batch was discarded: the next one begins with a rebuild from the tables."""
        self._forget()

    def _forget(self) -> None:
        self._recovery.note(self._partitions)
        self._partitions.clear()

    async def _rebuild(self) -> None:
        self._definitions = self._source()
        self._shelves = {number: Shelf(self._waiting, number) for number in self._owned}
        for coverage in self._coverage.values():
            coverage.forget()
        self._partitions = await self._recovery.rebuild(self._shelves, self._definitions)

    async def handle(self, work: Work, batch: Sequence[Inbound]) -> None:
        """Let time pass, take the batch's events, grant what may go; partition by partition."""
        if not self._partitions:
            await self._rebuild()
        definitions = self._source()
        if definitions is not self._definitions:
            self._definitions = definitions
            for partition in self._partitions.values():
                partition.define(definitions)
        by_partition: dict[int, list[Inbound]] = {}
        for event in batch:
            by_partition.setdefault(event.partition, []).append(event)
        for number, events in by_partition.items():
            if number not in self._partitions:
                raise Retryable(f"partition {number} is not owned")
            self._decide(work, number, events)
        work.after_commit(lambda: self._committed(by_partition))

    def explain(self, partition: int, send_id: bytes) -> Explanation | None:
        """Why a touch of an owned partition has not gone yet, its block's end in microseconds since 1970."""
        owner = self._partitions.get(partition)
        return None if owner is None else owner.explain(send_id)

    # -- one partition's share of a batch --------------------------------------------------------------------------

    def _decide(self, work: Work, number: int, events: Sequence[Inbound]) -> None:
        partition, shelf = self._partitions[number], self._shelves[number]
        shelf.open(work)
        granted = partition.leftovers()
        until = self._pass(number, events)
        if until is not None:
            granted += partition.advance(*until)
        counts: Counter[str] = Counter()
        for event in events:
            again = self._take(work, partition, event, counts)
            if again is not None:
                granted.append(again)
        if until is not None:
            granted += partition.advance(until[0])
        self._write_mailboxes(work, number, partition)
        if until is not None and granted:
            metrics.LATENESS.observe(max(0, until[0] - granted[0].slot.at) / SECOND)
        for kind, count in counts.items():
            metrics.EVENTS.labels(kind).inc(count)
        shelf.close()
        for change in partition.changes():
            work.put_window(self._grants, change.place.key, change.place.start_s, change.value, number)
        self._tell(work, number, partition.epoch, granted)

    def _pass(self, number: int, events: Sequence[Inbound]) -> tuple[int, int | None] | None:
        """(until, since) of the time that passes with this batch; None before the first tick since the recovery."""
        coverage = self._coverage[number]
        for event in events:
            if type(event.body) is Tick:  # asked of every event: a quarter of isinstance's cost
                coverage.tick(event.body.at, event.body.wall)
        decided = coverage.decide(self._clock.now(), self._clock.wall())
        if decided is None:
            return None
        until = micros(decided[0])
        return until, until if decided[1] else None

    def _take(self, work: Work, partition: PoolPartition, event: Inbound, counts: Counter[str]) -> Granted | None:
        body, kind = event.body, type(event.body)
        if kind is DueSend:
            value = event.raw.value or b""
            if len(value) > MAX_TOUCH:
                work.dead_letter(event, "touch_too_large", f"at most {MAX_TOUCH} bytes fit into a grant")
                return None
            waiting = partition.waiting
            again = partition.offer(Ask.of(body, value))
            counts["again" if again else "due" if partition.waiting > waiting else "repeat"] += 1
            return again
        if kind is GrantOutcome:
            known = partition.answer(body.grant_id, used=body.used)
            counts[("used" if body.used else "unused") if known else "repeat"] += 1
            if body.bounced:
                partition.note(body.mailbox_id, "bounce", body.send_id.bytes, micros(body.at))
        elif kind is WithdrawSend:
            withdrawn = partition.withdraw(body.send_id.bytes, body.ask_no, micros(body.at))
            counts["withdrawn" if withdrawn else "withdrawal"] += 1
        elif kind is MailboxNote:
            counts[body.kind] += 1
            partition.note(body.mailbox_id, body.kind, body.send_id.bytes, micros(body.at))
        elif kind is MailboxPaused:
            partition.pause(body.mailbox_id, NEVER if body.until is None else micros(body.until), body.reason)
        elif kind is MailboxResumed:
            partition.resume(body.mailbox_id, micros(body.at))
        return None

    def _write_mailboxes(self, work: Work, number: int, partition: PoolPartition) -> None:
        for mailbox_id, row in partition.rows():
            key = mailbox_id.encode()
            if row != work.get(self._mailboxes, key):
                work.put(self._mailboxes, key, row, number)
        rested, partition.rested = partition.rested, []
        for mailbox_id, reason in rested:
            LOG.warning("mailbox_paused", mailbox_id=mailbox_id, reason=reason)
            metrics.RESTED.labels(reason.partition(":")[0]).inc()

    def _tell(self, work: Work, number: int, epoch: int, granted: Sequence[Granted]) -> None:
        """Emit grants. One that is told again has its own id and instant; the epoch is the one in force."""
        if not granted:
            return
        wall = self._clock.wall()
        instants = walls(wall, wall + GRANT_LIFE)
        for one in granted:
            work.emit("sends", Told(one, (number, epoch), instants), one.slot.mailbox_id)
        for mailbox_id, count in Counter(one.slot.mailbox_id for one in granted).items():
            metrics.GRANTED.labels(mailbox_id).inc(count)

    # -- after the batch -------------------------------------------------------------------------------------------

    def _committed(self, numbers: Iterable[int]) -> None:
        self._recovery.done(numbers)
        metrics.OPEN.set(sum(partition.open for partition in self._partitions.values()))
        rises_at = min((partition.next_at for partition in self._partitions.values()), default=NEVER)
        metrics.NEXT.set(0 if rises_at == NEVER else rises_at / SECOND)
        wall = self._clock.wall()
        if self._counted_wall is not None and wall - self._counted_wall < _COUNT_EVERY:
            return
        self._counted_wall = wall
        counts: dict[tuple[str, str], int] = {}
        for partition in self._partitions.values():
            for key, count in partition.by_reason().items():
                counts[key] = counts.get(key, 0) + count
        for key in self._counted - counts.keys():
            metrics.WAITING.labels(*key).set(0)
        for key, count in counts.items():
            metrics.WAITING.labels(*key).set(count)
        self._counted = set(counts)
