"""The one place where a process is built: settings, clock, pools, keys, the role's handler around its stream.

`ROLES` is the map from a role's name to what it is made of. Nothing else constructs a sink or a stream.
"""

from __future__ import annotations

import gc
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

import asyncpg

from domain.claude_prices import parse_prices, price_of
from domain.tokens import TokenKeys, address_key, read_mail_token
from sinks.postgres.connect import LEDGER_PLAN, NoDatabase, connect, retrying
from sinks.postgres.leases import PostgresLeases
from sinks.postgres.ledger import PostgresLedger
from sinks.postgres.migrate import migrate
from sinks.postgres.read_models import ReadModels
from sinks.postgres.stops import PostgresStops
from streams.batches import Handler
from streams.clock import Clock, ClockLike, FileClock
from streams.definitions import Definitions
from streams.role import RoleProcess, RoleStream
from streams.settings import Settings, SettingsError, env_name, parse_origin
from streams.topology import ROLES as TOPICS_OF
from streams.topology import TICKS

if TYPE_CHECKING:
    from sinks.claude import Claude
    from sinks.claude_client import Meter
    from sinks.claude_writer import ClaudeWriter

NEEDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "leads": ("postgres_dsn", "token_keys"),
        "dispatch": ("postgres_dsn", "token_keys"),
        "sender": ("postgres_dsn", "token_keys"),
        "replies": ("postgres_dsn", "token_keys"),
        "projector": ("postgres_dsn",),
        "inbox": ("postgres_dsn",),
        "api": ("postgres_dsn", "token_keys"),
    }
)
"""Which settings each process cannot do without."""


def clock_of(settings: Settings) -> ClockLike:
    """The process's clock: the file's, or shared anchors, where the settings name them."""
    if settings.clock_file is not None:
        return FileClock(settings.clock_file)
    if settings.clock_origin is None:
        return Clock(rate=settings.clock_rate)
    wall, campaign = parse_origin(settings.clock_origin)
    return Clock(rate=settings.clock_rate, wall_anchor=wall, campaign_anchor=campaign)


def keys_of(settings: Settings) -> TokenKeys:
    """The token keys. Raises SettingsError when there are none."""
    if settings.token_keys is None:
        raise SettingsError([f"{env_name('token_keys')}: is not set. Example: {env_name('token_keys')}=k1:BASE64"])
    return TokenKeys.parse(settings.token_keys.get_secret_value())


def dsn_of(settings: Settings) -> str:
    """The DSN of Postgres. Raises SettingsError when there is none."""
    if settings.postgres_dsn is None:
        name = env_name("postgres_dsn")
        raise SettingsError([f"{name}: is not set. Example: {name}=postgresql://touchline@127.0.0.1/touchline"])
    return settings.postgres_dsn.get_secret_value()


@dataclass(frozen=True, slots=True)
class Running:
    """What the parts of one process share. `closing` ends what was opened, in reverse."""

    settings: Settings
    clock: ClockLike
    closing: AsyncExitStack

    async def pool(self, name: str, *, ledger: bool = False, max_size: int = 4) -> asyncpg.Pool:
        """Connections to Postgres, waited for while it is away; `ledger`: they plan as its statements need."""
        dsn = dsn_of(self.settings)
        plan = LEDGER_PLAN if ledger else {}
        pool = await retrying("connect", lambda: connect(dsn, name=name, plan=plan, max_size=max_size))
        self.closing.push_async_callback(pool.close)
        return pool

    def stream(self, role: str, definitions: Definitions | None, pool: asyncpg.Pool, *, leased: bool) -> RoleStream:
        """The role's stream over its topics, with leases and ticks where it has them."""
        return RoleStream(
            role=role,
            settings=self.settings,
            clock=self.clock,
            topics=TOPICS_OF[role],
            ticks=TICKS.get(role),
            leases=PostgresLeases(pool) if leased else None,
            postgres_clock=partial(_postgres_now, pool) if role in TICKS else None,
            definitions=definitions,
        )


async def _postgres_now(pool: asyncpg.Pool) -> datetime:
    return await pool.fetchval("SELECT clock_timestamp()")


Built = tuple[RoleStream, Handler]


async def _projector(running: Running) -> Built:
    from agents.projector import Projector  # a process loads the role it runs and no other

    pool = await running.pool("projector")
    return running.stream("projector", None, pool, leased=False), Projector(ReadModels(pool))


async def _leads(running: Running) -> Built:
    from agents.in_force import InForce
    from agents.leads import Leads
    from domain.leads.effects import Policy

    settings = running.settings
    secret = keys_of(settings).hash_secret
    pool = await running.pool("leads", ledger=True)
    definitions = Definitions(settings)
    stream = running.stream("leads", definitions, pool, leased=False)
    handler = Leads(
        table=stream.table("leads"),
        stops=PostgresStops(pool, secret),
        proofs=PostgresLedger(pool, secret),
        definitions=InForce(definitions),
        clock=running.clock,
        policy=Policy.at_rate(settings.clock_rate),
    )
    return stream, handler


async def _dispatch(running: Running) -> Built:
    from agents.dispatch import Dispatch
    from agents.in_force import InForce
    from domain.dispatch.coverage import OUTAGE

    pool = await running.pool("dispatch", ledger=True)
    definitions = Definitions(running.settings)
    stream = running.stream("dispatch", definitions, pool, leased=True)
    handler = Dispatch(
        waiting=stream.table("waiting"),
        grants=stream.window_table("grants", 60),
        mailboxes=stream.table("mailboxes"),
        definitions=InForce(definitions),
        epochs=lambda: stream.epochs,
        clock=running.clock,
        ledger=PostgresLedger(pool, keys_of(running.settings).hash_secret),
        outage=OUTAGE
        if running.settings.clock_file is None
        else timedelta.max,  # nothing is missed while a clock stands
    )
    return stream, handler


