"""Drafts in Postgres as people decide about them: read, approved, rejected, changed, written anew (docs/behaviour.md 8.2).

A decision, its card's moves and what leads is to hear of it are one transaction; whoever tells what is untold
(`agents/writing.py`) publishes it. So a decision stands whether or not Kafka answers, and is told at least once.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import asyncpg

from domain.card_states import TO_EXECUTING, TO_REJECTED
from domain.draft_checks import form_faults
from domain.drafting import (
    Act,
    DraftRefusedError,
    DraftState,
    Standing,
    TouchOf,
    approval,
    check,
    rejection,
)
from domain.writing import Words, tidy
from sinks.postgres.card_changes import Changes, edit, lock, move_cards
from sinks.postgres.connect import classified
from sinks.postgres.drafts import SQL

BULK = 500
"""Drafts that are decided together in one transaction at most."""


class UnknownDraftError(Exception):
    """There is no such draft."""


class BadWordsError(Exception):
    """Words that no draft may have. `faults` names everything that is wrong with them."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__(f"these words cannot go out: {', '.join(faults)}")
        self.faults = list(faults)


@dataclass(frozen=True, slots=True)
class Decided:
    """A draft after a decision. `changed` is False where it had been decided so before; `refused` says why it was not."""

    send_id: UUID
    state: DraftState
    version: int
    changed: bool = True
    refused: str | None = None


