"""`enrollments` (public, key lead_id): what producers ask for."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from schemas.base import Identifier, Instant, Message, Part, Scalar, Text
from schemas.sending import Thread

AddedBy = Literal["manual", "import", "automation", "api"]


class LeadData(Part):
    """The person a campaign writes to. Every further fact goes into `attributes` and is a merge variable."""

    email: Annotated[str, Field(max_length=320)] | None = None
    first_name: Text | None = None
    last_name: Text | None = None
    full_name: Text | None = None
    title: Text | None = None
    company: Text | None = None
    city: Text | None = None
    country: Text | None = None
    phone: Annotated[str, Field(max_length=64)] | None = None
    timezone: Annotated[str, Field(max_length=64, description="IANA zone, for example Europe/Paris.")] | None = None
    attributes: dict[Identifier, Scalar | list[Scalar]] = {}


class _EnrollmentEvent(Message):
    TOPIC: ClassVar[str] = "enrollments"
    event_id: Identifier
    lead_id: Identifier
    at: Instant | None = None


class Enroll(_EnrollmentEvent):
    """Enroll a lead in a campaign: once for each campaign and lead, unless `re_enter` asks for another entry."""

    type: Literal["enroll"] = "enroll"
    campaign_id: Identifier
    lead: LeadData
    variant: Literal["a", "b", "random"] = "random"
    mailbox_id: Identifier | None = None
    re_enter: bool = False
    added_by: AddedBy = "api"
    notes: Text | None = None


class UpdateLead(_EnrollmentEvent):
    """Change a lead's facts. Touches that are not yet due use the new ones."""

    type: Literal["update"] = "update"
    lead: LeadData


class Pause(_EnrollmentEvent):
    """Pause a lead in one campaign, or (without `campaign_id`) in all of them."""

    type: Literal["pause"] = "pause"
    campaign_id: Identifier | None = None
    reason: Text = "request"


class Resume(_EnrollmentEvent):
    """Undo the `pause` of the same scope. It releases no hold that a reply made."""

    type: Literal["resume"] = "resume"
    campaign_id: Identifier | None = None
    reason: Text = "request"


class Exit(_EnrollmentEvent):
    """Take a lead out of one campaign, or out of all of them, for good."""

    type: Literal["exit"] = "exit"
    campaign_id: Identifier | None = None
    reason: Text = "request"


class TaskDone(_EnrollmentEvent):
    """A call or manual touch came to its end: done, blocked (it waits for its deadline) or rejected (it will not be done).

    Without `enrollment_id` it is about the lead's newest entry into the campaign.
    """

    type: Literal["task_done"] = "task_done"
    campaign_id: Identifier
    step_id: Identifier
    enrollment_id: UUID | None = None
    outcome: Literal["done", "blocked", "rejected"] = "done"


class ReplyHandled(_EnrollmentEvent):
    """People are done with a reply: what it held besides the enrollment that it answered goes on."""

    type: Literal["reply_handled"] = "reply_handled"
    reply_id: UUID


class AnswerReply(_EnrollmentEvent):
    """A person approved an answer to a reply: it goes out in the reply's thread, once, through the same ledger as any touch.

    Made in the approving transaction by `sinks.postgres.answers.answer_reply`, which knows whom and in which thread to answer.
    """

    type: Literal["answer_reply"] = "answer_reply"
    campaign_id: Identifier
    enrollment_id: UUID
    reply_id: UUID
    card_id: UUID
    body: Annotated[str, Field(min_length=1, max_length=20_000, pattern=r"^[^\x00]*$")]
    approved_by: Text
    to: Annotated[str, Field(max_length=320, description="Who wrote the reply.")]
    mailbox_id: Identifier
    timezone: str | None = None
    thread: Annotated[
        Thread, Field(description="The reply's subject; the mails before it and, last, the reply itself.")
    ]


class ColleagueAnswered(_EnrollmentEvent):
    """Somebody at the lead's company answered the campaign: its sequence there is held, ended, or goes on again."""

    type: Literal["colleague_answered"] = "colleague_answered"
    campaign_id: Identifier
    reply_id: UUID
    act: Literal["hold", "end", "free"]
    until: Instant | None = None


EnrollmentEvent = Annotated[
    Enroll | UpdateLead | Pause | Resume | Exit | TaskDone | ReplyHandled | AnswerReply | ColleagueAnswered,
    Field(discriminator="type"),
]
