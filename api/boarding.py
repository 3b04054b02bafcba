"""Approving cards, one or many: a drafted answer goes out, a drafted touch is approved by its draft (docs/behaviour.md 8.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from domain.answering_cards import payload_of
from domain.card_states import IllegalCardMoveError
from domain.drafting import DraftRefusedError, draft_on
from sinks.postgres.board import Filter
from sinks.postgres.cards import CardChangedError, CardRefusedError, UnknownCardError
from sinks.postgres.draft_reviews import BadWordsError, UnknownDraftError

PAGE = 500
AT_ONCE = 10 * PAGE
"""Cards that one approval by a filter looks at, at most."""
OPEN_TO_ALL = ("suggested", "in_review")

REFUSALS = (CardChangedError, CardRefusedError, IllegalCardMoveError, DraftRefusedError)
"""What says that it cannot be done as the card stands."""


class BoardPort(Protocol):
    """The board as it is read (`sinks.postgres.board.Board`)."""

    async def card(self, card_id: UUID) -> dict[str, Any]: ...
    async def page(
        self, wanted: Filter = ..., *, limit: int = ..., after: str | None = None
    ) -> tuple[list[dict[str, Any]], str | None]: ...


class CardsPort(Protocol):
    """What is done with cards (`sinks.postgres.cards.Cards`)."""

    async def approve(
        self,
        card_id: UUID,
        actor: str,
        at: datetime,
        version: int | None = None,
        words: str | None = None,
        *,
        bulk: bool = False,
    ) -> Mapping[str, Any]: ...


class DraftsPort(Protocol):
    """What is done with drafted touches (`sinks.postgres.draft_reviews.DraftReviews`)."""

    async def approve(self, send_id: UUID, by: str, at: datetime, *, seen: int | None = None) -> Any: ...


@dataclass(frozen=True, slots=True)
class Approved:
    """A card after the attempt: how it stands, or why it was refused."""

    card_id: UUID
    card: Mapping[str, Any] | None = None
    refused: str | None = None


class Approver:
    """Approves whatever stands on a card. Every method raises Retryable when Postgres is away."""

    def __init__(self, cards: CardsPort, board: BoardPort, drafts: DraftsPort) -> None:
        self._cards = cards
        self._board = board
        self._drafts = drafts

    async def approve(
        self, card_id: UUID, actor: str, at: datetime, version: int | None = None, words: str | None = None
    ) -> Mapping[str, Any]:
        """Approve one card; `words` go out instead of the answer that it holds. Returns it as it stands then.

        Raises UnknownCardError, or one of `REFUSALS`.
        """
        return await self._approve(await self._board.card(card_id), actor, at, version, words)

    async def approve_these(self, card_ids: Sequence[UUID], actor: str, at: datetime) -> list[Approved]:
        """Approve cards that were named, each by itself: one that is refused holds up no other."""
        done: list[Approved] = []
        for card_id in dict.fromkeys(card_ids):
            try:
                card = await self.approve(card_id, actor, at)
            except (*REFUSALS, UnknownCardError, UnknownDraftError, BadWordsError) as error:
                done.append(Approved(card_id, refused=str(error)))
            else:
                done.append(Approved(card_id, card))
        return done

    async def approve_all(self, wanted: Filter, actor: str, at: datetime) -> list[Approved]:
        """Approve the cards that a filter finds and nobody has decided about, newest first. Words that Claude wrote go out
        so only where the campaign says `bulk`. Those that are refused stand in no other's way.
        """
        wanted = replace(wanted, states=OPEN_TO_ALL)
        cards, after = await self._board.page(wanted, limit=PAGE)
        while after is not None and len(cards) < AT_ONCE:
            some, after = await self._board.page(wanted, limit=PAGE, after=after)
            cards += some
        done: list[Approved] = []
        for card in cards:
            try:
                after = await self._approve(card, actor, at, card["version"], None, bulk=True)
            except (*REFUSALS, UnknownCardError, UnknownDraftError, BadWordsError) as error:
                done.append(Approved(card["card_id"], refused=str(error)))
            else:
                done.append(Approved(card["card_id"], after))
        return done

    async def _approve(
        self,
        card: Mapping[str, Any],
        actor: str,
        at: datetime,
        version: int | None,
        words: str | None,
        *,
        bulk: bool = False,
    ) -> Mapping[str, Any]:
        card_id: UUID = card["card_id"]
        draft_id = draft_on(card["action_payload"])
        if draft_id is None:
            return await self._cards.approve(card_id, actor, at, version, words, bulk=bulk)
        if words is not None:
            raise CardRefusedError(f"card {card_id} holds a touch: touchline drafts edit {draft_id}")
        if version is not None and version != card["version"]:
            raise CardChangedError(
                f"card {card_id} is at version {card['version']}, not {version}: read it again", card
            )
        if bulk and payload_of(card).get("review") != "bulk":
            raise CardRefusedError(f"card {card_id}: its ai_review is not bulk: approve it by itself")
        await self._drafts.approve(UUID(draft_id), actor, at)
        return await self._board.card(card_id)
