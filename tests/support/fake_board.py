"""A board of one card, for routes that run without a database. It stands as `state` at `version` says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from domain.answering_cards import has_answer
from domain.card_states import MOVES, TO_APPROVED, TO_EXECUTING, check_move, way_to
from schemas.cards import CardState
from sinks.postgres.board import ALL, Filter
from sinks.postgres.card_changes import Changes
from sinks.postgres.cards import CardChangedError, UnknownCardError

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


class FakeBoard:
    """Reads and acts. `answer` is what a real database would do first: it may raise."""

    def __init__(self, answer: Callable[[], None]) -> None:
        self._answer = answer
        self.card_id = UUID("7d9c2f0a-52f5-5a6e-8a3c-2f6b1d0e4a77")
        self.state: CardState = "suggested"
        self.version = 1
        self.type = "schedule_call"
        self.reply_id: UUID | None = None
        self.payload: dict[str, object] = {"task_kind": "schedule_call"}
        self.assigned_to: str | None = None
        self.due_at = AT + timedelta(days=1)
        self.moves: list[tuple[str, str]] = []
        self.notes: list[tuple[str, str]] = []
        self.sent: list[str] = []
        self.asked: tuple[Filter, int, str | None] | None = None

    def _card(self, card_id: UUID) -> dict[str, Any]:
        self._answer()
        if card_id != self.card_id:
            raise UnknownCardError(f"no card {card_id}")
        return {
            "card_id": card_id, "title": "Call Zoe", "queue": "sales", "state": self.state, "version": self.version,
            "type": self.type, "reply_id": self.reply_id, "assigned_to": self.assigned_to, "due_at": self.due_at,
            "action_payload": self.payload, "created_at": AT,
        }  # fmt: skip

    async def card(self, card_id: UUID) -> dict[str, Any]:
        return {**self._card(card_id), "history": [], "notes": [], "moves": list(MOVES[self.state])}

    async def page(
        self, wanted: Filter = ALL, *, limit: int = 200, after: str | None = None
    ) -> tuple[list[dict[str, Any]], str | None]:
        self.asked = (wanted, limit, after)
        return [self._card(self.card_id)], "next-page"

    async def counts(self, now: datetime, campaign_id: str | None = None) -> list[dict[str, Any]]:
        return [{"queue": "sales", "state": self.state, "n": 1, "overdue": int(self.due_at < now)}]

    def _seen(self, card_id: UUID, version: int | None) -> dict[str, Any]:
        card = self._card(card_id)
        if version is not None and version != self.version:
            raise CardChangedError(f"card {card_id} is at version {self.version}, not {version}: read it again", card)
        return card

    def _walk(self, states: tuple[CardState, ...], actor: str) -> dict[str, Any]:
        for state in states:
            self.state, self.version = state, self.version + 1
            self.moves.append((state, actor))
        return self._card(self.card_id)

    async def close(
        self, card_id: UUID, to_state: CardState, actor: str, at: datetime, version: int | None = None
    ) -> Mapping[str, Any]:
        self._seen(card_id, version)
        return self._walk(way_to(self.state, to_state), actor)

    async def move(
        self, card_id: UUID, version: int | None, to_state: CardState, actor: str, at: datetime
    ) -> Mapping[str, Any]:
        self._seen(card_id, version)
        check_move(self.state, to_state)
        return self._walk((to_state,), actor)

    async def approve(
        self,
        card_id: UUID,
        actor: str,
        at: datetime,
        version: int | None = None,
        words: str | None = None,
        *,
        bulk: bool = False,
    ) -> Mapping[str, Any]:
        card = self._seen(card_id, version)
        if words is None and not has_answer(card):
            return self._walk(TO_APPROVED[self.state], actor)
        self.sent.append(str(words or self.payload["draft_reply"]))
        return self._walk(TO_EXECUTING[self.state], actor)

    async def assign(
        self, card_id: UUID, to: str | None, actor: str, at: datetime, version: int | None = None
    ) -> Mapping[str, Any]:
        self._seen(card_id, version)
        self.assigned_to, self.version = to, self.version + 1
        return self._card(card_id)

    async def edit(
        self, card_id: UUID, changes: Changes, actor: str, at: datetime, version: int | None = None
    ) -> Mapping[str, Any]:
        self._seen(card_id, version)
        self.due_at, self.version = changes.due_at or self.due_at, self.version + 1
        self.payload |= changes.payload or {}
        return self._card(card_id)

    async def write_note(self, card_id: UUID, note_id: UUID, author: str, body: str, at: datetime) -> None:
        self._card(card_id)
        self.notes.append((author, body))
