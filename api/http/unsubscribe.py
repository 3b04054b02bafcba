"""Unsubscribe: a page that asks, a POST (form, or one click by RFC 8058) that commits before it answers (5.3)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qsl
from uuid import UUID, uuid4

import structlog
from aiohttp import web

from api.http import metrics
from api.http.inbound import forms as inbound_forms
from api.http.inbound.calls import Refused
from api.http.services import SERVICES, Services
from api.http.unsubscribe_page import Page
from api.telling import suppress
from domain.consent import ALL, campaign_scope, goal_scope
from domain.ids import enrollment_id, send_id
from domain.tokens import LinkToken, read_link_token
from schemas.tracking import Hit
from sinks.ports import Suppression
from sinks.postgres.consent import Choice, Written
from streams.errors import Retryable

LOG = structlog.get_logger("api.unsubscribe")
Scope = Literal["all", "campaign", "goal"]
SCOPES: Mapping[str, Scope] = {"all": "all", "campaign": "campaign", "goal": "goal"}
MAX_FORM = 65_536
MAX_FIELDS = 50
MAX_SOURCES = 100
COMMIT_S = 8.0
"""A database that has not answered by then is away: who waits for a page does not wait longer."""
READ_S = 3.0


@dataclass(frozen=True, slots=True)
class Asked:
    """What a POST asks for: to suppress in a scope (`via` page or one_click), or to take choices back."""

    scope: Scope = "all"
    via: Literal["page", "one_click"] = "one_click"
    take_back: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a link: whom its mail went to, which kinds of mail it is (as it went, and as the campaign is now)."""

    written: Written | None = None
    goals: tuple[str, ...] = ()

    @property
    def goal(self) -> str | None:
        return self.goals[0] if self.goals else None


async def show(request: web.Request) -> web.Response:
    """The page with the form, and what was chosen before. Scanners follow links, so a GET changes nothing."""
    page, link = Page(request), _link(request)
    if link is None:
        return _unknown(page)
    known, choices = Known(), []
    try:
        async with asyncio.timeout(READ_S):
            known = await _known(request.app[SERVICES], link)
            choices = await request.app[SERVICES].consents.choices(link.lead_id, known.written)
    except (Retryable, TimeoutError) as error:  # it can still ask
        LOG.warning("choices_not_read", error=repr(error))
    return _asking(page, link, known, choices)


def _asking(page: Page, link: LinkToken, known: Known, choices: Sequence[Choice]) -> web.Response:
    """The question; whoever has answered it before sees how, and may take it back."""
    here = {ALL, campaign_scope(link.campaign_id)}
    shown = [choice for choice in choices if choice.scope in here or choice.scope.startswith("goal:")]
    by_source: dict[str, str] = {}
    for choice in sorted(shown, key=lambda choice: choice.scope.startswith("campaign:")):
        by_source.setdefault(choice.source_id, choice.scope)  # who chose a kind of mail chose this series with it
    lines = list(dict.fromkeys(_stored(page, scope) for scope in by_source.values()))
    title = page.say("known" if lines else "ask")
    return page.answer(200, title, lines, choices=page.choices(known.goal), sources=list(by_source)[:MAX_SOURCES])


def _stored(page: Page, scope: str) -> str:
    kind, _, name = scope.partition(":")
    return page.say(f"stored_{kind}", name)


async def unsubscribe(request: web.Request) -> web.Response:
    """Commit the suppression with what tells of it, then answer 200. 503 while the ledger is away: nothing is promised."""
    page, link = Page(request), _link(request)
    if link is None:
        return _unknown(page)
    services = request.app[SERVICES]
    asked = read_form(await _fields(request))
    if asked is None:
        return page.answer(400, page.say("unread"), [page.say("unread_text")], choices=page.choices(None))
    try:
        async with asyncio.timeout(COMMIT_S):
            known = await _known(services, link)
            if asked.take_back:
                return await _take_back(services, page, link, known, asked.take_back)
            scope: Scope = "all" if asked.scope == "goal" and not known.goals else asked.scope
            hit = _hit(services, request, link, scope)
            source = f"unsubscribe:{hit.event_id}"
            rows = [_suppression(link, known, full, source, asked.via) for full in _scopes(link, known, scope)]
            await suppress(services.stops, services.telling, rows, hit)
    except (Retryable, TimeoutError) as error:
        LOG.warning("unsubscribe_not_stored", error=repr(error))
        metrics.UNSUBSCRIBES_AWAY.inc()
        return page.answer(503, page.say("away"), [page.say("away_text")])
    metrics.UNSUBSCRIBES.labels(scope).inc()
    lines = [page.say(f"stored_{scope}", known.goal), page.say("on_its_way")]
    return page.answer(200, page.say("stored"), lines, sources=[source])


