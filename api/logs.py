"""Log lines: structured, to stderr, without addresses. One set-up for our own lines and for libraries'."""

from __future__ import annotations

import logging
import re
import sys
from typing import Any

import structlog

from streams.settings import Settings

_CELL = r"[^\s@<>\"'(),:;=\[\]{}\\]+"
_ADDRESS = re.compile(rf"{_CELL}@{_CELL}\.{_CELL}")
NOISY = ("aiokafka", "faust", "mode", "streams.seam", "aiohttp.access", "httpx", "asyncio")


def scrub(line: str) -> str:
    """The line with whatever looks like an address taken out, tracebacks included."""
    return _ADDRESS.sub("[address]", line) if "@" in line else line


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
    renderer: Any = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=False)
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