async def _sender(running: Running) -> Built:
    from agents.sender import Sender
    from agents.sending.book import Book
    from sinks.couriers import courier_of
    from sinks.postgres.ledger_unsafe import ledger_of
    from streams.failpoints import Failpoints

    settings, clock = running.settings, running.clock
    keys = keys_of(settings)
    pool = await running.pool("sender", ledger=True, max_size=8)
    definitions = Definitions(settings)
    book = Book()
    definitions.on_change(book.learn)
    stream = running.stream("sender", definitions, pool, leased=True)
    handler = Sender(
        stream=stream,
        check=stream.alive.check,
        ledger=ledger_of(pool, keys.hash_secret),
        stops=PostgresStops(pool, keys.hash_secret),
        book=book,
        keys=keys,
        clock=clock,
        public_url=settings.public_url,
        courier=lambda sender: courier_of(sender, lambda: clock.now().timestamp()),
        clock_rate=settings.clock_rate,
        failpoints=Failpoints(),
    )
    return stream, handler


def claude_of(settings: Settings, meter: Meter | None = None) -> Claude | None:
    """The reader of replies; None without a key. `meter` keeps the daily budget, where there is Postgres to keep it in."""
    from sinks.claude import Claude
    from sinks.claude_breaker import Breaker

    if settings.anthropic_api_key is None:
        return None
    return Claude(
        model=settings.classifier_model,
        api_key=settings.anthropic_api_key.get_secret_value(),
        base_url=settings.anthropic_base_url,
        price=price_of(settings.classifier_model, parse_prices(settings.claude_prices)),
        meter=meter,
        breaker=Breaker(),
    )


def claude_writer_of(settings: Settings, meter: Meter) -> ClaudeWriter | None:
    """The writer of touches; None without a key. Each touch has its own back-off: no breaker."""
    from sinks.claude_writer import ClaudeWriter

    if settings.anthropic_api_key is None:
        return None
    return ClaudeWriter(
        model=settings.writer_model,
        api_key=settings.anthropic_api_key.get_secret_value(),
        base_url=settings.anthropic_base_url,
        price=price_of(settings.writer_model, parse_prices(settings.claude_prices)),
        meter=meter,
    )


async def _replies(running: Running) -> Built:
    from agents.replies import Replies
    from agents.replying.knowledge import Knowledge
    from agents.sending.book import Book
    from agents.writing import Writer
    from sinks.mailparser import MailParser
    from sinks.postgres.claude_spend import ClaudeSpend
    from sinks.postgres.drafts import Drafts
    from sinks.postgres.replies import Replies as StoredReplies

    settings = running.settings
    keys = keys_of(settings)
    ledger_pool = await running.pool("replies ledger", ledger=True)
    pool = await running.pool("replies")
    definitions = Definitions(settings)
    knowledge = Knowledge(partial(address_key, keys.hash_secret))
    definitions.on_change(knowledge.take)
    book = Book()
    definitions.on_change(book.learn)
    stream = running.stream("replies", definitions, pool, leased=False)
    spend = ClaudeSpend(pool, settings.claude_daily_budget_usd)
    model, writing_model = claude_of(settings, spend), claude_writer_of(settings, spend)
    for client in (model, writing_model):
        if client is not None:
            running.closing.push_async_callback(client.close)
    writer = Writer(
        store=Drafts(await running.pool("drafts"), stream.owner),
        publisher=stream,
        book=book,
        clock=running.clock,
        model=writing_model,
    )
    handler = Replies(
        parser=MailParser(),
        store=StoredReplies(pool, stream.owner),
        touches=PostgresLedger(ledger_pool, keys.hash_secret),
        stops=PostgresStops(ledger_pool, keys.hash_secret),
        publisher=stream,
        knowledge=knowledge,
        read_token=partial(read_mail_token, keys),
        clock=running.clock,
        model=model,
        writer=writer,
        together=settings.classifier_batch,
        patience_s=settings.classifier_patience_s,
    )
    return stream, handler


ROLES: Mapping[str, Callable[[Running], Awaitable[Built]]] = MappingProxyType(
    {"leads": _leads, "dispatch": _dispatch, "sender": _sender, "replies": _replies, "projector": _projector}
)
"""Role -> how it is built."""


def settle_memory() -> None:
    """Once everything is built: what stands now stands for ever, and no search for garbage cycles looks at it again.

    What batches make is freed by its reference counts; searching after every 700 objects cost up to a third of a role's
    CPU (docs/performance.md).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)


def run_role(role: str, settings: Settings) -> int:
    """Run a role until SIGTERM or SIGINT. Returns the exit code."""
    import uvloop  # only processes that run a role need it

    if role == "inbox":  # it reads no topic but the definitions, so it is no consumer group
        from api.inbox import run_inbox

        return run_inbox(settings)
    return uvloop.run(_run_role(role, settings))


async def _run_role(role: str, settings: Settings) -> int:
    async with AsyncExitStack() as closing:
        running = Running(settings, clock_of(settings), closing)
        dsn = dsn_of(settings)
        await retrying("migrate", lambda: migrate(dsn))
        stream, handler = await ROLES[role](running)
        process = RoleProcess(stream, handler)
        settle_memory()
        return await process.run()


__all__ = ["NEEDS", "ROLES", "NoDatabase", "Running", "clock_of", "dsn_of", "keys_of", "run_role", "settle_memory"]
