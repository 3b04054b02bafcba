"""A local server that speaks an SMS provider's messages API, as far as a client can tell, with answers from a script."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

ACCOUNT = "AC1"
TOKEN = "provider-token"
NUMBER = "+46700000001"

Reply = Callable[["Text"], "web.StreamResponse | None"]
"""What to answer to a text; None: nothing, the connection is dropped."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text as it was submitted."""

    to: str
    sender: str
    body: str
    status_url: str | None


def accepted(_: Text, sid: str = "SM1") -> web.Response:
    return web.json_response({"sid": sid, "status": "queued", "error_code": None}, status=201)


def refused(code: int, status: int = 400, message: str = "refused") -> Reply:
    """An error as the provider gives it."""
    return lambda _: web.json_response({"code": code, "message": message, "status": status}, status=status)


def silent(_: Text) -> None:
    """Takes the request and drops the connection."""


class SmsServer:
    """Answers each text with the next of `script`, the last one for ever. `texts` keeps what was submitted."""

    def __init__(self, *script: Reply) -> None:
        self.script: list[Reply] = list(script) or [accepted]
        self.texts: list[Text] = []
        self.let_go = asyncio.Event()
        self.let_go.set()
        app = web.Application()
        app.router.add_post("/2010-04-01/Accounts/{account}/Messages.json", self._messages)
        self._server = TestServer(app)

    async def start(self, port: int = 0) -> str:
        """The base URL to give to a sender."""
        self._server.port = port or None  # type: ignore[assignment]
        await self._server.start_server()
        return str(self._server.make_url("")).rstrip("/")

    async def stop(self) -> None:
        """Close the port."""
        self.let_go.set()
        await self._server.close()

    async def _messages(self, request: web.Request) -> web.StreamResponse:
        expected = base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {expected}" or request.match_info["account"] != ACCOUNT:
            return web.json_response({"code": 20003, "message": "Authenticate", "status": 401}, status=401)
        form = {name: str(value) for name, value in (await request.post()).items()}
        assert request.content_type == "application/x-www-form-urlencoded"
        text = Text(form["To"], form["From"], form["Body"], form.get("StatusCallback"))
        self.texts.append(text)
        reply = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        await self.let_go.wait()
        answer = reply(text)
        if answer is None:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        return answer

    # -- what a provider tells afterwards

    async def tell(self, text: Text, status: str, code: str = "", sid: str = "SM1") -> int:
        """Call the text's status address; the answer's status."""
        assert text.status_url is not None
        form = {"MessageSid": sid, "MessageStatus": status, "To": text.to, "From": text.sender, "ErrorCode": code}
        return await _post(text.status_url, form)

    async def answer(self, url: str, number: str, body: str, sid: str) -> int:
        """Deliver an answer of `number` to a sender's address; the answer's status."""
        return await _post(url, {"MessageSid": sid, "From": number, "To": NUMBER, "Body": body, "NumMedia": "0"})


async def _post(url: str, form: dict[str, str]) -> int:
    async with ClientSession() as session, session.post(url, data=form) as response:
        await response.read()
        return response.status
