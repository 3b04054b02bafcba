"""What a pixel request costs the API process, its record on Kafka included."""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
from asyncio.subprocess import PIPE

import aiohttp

from api.local.child import StackError
from bench.cpu import Meter
from bench.figures import Figure, Sizes, per_item_us, say
from bench.product import ROOT, Product, until
from domain.tokens import LinkToken, link_token

CONNECTIONS = 8
DRAIN_S = 60.0
_WAITING = re.compile(r"^touchline_hits_waiting ([0-9.e+]+)$", re.MULTILINE)


async def measure_pixels(product: Product, sizes: Sizes) -> list[Figure]:
    """CPU of the API process a request, from the first request until Kafka has the last record."""
    say(f"{sizes.pixels} pixel requests")
    tokens = [_token(product, number) for number in range(sizes.pixels)]
    paths = "\n".join(f"/t/o/{token}.gif" for token in tokens)
    await _request(
        product, "\n".join(paths.splitlines()[: max(1, sizes.pixels // 20)])
    )  # what only the first ones cost
    await _drained(product)
    meter = Meter((product.pid_of("api"),))
    meter.start()
    answered = await _request(product, paths)
    await _drained(product)
    spent_s = meter.stop()
    if answered != sizes.pixels:
        raise StackError(f"{answered} of {sizes.pixels} pixel requests were answered with an image")
    return [Figure("pixel.cpu_us", per_item_us(spent_s, sizes.pixels), "us", sizes.pixels)]


def _token(product: Product, number: int) -> str:
    return link_token(product.keys, LinkToken("open", f"emails-{number:07d}", "emails", "intro"))


async def _request(product: Product, paths: str) -> int:
    """Have another process make the requests; how many were answered with an image."""
    port = product.public_url.rpartition(":")[2]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.pixels", "--port", port, cwd=ROOT, stdin=PIPE, stdout=PIPE
    )
    out, _ = await process.communicate(paths.encode())
    if process.returncode:
        raise StackError("the process that makes the pixel requests failed")
    return int(json.loads(out)["answered"])


async def _drained(product: Product) -> None:
    """Wait until no hit waits for Kafka."""
    async with aiohttp.ClientSession() as http:

        async def empty() -> bool:
            async with http.get(f"{product.public_url}/metrics") as answer:
                found = _WAITING.search(await answer.text())
            if found is None:
                raise StackError("the API does not tell how many hits wait")
            return float(found[1]) == 0

        await until(empty, "the delivery of hits", DRAIN_S)


async def _connection(port: int, paths: list[str]) -> int:
    """Requests one after the other on one kept connection, the way a mail client's proxy makes them."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answered = 0
    while paths:
        writer.write(
            f"GET {paths.pop()} HTTP/1.1\r\nHost: t.example\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n"
            "Accept: image/*\r\n\r\n".encode()
        )
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        body = await reader.readexactly(length)
        answered += head.startswith(b"HTTP/1.1 200") and body.startswith(b"GIF89a")
    writer.close()
    await writer.wait_closed()
    return answered


async def _client(port: int) -> None:
    paths = (await asyncio.to_thread(sys.stdin.read)).split()
    answered = sum(await asyncio.gather(*(_connection(port, paths) for _ in range(CONNECTIONS))))
    sys.stdout.write(json.dumps({"answered": answered}) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    asyncio.run(_client(parser.parse_args().port))
