"""Cards by REST: read the board, move a card, say that its task is done (docs/behaviour.md 4.4, 8)."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.errors import ConflictError, NotFoundError, UserError
from api.http.services import SERVICES, Services
from domain.cards import MOVES, CardState, IllegalCardMoveError
from sinks.postgres.cards import CardChangedError, UnknownCardError

MAX_CARDS = 1_000
CLOSING: tuple[CardState, ...] = ("done", "blocked", "rejected")


class MoveIn(BaseModel):
    """Who moves a card, and which version of it was seen (none: whichever there is)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    by: Annotated[str, Field(min_length=1, max_length=200)] = "api"
    version: Annotated[int, Field(ge=1)] | None = None


async def board(request: web.Request) -> web.Response:
    """`{cards: [...]}`, newest first, by `queue`, `state` and `campaign_id`."""
    asked = request.query
    state = _state(asked["state"]) if "state" in asked else None
    limit = asked.get("limit", "200")
    if not limit.isdecimal() or not 0 < int(limit) <= MAX_CARDS:
        raise UserError(f"limit: a number from 1 to {MAX_CARDS}")
    rows = await request.app[SERVICES].cards.board(
        queue=asked.get("queue"), state=state, campaign_id=asked.get("campaign_id"), limit=int(limit)
    )
    return _json({"cards": [_card(row) for row in rows]})


async def show(request: web.Request) -> web.Response:
    """One card with its history."""
    return _json(_card(await _known(request.app[SERVICES].cards.card(_card_id(request)))))


def _closing(state: CardState) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def close(request: web.Request) -> web.Response:
        """Bring the card there by the legal moves. A card that is there already stays as it is."""
        services = request.app[SERVICES]
        asked = await _asked(request)
        closed = services.cards.close(_card_id(request), state, asked.by, services.clock.now(), asked.version)
        return await _moved(services, closed)

    return close


async def move(request: web.Request) -> web.Response:
    """One move. Without a version, of the card as it is now."""
    services = request.app[SERVICES]
    asked, card_id, state = await _asked(request), _card_id(request), _state(request.match_info["state"])
    version = asked.version
    if version is None:
        version = (await _known(services.cards.card(card_id)))["version"]
    return await _moved(services, services.cards.move(card_id, version, state, asked.by, services.clock.now()))


async def _moved(services: Services, moving: Awaitable[Mapping[str, Any]]) -> web.Response:
    card = await _known(moving)
    services.telling.wake()
    return _json(_card(card))


async def _known(asked: Awaitable[Mapping[str, Any]]) -> Mapping[str, Any]:
    try:
        return await asked
    except UnknownCardError as error:
        raise NotFoundError(str(error)) from None
    except (CardChangedError, IllegalCardMoveError) as error:
        raise ConflictError(str(error)) from None


def _card_id(request: web.Request) -> UUID:
    try:
        return UUID(request.match_info["card_id"])
    except ValueError:
        raise NotFoundError(f"no card {request.match_info['card_id']!r}") from None


def _state(given: str) -> CardState:
    for state in MOVES:
        if state == given:
            return state
    raise UserError(f"a card's state is one of {', '.join(MOVES)}, not {given!r}")


async def _asked(request: web.Request) -> MoveIn:
    body = await request.read()
    try:
        return MoveIn.model_validate_json(body) if body.strip() else MoveIn()
    except ValidationError as error:
        problems = [
            f"{'.'.join(map(str, item['loc'])) or 'body'}: {item['msg']}"
            for item in error.errors(include_input=False, include_url=False)
        ]
        raise UserError("the body does not say who moves which version", problems) from None


def _card(row: Mapping[str, Any]) -> dict[str, Any]:
    payload = row["action_payload"]
    return {**row, "action_payload": json.loads(payload) if isinstance(payload, str) else payload}


def _json(data: Any) -> web.Response:
    return web.Response(text=json.dumps(data, default=str), content_type="application/json")


def routes() -> list[web.AbstractRouteDef]:
    """Everything under /api/cards."""
    return [
        web.get("/api/cards", board),
        web.get("/api/cards/{card_id}", show),
        web.post("/api/cards/{card_id}/move/{state}", move),
        *(web.post(f"/api/cards/{{card_id}}/{state}", _closing(state)) for state in CLOSING),
    ]
