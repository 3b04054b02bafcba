"""Telling what Postgres has decided: who unsubscribed, cards that were closed, texts that came in, notices of a provider.

Each is noted with the change that it tells of, and published until the broker has it. Publishing again changes nothing: an
event keeps its id.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import structlog
from pydantic import ValidationError

from api.publisher import Outgoing, PublisherPort
from schemas.base import Message
from schemas.registry import TOPIC_MODELS
from schemas.tracking import Hit
from sinks.ports import Suppression
from sinks.postgres.untold import Noted
from streams.errors import Poison, Retryable

LOG = structlog.get_logger("api.telling")
AT_ONCE = 500


class NotesPort(Protocol):
    """Where it is noted (`sinks.postgres.untold.NotedEvents`)."""

    async def note(self, events: Sequence[Noted]) -> None: ...
    def telling(self, at_most: int) -> AbstractAsyncContextManager[list[Noted]]: ...


class UnsubscribePort(Protocol):
    """Where a suppression and what tells of it are one (`sinks.postgres.stops.PostgresStops`)."""

    async def unsubscribe(self, suppressions: Sequence[Suppression], event: Noted) -> None: ...


def noted(topic: str, message: Message, event_id: str, key: str) -> Noted:
    """A message as it is noted."""
    return Noted(event_id, topic, key, message.write().decode())


class Telling:
    """`add` commits and returns; `run` publishes soon after, and whatever another process left behind."""

    def __init__(self, notes: NotesPort, publisher: PublisherPort, *, every_s: float = 2.0) -> None:
        self._notes = notes
        self._publisher = publisher
        self._every_s = every_s
        self._some = asyncio.Event()

    async def add(self, *events: Noted) -> None:
        """Commit these. Raises Retryable: then nothing is promised."""
        await self._notes.note(events)
        self.wake()

    def wake(self) -> None:
        """Something was noted."""
        self._some.set()

    async def run(self) -> None:
        """Go on for ever, at once after each `add` and every two seconds."""
        while True:
            try:
                while await self.once() == AT_ONCE:
                    pass
            except Retryable as error:
                LOG.warning("events_wait", error=str(error))
                await asyncio.sleep(self._every_s)  # however many come meanwhile
            try:
                async with asyncio.timeout(self._every_s):
                    await self._some.wait()
            except TimeoutError:
                continue
            self._some.clear()

    async def once(self) -> int:
        """Publish what is noted; returns how many were."""
        async with self._notes.telling(AT_ONCE) as events:
            messages = [message for event in events if (message := _outgoing(event)) is not None]
            if messages:
                await self._publish(messages)
        return len(events)

    async def _publish(self, messages: Sequence[Outgoing]) -> None:
        """One that no topic takes costs only itself."""
        try:
            await self._publisher.publish(messages)
        except Poison as error:
            if len(messages) > 1:
                for message in messages:
                    await self._publish([message])
                return
            LOG.error("event_refused", topic=messages[0].topic, error=error.reason)


async def suppress(stops: UnsubscribePort, telling: Telling, suppressions: Sequence[Suppression], hit: Hit) -> None:
    """Commit suppressions with the hit that tells of them. Raises Retryable: then nothing is promised."""
    await stops.unsubscribe(suppressions, noted("tracking-hits", hit, hit.event_id, hit.lead_id))
    telling.wake()


def _outgoing(event: Noted) -> Outgoing | None:
    """The message again. One that cannot be read costs only itself, and is in the log."""
    try:
        return Outgoing(event.topic, TOPIC_MODELS[event.topic].validate_json(event.value, extra="ignore"), event.key)
    except (ValidationError, KeyError) as error:
        LOG.error("event_unreadable", topic=event.topic, event_id=event.event_id, error=type(error).__name__)
        return None
