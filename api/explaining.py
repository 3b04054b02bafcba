"""Why a lead stands where it stands, put together from the broker (now) or from what Postgres keeps (then)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiokafka.errors import KafkaError

from agents.dispatch_recovery import Recovery
from agents.dispatch_shelf import Shelf
from api.changelogs import read_table, read_value, read_windows
from api.errors import NotFoundError
from domain import explaining, ids
from domain.campaign import Campaign, Definitions
from domain.compile import compile_definitions
from domain.dispatch.asks import Ask, Withdrawn, known_zone
from domain.dispatch.blocks import CODES
from domain.dispatch.grants import Slot
from domain.dispatch.instants import NEVER, instant, micros
from domain.dispatch.partition import Explanation, PoolPartition
from domain.explaining import Standing, Told, Touch
from domain.leads import codec
from domain.leads.state import OPEN, Enrollment, Lead
from domain.outlook import Used
from schemas.definitions import Definition
from sinks.postgres.control import ControlStore
from sinks.postgres.outlook import Outlook
from sinks.postgres.read_models import ReadModels
from streams.partitioning import partition_of
from streams.provision import verify_partitions
from streams.settings import Settings, SettingsError

BROKER_S = 60.0
"""For how long the broker may be read: a partition of a million leads takes less."""

DOUBTS = {
    "history": "told from what was kept: places in the queue, and the leads of other campaigns before it, are not",
    "no_broker": "the broker did not answer: told from the facts alone, which may be a step behind",
}


@dataclass(frozen=True, slots=True)
class Sources:
    """Where it is read."""

    settings: Settings
    store: ControlStore
    models: ReadModels
    outlook: Outlook


@dataclass(frozen=True, slots=True)
class Explained:
    """A lead in a campaign at an instant. `source`: live or history. `notes`: what could not be known, in words."""

    lead_id: str
    campaign_id: str
    at: datetime
    source: str
    status: str
    entry_no: int | None
    touches: Sequence[Touch]
    notes: Sequence[str]

    def as_json(self) -> dict[str, Any]:
        """All of it by name."""
        return {
            "lead_id": self.lead_id,
            "campaign_id": self.campaign_id,
            "at": self.at,
            "source": self.source,
            "status": self.status,
            "entry_no": self.entry_no,
            "touches": [touch._asdict() for touch in self.touches],
            "notes": list(self.notes),
        }


async def explain(
    sources: Sources, lead_id: str, campaign_id: str, now: datetime, at: datetime | None = None
) -> Explained:
    """Each touch of the lead's latest entry into the campaign: as things stand `now`, or as they stood `at` an instant.

    Raises NotFoundError, Retryable.
    """
    rows = await sources.models.timeline(lead_id)
    facts, entry_no = _facts(rows, campaign_id, at)
    heads = await sources.store.heads()
    if not any(head.kind == "campaign" and head.id == campaign_id for head in heads):
        raise NotFoundError(f"there is no campaign {campaign_id!r}")
    if at is not None:
        return await _then(sources, lead_id, campaign_id, at, facts, entry_no, await _in_force(sources, heads, at))
    definitions, _ = compile_definitions(heads)
    campaign = _compiled(definitions, campaign_id)
    try:
        async with asyncio.timeout(BROKER_S):
            await verify_partitions(sources.settings)
            lead = await _lead(sources.settings, lead_id)
            e = _latest(lead, campaign_id)
            at_dispatch = await _at_dispatch(sources.settings, lead_id, campaign, definitions, e, now)
    except (KafkaError, OSError, TimeoutError, SettingsError):
        told = await _then(sources, lead_id, campaign_id, now, facts, entry_no, heads)
        return _with_note(told, "no_broker")
    if e is None:
        if not facts:
            raise _unknown(lead_id, campaign_id)
        touches = explaining.touches(campaign, facts, None)
        return Explained(lead_id, campaign_id, now, "live", _status(facts), entry_no, touches, ())
    if e.entry_no != entry_no:  # it has entered again, and the read models have not heard of it yet
        facts = []
    facts = explaining.with_own(facts, e, now)
    standing = explaining.stands_now(e, campaign, facts, at_dispatch) if e.is_open else None
    touches = explaining.touches(campaign, facts, standing)
    return Explained(lead_id, campaign_id, now, "live", e.status, e.entry_no, touches, ())


def _facts(rows: Sequence[Mapping[str, Any]], campaign_id: str, at: datetime | None) -> tuple[list[Told], int | None]:
    """The facts of the latest entry up to an instant, in their order."""
    mine = [row for row in rows if row["campaign_id"] == campaign_id and (at is None or row["at"] <= at)]
    entry_no = max((row["entry_no"] for row in mine if row["entry_no"] is not None), default=None)
    return [
        Told(
            row["type"],
            row["at"],
            row["step_id"],
            row["status"],
            row["code"],
            row["mailbox_id"],
            row["variant"],
            row["next_at"],
            str(row["event_id"]),
        )
        for row in mine
        if row["entry_no"] == entry_no
    ], entry_no


def _compiled(definitions: Definitions, campaign_id: str) -> Campaign:
    campaign = definitions.campaigns.get(campaign_id)
    if campaign is None:
        raise NotFoundError(f"campaign {campaign_id!r} cannot be used as it is defined; `touchline doctor` says why")
    return campaign


def _unknown(lead_id: str, campaign_id: str) -> NotFoundError:
    return NotFoundError(f"nothing is known of lead {lead_id!r} in campaign {campaign_id!r}")


def _status(facts: Sequence[Told]) -> str:
    return next((fact.status for fact in reversed(facts) if fact.status is not None), None) or facts[-1].type


def _with_note(told: Explained, note: str) -> Explained:
    return Explained(
        told.lead_id, told.campaign_id, told.at, told.source, told.status, told.entry_no, told.touches,
        (DOUBTS[note], *told.notes),
    )  # fmt: skip


# -- now: what leads and dispatch hold ---------------------------------------------------------------------------------


async def _lead(settings: Settings, lead_id: str) -> Lead | None:
    key = lead_id.encode()
    value = await read_value(settings, "leads", "leads", partition_of(key, settings.partitions), key)
    return None if value is None else codec.decode(value)


def _latest(lead: Lead | None, campaign_id: str) -> Enrollment | None:
    mine = [e for e in lead.enrollments if e.campaign_id == campaign_id] if lead is not None else []
    return max(mine, key=lambda e: e.entry_no, default=None)


async def _at_dispatch(  # noqa: PLR0917
    settings: Settings, lead_id: str, campaign: Campaign, definitions: Definitions, e: Enrollment | None, now: datetime
) -> Standing | None:
    """What dispatch says of the touch that is out, by its own tables; None where none is, or it knows nothing of it."""
    if e is None or e.phase != "out" or e.step_id is None:
        return None
    number = partition_of(campaign.pool_id.encode(), settings.partitions)
    waiting = await read_table(settings, "dispatch", "waiting", number)
    grants = await read_windows(settings, "dispatch", "grants", number)
    mailboxes = await read_table(settings, "dispatch", "mailboxes", number)
    recovery = Recovery(waiting, grants, mailboxes, None, lambda: {number: 1})
    partition = (await recovery.rebuild({number: Shelf(waiting, number)}, definitions))[number]
    partition.now = max(partition.now, micros(now))
    found = partition.explain(ids.send_id(e.id_for(lead_id), e.step_id).bytes)
    return None if found is None else _standing(e.step_id, found)


def _standing(step_id: str, found: Explanation) -> Standing:
    until = None if found.frees_at == NEVER else instant(found.frees_at)
    is_free = found.code in ("ready", "granted")
    return Standing(step_id, found.code, None if is_free else until, found.position, CODES.get(found.code, ""))


# -- then: what Postgres keeps -----------------------------------------------------------------------------------------


async def _in_force(sources: Sources, heads: Sequence[Definition], at: datetime) -> list[Definition]:
    """Each definition as it was at an instant; those that came later are left out."""
    found: list[Definition] = []
    for head in heads:
        revisions = [head] if head.at <= at else await sources.store.revisions(head.kind, head.id)
        found += [revision for revision in revisions if revision.at <= at][-1:]
    return found


async def _then(  # noqa: PLR0917
    sources: Sources,
    lead_id: str,
    campaign_id: str,
    at: datetime,
    facts: Sequence[Told],
    entry_no: int | None,
    in_force: Sequence[Definition],
) -> Explained:
    definitions, _ = compile_definitions(in_force)
    if not facts or campaign_id not in definitions.campaigns:
        raise NotFoundError(f"nothing was known of lead {lead_id!r} in campaign {campaign_id!r} at {at.isoformat()}")
    campaign = definitions.campaigns[campaign_id]
    status = _status(facts)
    if status not in OPEN:
        return Explained(
            lead_id, campaign_id, at, "history", status, entry_no, explaining.touches(campaign, facts, None), ()
        )
    stood = explaining.stood_at(campaign, definitions, facts, at)
    standing = None if stood is None else stood[0]
    if standing is not None and stood is not None and standing.code == "due" and standing.step_id is not None:
        number = partition_of(campaign.pool_id.encode(), sources.settings.partitions)
        used = await sources.outlook.used_at(number, at)
        standing = _blocked(lead_id, campaign, definitions, facts, standing.step_id, stood[1], used, at, entry_no or 1)
    found = explaining.touches(campaign, facts, standing)
    return Explained(lead_id, campaign_id, at, "history", status, entry_no, found, (DOUBTS["history"],))


def _blocked(  # noqa: PLR0917
    lead_id: str,
    campaign: Campaign,
    definitions: Definitions,
    facts: Sequence[Told],
    step_id: str,
    due_at: datetime,
    used: Sequence[Used],
    at: datetime,
    entry_no: int,
) -> Standing:
    """What was in the way of a touch that was due, by the limits in force and the grants of that day."""
    if not campaign.may_send:
        return Standing(
            step_id, f"campaign_{campaign.status}", None, None, CODES.get(f"campaign_{campaign.status}", "")
        )
    send_id = ids.send_id(ids.enrollment_id(campaign.campaign_id, lead_id, entry_no), step_id).bytes
    sticky = next((fact.mailbox_id for fact in reversed(facts) if fact.mailbox_id is not None), None)
    ask = Ask(send_id, 1, campaign.campaign_id, sticky, known_zone(None), "", 0 if sticky else 1, micros(due_at))
    shelf = _Shelf({send_id: ask})
    partition = PoolPartition(shelf)
    partition.define(definitions)
    slots = [_slot(number, one) for number, one in enumerate(used)]
    partition.restore([], [slot for slot in slots if slot.send_id != send_id])
    partition.restore_waiting(send_id, ask)
    partition.now = max(partition.now, micros(at))
    found = partition.explain(send_id)
    return Standing(step_id, "asked") if found is None else _standing(step_id, found)._replace(position=None)


def _slot(number: int, used: Used) -> Slot:
    state = "open" if used.is_open else "used"
    return Slot(
        f"0000001-{number:010d}", used.send_id, 1, used.mailbox_id, used.campaign_id, used.domain, micros(used.at), state
    )  # fmt: skip


class _Shelf:
    """One touch that waits."""

    def __init__(self, entries: dict[bytes, Ask | Withdrawn]) -> None:
        self._entries = entries

    def get(self, send_id: bytes) -> Ask | Withdrawn | None:
        """The entry."""
        return self._entries.get(send_id)

    def put(self, send_id: bytes, entry: Ask | Withdrawn) -> None:
        """Set it."""
        self._entries[send_id] = entry

    def remove(self, send_id: bytes) -> None:
        """Take it out."""
        self._entries.pop(send_id, None)
