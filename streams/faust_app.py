"""A role's Faust app: its settings, its topics, its tables. Built when a role runs; importing faust is slow and process-wide."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from streams import kafka
from streams.recovery import SafeTables
from streams.seam import DurableTable, SafeApp
from streams.settings import Settings, SettingsError, problem
from streams.tables import Table, WindowTable
from streams.topology import app_id

_COMMIT_S = 1.0
_COMMIT_IN_LOCKSTEP_S = 0.05
"""Whoever moves the clock waits for the commits."""


def build_app(settings: Settings, role: str, instance: str) -> SafeApp:
    """The app with the settings that matter; `instance` tells this process from others of its group."""
    datadir = settings.data_dir / "faust" / role
    try:
        datadir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError([problem("data_dir", f"cannot be used ({error})")]) from None
    return SafeApp(
        app_id(settings, role),
        broker=kafka.faust_broker(settings),
        broker_credentials=kafka.faust_credentials(settings),
        store="memory://",
        datadir=str(datadir),
        canonical_url=f"http://{instance}",
        web_enabled=False,
        web_tables_enabled=False,
        topic_partitions=settings.partitions,
        topic_replication_factor=settings.kafka_replication_factor,
        topic_disable_leader=True,
        topic_allow_declare=False,
        table_standby_replicas=0,
        broker_session_timeout=settings.session_timeout_s,
        broker_heartbeat_interval=settings.session_timeout_s * 0.3,
        broker_rebalance_timeout=max(30.0, settings.session_timeout_s),
        broker_request_timeout=max(40.0, settings.session_timeout_s),
        broker_commit_interval=_COMMIT_S if settings.clock_file is None else _COMMIT_IN_LOCKSTEP_S,
        consumer_auto_offset_reset="earliest",
        stream_wait_empty=True,
        stream_buffer_maxsize=16_384,
        Table=DurableTable,
        TableManager=SafeTables,
    )


def add_tables(
    app: SafeApp, settings: Settings, tables: Mapping[str, Table], windows: Mapping[str, WindowTable]
) -> dict[str, Any]:
    """Faust's side of each table, by name. Windows are tumbling and never expire by themselves."""
    made: dict[str, Any] = {
        name: app.Table(name, partitions=settings.partitions, key_type=bytes, value_type=bytes) for name in tables
    }
    for name, window in windows.items():
        table = app.Table(name, partitions=settings.partitions, key_type=str, value_type=bytes)
        made[name] = table.tumbling(float(window.size_s)).table
    return made


def add_agent(
    app: SafeApp, settings: Settings, name: str, topics: list[str], body: Callable[[Any], Awaitable[None]]
) -> None:
    """One agent over all of a role's topics, raw bytes in, one at a time."""
    source = app.topic(
        *topics,
        key_type=bytes,
        value_type=bytes,
        key_serializer="raw",
        value_serializer="raw",
        partitions=settings.partitions,
    )
    app.agent(source, name=name, concurrency=1)(body)
