"""Cards on their board: what people do with one (docs/behaviour.md 8). The board itself is read in `sinks/postgres/board.py`.

Each act is one transaction: the card is locked, the version that its mover saw is compared, the move, its history and
what is to be told of it are committed together.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from domain.answering_cards import check_words, has_answer, payload_of
from domain.card_states import (
    CLOSED,
    TO_APPROVED,
    TO_EXECUTING,
    IllegalCardMoveError,
    check_move,
    way_to,
)
from domain.drafting import draft_on
from schemas.cards import CardState
from sinks.postgres import card_changes
from sinks.postgres.answers import AnswerRefusedError, answer_reply
from sinks.postgres.card_changes import Changes, Row
from sinks.postgres.connect import classified
from sinks.postgres.queries import queries
from sinks.postgres.untold import note

SQL = queries("cards")


class CardChangedError(Exception):
    """Somebody else changed the card since it was read. `card` is how it stands now."""

    def __init__(self, message: str, card: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.card = card


class CardRefusedError(Exception):
    """What was asked of a card cannot be done with it; the message says why, and what can be."""


class UnknownCardError(Exception):
    """There is no such card."""


class Cards:
    """What people do with cards. Every method raises Retryable when Postgres is away, UnknownCardError for no such card, and
    CardChangedError where the card has another version by now than the one that was seen (`version`; None: any).
    """

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def move(
        self, card_id: UUID, version: int | None, to_state: CardState, actor: str, at: datetime
    ) -> Mapping[str, Any]:
        """One move. Returns the card after it. A card with a drafted answer that is approved has it sent.

        Raises IllegalCardMoveError, CardRefusedError.
        """
        async with self._locked(card_id, version) as (connection, card, others):
            check_move(card["state"], to_state)
            if to_state == "approved" and has_answer(card):
                return await self._answer(connection, card, others, None, actor, at)
            return await _walk(connection, card, others, (to_state,), actor, at)

    async def close(
        self, card_id: UUID, to_state: CardState, actor: str, at: datetime, version: int | None = None
    ) -> Mapping[str, Any]:
        """Bring a card to `done`, `blocked` or `rejected` by the legal moves that lead there, all at once. One that is
        there already stays as it is.

        Raises IllegalCardMoveError, CardRefusedError.
        """
        async with self._locked(card_id, version) as (connection, card, others):
            return await _walk(connection, card, others, way_to(card["state"], to_state), actor, at)

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
        """Approve a card. A `reply_to_email` card has its drafted answer sent, or `words` instead of it, and goes on to
        `executing`; with others (`bulk`) only where its campaign says so. One that is approved already stays as it is.

        Raises IllegalCardMoveError, CardRefusedError.
        """
        async with self._locked(card_id, version) as (connection, card, others):
            _own_draft(card, "approve")
            if card["state"] in ("approved", "executing", "done"):
                return card
            if words is not None or has_answer(card):
                if bulk and await _review_mode(connection, card) != "bulk":
                    raise CardRefusedError(f"card {card_id}: reply_review is not bulk: approve it by itself")
                return await self._answer(connection, card, others, words, actor, at)
            path = TO_APPROVED.get(card["state"])
            if path is None:
                raise IllegalCardMoveError(card["state"], "approved")
            return await _walk(connection, card, others, path, actor, at)

    async def assign(
        self, card_id: UUID, to: str | None, actor: str, at: datetime, version: int | None = None
    ) -> Mapping[str, Any]:
        """Hand a card to somebody, or (None) to nobody. Whose it is already stays as it is. Raises CardRefusedError."""
        async with self._locked(card_id, version) as (connection, card, _):
            if card["assigned_to"] == to:
                return card
            _open(card)
            return await card_changes.assign(connection, card, to, actor, at)

    async def edit(
        self, card_id: UUID, changes: Changes, actor: str, at: datetime, version: int | None = None
    ) -> Mapping[str, Any]:
        """Another queue, priority or due date; other words for the answer that it holds (`payload.draft_reply`).

        Raises CardRefusedError.
        """
        async with self._locked(card_id, version) as (connection, card, _):
            _open(card)
            words = (changes.payload or {}).get("draft_reply")
            if words is not None:
                if card["state"] == "executing":
                    raise CardRefusedError(f"card {card_id}: its answer is on its way")
                _refused(check_words(card, str(words), await _review_mode(connection, card)))
            return await card_changes.edit(connection, card, changes, actor, at)

    async def write_note(self, card_id: UUID, note_id: UUID, author: str, body: str, at: datetime) -> None:
        """Write a note on a card, open or not."""
        async with self._locked(card_id, None) as (connection, card, _):
            await card_changes.write_note(connection, card, note_id, author=author, body=body, at=at)

    async def _answer(  # noqa: PLR0917 - each is one fact of an approval
        self, connection: Any, card: Row, others: Sequence[Row], words: str | None, actor: str, at: datetime
    ) -> Row:
        """Have an answer sent: the card's draft, or these words."""
        if card["reply_id"] is None:
            raise CardRefusedError(f"card {card['card_id']} answers no reply: there is nobody to send these words to")
        path = TO_EXECUTING.get(card["state"])
        if path is None:
            raise IllegalCardMoveError(card["state"], "approved")
        _refused(check_words(card, words, await _review_mode(connection, card)))
        payload = payload_of(card)
        body = words if words is not None else str(payload["draft_reply"])
        try:
            told = await answer_reply(connection, card["reply_id"], card["card_id"], body, actor, at)
        except AnswerRefusedError as error:
            raise CardRefusedError(f"card {card['card_id']}: {error}") from None
        if body != payload.get("draft_reply"):
            card = await card_changes.edit(connection, card, Changes(payload={"draft_reply": body}), actor, at)
        moved = await _walk(connection, card, others, path, actor, at)
        await note(connection, [told])
        return moved

    @asynccontextmanager
    async def _locked(
        self, card_id: UUID, version: int | None
    ) -> AsyncGenerator[tuple[Any, dict[str, Any], list[Row]]]:
        """A card in a transaction, locked with the other cards of its reply."""
        with classified:
            async with self._pool.acquire() as connection, connection.transaction():
                rows = await card_changes.lock(connection, card_id)
                if not rows:
                    raise UnknownCardError(f"no card {card_id}")
                card = dict(rows[0])
                if version is not None and version != card["version"]:
                    raise CardChangedError(
                        f"card {card_id} is at version {card['version']}, not {version}: read it again", card
                    )
                yield connection, card, rows[1:]


