"""The steps of a sequence as they are written (docs/behaviour.md 1.2-1.6)."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from schemas.base import Text
from schemas.document import DelayDoc, DocId, Document, Plain
from schemas.rules import ActionDoc, FieldName, WhenDoc

WaitUnit = Literal["minutes", "hours", "days", "weeks", "business_days"]
Review = Literal["review", "edit", "bulk", "auto_approve"]
OnReject = Literal["skip", "template"]


class VariantDoc(Document):
    """The B side of an email: what it does not say it takes from A."""

    subject: Text | None = None
    body: Text | None = None


class ArmDoc(Document):
    """One weighted arm of the long form (up to six)."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-f]$")]
    subject: Text | None = None
    body: Text | None = None
    weight: Annotated[int, Field(ge=0, le=1000)] = 1
    is_active: bool = True


class _StepDoc(Document):
    id: DocId
    next_step_id: DocId | None = None
    is_active: bool = True
    delay_days: Annotated[int, Field(ge=0)] = 0
    delay_hours: Annotated[int, Field(ge=0)] = 0
    conditions: Annotated[list[WhenDoc], Field(max_length=50)] = []


class EmailStepDoc(_StepDoc):
    kind: Literal["email"]
    subject: Text | None = None
    body: Annotated[str, Field(max_length=200_000)]
    variant_b: VariantDoc | None = None
    variant_split: Annotated[int, Field(ge=0, le=100)] = 50
    arms: Annotated[list[ArmDoc], Field(max_length=6)] = []
    use_ai_generation: bool = False
    ai_prompt_context: Text | None = None
    ai_review: Review | None = None
    ai_on_reject: OnReject | None = None


class SmsStepDoc(_StepDoc):
    """A text. Merge values are as in an email; the opt-out line is added where it is missing."""

    kind: Literal["sms"]
    body: Annotated[str, Field(max_length=1600)]


class WaitStepDoc(_StepDoc):
    kind: Literal["wait"]
    duration: Annotated[int, Field(ge=0)]
    unit: WaitUnit = "days"
    business_hours_only: bool = False


class ConditionStepDoc(_StepDoc):
    kind: Literal["condition"]
    when: WhenDoc
    true_next_step_id: DocId | None = None
    false_next_step_id: DocId | None = None
    within: DelayDoc | None = None


class SwitchCaseDoc(Document):
    """One way out: the field equals a value, or a regular expression (RE2) matches somewhere in it."""

    equals: Plain = None
    matches: Annotated[str, Field(min_length=1, max_length=1000)] | None = None
    next_step_id: DocId


class SwitchStepDoc(_StepDoc):
    """The first case that holds decides; `otherwise` else (without it: as a step without `next_step_id`)."""

    kind: Literal["switch"]
    field: FieldName
    cases: Annotated[list[SwitchCaseDoc], Field(min_length=1, max_length=50)]
    otherwise: DocId | None = None


class ActionStepDoc(_StepDoc):
    kind: Literal["action"]
    actions: Annotated[list[ActionDoc], Field(min_length=1, max_length=20)]


class TaskStepDoc(_StepDoc):
    """A call or a manual touch: it stands as a card, and the sequence goes on when it is done or at its deadline."""

    kind: Literal["call", "task"]
    title: Annotated[str, Field(min_length=1, max_length=500)]
    description: Text | None = None
    task_kind: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,59}$")] | None = None
    queue: DocId = "sales"
    priority: Literal["low", "medium", "high"] = "medium"
    due: DelayDoc = DelayDoc(days=1)


StepDoc = Annotated[
    EmailStepDoc | SmsStepDoc | WaitStepDoc | ConditionStepDoc | SwitchStepDoc | ActionStepDoc | TaskStepDoc,
    Field(discriminator="kind"),
]
