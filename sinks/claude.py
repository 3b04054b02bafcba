"""Claude reads the answers that no rule knows (docs/behaviour.md 7.6), through Anthropic's Messages API.

A mail is data: it goes in as one JSON object, there are no tools, and the answer is checked against the allowed
values again. Whatever goes wrong (no answer in time, a refusal, an answer that is cut off or malformed) comes back
as `NoAnswer`, for a person to decide.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from domain.replies.mail import Mail
from domain.replies.verdict import MODEL_DISPOSITIONS, ModelAnswer
from schemas.replies import CategoryName

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic
    from anthropic.types import Message

log = structlog.get_logger("touchline.claude")

PROMPT_VERSION = "classify_v1"
"""Name of the prompt's file: a change of its text is a new file."""
MAX_BODY = 8000
MAX_TOKENS = 1500
MAX_RETRIES = 4
"""Repeats after 429, 529, other 5xx and lost connections, with back-off or after what Retry-After says."""
CALL_TIMEOUT_S = 20.0
DEADLINE_S = 60.0
"""Wall seconds for one mail, all repeats included."""

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


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """The model gave nothing to act on. `why`: timeout, refused, truncated, malformed, overloaded, unavailable,
    rejected."""

    why: str


class Claude:
    """One client for a process. `close` it."""

    def __init__(
        self,
        *,
        model: str,
        api_key: str,
        base_url: str | None = None,
        deadline_s: float = DEADLINE_S,
        call_timeout_s: float = CALL_TIMEOUT_S,
        max_retries: int = MAX_RETRIES,
    ) -> None:
        from anthropic import AsyncAnthropic

        self._model = model
        self._deadline_s = deadline_s
        self._prompt = prompt()
        self._client: AsyncAnthropic = AsyncAnthropic(
            api_key=api_key, base_url=base_url, timeout=call_timeout_s, max_retries=max_retries
        )

    async def close(self) -> None:
        """Close its connections."""
        await self._client.close()

    async def classify(self, mail: Mail, received_at: datetime) -> ModelAnswer | NoAnswer:
        """What the model makes of a mail. Never raises for what the model or the network does."""
        import anthropic

        try:
            async with asyncio.timeout(self._deadline_s):
                message = await self._client.messages.create(
                    model=self._model,
                    max_tokens=MAX_TOKENS,
                    system=self._prompt,
                    messages=[{"role": "user", "content": as_data(mail, received_at)}],
                    output_config={"format": {"type": "json_schema", "schema": ANSWER_SCHEMA}},
                )
        except (TimeoutError, anthropic.APITimeoutError):
            return self._nothing("timeout")
        except anthropic.APIConnectionError:
            return self._nothing("unavailable")
        except anthropic.APIStatusError as error:
            busy = error.status_code in {429, 529}
            return self._nothing("overloaded" if busy else "unavailable" if error.status_code >= 500 else "rejected")
        except (anthropic.AnthropicError, ValueError, TypeError):
            return self._nothing("malformed")
        return self._read(message)

    def _read(self, message: Message) -> ModelAnswer | NoAnswer:
        if message.stop_reason == "refusal":
            return self._nothing("refused")
        if message.stop_reason != "end_turn":
            return self._nothing("truncated" if message.stop_reason == "max_tokens" else "malformed")
        text = "".join(block.text for block in message.content or () if block.type == "text")
        return read_answer(text) or self._nothing("malformed")

    def _nothing(self, why: str) -> NoAnswer:
        log.warning("no_answer_from_model", why=why, model=self._model)
        return NoAnswer(why)


def prompt() -> str:
    """The instructions, of the version in force."""
    return (Path(__file__).parent / "prompts" / f"{PROMPT_VERSION}.txt").read_text("utf-8")


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
