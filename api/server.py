"""The api process: HTTP, delivery of hits, the steward. It starts, and tracks, while Kafka and Postgres are away."""

from __future__ import annotations

import asyncio
import signal
from contextlib import AsyncExitStack

import structlog
from aiohttp import web
from aiokafka.errors import KafkaError

from api.bootstrap import clock_of, dsn_of, keys_of, settle_memory
from api.control import Control
from api.enrolling import Enroller
from api.http.app import make_app
from api.http.hits import HitBuffer
from api.http.inbound.providers import providers
from api.http.services import Services
from api.lag import Unread
from api.publisher import Publisher
from api.steward import Steward
from api.telling import Telling
from domain.named_tokens import parse_named_tokens
from sinks.postgres.board import Board
from sinks.postgres.cards import Cards
from sinks.postgres.connect import LEDGER_PLAN, connect, retrying
from sinks.postgres.consent import Consents
from sinks.postgres.control import ControlStore
from sinks.postgres.draft_reviews import DraftReviews
from sinks.postgres.inbound import InboundStore
from sinks.postgres.leases import PostgresGates
from sinks.postgres.ledger import PostgresLedger
from sinks.postgres.migrate import migrate
from sinks.postgres.read_models import ReadModels
from sinks.postgres.reply_desk import ReplyDesk
from sinks.postgres.stops import PostgresStops
from sinks.postgres.untold import NotedEvents
from sinks.web import HttpWeb
from streams.access import check_access
from streams.health import listen
from streams.provision import verify_partitions
from streams.settings import Settings

LOG = structlog.get_logger("api")
DRAIN_S = 10.0


class _Progress:
    """What `/ready` answers."""

    def __init__(self) -> None:
        self.missing: str | None = "postgres"

    def __call__(self) -> str | None:
        return self.missing


async def build(settings: Settings, closing: AsyncExitStack) -> tuple[Services, Steward, _Progress]:
    """Everything a request may need. Pools connect when they are first used."""
    keys = keys_of(settings)
    clock = clock_of(settings)
    ledger_pool = await connect(dsn_of(settings), name="api ledger", plan=LEDGER_PLAN, min_size=0, max_size=4)
    closing.push_async_callback(ledger_pool.close)
    pool = await connect(dsn_of(settings), name="api", min_size=0, max_size=6)
    closing.push_async_callback(pool.close)
    publisher = Publisher(settings)
    closing.push_async_callback(publisher.stop)
    hit_publisher = Publisher(settings)  # apart: a broker that is slow for hits does not hold up a decision
    closing.push_async_callback(hit_publisher.stop)
    web_out = HttpWeb()
    closing.push_async_callback(web_out.aclose)
    store = ControlStore(pool)
    models = ReadModels(pool)
    control = Control(store, PostgresGates(pool), publisher, clock)
    ready = _Progress()
    stops = PostgresStops(ledger_pool, keys.hash_secret)
    services = Services(
        keys=keys,
        clock=clock,
        hits=HitBuffer(hit_publisher),
        publisher=publisher,
        ledger=PostgresLedger(ledger_pool, keys.hash_secret),
        store=store,
        control=control,
        enroller=Enroller(store, publisher, clock),
        models=models,
        cards=Cards(pool),
        board=Board(pool),
        telling=Telling(NotedEvents(pool), hit_publisher),
        stops=stops,
        consents=Consents(ledger_pool, keys.hash_secret),
        drafts=DraftReviews(pool),
        replies=ReplyDesk(pool),
        ready=ready,
        api_token=settings.api_token.get_secret_value() if settings.api_token else None,
        api_tokens=parse_named_tokens(settings.api_tokens.get_secret_value()) if settings.api_tokens else {},
        inbound=providers(settings, InboundStore(pool), web_out),
    )
    return services, Steward(control, store, models, clock, Unread(settings)), ready


async def _tend(settings: Settings, services: Services, steward: Steward, ready: _Progress) -> None:
    """Migrate as soon as Postgres answers, then go round.

    Raises AccessRefused when the brokers refuse this process, PartitionsDiffer when it would publish to other partitions.
    """
    await check_access(settings)
    try:
        async with asyncio.timeout(DRAIN_S):
            await verify_partitions(settings)
    except (KafkaError, OSError, TimeoutError) as error:
        LOG.warning("partitions_not_verified", error=repr(error))  # each connection for publishing does it again
    await retrying("migrate", lambda: migrate(dsn_of(settings)))
    ready.missing = None
    async with asyncio.TaskGroup() as duties:
        duties.create_task(steward.run())
        duties.create_task(services.telling.run())


async def serve(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT; what waits for Kafka is delivered first, for five seconds at most."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as closing:
        services, steward, ready = await build(settings, closing)
        runner = web.AppRunner(make_app(services), access_log=None, shutdown_timeout=DRAIN_S)
        await runner.setup()
        closing.push_async_callback(runner.cleanup)
        await listen(runner, settings.host, settings.api_port, "api_port")
        services.hits.start()
        closing.push_async_callback(services.hits.stop)
        tending = asyncio.create_task(_tend(settings, services, steward, ready), name="steward")
        settle_memory()
        LOG.info("listening", host=settings.host, port=runner.addresses[0][1])
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({stopping, tending}, return_when=asyncio.FIRST_COMPLETED)
        for task in (stopping, tending):
            task.cancel()
        results = await asyncio.gather(stopping, tending, return_exceptions=True)
        failed = next((result for result in results if isinstance(result, Exception)), None)
        if failed is not None:
            raise failed
    return 0


def run_api(settings: Settings) -> int:
    """Run the api process. Returns the exit code."""
    import uvloop

    return uvloop.run(serve(settings))
