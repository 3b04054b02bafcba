"""Kafka and PostgreSQL in containers, for tests on a machine where a Docker engine answers."""

import functools
import logging
import os
import socket
from typing import Any
from urllib.parse import urlsplit

import docker
from docker.errors import DockerException
from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import ExecWaitStrategy, LogMessageWaitStrategy

from api.local.child import free_ports
from api.local.choose import Container, NoContainerError

KAFKA_IMAGE = "apache/kafka:4.3.1"
POSTGRES_IMAGE = "postgres:18"
READY_S = 120


@functools.cache
def engine() -> str | None:
    """Why no engine can be used; None when one answers."""
    where = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    try:
        _knock(where)  # first by hand: the client library leaves its socket open when nobody answers
        client = docker.from_env(timeout=3)
        try:
            client.ping()
        finally:
            client.close()
    except (DockerException, OSError) as error:
        return f"no Docker engine answers at {where} ({error})"
    return None


def _knock(where: str) -> None:
    """Connect and hang up. Raises OSError."""
    address = urlsplit(where)
    if address.scheme == "unix":
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(address.path)
    elif address.hostname:
        socket.create_connection((address.hostname, address.port or 2375), timeout=3).close()


def kafka_container() -> Container:
    """A broker, reachable at a port of loopback that it also advertises."""
    (port,) = free_ports(1)
    container = (
        _container(KAFKA_IMAGE, 9092, port)
        .with_env("KAFKA_NODE_ID", "1")
        .with_env("KAFKA_PROCESS_ROLES", "broker,controller")
        .with_env("KAFKA_CONTROLLER_QUORUM_VOTERS", "1@localhost:9093")
        .with_env("KAFKA_LISTENERS", "PLAINTEXT://:9092,CONTROLLER://:9093")
        .with_env("KAFKA_ADVERTISED_LISTENERS", f"PLAINTEXT://127.0.0.1:{port}")
        .with_env("KAFKA_CONTROLLER_LISTENER_NAMES", "CONTROLLER")
        .with_env("KAFKA_LISTENER_SECURITY_PROTOCOL_MAP", "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT")
        .with_env("KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR", "1")
        .with_env("KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS", "0")
        .with_env("KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS", "1000")
        .with_env("KAFKA_AUTO_CREATE_TOPICS_ENABLE", "false")
        .waiting_for(LogMessageWaitStrategy("Kafka Server started").with_startup_timeout(READY_S))
    )
    return _started(container, f"127.0.0.1:{port}")


def postgres_container() -> Container:
    """A database server with one user, reachable at a port of loopback."""
    (port,) = free_ports(1)
    container = (
        _container(POSTGRES_IMAGE, 5432, port)
        .with_env("POSTGRES_USER", "touchline")
        .with_env("POSTGRES_PASSWORD", "touchline")
        .with_env("POSTGRES_DB", "touchline")
        # over TCP: while it prepares itself it answers on its own socket only
        .waiting_for(ExecWaitStrategy(["pg_isready", "-h", "127.0.0.1"]).with_startup_timeout(READY_S))
    )
    return _started(container, f"postgresql://touchline:touchline@127.0.0.1:{port}/touchline")


def _container(image: str, inner: int, port: int) -> DockerContainer:
    """A container of `image` whose port `inner` is `port` on loopback, and on loopback only."""
    reason = engine()
    if reason is not None:
        raise NoContainerError(reason)
    container = DockerContainer(image)
    # the engine takes an address with the port; the typed method takes only a port, which would open it to the world
    ports: dict[str, Any] = container.ports
    ports[f"{inner}/tcp"] = ("127.0.0.1", port)
    return container


def _started(container: DockerContainer, address: str) -> Container:
    try:
        container.start()
    except Exception as error:
        logging.getLogger(__name__).debug("container failed", exc_info=True)
        raise NoContainerError(f"{container.image} did not start ({error})") from error
    return Container(address, container.stop)
