"""Submitting texts to a provider by HTTP: a form, basic auth, one request a text (docs/behaviour.md 4.4).

The shape is Twilio's `Messages` resource, which others speak too. A request is made once and never repeated here: until
its first octet has left nothing can have been accepted and the text is deferred; from then on, without an answer, nobody
knows, and it is ambiguous. So connections are not kept: one that the provider closed meanwhile would make a text ambiguous.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import quote, urlencode

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import BytesPayload

from domain.campaign import SmsSender
from domain.numbers import e164, is_number
from sinks.sms_answers import MAX_ANSWER, judge
from sinks.smtp_answers import UNTIL_RESUMED, Delivery, MailboxPause
from sinks.smtp_connect import SecretError, read_secret

AT_ONCE = 10
FIRST_PAUSE_S = 60.0
LONGEST_PAUSE_S = 3600.0
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Wall seconds."""

    connect: float = 10.0
    answer: float = 60.0


def form_of(sender: SmsSender, number: str, text: str, status_url: str | None) -> bytes:
    """A text as it is submitted."""
    fields = {"To": number, "From": e164(sender.number) or sender.number, "Body": text}
    if status_url is not None:
        fields["StatusCallback"] = status_url
    return urlencode(fields).encode()


class SmsProvider:
    """A sender's way out: up to `limit` requests at a time. `now` gives seconds that only move forward."""

    def __init__(
        self,
        sender: SmsSender,
        *,
        timeouts: Timeouts | None = None,
        tls: ssl.SSLContext | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.sender = sender
        self._timeouts = timeouts or Timeouts()
        self._tls = tls
        self._now = now
        self._session: aiohttp.ClientSession | None = None
        self._pauses = 0
        self._paused_until = float("-inf")

    @property
    def limit(self) -> int:
        """How many texts can be in the air at a time."""
        return AT_ONCE

    async def send(self, envelope_from: str, rcpt: str, data: bytes, check: Callable[[], None]) -> Delivery:
        """Submit one form (`form_of`), and tell what became of it. `envelope_from` stands in the form already.

        `check` may raise to forbid it: nothing is submitted then, and the error goes through.
        """
        if not is_number(rcpt):
            return Delivery("failed", "mail", detail="no number in E.164", label="sms:invalid_number")
        try:
            url, auth = await asyncio.to_thread(self._where)
        except SecretError as error:
            return self._told(_paused("login", str(error), "sms:secret"))
        check()
        form = _Form(data, check)
        try:
            answer = await self._post(url, auth, form)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            if form.forbidden is not None:
                raise form.forbidden from error
            return self._told(_unanswered(error, begun=form.begun))
        return self._told(judge(*answer))

    async def aclose(self) -> None:
        """Let go of everything. Requests in the air end with their own tasks."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _where(self) -> tuple[str, str]:
        """The address of the account's messages and how to prove who asks. Reads secrets, so off the loop."""
        provider = self.sender.provider
        base = provider.base_url or read_secret(provider.url_ref or "")
        if not base.startswith(("http://", "https://")):
            raise SecretError(f"{provider.url_ref} is no http:// or https:// address")
        url = f"{base.rstrip('/')}/2010-04-01/Accounts/{quote(provider.account, safe='')}/Messages.json"
        proof = f"{provider.account}:{read_secret(provider.token_ref)}".encode()
        return url, f"Basic {b64encode(proof).decode()}"

    async def _post(self, url: str, auth: str, form: _Form) -> tuple[int, bytes]:
        session = self._session
        if session is None:
            session = self._session = self._new_session()
        async with session.post(url, data=form, headers={"Authorization": auth}, allow_redirects=False) as response:
            return response.status, await self._body(response)

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        """What came of the answer's body. Without it, the first line has said what became of the text."""
        body = bytearray()
        try:
            async with asyncio.timeout(self._timeouts.answer):
                async for chunk in response.content.iter_chunked(8192):
                    body += chunk
                    if len(body) > MAX_ANSWER:
                        break
        except (aiohttp.ClientError, OSError, TimeoutError):
            return bytes(body)
        return bytes(body)

    def _new_session(self) -> aiohttp.ClientSession:
        timeouts = self._timeouts
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=AT_ONCE, force_close=True, ssl=self._tls if self._tls is not None else True
            ),
            timeout=aiohttp.ClientTimeout(total=None, connect=timeouts.connect, sock_read=timeouts.answer),
            headers={"Accept": "application/json"},
            trust_env=False,
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    def _told(self, delivery: Delivery) -> Delivery:
        """The delivery with the pause that it means: until resumed, or a minute that doubles up to an hour."""
        if delivery.outcome == "sent":
            self._pauses = 0
        pause = delivery.pause
        if pause is None or pause.reason in UNTIL_RESUMED:
            return delivery
        now = self._now()
        if now >= self._paused_until:
            self._paused_until = now + min(FIRST_PAUSE_S * 2**self._pauses, LONGEST_PAUSE_S)
            self._pauses = min(self._pauses + 1, 10)
        return replace(delivery, pause=MailboxPause(pause.reason, self._paused_until - now, pause.detail))


class _Form(BytesPayload):
    """A form that is written once, and only while `check` allows it. `begun`: an octet of it may have left."""

    def __init__(self, data: bytes, check: Callable[[], None]) -> None:
        super().__init__(data, content_type=FORM)
        self._check = check
        self.begun = False
        self.forbidden: BaseException | None = None

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        if self.begun:
            raise aiohttp.ClientError("a text is submitted once")
        try:
            self._check()
        except Exception as error:
            self.forbidden = error
            raise
        self.begun = True
        await super().write_with_length(writer, content_length)


def _paused(reason: str, detail: str, label: str) -> Delivery:
    return Delivery("deferred", "login", None, None, detail, MailboxPause(reason, None, detail), label)  # pyright: ignore[reportArgumentType]


def _unanswered(error: Exception, *, begun: bool) -> Delivery:
    """No answer came. What that means depends on whether anything had left."""
    detail = f"{type(error).__name__}"
    if begun:
        return Delivery("ambiguous", "body", None, None, detail, None, "sms:no_answer")
    if isinstance(error, aiohttp.ClientConnectorCertificateError | ssl.CertificateError):
        return Delivery("deferred", "connect", None, None, detail, MailboxPause("tls", None, detail), "sms:tls")
    if isinstance(error, aiohttp.InvalidURL | ValueError):
        return _paused("login", "the provider's address cannot be used", "sms:bad_address")
    return Delivery("deferred", "connect", None, None, detail, None, "sms:unreachable")
