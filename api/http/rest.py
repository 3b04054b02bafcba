"""Control by REST: enroll, launch, pause, resume, complete, progress. Bearer tokens (TOUCHLINE_API_TOKEN, TOUCHLINE_API_TOKENS)."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal

import structlog
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.engagement import engagement_history
from api.enrolling import needs_email
from api.errors import ConflictError, NotFoundError, UserError
from api.http.services import HOLDER, SERVICES, Services
from api.leads_file import LeadRow, lead_id_of, valid_address
from domain.ids import normalise_email
from domain.lifecycle import IllegalMoveError
from domain.named_tokens import holder_of
from domain.winners import winners_of
from schemas.base import Identifier
from schemas.definitions import Definition
from schemas.enrollments import LeadData
from streams.errors import Poison, Retryable

LOG = structlog.get_logger("api.rest")
MAX_BODY = 4 * 1024 * 1024
MAX_LEADS = 10_000


class LeadIn(LeadData):
    """A lead inline. Without `lead_id` the address's keyed hash stands in."""

    lead_id: Identifier | None = None


class EnrollIn(BaseModel):
    """The body of an enrollment (docs/behaviour.md 2.1): leads known already (`prospectIds`), leads inline, or both."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prospectIds: Annotated[list[Identifier], Field(max_length=MAX_LEADS)] = []  # noqa: N815 - the published name
    leads: Annotated[list[LeadIn], Field(max_length=MAX_LEADS)] = []
    mailboxId: Identifier | None = None  # noqa: N815 - the published name
    variant: Literal["a", "b", "random"] = "random"
    reEnter: Annotated[str, Field(min_length=1, max_length=100)] | None = None  # noqa: N815 - the published style


async def enroll(request: web.Request) -> web.Response:
    """`{success, added, skipped}`, with a reason for each one skipped. 409 with the same, and `campaign_closed`, when the
    campaign was ended in the middle: leads that had not been enrolled by then are refused.
    """
    services = request.app[SERVICES]
    campaign_id = request.match_info["campaign_id"]
    try:
        asked = EnrollIn.model_validate_json(await request.read())
    except ValidationError as error:
        problems = [
            {"path": ".".join(map(str, item["loc"])), "message": item["msg"]}
            for item in error.errors(include_input=False, include_url=False)
        ]
        return _problem(400, "the body is not an enrollment", problems=problems)
    campaign = await services.enroller.check(campaign_id)
    rows, skipped = await _rows(services, asked, is_mailed=needs_email(campaign))
    done = await services.enroller.enroll(
        campaign_id,
        rows,
        added_by="api",
        mailbox_id=asked.mailboxId,
        variant=asked.variant,
        re_enter=asked.reEnter,
    )
    done.skipped.update(skipped)
    return web.json_response(done.as_json(), status=200 if done.closed_as is None else 409)


async def _rows(services: Services, asked: EnrollIn, *, is_mailed: bool) -> tuple[list[LeadRow], dict[str, str]]:
    """Leads that can be asked for, and why the others cannot."""
    rows: dict[str, LeadRow] = {}
    skipped: dict[str, str] = {}
    known = await services.models.known_leads(asked.prospectIds) if asked.prospectIds else frozenset[str]()
    for lead_id in asked.prospectIds:
        if lead_id in known:
            rows.setdefault(lead_id, LeadRow(0, lead_id, LeadData()))
        else:
            skipped[lead_id] = "unknown_lead"
    addresses: set[str] = set()
    for number, lead in enumerate(asked.leads):
        email = normalise_email(lead.email) if lead.email else None
        known_by = email or (None if is_mailed else lead.phone)
        lead_id = lead.lead_id or (lead_id_of(services.keys.hash_secret, known_by) if known_by else f"leads[{number}]")
        if email is None and is_mailed:
            skipped[lead_id] = "no_email"
        elif lead.lead_id is None and known_by is None:
            skipped[lead_id] = "no_lead_id"
        elif email is not None and not valid_address(email):
            skipped[lead_id] = "invalid_email"
        elif email in addresses or lead_id in rows:
            skipped.setdefault(lead_id, "duplicate_address")
        else:
            told = lead.model_dump(exclude={"lead_id"}, exclude_unset=True)
            if email is not None:
                addresses.add(email)
                told["email"] = email
            rows[lead_id] = LeadRow(number, lead_id, LeadData.model_validate(told))
    return list(rows.values()), {lead_id: why for lead_id, why in skipped.items() if lead_id not in rows}


async def progress(request: web.Request) -> web.Response:
    """A campaign's status and figures (docs/behaviour.md 6.4)."""
    services = request.app[SERVICES]
    campaign_id = request.match_info["campaign_id"]
    campaign = await services.control.campaign(campaign_id)
    figures = await services.models.progress(campaign_id)
    steps = await services.models.steps(campaign_id)
    won = [one.as_json() for one in winners_of(campaign.spec, steps)]
    return web.json_response({**_campaign(campaign), "progress": figures, "steps": steps, "winners": won})


