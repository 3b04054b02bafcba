"""A role's own HTTP server: `/metrics`, `/health` (the process turns) and `/ready` (it is doing its work)."""

from __future__ import annotations

import errno
from collections.abc import Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from streams.settings import SettingsError, problem


async def listen(runner: web.AppRunner, host: str, port: int, port_field: str) -> None:
    """Begin to listen. Raises SettingsError, naming `host` or the port's field, where that cannot be done here."""
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        field = port_field if error.errno in (errno.EADDRINUSE, errno.EACCES) else "host"
        raise SettingsError([problem(field, f"cannot listen on {host}:{port} ({error.strerror or error})")]) from None


class HealthServer:
    """`ready()` answers None when the role works, else what it waits for. Port 0 takes any free one."""

    def __init__(self, host: str, port: int, ready: Callable[[], str | None]) -> None:
        self._host, self._port, self._ready = host, port, ready
        self._runner: web.AppRunner | None = None

    @property
    def port(self) -> int:
        """The port it listens on, once started."""
        return self._port

    async def start(self) -> None:
        """Begin to listen."""
        app = web.Application()
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/health", self._health)
        app.router.add_get("/ready", self._answer_ready)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await listen(self._runner, self._host, self._port, "metrics_port")
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _metrics(self, request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _health(self, request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def _answer_ready(self, request: web.Request) -> web.Response:
        waiting_for = self._ready()
        if waiting_for is None:
            return web.json_response({"status": "ready"})
        return web.json_response({"status": "waiting", "for": waiting_for}, status=503)
