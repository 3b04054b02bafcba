"""The aiohttp application: all routes in one place. Stateless but for hits on their way to Kafka."""

from __future__ import annotations

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from api.http import (
    board_page,
    cards,
    drafts,
    metrics,
    replies,
    rest,
    sms,
    suppressions,
    tracking,
    unsubscribe,
    webhooks,
)
from api.http.services import SERVICES, Services


async def _health(request: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


async def _ready(request: web.Request) -> web.Response:
    missing = request.app[SERVICES].ready()
    if missing is None:
        return web.json_response({"status": "ready"})
    return web.json_response({"status": "waiting", "for": missing}, status=503)


async def _metrics(request: web.Request) -> web.Response:
    metrics.HITS_WAITING.set(len(request.app[SERVICES].hits))
    return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})


def make_app(services: Services) -> web.Application:
    """The application with every route. It starts nothing: its owner runs the hits' delivery."""
    app = web.Application(middlewares=[rest.guard], client_max_size=rest.MAX_BODY)
    app[SERVICES] = services
    app.add_routes(
        [
            *tracking.routes(),
            *unsubscribe.routes(),
            *webhooks.routes(),
            *sms.routes(),
            *rest.routes(),
            *cards.routes(),
            *board_page.routes(),
            *replies.routes(),
            *drafts.routes(),
            *suppressions.routes(),
        ]
    )
    app.add_routes([web.get("/health", _health), web.get("/ready", _ready), web.get("/metrics", _metrics)])
    return app
