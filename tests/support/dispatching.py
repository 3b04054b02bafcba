"""A pool partition in memory, for tests: campaigns, mailboxes, asks, and a way to run and to restart it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from domain.campaign import Campaign, CampaignLimits, Definitions, Mailbox, Smtp, Window
from domain.dispatch.asks import Ask, Withdrawn
from domain.dispatch.grants import ChunkKey, Slot, read_chunk
from domain.dispatch.instants import NEVER, instant, micros
from domain.dispatch.partition import Granted, PoolPartition
from domain.dispatch.standing import Trouble
from schemas.sending import DueSend

ALWAYS = Window(frozenset(range(7)), 0, 24)
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)


def at(clock: str, day: int = 0) -> int:
    """ "10:20" or "10:20:30" of the Monday of the tests (or a later day) in microseconds."""
    hours, minutes, seconds = (*map(int, clock.split(":")), 0)[:3]
    return micros(MONDAY + timedelta(days=day, hours=hours, minutes=minutes, seconds=seconds))


def clock(us: int) -> str:
    return instant(us).strftime("%H:%M:%S.%f").removesuffix(".000000").removesuffix(":00")


def campaign(campaign_id: str = "c", **changes: Any) -> Campaign:
    """An active campaign without limits, whose window is always open."""
    limits = CampaignLimits(
        changes.pop("per_hour", None),
        changes.pop("batch_size", None),
        changes.pop("cycle", timedelta(minutes=10)),
        changes.pop("per_day", None),
    )
    known = Campaign(
        campaign_id, 1, campaign_id, "nurture", "main", ("anna",), "active", limits, ALWAYS, steps={}, first_step_id="s"
    )
    return replace(known, **changes)


def mailbox(mailbox_id: str = "anna", **changes: Any) -> Mailbox:
    """A mailbox without limits or gap."""
    known = Mailbox(
        mailbox_id,
        1,
        "main",
        "Anna",
        f"{mailbox_id}@sender.example",
        "Storgatan 1",
        Smtp("127.0.0.1", 25, "none", None, "login", None),
        gap_s=(0.0, 0.0),
    )
    return replace(known, **changes)


def definitions(*known: Campaign | Mailbox, stopped: bool = False) -> Definitions:
    campaigns = {one.campaign_id: one for one in known if isinstance(one, Campaign)}
    mailboxes = {one.mailbox_id: one for one in known if isinstance(one, Mailbox)}
    return Definitions(campaigns, mailboxes, frozenset({"main"}), stopped)


def send_id(name: object) -> bytes:
    return uuid5(NAMESPACE_URL, str(name)).bytes


def ask(name: object, **changes: Any) -> Ask:
    """A first touch of campaign `c`, due long ago, from any mailbox."""
    known = Ask(send_id(name), 1, "c", None, None, "example.org", 1, at("08:00"))
    return replace(known, **changes)


def touch(name: object, **changes: Any) -> DueSend:
    """A `due-sends` message of campaign `c` in pool `main`."""
    facts: dict[str, Any] = {
        "event_id": f"due-{name}",
        "send_id": uuid5(NAMESPACE_URL, str(name)),
        "enrollment_id": uuid5(NAMESPACE_URL, f"enrollment {name}"),
        "lead_id": f"lead-{name}",
        "campaign_id": "c",
        "campaign_version": 1,
        "step_id": "intro",
        "pool_id": "main",
        "ask_no": 1,
        "priority": 1,
        "due_at": instant(at("08:00")),
        "at": instant(at("08:00")),
        "email": f"{name}@example.org",
        "domain": "example.org",
        "merge": {"first_name": "Zoé", "company": "Håkansson & Söner AB"},
    }
    return DueSend(**(facts | changes))


class Waiting:
    """The `waiting` table in memory."""

    def __init__(self) -> None:
        self.rows: dict[bytes, Ask | Withdrawn] = {}

    def get(self, send_id: bytes) -> Ask | Withdrawn | None:
        return self.rows.get(send_id)

    def put(self, send_id: bytes, entry: Ask | Withdrawn) -> None:
        self.rows[send_id] = entry

    def remove(self, send_id: bytes) -> None:
        self.rows.pop(send_id, None)


class World:
    """A partition with its tables: what it wrote is what a restart finds."""

    def __init__(self, known: Definitions, max_open: int = 10_000, epoch: int = 1) -> None:
        self.definitions = known
        self.max_open = max_open
        self.waiting = Waiting()
        self.windows: dict[ChunkKey, bytes] = {}
        self.rows: dict[str, bytes] = {}
        self.granted: list[Granted] = []
        self.partition = PoolPartition(self.waiting, epoch, max_open=max_open)
        self.partition.define(known)

    def ask(self, *asks: Ask) -> None:
        for one in asks:
            self.partition.offer(one)

    def advance(self, to: int, since: int | None = None) -> list[Granted]:
        granted = self.partition.advance(to, since)
        self.granted += granted
        self.save()
        return granted

    def save(self) -> None:
        for place, value in self.partition.changes():
            if value is None:
                self.windows.pop(place, None)
            else:
                self.windows[place] = value
        for mailbox_id, row in self.partition.rows():
            if row is None:
                self.rows.pop(mailbox_id, None)
            else:
                self.rows[mailbox_id] = row

    def answer(self, granted: Granted, *, used: bool = True) -> bool:
        return self.partition.answer(granted.slot.grant_id, used=used)

    def define(self, known: Definitions) -> None:
        self.definitions = known
        self.partition.define(known)

    def pause(self, mailbox_id: str, until: int = NEVER) -> None:
        self.partition.pause(mailbox_id, until)

    def resume(self, mailbox_id: str) -> None:
        self.partition.resume(mailbox_id)

    def note(self, mailbox_id: str, kind: Trouble, name: object) -> str | None:
        return self.partition.note(mailbox_id, kind, send_id(name), 0)

    def restart(self, epoch: int | None = None, foreign: Sequence[Slot] = ()) -> list[Granted]:
        """Build the partition anew from its tables; returns what it tells again."""
        self.save()
        epoch = self.partition.epoch + 1 if epoch is None else epoch
        self.partition = PoolPartition(self.waiting, epoch, max_open=self.max_open)
        self.partition.define(self.definitions)
        for mailbox_id, row in self.rows.items():
            self.partition.restore_mailbox(mailbox_id, row)
        self.partition.restore([read_chunk(place, value) for place, value in self.windows.items()], list(foreign))
        for send_id, entry in self.waiting.rows.items():
            self.partition.restore_waiting(send_id, entry)
        again = self.partition.leftovers()
        self.save()
        return again

    def by_reason(self) -> dict[str, int]:
        """Waiting touches by block code."""
        counts: dict[str, int] = {}
        for (_, code), count in self.partition.by_reason().items():
            counts[code] = counts.get(code, 0) + count
        return counts

    def instants(self, granted: Sequence[Granted] | None = None) -> list[str]:
        return [clock(one.slot.at) for one in (self.granted if granted is None else granted)]
