"""Where Kafka and PostgreSQL come from: the environment, else a container (tests only), else the local stack.

An address in the environment is used or refused, never silently replaced. A container that cannot be had falls back
to the local stack. When nothing works the error names every way that was tried, why it failed and what would help.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from api.local.child import StackError
from api.local.jars import Progress
from api.local.stack import DirectoryInUseError, LocalStack, Part
from streams.access import connect
from streams.kafka import connection
from streams.settings import Settings, env_name

KAFKA_VARIABLE = env_name("kafka_bootstrap_servers")
POSTGRES_VARIABLE = env_name("postgres_dsn")
EXAMPLES = {KAFKA_VARIABLE: "127.0.0.1:9092", POSTGRES_VARIABLE: "postgresql://touchline:secret@127.0.0.1/touchline"}
REACH_S = 10.0

Origin = Literal["environment", "container", "embedded"]


class NoContainerError(Exception):
    """A container cannot be had here; the message says why."""


@dataclass(frozen=True, slots=True)
class Container:
    """A server in a running container: its address, and how to end it."""

    address: str
    stop: Callable[[], None]


StartContainer = Callable[[], Container]
"""Starts one and waits until it is ready. Raises NoContainerError."""


@dataclass(frozen=True, slots=True)
class Services:
    """The servers to use, and where each came from. `stack` holds the embedded ones, and the SMTP sink if asked for."""

    bootstrap_servers: str
    postgres_dsn: str
    kafka_from: Origin
    postgres_from: Origin
    stack: LocalStack
    containers: tuple[Container, ...] = ()

    def stop(self) -> None:
        """End what was started here; servers named by the environment are left alone."""
        self.stack.stop()
        for container in self.containers:
            container.stop()


async def choose(
    directory: Path,
    settings: Settings,
    *,
    kafka_container: StartContainer | None = None,
    postgres_container: StartContainer | None = None,
    smtp: bool = True,
    durable: bool = True,
    ports: dict[Part, int] | None = None,
    progress: Progress | None = None,
) -> Services:
    """Find or start Kafka and PostgreSQL (and the SMTP sink) for `directory`. Raises StackError.

    An address counts as given when the settings hold it explicitly; the default address of Kafka is not one.
    """
    kafka_given = settings.kafka_bootstrap_servers if "kafka_bootstrap_servers" in settings.model_fields_set else None
    postgres_given = settings.postgres_dsn.get_secret_value() if settings.postgres_dsn else None
    tried: list[str] = []
    failures = [
        *(await _refusal(KAFKA_VARIABLE, kafka_given, _reach_kafka(settings)) if kafka_given else []),
        *(await _refusal(POSTGRES_VARIABLE, postgres_given, _reach_postgres(postgres_given)) if postgres_given else []),
    ]
    if failures:
        raise StackError("\n".join(failures))
    kafka = None if kafka_given else await _container("Kafka", KAFKA_VARIABLE, kafka_container, tried)
    postgres = None if postgres_given else await _container("PostgreSQL", POSTGRES_VARIABLE, postgres_container, tried)
    containers = tuple(container for container in (kafka, postgres) if container is not None)
    parts: list[Part] = ["smtp"] if smtp else []
    if not kafka_given and kafka is None:
        parts.append("kafka")
    if not postgres_given and postgres is None:
        parts.append("postgres")
    stack = LocalStack(directory, parts=parts, ports=ports, durable=durable, progress=progress)
    try:
        await stack.start()
    except StackError as error:
        for container in containers:
            container.stop()
        if isinstance(error, DirectoryInUseError):
            raise
        raise StackError(
            "\n".join(["no local stack could be started. Tried:", *tried, f"- embedded: {error}"])
        ) from error
    return Services(
        bootstrap_servers=kafka_given or (kafka.address if kafka else stack.bootstrap_servers),
        postgres_dsn=postgres_given or (postgres.address if postgres else stack.postgres_dsn),
        kafka_from="environment" if kafka_given else "container" if kafka else "embedded",
        postgres_from="environment" if postgres_given else "container" if postgres else "embedded",
        stack=stack,
        containers=containers,
    )


async def _container(name: str, variable: str, start: StartContainer | None, tried: list[str]) -> Container | None:
    """A container where one is wanted and can be had; what stood in the way is noted in `tried`."""
    tried.append(f"- environment: {variable} is not set (example: {EXAMPLES[variable]})")
    if start is None:
        return None
    try:
        return await asyncio.to_thread(start)
    except NoContainerError as error:
        tried.append(f"- container for {name}: {error}")
        return None


async def _refusal(variable: str, address: str, reach: Awaitable[None]) -> list[str]:
    """Nothing when the address answers, else what to say about its variable."""
    try:
        async with asyncio.timeout(REACH_S):
            await reach
    except (KafkaError, OSError, TimeoutError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        reason = str(error) or type(error).__name__
        remedy = f"Correct it (example: {EXAMPLES[variable]}), or unset it to use the local stack."
        return [f"{variable} is {_shown(address)}, which does not answer ({reason}). {remedy}"]
    return []


def _shown(address: str) -> str:
    """An address without its password."""
    scheme, separator, rest = address.rpartition("://")
    credentials, at, host = rest.rpartition("@")
    return f"{scheme}{separator}{credentials.split(':')[0]}{at}{host}"


async def _reach_kafka(settings: Settings) -> None:
    admin = AIOKafkaAdminClient(**connection(settings), request_timeout_ms=int(REACH_S * 1000))
    try:
        await connect(admin, settings)
    finally:
        await admin.close()


async def _reach_postgres(dsn: str) -> None:
    connected = await asyncpg.connect(dsn)
    await connected.close()