async def _walk(  # noqa: PLR0917 - each is one fact of a move
    connection: Any, card: Row, others: Sequence[Row], states: Sequence[CardState], actor: str, at: datetime
) -> Row:
    """Move a locked card from state to state, and tell leads where it came to."""
    if not states:
        return card
    if tuple(states) != ("in_review",):
        _own_draft(card, "approve|reject")
    if card["state"] == "executing" and states[0] == "blocked" and has_answer(card):
        # only its end may block it: blocked, it could be rejected, or approved with words that would not be those that go out
        raise CardRefusedError(f"card {card['card_id']}: its answer is on its way, and is not called back by this")
    moved = await card_changes.move_cards(connection, [card["card_id"]], {card["state"]: tuple(states)}, actor, at)
    after = moved[card["card_id"]]
    await card_changes.tell_leads(connection, after, others, at)
    return after


def _own_draft(card: Row, acts: str) -> None:
    """A card that holds a draft is decided by its draft."""
    draft_id = draft_on(card["action_payload"])
    if draft_id is not None:
        raise CardRefusedError(
            f"card {card['card_id']} holds a draft, which decides about it: touchline drafts {acts} {draft_id}"
        )


def _open(card: Row) -> None:
    if card["state"] in CLOSED:
        raise CardRefusedError(
            f"card {card['card_id']} is {card['state']}: nothing changes on it any more but its notes"
        )


def _refused(why: str | None) -> None:
    if why is not None:
        raise CardRefusedError(why)


async def _review_mode(connection: Any, card: Row) -> str:
    return await connection.fetchval(SQL["reply_review"], card["campaign_id"]) or "edit"
