"""Drafts in Postgres as their writer works with them: wanted, claimed, written, told (docs/behaviour.md 1.4).

Every call raises `streams.errors.Retryable` when Postgres is away and `streams.errors.Poison` when it refuses the data.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import asyncpg

from domain.card_events import NOBODY
from domain.cards import Card
from domain.drafting import AT_END, TouchOf
from domain.writing import Words
from schemas.drafts import DraftApproved, DraftOver, DraftRejected, DraftWanted
from schemas.registry import TOPIC_MODELS
from sinks.postgres.card_changes import move_cards, put_up
from sinks.postgres.connect import classified
from sinks.postgres.fact_rows import columns
from sinks.postgres.queries import queries

SQL = queries("drafts")


@dataclass(frozen=True, slots=True)
class ToWrite:
    """A touch in a writer's hands. `attempts` counts its claims, this one too."""

    touch: TouchOf
    variant: str
    campaign_version: int
    merge: dict[str, Any]
    person: dict[str, Any]
    thread_subject: str | None
    attempts: int
    round_no: int
    wanted_at: datetime


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a claim: words to review (`review`), approved ones (with the `event` to tell), or none (`held`)."""

    send_id: UUID
    state: Literal["review", "held", "approved"]
    review: str
    has_subject: bool
    words: Words | None = None
    reason: str | None = None
    faults: tuple[str, ...] = ()
    model: str | None = None
    card: Card | None = None
    event: DraftApproved | None = None
    decided_by: str | None = None


class Drafts:
    """The `drafts` table. `owner` is this process's id for claims."""

    def __init__(self, pool: asyncpg.Pool, owner: UUID) -> None:
        self._pool = pool
        self._owner = owner

    async def want(self, requests: Sequence[DraftWanted], reason: str | None) -> None:
        """Note touches to be written; `reason`: why they will have to wait. A touch stands once in `requests`."""
        rows = [
            (
                r.send_id, r.lead_id, r.campaign_id, r.enrollment_id, r.step_id, r.variant, r.campaign_version,
                _json(r.merge), _json(r.person), r.thread_subject, r.at,
            )
            for r in requests
        ]  # fmt: skip
        with classified:
            await self._pool.execute(SQL["want"], *columns(rows), reason)

    async def end(self, ended: Sequence[DraftOver], at: datetime) -> None:
        """Note what became of touches; their cards go where that takes them."""
        with classified:
            async with self._pool.acquire() as connection, connection.transaction():
                rows = await connection.fetch(
                    SQL["end_drafts"], *columns([(o.send_id, o.outcome, o.code) for o in ended])
                )
                for outcome, path in AT_END.items():
                    cards = [row["card_id"] for row in rows if row["state"] == outcome and row["card_id"] is not None]
                    await move_cards(connection, cards, path, NOBODY, at)

    async def claim(self, limit: int, seconds: float) -> list[ToWrite]:
        """Take what is to be written now, for so many wall seconds of Postgres's clock."""
        with classified:
            rows = await self._pool.fetch(SQL["claim"], self._owner, seconds, limit)
        return [_to_write(row) for row in sorted(rows, key=lambda row: (row["wanted_at"], row["send_id"]))]

    async def put_off(self, send_id: UUID, reason: str, seconds: float) -> None:
        """Leave a claimed draft for later, with the reason that people see."""
        with classified:
            await self._pool.execute(SQL["put_off"], send_id, self._owner, reason, seconds)

    async def write(self, written: Written) -> bool:
        """Store what was written with its card, in one; False where the draft is not ours or not wanted any more."""
        words, card = written.words, written.card
        with classified:
            async with self._pool.acquire() as connection, connection.transaction():
                row = await connection.fetchrow(
                    SQL["write"],
                    written.send_id,
                    self._owner,
                    written.state,
                    written.reason,
                    words and words.subject,
                    words and words.body,
                    written.model,
                    written.review,
                    card and card.card_id,
                    written.event.write().decode() if written.event is not None else None,
                    written.decided_by,
                    written.has_subject,
                    list(written.faults),
                )
                if row is not None and card is not None:
                    await put_up(connection, [card])
        return row is not None

    async def untold(self, limit: int) -> list[DraftApproved | DraftRejected]:
        """Decisions that leads may not have heard of."""
        with classified:
            rows = await self._pool.fetch(SQL["untold"], limit)
        return [read_event(row["event"]) for row in rows]

    async def told(self, send_ids: Sequence[UUID]) -> None:
        """The broker has these decisions."""
        with classified:
            await self._pool.execute(SQL["told"], send_ids)

    async def let_go(self, send_ids: Sequence[UUID] | None = None) -> None:
        """Give up claims of this process; None: all of them."""
        with classified:
            await self._pool.execute(SQL["let_go"], self._owner, send_ids)

    async def renew(self, send_ids: Sequence[UUID], seconds: float) -> None:
        """Keep claims for so many more wall seconds."""
        with classified:
            await self._pool.execute(SQL["renew"], self._owner, send_ids, seconds)

    async def note_reason(self, reason: str | None) -> None:
        """Say of everything that is wanted why it waits; None: it is in line."""
        with classified:
            await self._pool.execute(SQL["note_reason"], reason)


def read_event(stored: str) -> DraftApproved | DraftRejected:
    """A stored decision as the message that it is told with."""
    return TOPIC_MODELS["drafts"].validate_json(stored)


def _to_write(row: Any) -> ToWrite:
    return ToWrite(
        touch=TouchOf(row["send_id"], row["lead_id"], row["campaign_id"], row["enrollment_id"], row["step_id"]),
        variant=row["variant"],
        campaign_version=row["campaign_version"],
        merge=json.loads(row["merge"]),
        person=json.loads(row["person"]),
        thread_subject=row["thread_subject"],
        attempts=row["attempts"],
        round_no=row["round"],
        wanted_at=row["wanted_at"],
    )


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
