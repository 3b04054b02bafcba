"""`draft-requests` and `drafts`: a touch that Claude writes, on its way to being approved (docs/behaviour.md 1.4, 8.2)."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from schemas.base import Identifier, Instant, Message, Scalar, Text

DraftOutcome = Literal[
    "sent",  # it left
    "ambiguous",  # the connection was lost after the body began: unknowable
    "failed",  # the server or the address refused it
    "dropped",  # it is not wanted any more: the sequence ended, or an edit removed the step
]


class DraftWanted(Message):
    """The words of a touch that fell due are to be written. Told again, it asks for the answer again."""

    TOPIC: ClassVar[str] = "draft-requests"
    type: Literal["wanted"] = "wanted"
    event_id: Identifier
    send_id: UUID
    lead_id: Identifier
    campaign_id: Identifier
    campaign_version: int
    enrollment_id: UUID
    step_id: Identifier
    variant: str = "a"
    merge: Annotated[
        dict[str, Scalar | list[Scalar]], Field(description="What the step's template uses, as it is now.")
    ] = {}
    person: Annotated[
        dict[str, Scalar | list[Scalar]],
        Field(description="What is known of the person, the job and the company, without addresses."),
    ] = {}
    thread_subject: Annotated[Text | None, Field(description="The subject of the touch that this one answers.")] = None
    at: Instant


class DraftOver(Message):
    """What became of a touch that was to be written: its draft and its card have reached their end."""

    TOPIC: ClassVar[str] = "draft-requests"
    type: Literal["over"] = "over"
    event_id: Identifier
    send_id: UUID
    lead_id: Identifier
    campaign_id: Identifier
    step_id: Identifier
    outcome: DraftOutcome
    code: str | None = None
    at: Instant


DraftRequest = Annotated[DraftWanted | DraftOver, Field(discriminator="type")]


class _Decided(Message):
    TOPIC: ClassVar[str] = "drafts"
    event_id: Identifier
    send_id: UUID
    lead_id: Identifier
    campaign_id: Identifier
    enrollment_id: UUID
    step_id: Identifier
    at: Instant


class DraftApproved(_Decided):
    """These words go out for this touch, and no others. Without a subject it answers in the thread of the touch before."""

    type: Literal["approved"] = "approved"
    subject: Text | None = None
    body: Annotated[str, Field(min_length=1, max_length=20_000, pattern=r"^[^\x00]*$")]


class DraftRejected(_Decided):
    """These words do not go out: the touch is skipped, or its template goes. None: as the campaign says."""

    type: Literal["rejected"] = "rejected"
    instead: Literal["skip", "template"] | None = None


DraftEvent = Annotated[DraftApproved | DraftRejected, Field(discriminator="type")]
