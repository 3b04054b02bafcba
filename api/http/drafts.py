"""Drafts by REST: read, approve, reject, change, have written anew (docs/behaviour.md 8.2)."""

from __future__ import annotations

import json
from collections.abc import Awaitable
from dataclasses import asdict
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.errors import ConflictError, NotFoundError, UserError
from api.http.services import SERVICES, Services
from domain.drafting import DraftRefusedError
from sinks.postgres.draft_reviews import BadWordsError, Decided, UnknownDraftError

MAX_DRAFTS = 1_000
T = TypeVar("T")


class ActIn(BaseModel):
    """Who decides, and which version of the draft was seen (none: whichever there is)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    by: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$")] = "api"
    version: Annotated[int, Field(ge=1)] | None = None


class RejectIn(ActIn):
    instead: Literal["skip", "template"] | None = None
    reason: Annotated[str, Field(max_length=1_000, pattern=r"^[^\x00]*$")] | None = None


class EditIn(ActIn):
    subject: Annotated[str, Field(max_length=10_000)] | None = None
    body: Annotated[str, Field(max_length=100_000)]


class ApproveAllIn(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    by: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$")] = "api"
    step_id: str | None = None


M = TypeVar("M", bound=BaseModel)


async def listing(request: web.Request) -> web.Response:
    """`{drafts: [...]}`, oldest first, by `campaign_id`, `step_id`, `lead_id` and `state`."""
    asked = request.query
    limit = asked.get("limit", "200")
    if not limit.isdecimal() or not 0 < int(limit) <= MAX_DRAFTS:
        raise UserError(f"limit: a number from 1 to {MAX_DRAFTS}")
    rows = await _services(request).drafts.drafts(
        campaign_id=asked.get("campaign_id"),
        step_id=asked.get("step_id"),
        lead_id=asked.get("lead_id"),
        states=asked.getall("state", None),
        limit=int(limit),
    )
    return _json({"drafts": rows})


async def show(request: web.Request) -> web.Response:
    """One draft, with what it was written from."""
    return _json(await _known(_services(request).drafts.draft(_send_id(request))))


async def approve(request: web.Request) -> web.Response:
    """Let these words go out. A second approval changes nothing (`changed` is false)."""
    at, asked = _services(request), await _asked(request, ActIn)
    return _decided(await _known(at.drafts.approve(_send_id(request), asked.by, at.clock.now(), seen=asked.version)))


async def reject(request: web.Request) -> web.Response:
    """Let them not go out: the touch is skipped or its template goes."""
    at, asked = _services(request), await _asked(request, RejectIn)
    rejecting = at.drafts.reject(
        _send_id(request), asked.by, at.clock.now(), instead=asked.instead, reason=asked.reason, seen=asked.version
    )
    return _decided(await _known(rejecting))


async def edit(request: web.Request) -> web.Response:
    """Other words, held to the same form as any draft's."""
    at, asked = _services(request), await _asked(request, EditIn)
    editing = at.drafts.edit(_send_id(request), asked.subject, asked.body, asked.by, at.clock.now(), seen=asked.version)
    return _decided(await _known(editing))


async def retry(request: web.Request) -> web.Response:
    """Have it written anew."""
    at, asked = _services(request), await _asked(request, ActIn)
    return _decided(await _known(at.drafts.retry(_send_id(request), asked.by, at.clock.now(), seen=asked.version)))


async def approve_all(request: web.Request) -> web.Response:
    """`{approved, refused}`: what stands for review in `bulk` mode, of a campaign or of one of its steps."""
    at, asked = _services(request), await _asked(request, ApproveAllIn)
    campaign_id = request.match_info["campaign_id"]
    await at.control.campaign(campaign_id)
    done = await at.drafts.approve_all(campaign_id, asked.step_id, asked.by, at.clock.now())
    refused = {str(one.send_id): one.refused for one in done if one.refused is not None}
    return _json({"approved": sum(one.changed for one in done), "refused": refused})


async def _known(doing: Awaitable[T]) -> T:
    try:
        return await doing
    except UnknownDraftError as error:
        raise NotFoundError(str(error)) from None
    except DraftRefusedError as error:
        raise ConflictError(str(error)) from None
    except BadWordsError as error:
        raise UserError("these words cannot go out", error.faults) from None


def _services(request: web.Request) -> Services:
    return request.app[SERVICES]


def _send_id(request: web.Request) -> UUID:
    try:
        return UUID(request.match_info["send_id"])
    except ValueError:
        raise NotFoundError(f"no draft {request.match_info['send_id']!r}") from None


async def _asked(request: web.Request, model: type[M]) -> M:
    body = await request.read()
    try:
        return model.model_validate_json(body if body.strip() else b"{}")
    except ValidationError as error:
        problems = [
            f"{'.'.join(map(str, item['loc'])) or 'body'}: {item['msg']}"
            for item in error.errors(include_input=False, include_url=False)
        ]
        raise UserError("the body cannot be used", problems) from None


def _decided(decided: Decided) -> web.Response:
    return _json({name: value for name, value in asdict(decided).items() if name != "refused"})


def _json(data: Any) -> web.Response:
    return web.Response(text=json.dumps(data, default=str), content_type="application/json")


def routes() -> list[web.AbstractRouteDef]:
    """Everything under /api/drafts."""
    one = "/api/drafts/{send_id}"
    return [
        web.get("/api/drafts", listing),
        web.get(one, show),
        web.post(f"{one}/approve", approve),
        web.post(f"{one}/reject", reject),
        web.post(f"{one}/edit", edit),
        web.post(f"{one}/retry", retry),
        web.post("/api/campaigns/{campaign_id}/drafts/approve", approve_all),
    ]
