"""One role as the process it is in production, for a test."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from streams.settings import Settings

ROOT = Path(__file__).resolve().parents[2]


@asynccontextmanager
async def role_process(
    settings: Settings, role: str, log_name: str = "worker", **environment: str
) -> AsyncIterator[Process]:
    """`touchline worker ROLE` with these settings and nothing else of the environment; ended in order unless the test has
    killed it. Its output stands in `settings.data_dir`.
    """
    assert settings.postgres_dsn is not None
    given = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "TOUCHLINE_KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers,
        "TOUCHLINE_KAFKA_TOPIC_PREFIX": settings.kafka_topic_prefix,
        "TOUCHLINE_POSTGRES_DSN": settings.postgres_dsn.get_secret_value(),
        "TOUCHLINE_PARTITIONS": str(settings.partitions),
        **environment,
    }
    log = settings.data_dir / f"{log_name}.log"
    with log.open("wb") as output:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "api.cli", "worker", role, env=given, stdout=output, stderr=output
        )
    try:
        yield child
        killed = child.returncode == -signal.SIGKILL
        if child.returncode is None:
            child.send_signal(signal.SIGTERM)
        assert killed or await asyncio.wait_for(child.wait(), 30) == 0, log.read_text()[-4000:]
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
