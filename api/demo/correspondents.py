"""The demo's correspondents: they read what the mail server accepted and open, click, answer, unsubscribe and bounce."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import aiohttp

from api.demo.letters import Letter, answer, delivery_report, read_letter
from api.demo.personas import Persona, persona_of
from api.local.smtp_record import Accepted, RecordReader
from streams.clock import Clock

BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/142.0"}


Ways = Callable[[bytes], Sequence[tuple[float, bytes]]]
"""In what copies a mail is brought, and how many campaign hours from when it was written."""


def once(raw: bytes) -> Sequence[tuple[float, bytes]]:
    """As it is, at once."""
    return [(0.0, raw)]


class Correspondents:
    """Follows the mail server's record and acts on each new letter, in campaign time.

    `names` has each recipient's; `done` counts what was done, by kind; `answered` says which persona has answered, and when
    the first copy of its mail was taken in (HTTP 2xx, wall).
    """

    def __init__(  # noqa: PLR0917 - the record, and what an answer needs
        self,
        record: Path,
        clock: Clock,
        webhook: str,
        secret: bytes,
        names: Mapping[str, str],
        ways: Ways = once,
    ) -> None:
        self.names = names
        self.clock = clock
        self.webhook = webhook
        self.secret = secret
        self.letters: dict[str, Letter] = {}
        self.touches: Counter[str] = Counter()
        self.done: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.answered: dict[str, tuple[str, datetime]] = {}
        self._ways = ways
        self._tasks: set[asyncio.Task[None]] = set()
        self._reader = RecordReader(record)

    @property
    def busy(self) -> int:
        """How many acts are still to come."""
        return len(self._tasks)

    async def run(self) -> None:
        """Follow the record until cancelled."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=15)) as self.http:
            try:
                while True:
                    self._read_on()
                    await asyncio.sleep(0.1)
            finally:
                for task in self._tasks:
                    task.cancel()
                await asyncio.gather(*self._tasks, return_exceptions=True)

    def _read_on(self) -> None:
        for message in self._reader.new():
            self._receive(message)

    def _receive(self, message: Accepted) -> None:
        letter = read_letter(message.raw or b"")
        if letter.message_id in self.letters:
            return
        self.letters[letter.message_id] = letter
        self.touches[letter.recipient] += 1
        persona = persona_of(letter.recipient)
        for hours, act, name in self._acts(letter, persona, self.touches[letter.recipient]):
            self._later(hours, act, name)

    def _acts(
        self, letter: Letter, persona: Persona, touch: int
    ) -> list[tuple[float, Callable[[], Awaitable[None]], str]]:
        acts: list[tuple[float, Callable[[], Awaitable[None]], str]] = []
        if persona.opens and letter.pixel:
            acts.append((0.7, lambda: self._get(letter.pixel or ""), "open"))
        if persona.clicks and letter.links:
            acts.append((0.8, lambda: self._get(letter.links[0]), "click"))
        if touch != persona.on_touch:
            return acts
        if persona.texts:
            acts.append((persona.after_hours, lambda: self._answer(letter, persona), persona.name))
        if persona.one_click and letter.unsubscribe:
            acts.append((1.0, lambda: self._one_click(letter), persona.name))
        if persona.bounces == "report":
            acts.append((persona.after_hours, lambda: self._report(letter), persona.name))
        return acts

    def _later(self, hours: float, act: Callable[[], Awaitable[None]], name: str) -> None:
        task = asyncio.create_task(self._at(self.clock.now() + timedelta(hours=hours), act, name))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _at(self, instant: datetime, act: Callable[[], Awaitable[None]], name: str) -> None:
        wait = (instant - self.clock.now()).total_seconds() / self.clock.rate
        await asyncio.sleep(max(0.0, wait))
        for attempt in range(8):
            try:
                await act()
            except (aiohttp.ClientError, TimeoutError):
                await asyncio.sleep(0.2 * 2**attempt)
            else:
                self.done[name] += 1
                return
        self.failed[name] += 1

    async def _get(self, url: str) -> None:
        async with self.http.get(url, headers=BROWSER, allow_redirects=False) as response:
            if response.status not in (200, 302):
                raise aiohttp.ClientError(f"{response.status} for {url}")

    async def _one_click(self, letter: Letter) -> None:
        async with self.http.post(letter.unsubscribe or "", data={"List-Unsubscribe": "One-Click"}) as response:
            response.raise_for_status()

    async def _answer(self, letter: Letter, persona: Persona) -> None:
        name = self.names.get(letter.recipient, "")
        self._bring(answer(letter, persona, self.clock.now(), name), letter, persona)

    async def _report(self, letter: Letter) -> None:
        self._bring(delivery_report(letter, self.clock.now()), letter, persona_of(letter.recipient))

    def _bring(self, raw: bytes, letter: Letter, persona: Persona) -> None:
        """Have every copy of a mail brought, each in its time."""
        for number, (hours, copy) in enumerate(self._ways(raw)):
            self._later(hours, self._bringer(copy, letter, persona), "mails" if number == 0 else "repeats")

    def _bringer(self, raw: bytes, letter: Letter, persona: Persona) -> Callable[[], Awaitable[None]]:
        async def bring() -> None:
            await self._post(raw, letter)
            self.answered.setdefault(letter.recipient, (persona.name, self.clock.wall()))

        return bring

    async def _post(self, raw: bytes, letter: Letter) -> None:
        status = await post_mail(self.http, self.webhook, self.secret, raw, letter.reply_to, self.clock.wall())
        if status not in (200, 202, 409):
            raise aiohttp.ClientError(f"{status} from the webhook")


async def post_mail(  # noqa: PLR0917 - where it goes, and what is signed
    http: aiohttp.ClientSession, webhook: str, secret: bytes, raw: bytes, to: str, wall: datetime
) -> int:
    """Bring a mail to the generic webhook, signed as any sender would; the status of the answer."""
    body = json.dumps({"raw": base64.b64encode(raw).decode(), "envelope_to": [to]}).encode()
    stamp = str(int(wall.timestamp()))
    signature = hmac.new(secret, f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    headers = {"touchline-timestamp": stamp, "touchline-signature": signature, "Content-Type": "application/json"}
    async with http.post(webhook, data=body, headers=headers) as response:
        return response.status
