"""Tests, actions and rules as they are written in a campaign (docs/behaviour.md 1.2, 1.6, 6.1, 6.2)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag

from schemas.base import Text
from schemas.document import DocId, Document, Plain, keys_of
from schemas.replies import DispositionName

EventName = Literal["opened", "clicked", "replied", "delivered", "bounced", "done"]
Operator = Literal[
    "equals", "not_equals", "contains", "not_contains", "greater_than", "less_than", "exists", "not_exists"
]  # fmt: skip
ActionType = Literal[
    "update_field", "create_task", "assign_to", "send_notification", "tag", "remove_tag", "suppress", "exit"
]  # fmt: skip
FieldName = Annotated[str, Field(min_length=1, max_length=200)]
"""`email_opened`, `email_clicked`, `email_replied`, `score`, `stage`, `disposition`, or what the lead says of itself."""


class EventTestDoc(Document):
    """True when the event happened to the named step's touch, or to any touch of the enrollment."""

    event: EventName
    step: DocId | None = None


class FieldTestDoc(Document):
    """True when the field compares so with the value (docs/behaviour.md 6.1)."""

    field: FieldName
    operator: Operator
    value: Plain = None


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class DispositionTestDoc(Document):
    """True when the lead's latest reply was judged so (one of several, where a list is given)."""

    disposition: Annotated[list[DispositionName], Field(min_length=1), BeforeValidator(_as_list)]


class RandomTestDoc(Document):
    """True for this share of the enrollments, in percent, drawn from the enrollment's id."""

    random: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]


class AllTestDoc(Document):
    all: Annotated[list[WhenDoc], Field(min_length=1, max_length=50)]


class AnyTestDoc(Document):
    any: Annotated[list[WhenDoc], Field(min_length=1, max_length=50)]


class NotTestDoc(Document):
    not_: Annotated[WhenDoc, Field(alias="not")]


_KINDS = ("event", "field", "disposition", "random", "all", "any", "not")


def _kind_of_test(value: Any) -> str | None:
    """Which test a mapping is, by the name that only this kind has. (The brackets keep it out of the path of an error.)"""
    names = keys_of(value)
    if "not_" in names:
        return "[not]"
    return next((f"[{name}]" for name in _KINDS if name in names), "[field]" if "operator" in names else None)


WhenDoc = Annotated[
    Annotated[EventTestDoc, Tag("[event]")]
    | Annotated[FieldTestDoc, Tag("[field]")]
    | Annotated[DispositionTestDoc, Tag("[disposition]")]
    | Annotated[RandomTestDoc, Tag("[random]")]
    | Annotated[AllTestDoc, Tag("[all]")]
    | Annotated[AnyTestDoc, Tag("[any]")]
    | Annotated[NotTestDoc, Tag("[not]")],
    Discriminator(
        _kind_of_test,
        custom_error_type="unknown_test",
        custom_error_message=f"expected a test with one of {', '.join(_KINDS)}",
    ),
]
"""A test: of an event, a field, a disposition, a random share, or a combination of tests."""


class ActionDoc(Document):
    """Something that is done at once. What `params` must hold depends on the type (docs/behaviour.md 6.2)."""

    type: ActionType
    params: dict[str, Any] = {}


class ScoringRuleDoc(Document):
    """Points for something that becomes true: once a lead and rule unless `repeat`. Decay is by half-life, in days."""

    id: DocId
    name: Text | None = None
    condition: WhenDoc
    score_change: Annotated[int, Field(ge=-10_000, le=10_000)]
    is_active: bool = True
    repeat: bool = False
    half_life_days: Annotated[float, Field(gt=0, le=3650, allow_inf_nan=False)] | None = None


class ProgressionRuleDoc(Document):
    """A move between stages when all conditions are true, with what is done then. No `from_status`: from any stage."""

    id: DocId
    name: Text | None = None
    from_status: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    to_status: Annotated[str, Field(min_length=1, max_length=100)]
    conditions: Annotated[list[WhenDoc], Field(min_length=1, max_length=50)]
    actions: Annotated[list[ActionDoc], Field(max_length=20)] = []
    is_active: bool = True


AllTestDoc.model_rebuild()
AnyTestDoc.model_rebuild()
NotTestDoc.model_rebuild()
