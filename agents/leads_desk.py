"""One batch of the leads role: the leads it touches, read once each, and what their decisions ask for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from agents import leads_metrics as metrics
from domain.leads import codec
from domain.leads.effects import (
    Ask,
    AskWriter,
    Decision,
    GiveTask,
    Ignored,
    MindColleagues,
    ProveIt,
    ReleaseIt,
    SetAside,
    StopIt,
    SuppressIt,
    Tell,
    Withdraw,
)
from domain.leads.state import Lead
from sinks.ports import Colleagues, Release, Stop, StopPort, Suppression
from streams.errors import Poison
from streams.inbound import Raw
from streams.tables import Table
from streams.topology import MAX_TABLE_VALUE
from streams.work import Work


class ProofPort(Protocol):
    """The part of `sinks.ports.ResolvePort` that is used here."""

    async def settle_ambiguous(self, send_ids: Sequence[UUID]) -> int: ...


LARGE = MAX_TABLE_VALUE // 2
"""From this size on a lead's new state is measured as soon as it is decided, so that it costs its own event and no other."""


def _check_size(lead: Lead) -> None:
    size = len(codec.encode(lead))
    if size > MAX_TABLE_VALUE:
        raise Poison("state_too_large", f"{size} bytes for table leads, at most {MAX_TABLE_VALUE}")


@dataclass(slots=True)
class Open:
    """A lead in the hands of a batch. `value` is what the table holds."""

    partition: int
    lead_id: str
    lead: Lead | None
    value: bytes | None
    wake_at: datetime | None = None
    parked_for: tuple[str, ...] = ()
    changed: bool = False


class Desk:
    """Leads by key, decided in the order of their events. `commit` writes the ledger, then `write` fills the work."""

    __slots__ = ("_counts", "_effects", "_kinds", "_table", "_work", "leads")

    def __init__(self, table: Table, work: Work) -> None:
        self._table = table
        self._work = work
        self._effects: list[tuple[Open, tuple[object, ...]]] = []
        self._counts: Counter[str] = Counter()
        self._kinds: Counter[str] = Counter()
        self.leads: dict[bytes, Open] = {}

    def open(self, key: bytes, partition: int) -> Open:
        """The lead of a key, as this batch's earlier events left it."""
        found = self.leads.get(key)
        if found is None:
            value = self._work.get(self._table, key)
            lead = codec.decode(value) if value is not None else None
            found = self.leads[key] = Open(partition, key.decode(), lead, value)
        return found

    def take(self, lead: Open, kind: str, decision: Decision) -> None:
        """Keep what a decision about a lead says."""
        if lead.value is not None and len(lead.value) > LARGE and decision.lead is not None:
            _check_size(decision.lead)
        self._kinds[kind] += 1
        lead.lead = decision.lead
        lead.wake_at = decision.wake_at
        lead.parked_for = decision.parked_for
        lead.changed = True
        if decision.effects:
            self._effects.append((lead, decision.effects))

    async def commit(self, stops: StopPort, proofs: ProofPort) -> None:
        """Commit stops, suppressions, releases and proofs, in this order: nothing of this batch is on a topic before."""
        made: list[Stop] = []
        suppressed: list[Suppression] = []
        released: list[Release] = []
        minded: list[Colleagues] = []
        proved: list[UUID] = []
        for lead, effects in self._effects:
            for effect in effects:
                if type(effect) is StopIt:
                    made.append(Stop(lead.lead_id, effect.enrollment_id, effect.reason, effect.source_id))
                elif type(effect) is ReleaseIt:
                    released.append(Release(lead.lead_id, effect.enrollment_id, effect.source_id))
                elif type(effect) is SuppressIt:
                    suppressed.append(
                        Suppression("all", effect.reason, effect.source_id, email=effect.email, lead_id=lead.lead_id)
                    )
                elif type(effect) is MindColleagues:
                    minded.append(
                        Colleagues(lead.lead_id, effect.campaign_id, effect.reply_id, effect.act, effect.until)
                    )
                elif type(effect) is ProveIt:
                    proved.append(effect.send_id)
        if made:
            await stops.stop(made)
        if suppressed:
            await stops.suppress(suppressed)
        if released:
            await stops.release(released)
        if minded:
            await stops.colleagues(minded)
        if proved:
            await proofs.settle_ambiguous(proved)

    def write(self) -> None:
        """Put what changed and emit what was decided, in the order in which it was decided."""
        work, table = self._work, self._table
        for lead, effects in self._effects:
            for effect in effects:
                self._emit(lead, effect)
        for key, lead in self.leads.items():
            if not lead.changed:
                continue
            value = codec.encode(lead.lead) if lead.lead is not None else None
            if value != lead.value:
                work.put(table, key, value, lead.partition)
        work.after_commit(self._count)

    def _emit(self, lead: Open, effect: object) -> None:
        work = self._work
        kind = type(effect)
        if kind is Tell:
            work.emit("engagements", effect.fact, lead.lead_id, partition=lead.partition)  # pyright: ignore[reportAttributeAccessIssue]
        elif isinstance(effect, Ask):
            work.emit("due-sends", effect.due, effect.due.pool_id)
        elif isinstance(effect, Withdraw):
            work.emit("due-sends", effect.withdrawal, effect.withdrawal.pool_id)
        elif isinstance(effect, GiveTask):
            work.emit("tasks", effect.task, lead.lead_id, partition=lead.partition)
        elif isinstance(effect, AskWriter):
            work.emit("draft-requests", effect.request, lead.lead_id, partition=lead.partition)
        elif isinstance(effect, SetAside):
            parked = effect.parked
            raw = Raw("enrollments", lead.partition, parked.offset, lead.lead_id.encode(), parked.event.write())
            work.dead_letter(raw, effect.reason, f"no definition of campaign {parked.event.campaign_id!r}")
        elif isinstance(effect, Ignored):
            self._counts[f"ignored {effect.reason}"] += 1
            return
        self._counts[kind.__name__] += 1

    def _count(self) -> None:
        for kind, number in self._kinds.items():
            metrics.DECISIONS.labels(kind).inc(number)
        for name, number in self._counts.items():
            what, _, reason = name.partition(" ")
            if reason:
                metrics.IGNORED.labels(reason).inc(number)
            else:
                metrics.EFFECTS.labels(what).inc(number)
