"""Claude's client against a local server, for tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from domain.replies.verdict import ModelAnswer
from sinks.claude import Claude, NoAnswer
from tests.support.claude_server import ClaudeServer, Reply

NOW = datetime(2026, 3, 3, 10, tzinfo=UTC)


@asynccontextmanager
async def claude(*script: Reply, **options: Any) -> AsyncIterator[tuple[Claude, ClaudeServer]]:
    """A client whose requests are answered by the script."""
    server = ClaudeServer(*script)
    client = Claude(model="claude-test", api_key="key", base_url=await server.start(), **options)
    try:
        yield client, server
    finally:
        await client.close()
        await server.stop()


def sound(answer: ModelAnswer | NoAnswer) -> ModelAnswer:
    """The answer, which must be one."""
    assert isinstance(answer, ModelAnswer), answer
    return answer
