"""What a sequence is made of, compiled: its steps, its actions and its rules (docs/behaviour.md 1.2-1.6, 6.1, 6.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

from domain.predicates import Predicate, Value
from domain.templates import Template


@dataclass(frozen=True, slots=True)
class Arm:
    """One variant of an email: `subject` None means "Re:" in the thread of the touch before."""

    name: str
    weight: int
    subject: Template | None
    body: Template
    is_html: bool
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class Writing:
    """How an email's words are written for each lead (docs/behaviour.md 1.4, 8.2)."""

    context: str
    """What the writer of the campaign wants said: `ai_prompt_context`."""
    review: str = "review"
    """review, edit, bulk or auto_approve."""
    on_reject: str = "skip"
    """What follows when a draft is rejected: skip the touch, or send the template."""


@dataclass(frozen=True, slots=True)
class EmailStep:
    step_id: str
    next_id: str | None
    arms: tuple[Arm, ...]
    variables: frozenset[str]
    """Merge variables that any arm uses, without the sender's and the footer's own."""
    is_active: bool = True
    kind: Literal["email"] = "email"
    conditions: tuple[Predicate, ...] = ()
    """Of any step: all must hold when it is due, else it is skipped (docs/behaviour.md 1.2)."""
    writing: Writing | None = None


@dataclass(frozen=True, slots=True)
class SmsStep:
    step_id: str
    next_id: str | None
    body: Template
    variables: frozenset[str]
    is_active: bool = True
    kind: Literal["sms"] = "sms"
    conditions: tuple[Predicate, ...] = ()


@dataclass(frozen=True, slots=True)
class WaitStep:
    step_id: str
    next_id: str | None
    duration: int
    unit: str
    business_hours_only: bool = False
    is_active: bool = True
    kind: Literal["wait"] = "wait"
    conditions: tuple[Predicate, ...] = ()


@dataclass(frozen=True, slots=True)
class ConditionStep:
    step_id: str
    next_id: str | None
    when: Predicate
    true_id: str | None
    false_id: str | None
    within: timedelta | None = None
    is_active: bool = True
    kind: Literal["condition"] = "condition"
    conditions: tuple[Predicate, ...] = ()


@dataclass(frozen=True, slots=True)
class SwitchCase:
    """One way out of a switch: `when` is the value, or a pattern in it (docs/behaviour.md 1.2)."""

    next_id: str
    equals: Value = None
    pattern: Any = None
    """A compiled RE2 pattern, or None."""


@dataclass(frozen=True, slots=True)
class SwitchStep:
    step_id: str
    next_id: str | None
    """Where it goes when no case holds: `otherwise`."""
    field: str
    cases: tuple[SwitchCase, ...]
    is_active: bool = True
    kind: Literal["switch"] = "switch"
    conditions: tuple[Predicate, ...] = ()


@dataclass(frozen=True, slots=True)
class Action:
    """Something that is done at once (docs/behaviour.md 6.2): update_field, create_task, tag, suppress, exit..."""

    type: str
    params: Mapping[str, Any] = field(default_factory=dict)
    templates: Mapping[str, Template] = field(default_factory=dict)
    """Its words, by parameter: title, description, message."""


@dataclass(frozen=True, slots=True)
class ActionStep:
    step_id: str
    next_id: str | None
    actions: tuple[Action, ...]
    is_active: bool = True
    kind: Literal["action"] = "action"
    conditions: tuple[Predicate, ...] = ()


@dataclass(frozen=True, slots=True)
class TaskStep:
    step_id: str
    next_id: str | None
    title: Template
    description: Template | None
    queue: str
    priority: str
    due_in: timedelta
    task_kind: str
    variables: frozenset[str] = frozenset()
    is_active: bool = True
    kind: Literal["task"] = "task"
    conditions: tuple[Predicate, ...] = ()
    is_call: bool = False
    """Whether it is a call: calls and other manual touches are counted apart."""


Step = EmailStep | SmsStep | WaitStep | ConditionStep | SwitchStep | ActionStep | TaskStep


@dataclass(frozen=True, slots=True)
class ScoringRule:
    """Points for what becomes true (docs/behaviour.md 6.1). Times are in days of campaign time."""

    rule_id: str
    when: Predicate
    score_change: int
    is_active: bool = True
    repeat: bool = False
    half_life_days: float | None = None


@dataclass(frozen=True, slots=True)
class ProgressionRule:
    """A move from stage to stage (docs/behaviour.md 6.2). `from_status` None: from any stage."""

    rule_id: str
    from_status: str | None
    to_status: str
    conditions: tuple[Predicate, ...]
    actions: tuple[Action, ...] = ()
    is_active: bool = True