class DraftReviews:
    """What people do with drafts. Every method raises Retryable when Postgres is away."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def draft(self, send_id: UUID) -> dict[str, Any]:
        """One draft with everything that is known of it. Raises UnknownDraftError."""
        with classified:
            row = await self._pool.fetchrow(SQL["draft"], send_id)
        if row is None:
            raise UnknownDraftError(f"no draft {send_id}")
        hidden = {"claimed_by", "claimed_until", "event"}
        told = {name: value for name, value in row.items() if name not in hidden}
        return {**told, "merge": json.loads(row["merge"]), "person": json.loads(row["person"])}

    async def drafts(
        self,
        *,
        campaign_id: str | None = None,
        step_id: str | None = None,
        lead_id: str | None = None,
        states: Sequence[str] | None = None,
        limit: int = 200,
    ) -> list[dict[str, Any]]:
        """Drafts, oldest first; each filter that is given must hold."""
        with classified:
            rows = await self._pool.fetch(
                SQL["drafts"], campaign_id, step_id, lead_id, None if states is None else list(states), limit
            )
        return [dict(row) for row in rows]

    async def waiting(self, campaign_id: str | None = None) -> list[dict[str, Any]]:
        """How many drafts wait, by state and reason."""
        with classified:
            return [dict(row) for row in await self._pool.fetch(SQL["waiting"], campaign_id)]

    async def approve(self, send_id: UUID, by: str, at: datetime, *, seen: int | None = None) -> Decided:
        """Let these words go out. Approving again changes nothing. Raises UnknownDraftError, DraftRefusedError."""
        return (await self._decide("approve", [send_id], by, at, seen=seen, one=True))[0]

    async def approve_all(self, campaign_id: str, step_id: str | None, by: str, at: datetime) -> list[Decided]:
        """Approve what stands for review in `bulk` mode, at most `BULK` at a time."""
        with classified:
            rows = await self._pool.fetch(SQL["in_bulk"], campaign_id, step_id, BULK)
        return await self._decide("approve", [row["send_id"] for row in rows], by, at)

    async def reject(
        self,
        send_id: UUID,
        by: str,
        at: datetime,
        *,
        instead: Literal["skip", "template"] | None = None,
        reason: str | None = None,
        seen: int | None = None,
    ) -> Decided:
        """Let none of it go out: the touch is skipped or its template goes, `instead` or as the campaign says."""
        decided = await self._decide("reject", [send_id], by, at, seen=seen, one=True, instead=instead, reason=reason)
        return decided[0]

    async def edit(
        self, send_id: UUID, subject: str | None, body: str, by: str, at: datetime, *, seen: int | None = None
    ) -> Decided:
        """Other words, or the first where only a person could write them. Raises BadWordsError besides."""
        with classified:
            async with self._pool.acquire() as connection, connection.transaction():
                row = await _locked(connection, send_id)
                check("edit", _standing(row), seen)
                needs_subject = row["has_subject"] if row["written_at"] is not None else row["thread_subject"] is None
                words = tidy(Words(subject, body), has_subject=True)
                wrong = form_faults(words, has_subject=needs_subject)
                if wrong:
                    raise BadWordsError(wrong)
                await connection.execute(SQL["edit"], send_id, words.subject, words.body, by, needs_subject)
                if row["card_id"] is not None:
                    draft = {"send_id": str(send_id), "subject": words.subject, "body": words.body}
                    cards = await lock(connection, row["card_id"])
                    for card in cards[:1]:
                        await edit(connection, card, Changes(payload={"draft": draft}), by, at)
        return Decided(send_id, "review", row["version"] + 1)

    async def retry(self, send_id: UUID, by: str, at: datetime, *, seen: int | None = None) -> Decided:
        """Have it written anew; the card that it has is rejected."""
        with classified:
            async with self._pool.acquire() as connection, connection.transaction():
                row = await _locked(connection, send_id)
                check("retry", _standing(row), seen)
                await connection.execute(SQL["ask_again"], send_id)
                if row["card_id"] is not None:
                    await move_cards(connection, [row["card_id"]], TO_REJECTED, by, at)
        return Decided(send_id, "wanted", row["version"] + 1)

    async def _decide(
        self,
        act: Act,
        send_ids: Sequence[UUID],
        by: str,
        at: datetime,
        *,
        seen: int | None = None,
        one: bool = False,
        instead: Literal["skip", "template"] | None = None,
        reason: str | None = None,
    ) -> list[Decided]:
        """Approve or reject drafts in one transaction. `one`: what cannot be done is an error, not an answer."""
        if not send_ids:
            return []
        state: DraftState = "approved" if act == "approve" else "rejected"
        decided: list[Decided] = []
        with classified:
            async with self._pool.acquire() as connection, connection.transaction():
                rows = await connection.fetch(SQL["lock_drafts"], list(send_ids))
                if one and not rows:
                    raise UnknownDraftError(f"no draft {send_ids[0]}")
                due: list[Any] = []
                for row in rows:
                    try:
                        to_do = check(act, _standing(row), seen)
                    except DraftRefusedError as error:
                        if one:
                            raise
                        decided.append(
                            Decided(row["send_id"], row["state"], row["version"], changed=False, refused=str(error))
                        )
                        continue
                    if to_do:
                        due.append(row)
                    after = row["version"] + to_do
                    decided.append(Decided(row["send_id"], state if to_do else row["state"], after, to_do))
                if due:
                    events = [_event(act, row, instead, at) for row in due]
                    await connection.execute(SQL["decide"], [row["send_id"] for row in due], state, by, reason, events)
                    cards = [row["card_id"] for row in due if row["card_id"] is not None]
                    await move_cards(connection, cards, TO_EXECUTING if act == "approve" else TO_REJECTED, by, at)
        return decided


def _event(act: Act, row: Any, instead: Literal["skip", "template"] | None, at: datetime) -> str:
    touch = TouchOf(row["send_id"], row["lead_id"], row["campaign_id"], row["enrollment_id"], row["step_id"])
    if act == "approve":
        return approval(touch, Words(row["subject"], row["body"]), row["version"], at).write().decode()
    return rejection(touch, instead, row["version"], at).write().decode()


async def _locked(connection: Any, send_id: UUID) -> Any:
    rows = await connection.fetch(SQL["lock_drafts"], [send_id])
    if not rows:
        raise UnknownDraftError(f"no draft {send_id}")
    return rows[0]


def _standing(row: Any) -> Standing:
    left_at = row["left_at"] if row["send_state"] == "sent" else None
    return Standing(
        row["send_id"], row["state"], row["version"], row["review"], row["reason"], row["decided_by"], left_at
    )
