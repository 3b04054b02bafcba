"""What the routes work with, built once by the bootstrap and found on the application."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from api.control import Control
from api.enrolling import Enroller
from api.http.hits import HitBuffer
from api.publisher import PublisherPort
from api.telling import Telling
from domain.tokens import TokenKeys
from sinks.ports import ResolvePort
from sinks.postgres.cards import Cards
from sinks.postgres.control import ControlStore
from sinks.postgres.draft_reviews import DraftReviews
from sinks.postgres.read_models import ReadModels
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
    telling: Telling
    stops: PostgresStops
    drafts: DraftReviews
    ready: Callable[[], str | None]
    api_token: str | None = None
    webhook_secret: bytes | None = None


SERVICES: web.AppKey[Services] = web.AppKey("services", Services)
