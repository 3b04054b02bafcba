"""Unsubscribe: a page that asks, a POST (form, or one click by RFC 8058) that commits before it answers (5.3)."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal
from uuid import uuid4

import jinja2
import structlog
from aiohttp import web

from api.http import metrics
from api.http.services import SERVICES, Services
from api.telling import suppress
from domain.ids import enrollment_id, send_id
from domain.tokens import LinkToken, read_link_token
from schemas.tracking import Hit
from sinks.ports import Suppression
from streams.errors import Retryable

LOG = structlog.get_logger("api.unsubscribe")
TEMPLATES = Path(__file__).resolve().parent.parent / "templates"
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
Scope = Literal["all", "campaign", "goal"]
SCOPES: dict[str, Scope] = {"all": "all", "campaign": "campaign", "goal": "goal"}
AWAY = "We cannot store your choice right now. Nothing was changed; please try again in a minute."


@cache
def _template() -> jinja2.Template:
    loader = jinja2.FileSystemLoader(TEMPLATES)
    return jinja2.Environment(loader=loader, autoescape=True).get_template("unsubscribe.html")


def _page(status: int, title: str, message: str, *, form: bool = False, goal: str | None = None) -> web.Response:
    html = _template().render(title=title, message=message, form=form, goal=goal)
    headers = {**HEADERS, "Retry-After": "60"} if status == 503 else HEADERS
    return web.Response(status=status, text=html, content_type="text/html", headers=headers)


def _unknown() -> web.Response:
    metrics.HITS_FORGED.inc()
    return _page(404, "This link is not valid", "The link is incomplete. Please open it again from the mail.")


def _link(request: web.Request) -> LinkToken | None:
    link = read_link_token(request.app[SERVICES].keys, request.match_info["token"])
    return link if link is not None and link.kind == "unsubscribe" else None


async def show(request: web.Request) -> web.Response:
    """The page with the form. Scanners follow links, so a GET changes nothing."""
    link = _link(request)
    if link is None:
        return _unknown()
    return _page(200, "Unsubscribe", "Which mail do you no longer want?", form=True, goal=await _goal(request, link))


async def unsubscribe(request: web.Request) -> web.Response:
    """Commit the suppression with what tells of it, then answer 200. 503 while the ledger is away: nothing is promised."""
    link = _link(request)
    if link is None:
        return _unknown()
    services = request.app[SERVICES]
    form = await request.post()
    scope = SCOPES.get(str(form.get("scope", "all")), "all")
    try:
        await _commit(services, link, _hit(services, request, link, scope))
    except Retryable as error:
        LOG.warning("unsubscribe_not_stored", error=str(error))
        return _page(503, "Please try again", AWAY)
    metrics.UNSUBSCRIBES.labels(scope).inc()
    return _page(200, "You are unsubscribed", SAID[scope])


SAID: dict[Scope, str] = {
    "all": "You will get no more mail from us.",
    "campaign": "You will get no more mail of this series.",
    "goal": "You will get no more mail of this kind.",
}


async def _commit(services: Services, link: LinkToken, hit: Hit) -> None:
    """By the address that the mail really went to, and by the lead, so that a change of address does not undo it.

    Each request is a source of its own: one that comes after an operator lifted an earlier one counts again.
    """
    row = (await services.ledger.resolve([hit.send_id])).get(hit.send_id)
    full = {"all": "all", "campaign": f"campaign:{link.campaign_id}"}.get(hit.scope)
    if full is None:
        campaign = await services.store.head("campaign", link.campaign_id)
        goal = campaign.spec.get("goal", "acquisition") if campaign else None
        full = f"goal:{goal}" if goal else "all"
    suppression = Suppression(
        scope=full,
        reason="unsubscribe",
        source_id=f"unsubscribe:{hit.event_id}",
        address_key=row.address_key if row else None,
        lead_id=link.lead_id,
    )
    await suppress(services.stops, services.telling, [suppression], hit)


async def _goal(request: web.Request, link: LinkToken) -> str | None:
    """What kind of mail this is, for the page; it does without when Postgres is away."""
    try:
        campaign = await request.app[SERVICES].store.head("campaign", link.campaign_id)
    except Retryable:
        return None
    return str(campaign.spec.get("goal", "acquisition")).replace("_", " ") if campaign else None


def _hit(services: Services, request: web.Request, link: LinkToken, scope: Scope) -> Hit:
    return Hit(
        type="unsubscribe",
        event_id=str(uuid4()),
        lead_id=link.lead_id,
        campaign_id=link.campaign_id,
        step_id=link.step_id,
        entry_no=link.entry_no,
        send_id=send_id(enrollment_id(link.campaign_id, link.lead_id, link.entry_no), link.step_id),
        method=request.method,
        scope=scope,
        at=services.clock.now(),
        wall=services.clock.wall(),
    )


def routes() -> list[web.AbstractRouteDef]:
    """The page and its POST, at the address that stands in every mail."""
    return [web.get("/u/{token}", show), web.post("/u/{token}", unsubscribe)]