def _scopes(link: LinkToken, known: Known, scope: Scope) -> list[str]:
    """What is suppressed. A choice of a kind of mail holds for this campaign whatever kind an edit makes of it."""
    campaign = campaign_scope(link.campaign_id)
    if scope == "goal":
        return [*map(goal_scope, known.goals), campaign]
    return [campaign] if scope == "campaign" else [ALL]


def _suppression(link: LinkToken, known: Known, scope: str, source: str, via: str) -> Suppression:
    """By the address that the mail really went to, and by the lead, so that a change of address does not undo it.

    Each request is a source of its own: one that comes after an earlier one was taken back counts again.
    """
    address = known.written.address_key if known.written is not None else None
    return Suppression(scope, "unsubscribe", source, address_key=address, lead_id=link.lead_id, via=via)


async def _take_back(
    services: Services, page: Page, link: LinkToken, known: Known, sources: Sequence[str]
) -> web.Response:
    """The person's own choices, and nothing that anybody else has on record."""
    left = await services.consents.take_back(link.lead_id, known.written, sources)
    metrics.UNSUBSCRIBES_TAKEN_BACK.inc()
    concerned = {ALL, campaign_scope(link.campaign_id), *map(goal_scope, known.goals)}
    text = "returned_not" if left & concerned else "returned_text"
    return page.answer(200, page.say("returned"), [page.say(text)])


async def _known(services: Services, link: LinkToken) -> Known:
    written = await services.consents.written(_send_id(link))
    campaign = await services.store.head("campaign", link.campaign_id)
    goals = [written.goal] if written is not None else []
    if campaign is not None:
        goals.append(str(campaign.spec.get("goal", "acquisition")))
    return Known(written, tuple(dict.fromkeys(goals)))


def _unknown(page: Page) -> web.Response:
    metrics.HITS_FORGED.inc()
    return page.answer(404, page.say("unknown"), [page.say("unknown_text")])


def _link(request: web.Request) -> LinkToken | None:
    link = read_link_token(request.app[SERVICES].keys, request.match_info["token"])
    return link if link is not None and link.kind == "unsubscribe" else None


def _send_id(link: LinkToken) -> UUID:
    return send_id(enrollment_id(link.campaign_id, link.lead_id, link.entry_no), link.step_id)


def _hit(services: Services, request: web.Request, link: LinkToken, scope: Scope) -> Hit:
    return Hit(
        type="unsubscribe",
        event_id=str(uuid4()),
        lead_id=link.lead_id,
        campaign_id=link.campaign_id,
        step_id=link.step_id,
        entry_no=link.entry_no,
        send_id=_send_id(link),
        method=request.method,
        scope=scope,
        at=services.clock.now(),
        wall=services.clock.wall(),
    )


async def _fields(request: web.Request) -> Mapping[str, str] | None:
    """The fields of the body, by lower-case names; None where it is no form. Raises HTTPRequestEntityTooLarge."""
    if (request.content_length or 0) > MAX_FORM:
        raise web.HTTPRequestEntityTooLarge(MAX_FORM, request.content_length or 0)
    raw = await request.read()
    if len(raw) > MAX_FORM:
        raise web.HTTPRequestEntityTooLarge(MAX_FORM, len(raw))
    body = raw.decode("utf-8", "replace").strip()
    if not body:
        return {}
    try:
        if request.content_type == "multipart/form-data":  # as bytes: its parts may name any charset and encoding
            form = inbound_forms.read_form(request.headers["Content-Type"], raw)
            return {name: form.text(name) for name in form.fields} or None
        if request.content_type not in FORMS:
            return None
        return {
            name.lower(): value for name, value in parse_qsl(body, keep_blank_values=True, max_num_fields=MAX_FIELDS)
        }
    except (ValueError, Refused):
        return None


FORMS = frozenset({"application/x-www-form-urlencoded", "text/plain", "application/octet-stream"})
"""Types that a form without files comes as; the last stands for none at all, which some mail services send."""


def read_form(fields: Mapping[str, str] | None) -> Asked | None:
    """What a form asks for; None where it asks for nothing that we know, and then nothing is changed.

    `List-Unsubscribe=One-Click` is the one click of RFC 8058. So is an empty body: only a mail client that leaves the pair
    out posts one here, and nobody who wants to leave is kept for a matter of form.
    """
    if fields is None:
        return None
    if not fields:
        return Asked()
    if "list-unsubscribe" in fields:
        return Asked() if fields["list-unsubscribe"].strip().lower() == "one-click" else None
    if "take_back" in fields:
        sources = tuple(filter(None, fields["take_back"].split(",")))[:MAX_SOURCES]
        return Asked(take_back=sources) if sources else None
    if "scope" in fields:
        return Asked(SCOPES.get(fields["scope"], "all"), "page")
    return None


def routes() -> list[web.AbstractRouteDef]:
    """The page and its POST, at the address that stands in every mail."""
    return [web.get("/u/{token}", show), web.post("/u/{token}", unsubscribe)]
