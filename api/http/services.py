"""What the routes work with, built once by the bootstrap and found on the application."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from aiohttp import web

from api.control import Control
from api.enrolling import Enroller
from api.http.hits import HitBuffer
from api.http.inbound.calls import Provider
from api.publisher import PublisherPort
from api.telling import Telling
from domain.tokens import TokenKeys
from sinks.ports import ResolvePort
from sinks.postgres.board import Board
from sinks.postgres.cards import Cards
from sinks.postgres.consent import Consents
from sinks.postgres.control import ControlStore
from sinks.postgres.draft_reviews import DraftReviews
from sinks.postgres.read_models import ReadModels
from sinks.postgres.reply_desk import ReplyDesk
from sinks.postgres.stops import PostgresStops
from streams.clock import ClockLike


@dataclass(frozen=True, slots=True)
class Services:
    """Everything a request may need. `ready` answers what is missing, or nothing."""

    keys: TokenKeys
    clock: ClockLike
    hits: HitBuffer
    publisher: PublisherPort
    ledger: ResolvePort
    store: ControlStore
    control: Control
    enroller: Enroller
    models: ReadModels
    cards: Cards
    board: Board
    telling: Telling
    stops: PostgresStops
    consents: Consents
    drafts: DraftReviews
    replies: ReplyDesk
    ready: Callable[[], str | None]
    api_token: str | None = None
    api_tokens: Mapping[str, str] = field(default_factory=dict[str, str])
    inbound: Mapping[str, Provider] = field(default_factory=dict[str, Provider])


SERVICES: web.AppKey[Services] = web.AppKey("services", Services)
HOLDER: web.RequestKey[str] = web.RequestKey("holder", str)
"""On a request: the name of the token that it came with, where that has one."""
