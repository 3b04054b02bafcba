"""What Claude's answers must look like, and what becomes of those that do not: only known values pass."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from domain.replies.verdict import EntityKind, ModelAnswer
from domain.routing import NO_ROUTING, Routing
from domain.templates import clean_text

MAX_ENTITIES = 10
MAX_SUMMARY = 500

_NULLABLE_TEXT: dict[str, Any] = {"anyOf": [{"type": "string"}, {"type": "null"}]}
_KINDS: tuple[str, ...] = get_args(EntityKind)


def answer_schema(routing: Routing = NO_ROUTING) -> dict[str, Any]:
    """What the answer must look like (JSON Schema, as structured outputs take it)."""
    properties: dict[str, Any] = {
        "id": {"type": "string"},
        "disposition": {"type": "string", "enum": list(routing.disposition_names)},
        "category": {"anyOf": [{"type": "string", "enum": list(routing.category_names)}, {"type": "null"}]},
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
                "properties": {"kind": {"type": "string", "enum": list(_KINDS)}, "value": {"type": "string"}},
            },
        },
        "draft_reply": _NULLABLE_TEXT,
    }
    answer = {"type": "object", "additionalProperties": False, "required": list(properties), "properties": properties}
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["answers"],
        "properties": {"answers": {"type": "array", "items": answer}},
    }


_Text = Annotated[str, Field(max_length=4000, pattern=r"^[^\x00]*$")]


def _as_date(value: Any) -> Any:
    return date.fromisoformat(value) if isinstance(value, str) else value


class _Entity(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)

    kind: Annotated[str, Field(max_length=40)]
    value: Annotated[str, Field(max_length=300, pattern=r"^[^\x00]*$")]


class _Answer(BaseModel):
    """One answer as it must be, whatever the API promised. Strict: "0.9" and true are no numbers."""

    model_config = ConfigDict(extra="ignore", strict=True)

    id: Annotated[str, Field(max_length=100)]
    disposition: str
    confidence: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
    category: str | None = None
    sentiment: Annotated[float, Field(ge=-1, le=1, allow_inf_nan=False)] | None = None
    summary: _Text | None = None
    return_date: Annotated[date, BeforeValidator(_as_date)] | None = None
    entities: Annotated[list[_Entity], Field(max_length=1000)] = []
    draft_reply: _Text | None = None


class _Answers(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)

    answers: Annotated[list[Any], Field(max_length=100)]


_ONE = TypeAdapter(_Answer)


def read_answers(text: str, routing: Routing = NO_ROUTING) -> dict[str, ModelAnswer]:
    """The sound answers in the model's text, by id. One that is not what was asked for, or that is given twice, is left
    out; so is everything where the text is no JSON."""
    try:
        items = _Answers.model_validate_json(text).answers
    except ValidationError:
        return {}
    found: dict[str, ModelAnswer] = {}
    twice: set[str] = set()
    for item in items:
        try:
            answer = _ONE.validate_python(item)
        except ValidationError:
            continue
        if answer.disposition not in routing.disposition_names or (
            answer.category is not None and answer.category not in routing.category_names
        ):
            continue
        if answer.id in found:
            twice.add(answer.id)
        found[answer.id] = _model_answer(answer)
    return {one: answer for one, answer in found.items() if one not in twice}


def _model_answer(answer: _Answer) -> ModelAnswer:
    entities: dict[str, list[str]] = {}
    for entity in [entity for entity in answer.entities if entity.kind in _KINDS][:MAX_ENTITIES]:
        entities.setdefault(entity.kind, []).append(_line(entity.value))
    return ModelAnswer(
        disposition=answer.disposition,
        confidence=answer.confidence,
        category=answer.category,
        sentiment=answer.sentiment,
        entities=entities,
        summary=None if answer.summary is None else _line(answer.summary)[:MAX_SUMMARY] or None,
        draft_reply=answer.draft_reply,
        return_date=answer.return_date,
    )


def _line(text: str) -> str:
    """One line without control characters."""
    return re.sub(r"\s+", " ", clean_text(text)).strip()
