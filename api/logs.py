"""Log lines: structured, to stderr, without addresses. One set-up for our own lines and for libraries'."""

from __future__ import annotations

import logging
import re
import sys
import time
from collections.abc import Callable
from typing import Any

import structlog
from aiokafka.errors import KafkaError

from streams.errors import is_infrastructure
from streams.settings import Settings

_CELL = r"[^\s@<>\"'(),:;=\[\]{}\\]+"
_ADDRESS = re.compile(rf"{_CELL}@{_CELL}\.{_CELL}")
NOISY = ("aiokafka", "faust", "mode", "streams.seam", "aiohttp.access", "httpx", "asyncio")
LIBRARIES = frozenset(
    {"aiokafka", "faust", "mode", "asyncpg", "aiohttp", "asyncio", "aiosmtplib", "httpx", "anthropic"}
)
AGAIN_S = 10.0
"""How often a library may say the same thing: while a server is away it says it a hundred times a second."""


def scrub(line: str) -> str:
    """The line with whatever looks like an address taken out, tracebacks included."""
    return _ADDRESS.sub("[address]", line) if "@" in line else line


class Calm(logging.Filter):
    """What libraries say of a server that is away: one line each without a traceback, and not again at once.

    Our own lines, and tracebacks of anything but infrastructure, pass as they are. `now` is in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._now = now
        self._last: dict[tuple[str, int, str], float] = {}
        self._held_back: dict[tuple[str, int, str], int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.partition(".")[0] not in LIBRARIES or record.levelno < logging.WARNING:
            return True
        _shorten(record)
        key, now = (record.name, record.levelno, str(record.msg)), self._now()
        if now - self._last.get(key, -AGAIN_S) < AGAIN_S:
            self._held_back[key] = self._held_back.get(key, 0) + 1
            return False
        self._last[key] = now
        more = self._held_back.pop(key, 0)
        if more:
            record.msg, record.args = f"{record.getMessage()} ({more} more like this)", None
        return True


def _shorten(record: logging.LogRecord) -> None:
    """Replace the traceback of an infrastructure error by its one line."""
    error = record.exc_info[1] if record.exc_info else None
    if error is None or not (is_infrastructure(error) or isinstance(error, KafkaError | OSError | EOFError)):
        return
    record.exc_info, record.exc_text = None, None
    record.msg, record.args = f"{record.getMessage()}: {str(error) or type(error).__name__}", None


class _Scrubbed:
    """A renderer whose output is scrubbed, so that no field, message or traceback can slip an address through."""

    def __init__(self, renderer: Any) -> None:
        self._renderer = renderer

    def __call__(self, logger: Any, name: str, event: Any) -> str:
        return scrub(self._renderer(logger, name, event))


def configure_logs(settings: Settings, role: str) -> None:
    """Once a process, before anything is logged."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _role(role),
    ]
    as_json = settings.log_format == "json"
    # plain tracebacks: the others show local variables, and with them passwords and mails
    lines = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    renderer: Any = structlog.processors.JSONRenderer() if as_json else lines
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *([structlog.processors.format_exc_info] if as_json else []),
            _Scrubbed(renderer),
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    handler.addFilter(Calm())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level.upper())
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)


def _role(role: str) -> Any:
    def add(logger: Any, name: str, event: dict[str, Any]) -> dict[str, Any]:
        event["role"] = role
        return event

    return add
