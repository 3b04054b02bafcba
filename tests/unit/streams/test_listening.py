"""Where a process cannot listen, the setting to change is named."""

import socket

import pytest
from aiohttp import web

from streams.health import HealthServer, listen
from streams.settings import SettingsError


async def test_a_port_that_is_taken_is_named() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        server = HealthServer("127.0.0.1", taken, lambda: None)
        with pytest.raises(SettingsError, match=f"TOUCHLINE_METRICS_PORT: cannot listen on 127.0.0.1:{taken}"):
            await server.start()
        await server.stop()


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
async def test_an_address_that_is_not_this_machines_is_named(host: str) -> None:
    runner = web.AppRunner(web.Application())
    await runner.setup()
    try:
        with pytest.raises(SettingsError, match=f"TOUCHLINE_HOST: cannot listen on {host}:0"):
            await listen(runner, host, 0, "api_port")
    finally:
        await runner.cleanup()
