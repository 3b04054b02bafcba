"""`touchline explain --at`: put together from facts, grants and definitions as they stood, without a broker."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import pytest
from aiokafka.errors import KafkaConnectionError

from api import explaining
from api.errors import NotFoundError
from api.explaining import Explained, Sources, explain
from domain.outlook import Used
from schemas.definitions import Definition

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MAILBOX: dict[str, Any] = {
    "kind": "Mailbox",
    "id": "anna",
    "pool": "main",
    "from": "Anna <anna@sender.example>",
    "postal_address": "Storgatan 1",
    "smtp": {"host": "127.0.0.1", "port": 2525, "security": "none"},
    "timezone": "UTC",
    "hourly_limit": 2,
    "gap_seconds": 0,
}
CAMPAIGN: dict[str, Any] = {
    "kind": "Campaign",
    "id": "spring",
    "name": "Spring",
    "pool": "main",
    "mailboxes": ["anna"],
    "steps": [
        {"id": "intro", "kind": "email", "subject": "Spring", "body": "Hello"},
        {"id": "pause", "kind": "wait", "duration": 1, "unit": "hours"},
        {"id": "nudge", "kind": "email", "body": "Did it reach you?"},
    ],
}


def fact(kind: str, at: datetime, status: str, **more: Any) -> dict[str, Any]:
    empty = {"step_id": None, "code": None, "mailbox_id": None, "variant": None, "next_at": None}
    return {
        **empty, "type": kind, "at": at, "campaign_id": "spring", "entry_no": 1, "status": status, "event_id": kind, **more
    }  # fmt: skip


ENROLLED = fact("enrolled", MONDAY, "enrolled")
SENT = fact("sent", MONDAY, "active", step_id="intro", mailbox_id="anna", variant="a")


class World:
    """What Postgres would answer."""

    def __init__(self, *facts: dict[str, Any], used: tuple[datetime, ...] = ()) -> None:
        self.facts = facts
        self.grants = used
        self.versions = [
            Definition(kind="pool", id="main", revision=1, spec={"kind": "Pool", "id": "main"}, at=MONDAY),
            Definition(kind="mailbox", id="anna", revision=1, spec=MAILBOX, at=MONDAY),
            Definition(kind="campaign", id="spring", revision=1, spec=CAMPAIGN, status="active", at=MONDAY),
        ]

    async def timeline(self, lead_id: str) -> list[dict[str, Any]]:
        return list(self.facts)

    async def heads(self) -> list[Definition]:
        return list({(one.kind, one.id): one for one in self.versions}.values())

    async def revisions(self, kind: str, definition_id: str) -> list[Definition]:
        return [one for one in self.versions if (one.kind, one.id) == (kind, definition_id)]

    async def used_at(self, partition: int, at: datetime) -> list[Used]:
        ids = [uuid5(NAMESPACE_URL, str(number)).bytes for number in range(len(self.grants))]
        return [
            Used(send_id, "anna", "spring", "", granted, is_open=False)
            for send_id, granted in zip(ids, self.grants, strict=True)
            if granted <= at
        ]

    async def ask(self, at: datetime | None, now: datetime = MONDAY + timedelta(days=30)) -> Explained:
        sources = Sources(SimpleNamespace(partitions=4), self, self, self)  # type: ignore[arg-type]
        return await explain(sources, "lead", "spring", now, at)


def of(found: Explained, step_id: str) -> Any:
    return next(touch for touch in found.touches if touch.step_id == step_id)


async def test_a_touch_that_was_due_then_names_the_limit_of_that_hour_and_when_it_freed() -> None:
    used = (MONDAY + timedelta(minutes=5), MONDAY + timedelta(minutes=20))
    found = await World(ENROLLED, used=used).ask(MONDAY + timedelta(minutes=30))
    intro = of(found, "intro")
    assert (found.source, found.status, intro.state, intro.code) == ("history", "enrolled", "waiting", "mailbox_hour")
    assert intro.until == MONDAY + timedelta(minutes=65)
    assert intro.position is None
    assert of(found, "nudge").state == "ahead"
    assert found.notes


async def test_nothing_in_the_way_then_is_said_so_and_outside_the_window_it_is_the_window() -> None:
    world = World(ENROLLED)
    assert of(await world.ask(MONDAY + timedelta(minutes=1)), "intro").code == "ready"
    evening = of(await world.ask(MONDAY + timedelta(hours=9)), "intro")
    assert (evening.code, evening.until) == ("window_closed", MONDAY + timedelta(days=1))


async def test_what_came_after_the_instant_is_not_known_yet() -> None:
    world = World(ENROLLED, SENT, fact("replied", MONDAY + timedelta(hours=5), "replied", code="INTERESTED"))
    before = await world.ask(MONDAY + timedelta(minutes=30))
    assert (of(before, "intro").state, of(before, "nudge").code) == ("done", "wait")
    assert of(before, "nudge").until == MONDAY + timedelta(hours=1)
    after = await world.ask(MONDAY + timedelta(hours=6))
    assert (after.status, of(after, "nudge").state, of(after, "nudge").code) == ("replied", "stopped", "INTERESTED")


async def test_the_definition_in_force_then_is_the_one_that_counts() -> None:
    world = World(ENROLLED)
    later = MONDAY + timedelta(hours=2)
    world.versions.append(
        Definition(kind="campaign", id="spring", revision=2, spec=CAMPAIGN, status="paused", at=later)
    )
    assert of(await world.ask(MONDAY + timedelta(hours=1)), "intro").code == "ready"
    assert of(await world.ask(later), "intro").code == "campaign_paused"


async def test_a_lead_or_campaign_of_which_nothing_was_known_is_an_error_that_says_so() -> None:
    with pytest.raises(NotFoundError, match="nothing was known of lead"):
        await World(ENROLLED).ask(MONDAY - timedelta(days=1))
    sources = Sources(SimpleNamespace(partitions=4), *(3 * [World()]))  # type: ignore[arg-type]
    with pytest.raises(NotFoundError, match="no campaign"):
        await explain(sources, "lead", "autumn", MONDAY)


async def test_without_a_broker_the_facts_are_told_with_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: object) -> None:
        raise KafkaConnectionError("nobody there")

    monkeypatch.setattr(explaining, "verify_partitions", away)
    found = await World(ENROLLED, SENT).ask(None, MONDAY + timedelta(minutes=30))
    assert (found.source, of(found, "nudge").code) == ("history", "wait")
    assert "the broker did not answer" in found.notes[0]
