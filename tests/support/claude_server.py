"""A local server that speaks Anthropic's Messages API, as far as a client can tell, with answers from a script."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

Reply = Callable[[dict[str, Any]], "web.Response | dict[str, Any]"]

ANSWER: dict[str, Any] = {
    "disposition": "INTERESTED",
    "category": "SCHEDULING",
    "confidence": 0.93,
    "sentiment": 0.6,
    "summary": "Wants a call.",
    "return_date": None,
    "entities": [{"kind": "date", "value": "Monday"}],
    "draft_reply": None,
}


def asked(request: dict[str, Any]) -> list[dict[str, Any]]:
    """The mails that a request asks about, as data."""
    return json.loads(request["messages"][0]["content"])["mails"]


def judged(answer: dict[str, Any], *, stop_reason: str = "end_turn") -> Reply:
    """The same answer for each mail that is asked about, under its id."""
    return lambda request: message(
        {"answers": [{"id": mail["id"], **answer} for mail in asked(request)]}, stop_reason=stop_reason
    )


def message(answer: dict[str, Any] | str, *, stop_reason: str = "end_turn") -> dict[str, Any]:
    """The body of a successful answer."""
    text = answer if isinstance(answer, str) else json.dumps(answer)
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-test",
        "content": [{"type": "text", "text": text}],
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": {"input_tokens": 10, "output_tokens": 10},
    }


def error(status: int, kind: str, *, retry_after: str | None = None) -> web.Response:
    """An error as the API gives it; clients are asked to come back soon, or after so many seconds."""
    body = {"type": "error", "error": {"type": kind, "message": kind}}
    headers = {"retry-after-ms": "5"} if retry_after is None else {"retry-after": retry_after}
    return web.json_response(body, status=status, headers=headers)


class ClaudeServer:
    """Answers each request with the next of `script`, the last one for ever. `requests` keeps what it was asked."""

    def __init__(self, *script: Reply) -> None:
        self.script = list(script)
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        app = web.Application()
        app.router.add_post("/v1/messages", self._messages)
        self._server = TestServer(app)

    async def start(self) -> str:
        """The base URL to give to a client."""
        await self._server.start_server()
        return str(self._server.make_url("")).rstrip("/")

    async def stop(self) -> None:
        """Close the port."""
        await self._server.close()

    async def _messages(self, request: web.Request) -> web.Response:
        self.requests.append(await request.json())
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        reply = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        answer = reply(self.requests[-1])
        return answer if isinstance(answer, web.Response) else web.json_response(answer)
