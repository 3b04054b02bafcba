"""Pixel and click (docs/behaviour.md 5.1): one token read, no lookup, an answer that waits for nothing."""

from __future__ import annotations

from uuid import uuid4

from aiohttp import web

from api.http import metrics
from api.http.hits import network_of
from api.http.services import SERVICES, Services
from domain.ids import enrollment_id, send_id
from domain.tokens import LinkToken, read_link_token
from schemas.tracking import Hit

GIF = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")
"""A transparent image of one pixel (GIF89a)."""

NO_STORE = "no-store, no-cache, must-revalidate, private"
PIXEL_HEADERS = {"Content-Type": "image/gif", "Cache-Control": NO_STORE, "Pragma": "no-cache"}
CLICK_HEADERS = {"Cache-Control": NO_STORE, "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}
MAX_AGENT = 300


async def pixel(request: web.Request) -> web.Response:
    """An image, always. A true token records an open; a forged one records nothing and looks the same."""
    services = request.app[SERVICES]
    link = read_link_token(services.keys, request.match_info["token"])
    if link is not None and link.kind == "open":
        record(services, request, link)
    else:
        metrics.HITS_FORGED.inc()
    return web.Response(body=GIF, headers=PIXEL_HEADERS)


async def click(request: web.Request) -> web.Response:
    """302 to the address sealed in the token; 404 for a token that is none of ours."""
    services = request.app[SERVICES]
    link = read_link_token(services.keys, request.match_info["token"])
    if link is None or link.kind != "click" or not link.url or not link.url.startswith(("http://", "https://")):
        metrics.HITS_FORGED.inc()
        return web.Response(status=404, text="This link is not valid.\n", headers=CLICK_HEADERS)
    record(services, request, link)
    return web.Response(status=302, headers={"Location": _one_line(link.url), **CLICK_HEADERS})


def record(services: Services, request: web.Request, link: LinkToken) -> None:
    """Keep the raw hit. Each request is its own fact; whether it counts is judged later (docs/behaviour.md 5.2)."""
    services.hits.add(
        Hit(
            type=link.kind,
            event_id=str(uuid4()),
            lead_id=link.lead_id,
            campaign_id=link.campaign_id,
            step_id=link.step_id,
            entry_no=link.entry_no,
            send_id=send_id(enrollment_id(link.campaign_id, link.lead_id, link.entry_no), link.step_id),
            url=link.url if link.kind == "click" else None,
            method=request.method,
            user_agent=_clean(request.headers.get("User-Agent", "")),
            network=network_of(request.remote),
            at=services.clock.now(),
            wall=services.clock.wall(),
        )
    )
    metrics.HITS.labels(link.kind).inc()


def _clean(agent: str) -> str:
    return agent[:MAX_AGENT].replace("\x00", "")


def _one_line(url: str) -> str:
    """A destination as a header value: what a header cannot hold is percent-encoded."""
    return "".join(c if " " < c < "\x7f" else "".join(f"%{byte:02X}" for byte in c.encode()) for c in url)


def routes() -> list[web.AbstractRouteDef]:
    """GET answers HEAD too."""
    return [web.get("/t/o/{token}.gif", pixel), web.get("/t/c/{token}", click)]
