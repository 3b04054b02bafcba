"""Claude writes a touch from its assignment (docs/behaviour.md 1.4), through Anthropic's Messages API.

The assignment goes in as one JSON object, there are no tools, and what comes back is only text: `domain/draft_checks.py`
says whether it may be shown to a person, or sent.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Unpack

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from domain.writing import Words
from sinks import claude_client
from sinks.claude_client import ClaudeClient, NoAnswer, Options

PROMPT_VERSION = "write_v1"
"""Name of the prompt's file: a change of its text is a new file."""
MAX_TOKENS = 2500

DRAFT_SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["subject", "body"],
    "properties": {"subject": {"anyOf": [{"type": "string"}, {"type": "null"}]}, "body": {"type": "string"}},
}
"""What the answer must look like (JSON Schema, as structured outputs take it)."""


class _Draft(BaseModel):
    """The answer as it must be, whatever the API promised."""

    model_config = ConfigDict(extra="ignore", strict=True)

    subject: Annotated[str, Field(max_length=2_000)] | None
    body: Annotated[str, Field(max_length=50_000)]


class ClaudeWriter:
    """One client for a process. `close` it."""

    def __init__(self, **options: Unpack[Options]) -> None:
        self._client = ClaudeClient("write", **options)
        self._prompt = claude_client.prompt(PROMPT_VERSION)
        self.model = options["model"]

    async def close(self) -> None:
        """Close its connections."""
        await self._client.close()

    async def write(self, data: Mapping[str, Any], refused_because: Sequence[str] = ()) -> Words | NoAnswer:
        """A draft. Never raises for what the model or the network does. `refused_because`: what was wrong with the last."""
        text = await self._client.ask(
            system=self._prompt, data=as_json(data, refused_because), schema=DRAFT_SCHEMA, max_tokens=MAX_TOKENS
        )
        if isinstance(text, NoAnswer):
            return text
        return read_draft(text) or self._client.nothing("malformed")


def as_json(data: Mapping[str, Any], refused_because: Sequence[str] = ()) -> str:
    """The assignment as one JSON object: no character of any value can end its string."""
    told = {**data, "refused_because": list(refused_because)} if refused_because else data
    return json.dumps(told, ensure_ascii=False, default=str)


def read_draft(text: str) -> Words | None:
    """The model's text as a draft; None when it is not what was asked for."""
    try:
        draft = _Draft.model_validate_json(text)
    except ValidationError:
        return None
    return Words(draft.subject, draft.body)