async def history(request: web.Request) -> web.Response:
    """A lead's engagement history (docs/behaviour.md 6.5)."""
    services = request.app[SERVICES]
    found = await engagement_history(services.models, request.match_info["lead_id"], services.clock.now())
    return web.json_response(found)


def _command(name: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def run(request: web.Request) -> web.Response:
        control = request.app[SERVICES].control
        moved: Definition = await getattr(control, name)(request.match_info["campaign_id"])
        return web.json_response(_campaign(moved))

    return run


def _campaign(campaign: Definition) -> dict[str, Any]:
    return {
        "campaign_id": campaign.id,
        "name": campaign.spec.get("name"),
        "status": campaign.status,
        "version": campaign.revision,
        "primary_job_id": campaign.job_id,
        "launched_at": campaign.launched_at.isoformat() if campaign.launched_at else None,
    }


def _problem(status: int, title: str, **more: Any) -> web.Response:
    """An error by RFC 9457."""
    return web.Response(
        status=status,
        text=json.dumps({"type": "about:blank", "title": title, "status": status, **more}),
        content_type="application/problem+json",
    )


@web.middleware
async def guard(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """The token first; then every error as a problem document."""
    if not request.path.startswith("/api/"):
        return await handler(request)
    services = request.app[SERVICES]
    if services.api_token is None and not services.api_tokens:
        return _problem(403, "the API is closed: TOUCHLINE_API_TOKEN is not set")
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    holder = holder_of(given, services.api_tokens)
    if holder is not None:
        request[HOLDER] = holder
    elif services.api_token is None or holder_of(given, {"": services.api_token}) is None:
        return _problem(401, "a valid bearer token is needed")
    try:
        return await handler(request)
    except NotFoundError as error:
        return _problem(404, error.message)
    except (ConflictError, IllegalMoveError) as error:
        return _problem(409, str(error))
    except UserError as error:
        return _problem(400, error.message, problems=error.problems)
    except Poison as error:
        return _problem(400, error.reason, detail=error.detail)
    except Retryable as error:
        LOG.warning("request_not_done", error=str(error))
        return _problem(503, "try again: Kafka or Postgres does not answer")
    except web.HTTPException as error:
        return _problem(error.status, error.reason)


COMMANDS = ("launch", "pause", "resume", "complete", "archive")


def routes() -> list[web.AbstractRouteDef]:
    """Everything under /api."""
    return [
        web.post("/api/campaigns/{campaign_id}/leads", enroll),
        web.get("/api/campaigns/{campaign_id}", progress),
        web.get("/api/leads/{lead_id}/engagement-history", history),
        *(web.post(f"/api/campaigns/{{campaign_id}}/{name}", _command(name)) for name in COMMANDS),
    ]
