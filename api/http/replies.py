"""Replies by REST: list them, read one with its thread, match one by hand (docs/behaviour.md 7.2, 8.3)."""

from __future__ import annotations

import json
from typing import Annotated, Any
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.errors import ConflictError, NotFoundError, UserError
from api.http.services import SERVICES
from sinks.postgres.reply_desk import NoMatchError
from sinks.postgres.threads import UnknownReplyError

MAX_REPLIES = 1_000


class MatchIn(BaseModel):
    """Which touch a reply answers, and who says so."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    send_id: UUID
    by: Annotated[str, Field(min_length=1, max_length=200)] = "api"


async def listed(request: web.Request) -> web.Response:
    """`{replies: [...]}`, newest first, by `campaign_id`, `lead_id`, `disposition`; `untracked=true`: what answers nothing of
    ours.
    """
    asked = request.query
    limit = asked.get("limit", "100")
    if not limit.isdecimal() or not 0 < int(limit) <= MAX_REPLIES:
        raise UserError(f"limit: a number from 1 to {MAX_REPLIES}")
    if asked.get("untracked", "false") not in {"true", "false"}:
        raise UserError("untracked: true or false")
    rows = await request.app[SERVICES].replies.replies(
        campaign_id=asked.get("campaign_id"),
        lead_id=asked.get("lead_id"),
        disposition=asked.get("disposition"),
        untracked=asked.get("untracked") == "true",
        limit=int(limit),
    )
    return _json({"replies": rows})


async def show(request: web.Request) -> web.Response:
    """`{reply, thread}`: the reply with what was made of it, and what was sent and came back, in order."""
    try:
        return _json(await request.app[SERVICES].replies.thread(_reply_id(request)))
    except UnknownReplyError as error:
        raise NotFoundError(str(error)) from None


async def match(request: web.Request) -> web.Response:
    """Match an untracked reply with a touch: its lead is stopped when this answers."""
    services = request.app[SERVICES]
    try:
        asked = MatchIn.model_validate_json(await request.read())
    except ValidationError as error:
        problems = [
            f"{'.'.join(map(str, item['loc'])) or 'body'}: {item['msg']}"
            for item in error.errors(include_input=False, include_url=False)
        ]
        raise UserError("the body does not say which touch the reply answers", problems) from None
    try:
        matched = await services.replies.match(_reply_id(request), asked.send_id, asked.by)
    except UnknownReplyError as error:
        raise NotFoundError(str(error)) from None
    except NoMatchError as error:
        raise ConflictError(str(error)) from None
    services.telling.wake()
    return _json(matched)


def _reply_id(request: web.Request) -> UUID:
    try:
        return UUID(request.match_info["reply_id"])
    except ValueError:
        raise NotFoundError(f"no reply {request.match_info['reply_id']!r}") from None


def _json(data: Any) -> web.Response:
    return web.Response(text=json.dumps(data, default=str), content_type="application/json")


def routes() -> list[web.AbstractRouteDef]:
    """Everything under /api/replies."""
    return [
        web.get("/api/replies", listed),
        web.get("/api/replies/{reply_id}", show),
        web.post("/api/replies/{reply_id}/match", match),
    ]
