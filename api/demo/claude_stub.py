"""A local stand-in that speaks the Messages API: the demo and the tests classify through the real client without a key.

It answers by a few key words. It is no model: it exists so that the whole path (request, structured answer, validation,
card) runs on a machine without a key. Set ANTHROPIC_API_KEY and pass --claude to have the demo ask the real one.
"""

import json
from typing import Any

from aiohttp import web

WORDS: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (
        ("not interested", "no thanks", "not for us"),
        {"disposition": "NOT_INTERESTED", "category": "OPPORTUNITY", "sentiment": -0.4},
    ),
    (("no account", "register"), {"disposition": "NO_ACTIVE_PROFILE", "category": "INFORMATION", "sentiment": 0.2}),
    (
        ("interested", "talk", "call me", "set up a call"),
        {"disposition": "INTERESTED", "category": "OPPORTUNITY", "sentiment": 0.8},
    ),
    (
        ("more information", "how much", "details"),
        {
            "disposition": "NEEDS_MORE_INFO",
            "category": "INFORMATION",
            "sentiment": 0.3,
            "draft_reply": "Thank you for asking. The commission and the terms are in the attached page; shall I call you?",
        },
    ),
)
UNSURE: dict[str, Any] = {
    "disposition": "ESCALATE_UNCLEAR",
    "category": "ESCALATE",
    "sentiment": 0.0,
    "confidence": 0.3,
}


def classify(text: str) -> dict[str, Any]:
    """The stand-in's judgement of a mail's text."""
    lowered = text.lower()
    for words, verdict in WORDS:
        if any(word in lowered for word in words):
            return {
                "confidence": 0.92,
                "entities": [],
                "return_date": None,
                "summary": "Judged by key words.",
                "draft_reply": None,
                **verdict,
            }
    return {"entities": [], "return_date": None, "summary": "No key word found.", "draft_reply": None, **UNSURE}


async def messages(request: web.Request) -> web.Response:
    """POST /v1/messages, as the real API shapes its request and answer."""
    asked: dict[str, Any] = await request.json()
    mails: list[dict[str, Any]] = json.loads(asked["messages"][-1]["content"])["mails"]
    answers = [{"id": mail["id"], **classify(f"{mail['subject']}\n{mail['body']}")} for mail in mails]
    return web.json_response(
        {
            "id": "msg_local",
            "type": "message",
            "role": "assistant",
            "model": asked["model"],
            "content": [{"type": "text", "text": json.dumps({"answers": answers})}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": 0, "output_tokens": 0},
        }
    )


class ClaudeStub:
    """The stand-in as a server on a free port of loopback: `async with ClaudeStub() as stub: stub.url`."""

    url = ""

    async def __aenter__(self) -> "ClaudeStub":
        app = web.Application()
        app.router.add_post("/v1/messages", messages)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._runner.cleanup()
