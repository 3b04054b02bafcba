"""Acknowledged publishing for the API and the commands, through the same outbox as the roles."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from aiokafka.errors import KafkaError

from schemas.base import Message
from streams.errors import Retryable
from streams.outbox import Outbox
from streams.provision import verify_partitions
from streams.settings import Settings, SettingsError
from streams.work import Routing, Work

ROLE = "api"


class Outgoing(NamedTuple):
    """One message on its way: the topic's name on the map, the message, its key."""

    topic: str
    message: Message
    key: str


class PublisherPort(Protocol):
    """`publish` returns when the broker has acknowledged everything; raises Retryable when it does not."""

    async def publish(self, messages: Sequence[Outgoing]) -> None: ...


class Publisher:
    """Connects when first needed and again after a failure, so that a process starts while Kafka is away."""

    def __init__(self, settings: Settings, *, timeout_s: float = 10.0) -> None:
        self._settings = settings
        self._timeout_s = timeout_s
        self._routing = Routing(ROLE, settings.kafka_topic_prefix, settings.partitions)
        self._outbox: Outbox | None = None
        self._connecting = asyncio.Lock()

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        """Write and await the acks. After a Retryable some may be there: publishing again repeats them under their ids.

        Raises Poison for a message larger than its topic takes.
        """
        work = Work(self._routing)
        for topic, message, key in messages:
            work.emit(topic, message, key)
        try:
            async with asyncio.timeout(self._timeout_s):
                outbox = await self._connected()
                await outbox.publish(work)
        except SettingsError as error:  # of a process that runs: a password may be put right while it waits
            raise Retryable(str(error)) from error
        except (TimeoutError, KafkaError, OSError) as error:
            await self._drop()
            raise Retryable(f"Kafka at {self._settings.kafka_bootstrap_servers} does not answer: {error!r}") from error
        except Retryable:
            await self._drop()
            raise

    async def _connected(self) -> Outbox:
        async with self._connecting:
            if self._outbox is None:
                await verify_partitions(self._settings)
                outbox = Outbox(self._settings)
                await outbox.start()
                self._outbox = outbox
            return self._outbox

    async def _drop(self) -> None:
        """Give up the connection: an idempotent producer whose batch failed must not go on in its old sequence."""
        outbox, self._outbox = self._outbox, None
        if outbox is None:
            return
        try:
            async with asyncio.timeout(1.0):
                await outbox.stop()
        except (TimeoutError, KafkaError, OSError):
            return

    async def stop(self) -> None:
        """Disconnect."""
        await self._drop()
