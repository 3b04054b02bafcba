"""Suppressions by REST: list, suppress, look at an address with its proof, lift (docs/behaviour.md 5.3).

Addresses stand in bodies only, never in an address of ours: those are written to logs on their way.
"""

from __future__ import annotations

from typing import Annotated, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.errors import NotFoundError, UserError
from api.http.services import SERVICES, Services
from api.suppressing import Suppressing, listed
from domain.consent import ScopeError, read_key, write_key

MAX_PAGE = 1_000
MAX_ADDRESSES = 1_000
M = TypeVar("M", bound=BaseModel)


class SuppressIn(BaseModel):
    """Whom not to write to any more, in which scope (`all`, `campaign:ID`, `goal:NAME`), and why (a code)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    addresses: Annotated[list[Annotated[str, Field(max_length=320)]], Field(min_length=1, max_length=MAX_ADDRESSES)]
    scope: Annotated[str, Field(max_length=300)] = "all"
    reason: Annotated[str, Field(max_length=100)] = "operator"


class AddressIn(BaseModel):
    """One address."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: Annotated[str, Field(min_length=1, max_length=320)]


async def table(request: web.Request) -> web.Response:
    """`{suppressions: [...], next}` in the order of their keys; `limit`, `after` (the `next` of the page before), and
    `all=true` for the lifted ones too. Addresses are not stored: each stands by its keyed hash.
    """
    services, asked = request.app[SERVICES], request.query
    if "address" in asked or "email" in asked:
        raise UserError("an address does not belong into a URL: POST {address} to /api/suppressions/show")
    limit = asked.get("limit", "200")
    if not limit.isdecimal() or not 0 < int(limit) <= MAX_PAGE:
        raise UserError(f"limit: a number from 1 to {MAX_PAGE}")
    lifted = asked.get("all", "false").lower() == "true"
    after = _cursor(services, asked["after"]) if "after" in asked else (b"", "", "")
    rows = await services.consents.page(after, lifted=lifted, at_most=int(limit))
    secret, following = services.keys.hash_secret, None
    if len(rows) == int(limit):
        last = rows[-1]
        following = f"{write_key(secret, last['key'])} {last['scope']} {last['source_id']}"
    return web.json_response({"suppressions": [listed(secret, row) for row in rows], "next": following})


async def suppress(request: web.Request) -> web.Response:
    """Commit, then `{suppressed: [{address, scope, reason, new, proof}]}`: all of them, or none and a 400 that says which."""
    services = request.app[SERVICES]
    asked = await _body(request, SuppressIn)
    done = await _desk(services).suppress(asked.addresses, asked.scope, asked.reason, "api")
    services.telling.wake()
    return web.json_response({"suppressed": done})


async def show(request: web.Request) -> web.Response:
    """`{address, in_force, records, proof}`: what `touchline suppressions show` tells."""
    asked = await _body(request, AddressIn)
    return web.json_response(await _desk(request.app[SERVICES]).show(asked.address))


async def lift(request: web.Request) -> web.Response:
    """Lift what an operator, a server or a campaign brought (`scope`: only there). What a person asked for stays."""
    services = request.app[SERVICES]
    key = _key(services, request.match_info["key"])
    lifted, left = await _desk(services).lift_key(key, request.query.get("scope"))
    return web.json_response({"lifted": [one._asdict() for one in lifted], "in_force": left})


def _desk(services: Services) -> Suppressing:
    return Suppressing(services.consents, services.store, services.clock)


def _cursor(services: Services, text: str) -> tuple[bytes, str, str]:
    parts = text.split(" ")
    try:
        key, scope, source = parts
        return read_key(services.keys.hash_secret, key), scope, source
    except ValueError:
        raise UserError("after: give the `next` of the page before, as it is") from None


def _key(services: Services, text: str) -> bytes:
    try:
        return read_key(services.keys.hash_secret, text)
    except ScopeError as error:
        raise NotFoundError(f"no suppression {text!r}: {error}") from None


async def _body(request: web.Request, model: type[M]) -> M:
    try:
        return model.model_validate_json(await request.read())
    except ValidationError as error:
        problems = [
            f"{'.'.join(map(str, item['loc'])) or 'body'}: {item['msg']}"
            for item in error.errors(include_input=False, include_url=False)
        ]
        raise UserError(f"the body is not a {model.__name__.removesuffix('In').lower()}", problems) from None


def routes() -> list[web.AbstractRouteDef]:
    """Everything under /api/suppressions."""
    return [
        web.get("/api/suppressions", table),
        web.post("/api/suppressions", suppress),
        web.post("/api/suppressions/show", show),
        web.delete("/api/suppressions/{key}", lift),
    ]
