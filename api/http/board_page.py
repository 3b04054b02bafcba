"""`/board`: the cards as a page that works through the API with the token of whoever opens it (docs/behaviour.md 8.3)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web

FOLDER = Path(__file__).resolve().parent.parent / "templates" / "board"
FILES = {"board.html": "text/html", "board.css": "text/css", "board.js": "text/javascript"}
HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}
"""Nothing runs that was not sent from here, whatever a mail says; nobody else may frame it."""


def _file(name: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    text, kind = (FOLDER / name).read_text("utf-8"), FILES[name]

    async def serve(request: web.Request) -> web.Response:
        """The same for everybody: what is shown comes with the token."""
        return web.Response(text=text, content_type=kind, charset="utf-8", headers=HEADERS)

    return serve


def routes() -> list[web.AbstractRouteDef]:
    """The page and its two files."""
    return [web.get("/board", _file("board.html")), *(web.get(f"/board/{name}", _file(name)) for name in FILES)]
