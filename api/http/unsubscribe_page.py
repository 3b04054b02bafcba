"""The unsubscribe page: plain HTML in the reader's language, without scripts or anything from elsewhere (5.3)."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import yaml
from aiohttp import web

from domain.accept_language import preferred

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"
LANGUAGES = ("en", "fr", "de", "es", "it", "pt", "nl")
"""In the order of docs/behaviour.md 7.8; the first is for whoever wants none of them."""


@cache
def words() -> Mapping[str, Mapping[str, Any]]:
    """Language -> what the page says (api/templates/unsubscribe.yaml)."""
    return yaml.safe_load((TEMPLATES / "unsubscribe.yaml").read_text("utf-8"))


@cache
def _template() -> jinja2.Template:
    loader = jinja2.FileSystemLoader(TEMPLATES)
    environment = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, undefined=jinja2.StrictUndefined)
    return environment.get_template("unsubscribe.html")


@cache
def _style() -> str:
    return (TEMPLATES / "unsubscribe.css").read_text("utf-8")


@cache
def _headers() -> Mapping[str, str]:
    """The one style is let in by its hash; nothing is fetched, framed, kept or indexed."""
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
    return {
        "Cache-Control": "no-store",
        "Content-Security-Policy": policy,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Robots-Tag": "noindex, nofollow",
        "Vary": "Accept-Language",
    }


class Page:
    """A page for one reader. `say` reads its words, `answer` makes the response."""

    def __init__(self, request: web.Request) -> None:
        self.language = preferred(request.headers.get("Accept-Language", ""), LANGUAGES)
        self._words = words()[self.language]

    def say(self, key: str, goal: str | None = None) -> str:
        """What stands under a key; `goal` is the kind of mail that it is about."""
        return str(self._words[key]).format(kind=self._words["kinds"].get(goal, (goal or "").replace("_", " ")))

    def choices(self, goal: str | None) -> list[tuple[str, str]]:
        """What may be chosen: (value, label)."""
        kinds = [("goal", self.say("goal", goal))] if goal else []
        return [("all", self.say("all")), *kinds, ("campaign", self.say("campaign"))]

    def answer(
        self,
        status: int,
        title: str,
        lines: Sequence[str],
        *,
        choices: Sequence[tuple[str, str]] = (),
        sources: Sequence[str] = (),
    ) -> web.Response:
        """The response: with `choices` the form to choose, with `sources` the button that takes those choices back."""
        html = _template().render(
            language=self.language,
            words=self._words,
            style=_style(),
            title=title,
            lines=lines,
            choices=choices,
            sources=",".join(sources),
        )
        headers = {**_headers(), "Content-Language": self.language}
        if status == 503:
            headers["Retry-After"] = "60"
        return web.Response(status=status, text=html, content_type="text/html", headers=headers)
