"""Mail by webhook, tried without a provider (docs/behaviour.md 7.1)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple
from uuid import uuid4

import typer

from api.commands.context import Json, command, console, print_json, run, settings_for
from api.errors import UserError

if TYPE_CHECKING:
    from streams.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Mail by webhook: try it without a provider.")


class _Post(NamedTuple):
    path: str
    headers: Mapping[str, str]
    body: bytes


@app.command("send")
@command
def send(
    files: Annotated[list[str], typer.Argument(metavar="FILE", help="Messages (RFC 5322); - reads one from stdin.")],
    provider: Annotated[str, typer.Option(help="Sign as generic, standard or mailgun does.")] = "generic",
    url: Annotated[
        str | None, typer.Option(help="Base address of the API; without it the one of the settings.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Sign messages as a provider would, with the secret of the settings, and post them. Exit 1 where one is not taken."""
    settings = settings_for()
    if provider not in _SIGNERS:
        raise UserError(f"there is no provider {provider!r} to sign as; there are {', '.join(_SIGNERS)}")
    raws = {name: _read(name) for name in files}
    answers = run(_send(settings, _SIGNERS[provider], raws, url or f"http://{settings.host}:{settings.api_port}"))
    for name, (status, text) in answers.items():
        if as_json:
            print_json({"file": name, "status": status, "answer": text})
        else:
            console().print(f"{name}: {status} {text}", highlight=False, soft_wrap=True, markup=False)
    if any(status != 200 for status, _ in answers.values()):
        raise typer.Exit(1)


def _read(name: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise UserError(f"{name} cannot be read: {error.strerror}") from None


async def _send(
    settings: Settings, signer: Callable[[Settings, bytes, str], _Post], raws: Mapping[str, bytes], base: str
) -> dict[str, tuple[int, str]]:
    from datetime import UTC, datetime

    import aiohttp

    answers: dict[str, tuple[int, str]] = {}
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=90)) as http:
        for name, raw in raws.items():
            post = signer(settings, raw, str(int(datetime.now(UTC).timestamp())))
            try:
                async with http.post(base.rstrip("/") + post.path, data=post.body, headers=post.headers) as answer:
                    answers[name] = answer.status, (await answer.text())[:500]
            except aiohttp.ClientError as error:
                raise UserError(f"the API at {base} does not answer: {error}. Start it, or name it by --url") from None
    return answers


def _generic(settings: Settings, raw: bytes, timestamp: str) -> _Post:
    from api.http.inbound.generic import SIGNATURE, TIMESTAMP, sign
    from api.http.inbound.json_mail import RAW_TYPE
    from api.http.inbound.providers import generic_secrets

    (secret, *_) = generic_secrets(settings) or _missing("generic")
    headers = {TIMESTAMP: timestamp, SIGNATURE: sign(timestamp, raw, secret), "Content-Type": RAW_TYPE}
    return _Post("/webhooks/inbound/generic", headers, raw)


def _standard(settings: Settings, raw: bytes, timestamp: str) -> _Post:
    from api.http.inbound.json_mail import RAW_TYPE
    from api.http.inbound.providers import standard_secrets
    from api.http.inbound.standard import sign

    (secret, *_) = standard_secrets(settings) or _missing("standard")
    call_id = f"msg_{uuid4().hex}"
    headers = {
        "webhook-id": call_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{sign(call_id, timestamp, raw, secret)}",
        "Content-Type": RAW_TYPE,
    }
    return _Post("/webhooks/inbound/standard", headers, raw)


def _mailgun(settings: Settings, raw: bytes, timestamp: str) -> _Post:
    from urllib.parse import urlencode

    from api.http.inbound.mailgun import sign
    from api.http.inbound.providers import mailgun_keys

    (key, *_) = mailgun_keys(settings) or _missing("mailgun")
    token = uuid4().hex
    fields = {"timestamp": timestamp, "token": token, "signature": sign(timestamp, token, key), "body-mime": raw}
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return _Post("/webhooks/inbound/mailgun/mime", headers, urlencode(fields).encode())


def _missing(provider: str) -> list[bytes]:
    from api.http.inbound.providers import closed

    raise UserError(closed(provider))


_SIGNERS: Mapping[str, Callable[[Settings, bytes, str], _Post]] = {
    "generic": _generic,
    "standard": _standard,
    "mailgun": _mailgun,
}


def register(parent: typer.Typer) -> None:
    """Add this family."""
    parent.add_typer(app, name="inbound")
