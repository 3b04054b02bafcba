"""The inbox process: definitions, one connection a reply mailbox, the broker and Postgres. No consumer group, no table."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial
from uuid import uuid4

import structlog

from agents.inbox import ROLE, Inbox
from agents.inbox_ports import Tools
from api.bootstrap import clock_of, dsn_of, settle_memory
from api.publisher import Outgoing, Publisher
from domain.senders import Imap
from schemas.replies import InboundMail
from sinks.imap import ImapSession, Timeouts, open_mailbox
from sinks.postgres.connect import connect, retrying
from sinks.postgres.inboxes import Inboxes
from sinks.postgres.migrate import migrate
from streams.access import check_access
from streams.alive import Alive, boottime
from streams.definitions import Definitions
from streams.health import HealthServer
from streams.settings import Settings
from streams.watchdog import Watchdog

LOG = structlog.get_logger("touchline.inbox")
LEAVE_S = 20.0
FROZEN_S = 240.0
"""A process that stood still for half of this starts anew: its connections are gone."""


def run_inbox(settings: Settings) -> int:
    """Run the inbox role until SIGTERM or SIGINT. Returns the exit code."""
    import uvloop

    return uvloop.run(_serve(settings))


async def _serve(settings: Settings) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    missing: list[str] = ["postgres"]
    async with AsyncExitStack() as closing:
        alive = Alive(FROZEN_S)
        alive.start()
        closing.push_async_callback(alive.stop)
        watchdog = Watchdog(lambda: boottime() - alive.beat_at)
        watchdog.start()
        closing.callback(watchdog.stop)
        health = HealthServer(settings.host, settings.metrics_port, lambda: missing[0] if missing else None)
        await health.start()
        closing.push_async_callback(health.stop)
        LOG.info("listening", host=settings.host, port=health.port)
        working = asyncio.create_task(_work(settings, missing), name="inbox")
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        for task in (working, stopping):
            task.cancel()
        ended, late = await asyncio.wait({working}, timeout=LEAVE_S)
        if late:
            LOG.warning("not_stopped_in_time", seconds=LEAVE_S)
        for task in ended:
            if not task.cancelled() and (error := task.exception()) is not None:
                raise error
    return 0


async def _work(settings: Settings, missing: list[str]) -> None:
    """Until it is cancelled. `missing` is what `/ready` waits for. Raises AccessRefused, NoDatabase."""
    await check_access(settings)
    dsn = dsn_of(settings)
    await retrying("migrate", lambda: migrate(dsn))
    async with AsyncExitStack() as closing:
        pool = await retrying("connect", lambda: connect(dsn, name=ROLE))
        closing.push_async_callback(pool.close)
        publisher = Publisher(settings)
        closing.push_async_callback(publisher.stop)
        store = Inboxes(pool, uuid4())
        tools = Tools(
            store=store,
            publish=partial(_publish, publisher),
            open=_open,
            clock=clock_of(settings),
            is_real_time=settings.clock_rate == 1.0 and settings.clock_file is None and settings.clock_origin is None,
        )
        inbox = Inbox(store, tools)
        definitions = Definitions(settings)
        definitions.on_change(inbox.learn)
        await definitions.start()
        closing.push_async_callback(definitions.stop)
        missing[:] = ["definitions"]
        await definitions.wait_read()
        missing.clear()
        settle_memory()
        await inbox.run()


async def _publish(publisher: Publisher, mails: Sequence[InboundMail]) -> None:
    await publisher.publish([Outgoing("inbound-replies", mail, mail.message_id) for mail in mails])


async def _open(imap: Imap) -> ImapSession:
    return await open_mailbox(imap, Timeouts())
