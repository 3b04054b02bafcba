"""Visiting an address that was checked before: a GET, without redirects, with little patience and room."""

from __future__ import annotations

from typing import Protocol

import aiohttp

from streams.errors import Permanent, Retryable

MAX_BYTES = 256 * 1024
TIMEOUT_S = 10.0


class Web(Protocol):
    """What is at an address. Raises Retryable when it does not answer, Permanent when it answers otherwise than by 200."""

    async def get(self, url: str) -> bytes: ...


class HttpWeb:
    """The real one; its session begins with the first visit."""

    def __init__(self, *, timeout_s: float = TIMEOUT_S) -> None:
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._session: aiohttp.ClientSession | None = None

    async def get(self, url: str) -> bytes:
        """The body of a 200, up to 256 KB."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout, cookie_jar=aiohttp.DummyCookieJar())
        try:
            async with self._session.get(url, allow_redirects=False) as response:
                body = await response.content.read(MAX_BYTES + 1)
                while len(body) <= MAX_BYTES and (more := await response.content.read(MAX_BYTES + 1 - len(body))):
                    body += more
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise Retryable(f"{url.partition('?')[0]} does not answer: {error!r}") from error
        if response.status >= 500 or response.status == 429:
            raise Retryable(f"{url.partition('?')[0]} answers {response.status}")
        if response.status != 200 or len(body) > MAX_BYTES:
            raise Permanent(f"{url.partition('?')[0]} answers {response.status} with {len(body)} bytes")
        return body

    async def aclose(self) -> None:
        """Let go of the connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()
