"""Cards by REST: read the board, move a card, approve, hand over, write on it (docs/behaviour.md 4.4, 8)."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID, uuid4

from aiohttp import web
from pydantic import TypeAdapter, ValidationError

from api.boarding import REFUSALS, Approver
from api.errors import NotFoundError, UserError
from api.http.card_bodies import MAX_CARDS, ActIn, ApproveIn, AssignIn, BulkIn, EditIn, M, NoteIn, page_of, read
from api.http.services import HOLDER, SERVICES, Services
from domain.answering_cards import payload_of
from domain.card_states import MOVES
from domain.named_tokens import acting
from schemas.cards import CardState
from sinks.postgres.board import BadCursorError, Filter, overdue
from sinks.postgres.card_changes import Changes
from sinks.postgres.cards import CardChangedError, UnknownCardError
from sinks.postgres.draft_reviews import BadWordsError, UnknownDraftError

CLOSING: tuple[CardState, ...] = ("done", "blocked", "rejected")
ID = TypeAdapter(UUID)


async def board(request: web.Request) -> web.Response:
    """`{cards: [...], next}`, newest first. Every filter that is given must hold; `after=NEXT` is the next page."""
    services = _services(request)
    wanted, limit, after = page_of(request.query, services.clock.now())
    try:
        rows, following = await services.board.page(wanted, limit=limit, after=after)
    except BadCursorError as error:
        raise UserError(f"after: {error}") from None
    return _json({"cards": [_card(services, row) for row in rows], "next": following})


async def counts(request: web.Request) -> web.Response:
    """`{queues: {queue: {state: n}}, overdue: {queue: n}}`, of a campaign (`campaign_id`) or of all."""
    services = _services(request)
    rows = await services.board.counts(services.clock.now(), request.query.get("campaign_id"))
    queues: dict[str, dict[str, int]] = {}
    late: dict[str, int] = {}
    for row in rows:
        queues.setdefault(row["queue"], {})[row["state"]] = row["n"]
        late[row["queue"]] = late.get(row["queue"], 0) + row["overdue"]
    return _json({"queues": queues, "overdue": late})


async def show(request: web.Request) -> web.Response:
    """One card with its history, its notes, where it may go, and the reply that made it with its thread."""
    services = _services(request)
    try:
        return _json(_card(services, await services.board.card(_card_id(request))))
    except UnknownCardError as error:
        raise NotFoundError(str(error)) from None


def _closing(state: CardState) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def close(request: web.Request) -> web.Response:
        """Bring the card there by the legal moves. A card that is there already stays as it is."""
        at, asked, actor = await _acting(request, ActIn)
        return await _done(at, at.cards.close(_card_id(request), state, actor, at.clock.now(), asked.version))

    return close


async def move(request: web.Request) -> web.Response:
    """One move. Without a version, of the card as it is now."""
    at, asked, actor = await _acting(request, ActIn)
    state = _state(request.match_info["state"])
    return await _done(at, at.cards.move(_card_id(request), asked.version, state, actor, at.clock.now()))


async def approve(request: web.Request) -> web.Response:
    """Approve a card: the answer that it holds (or `body` instead) goes out."""
    at, asked, actor = await _acting(request, ApproveIn)
    approving = _approver(at).approve(_card_id(request), actor, at.clock.now(), asked.version, asked.body)
    return await _done(at, approving)


async def approve_all(request: web.Request) -> web.Response:
    """`{approved: [{card_id, state, version}], refused: {card_id: why}}`: the cards that are named, or those of a queue, type
    or campaign that nobody has decided about (5,000 at a time).
    """
    at, asked, actor = await _acting(request, BulkIn)
    now = at.clock.now()
    if asked.card_ids:
        done = await _approver(at).approve_these(asked.card_ids, actor, now)
    else:
        wanted = Filter(queue=asked.queue, type=asked.type, campaign_id=asked.campaign_id)
        done = await _approver(at).approve_all(wanted, actor, now)
    at.telling.wake()
    named = ("card_id", "state", "version")
    return _json(
        {
            "approved": [{name: one.card[name] for name in named} for one in done if one.card is not None],
            "refused": {str(one.card_id): one.refused for one in done if one.refused is not None},
        }
    )


async def assign(request: web.Request) -> web.Response:
    """Hand a card to somebody (`to`), or without one to nobody."""
    at, asked, actor = await _acting(request, AssignIn)
    return await _done(at, at.cards.assign(_card_id(request), asked.to, actor, at.clock.now(), asked.version))


async def edit(request: web.Request) -> web.Response:
    """Another queue, priority or due date, or other words for the answer that it holds (`body`)."""
    at, asked, actor = await _acting(request, EditIn)
    payload = None if asked.body is None else {"draft_reply": asked.body, "draft_faults": None}
    changes = Changes(queue=asked.queue, priority=asked.priority, due_at=asked.due_at, payload=payload)
    if not changes.fields:
        raise UserError("nothing to change: say queue, priority, due_at or body")
    return await _done(at, at.cards.edit(_card_id(request), changes, actor, at.clock.now(), asked.version))


async def write_note(request: web.Request) -> web.Response:
    """Write a note on a card: 201 with its id."""
    at, asked, actor = await _acting(request, NoteIn)
    note_id = uuid4()
    try:
        await at.cards.write_note(_card_id(request), note_id, actor, asked.body, at.clock.now())
    except UnknownCardError as error:
        raise NotFoundError(str(error)) from None
    at.telling.wake()
    return _json({"note_id": note_id, "author": actor}, status=201)


async def _done(services: Services, doing: Awaitable[Mapping[str, Any]]) -> web.Response:
    """The card after it. 409 where it cannot be done as the card stands, with the card where somebody was quicker."""
    try:
        card = await doing
    except (UnknownCardError, UnknownDraftError) as error:
        raise NotFoundError(str(error)) from None
    except BadWordsError as error:
        raise UserError("these words cannot go out", error.faults) from None
    except REFUSALS as error:
        now = error.card if isinstance(error, CardChangedError) else None
        problem = {"type": "about:blank", "title": str(error), "status": 409}
        return _json(problem if now is None else {**problem, "card": _card(services, now)}, status=409)
    services.telling.wake()
    return _json(_card(services, card))


async def _acting(request: web.Request, model: type[M]) -> tuple[Services, M, str]:
    asked = read(model, await request.read())
    return _services(request), asked, acting(asked.by, request.get(HOLDER))


def _approver(services: Services) -> Approver:
    return Approver(services.cards, services.board, services.drafts)


def _services(request: web.Request) -> Services:
    return request.app[SERVICES]


def _card_id(request: web.Request) -> UUID:
    try:
        return ID.validate_strings(request.match_info["card_id"])
    except ValidationError:
        raise NotFoundError(f"no card {request.match_info['card_id']!r}") from None


def _state(given: str) -> CardState:
    for state in MOVES:
        if state == given:
            return state
    raise UserError(f"a card's state is one of {', '.join(MOVES)}, not {given!r}")


def _card(services: Services, row: Mapping[str, Any]) -> dict[str, Any]:
    card = {**row, "action_payload": payload_of(row)}
    return {**card, "overdue": overdue(card, services.clock.now()), "moves": list(MOVES[row["state"]])}


def _json(data: Any, status: int = 200) -> web.Response:
    kind = "application/problem+json" if status >= 400 else "application/json"
    return web.Response(text=json.dumps(data, default=str), content_type=kind, status=status)


def routes() -> list[web.AbstractRouteDef]:
    """Everything under /api/cards."""
    one = "/api/cards/{card_id}"
    return [
        web.get("/api/cards", board),
        web.get("/api/cards/counts", counts),
        web.post("/api/cards/approve", approve_all),
        web.get(one, show),
        web.post(f"{one}/move/{{state}}", move),
        web.post(f"{one}/approve", approve),
        web.post(f"{one}/assign", assign),
        web.post(f"{one}/edit", edit),
        web.post(f"{one}/notes", write_note),
        *(web.post(f"{one}/{state}", _closing(state)) for state in CLOSING),
    ]


__all__ = ["MAX_CARDS", "routes"]
