"""Claude reads the answers that no rule knows (docs/behaviour.md 7.6), through Anthropic's Messages API.

A mail is data: it goes in as one JSON object, there are no tools, and the answer is checked against the allowed
values again. Whatever goes wrong (no answer in time, a refusal, an answer that is cut off or malformed) comes back
as `NoAnswer`, for a person to decide.
"""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Annotated, Any, Unpack, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from domain.replies.mail import Mail
from domain.replies.verdict import MODEL_DISPOSITIONS, ModelAnswer
from schemas.replies import CategoryName
from sinks import claude_client
from sinks.claude_client import ClaudeClient, NoAnswer, Options

PROMPT_VERSION = "classify_v1"
"""Name of the prompt's file: a change of its text is a new file."""
MAX_BODY = 8000
MAX_TOKENS = 1500

CATEGORIES: tuple[str, ...] = get_args(CategoryName)

_NULLABLE_TEXT: dict[str, Any] = {"anyOf": [{"type": "string"}, {"type": "null"}]}
ANSWER_SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": [
        "disposition", "category", "confidence", "sentiment", "summary", "return_date", "entities", "draft_reply",
    ],
    "properties": {
        "disposition": {"type": "string", "enum": list(MODEL_DISPOSITIONS)},
        "category": {"anyOf": [{"type": "string", "enum": list(CATEGORIES)}, {"type": "null"}]},
        "confidence": {"type": "number"},
        "sentiment": {"anyOf": [{"type": "number"}, {"type": "null"}]},
        "summary": _NULLABLE_TEXT,
        "return_date": _NULLABLE_TEXT,
        "entities": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["kind", "value"],
                "properties": {"kind": {"type": "string"}, "value": {"type": "string"}},
            },
        },
        "draft_reply": _NULLABLE_TEXT,
    },
}  # fmt: skip
"""What the answer must look like (JSON Schema, as structured outputs take it)."""

_Text = Annotated[str, Field(max_length=4000, pattern=r"^[^\x00]*$")]


class _Entity(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)

    kind: Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[^\x00]*$")]
    value: Annotated[str, Field(max_length=300, pattern=r"^[^\x00]*$")]


class _Answer(BaseModel):
    """The answer as it must be, whatever the API promised."""

    model_config = ConfigDict(extra="ignore")

    disposition: str
    confidence: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
    category: str | None = None
    sentiment: Annotated[float, Field(ge=-1, le=1, allow_inf_nan=False)] | None = None
    summary: _Text | None = None
    return_date: date | None = None
    entities: list[_Entity] = []
    draft_reply: _Text | None = None


class Claude:
    """One client for a process. `close` it."""

    def __init__(self, **options: Unpack[Options]) -> None:
        self._client = ClaudeClient(**options)
        self._prompt = prompt()

    async def close(self) -> None:
        """Close its connections."""
        await self._client.close()

    async def classify(self, mail: Mail, received_at: datetime) -> ModelAnswer | NoAnswer:
        """What the model makes of a mail. Never raises for what the model or the network does."""
        text = await self._client.ask(
            system=self._prompt, data=as_data(mail, received_at), schema=ANSWER_SCHEMA, max_tokens=MAX_TOKENS
        )
        if isinstance(text, NoAnswer):
            return text
        return read_answer(text) or self._client.nothing("malformed")


def prompt() -> str:
    """The instructions, of the version in force."""
    return claude_client.prompt(PROMPT_VERSION)


def as_data(mail: Mail, received_at: datetime) -> str:
    """The mail as one JSON object: no character of it can end its string. Quoted history, addresses and headers stay
    here."""
    return json.dumps(
        {
            "from_name": mail.from_name,
            "subject": mail.subject,
            "body": mail.text[:MAX_BODY],
            "received_on": received_at.date().isoformat(),
            "truncated": mail.truncated or len(mail.text) > MAX_BODY,
        },
        ensure_ascii=False,
    )


def read_answer(text: str) -> ModelAnswer | None:
    """The model's text as an answer; None when it is not what was asked for. Only known values pass."""
    try:
        answer = _Answer.model_validate_json(text)
    except ValidationError:
        return None
    if answer.disposition not in MODEL_DISPOSITIONS or (
        answer.category is not None and answer.category not in CATEGORIES
    ):
        return None
    entities: dict[str, list[str]] = {}
    for entity in answer.entities[:10]:
        entities.setdefault(entity.kind, []).append(entity.value)
    return ModelAnswer(
        disposition=answer.disposition,
        confidence=answer.confidence,
        category=answer.category,
        sentiment=answer.sentiment,
        entities=entities,
        summary=answer.summary,
        draft_reply=answer.draft_reply,
        return_date=answer.return_date,
    )


__all__ = ["ANSWER_SCHEMA", "Claude", "NoAnswer", "as_data", "prompt", "read_answer"]
