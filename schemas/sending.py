"""`due-sends`, `sends`, `grant-outcomes`, `send-results`: one touch on its way out."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from schemas.base import Identifier, Instant, Message, Part, Scalar, Text

Variant = Annotated[str, Field(min_length=1, max_length=20)]
Channel = Annotated[Literal["sms"], Field(description="How it goes out; left out for an email.")]

Outcome = Literal[
    "sent",  # the server said 250 to the final dot
    "deferred",  # 4xx or no connection: try again later
    "failed",  # 5xx, or the touch cannot be rendered
    "ambiguous",  # the connection was lost after the body began: unknowable
    "expired",  # the grant was older than 30 s when the gate saw it
    "suppressed",  # the address is suppressed, or owned by another lead (code says which)
    "stopped",  # a stop covers the enrollment
    "paused",  # the campaign, the mailbox or everything is paused
    "stale",  # grant, mailbox or epoch is not the current one
]


class Thread(Part):
    """The earlier touch this one answers: a follow-up without its own subject is "Re:" in the same thread."""

    subject: Text
    message_ids: list[str]


class Content(Part):
    """The words of one touch, written for it alone and approved. Without a subject it is "Re:" in the thread."""

    subject: Text | None = None
    body: Annotated[str, Field(max_length=20_000, pattern=r"^[^\x00]*$")]


class DueSend(Message):
    """A touch that is due. Carries only the merge values its step's templates use, as they are now."""

    TOPIC: ClassVar[str] = "due-sends"
    type: Literal["due"] = "due"
    event_id: Identifier
    send_id: UUID
    enrollment_id: UUID
    lead_id: Identifier
    campaign_id: Identifier
    campaign_version: int
    step_id: Identifier
    entry_no: int = 1
    pool_id: Identifier
    ask_no: Annotated[int, Field(ge=1)]
    priority: Annotated[int, Field(ge=0, description="0 a follow-up, 1 a first touch; lower goes first.")]
    due_at: Instant
    at: Instant
    channel: Channel | None = None
    email: Annotated[str, Field(description="Whom it goes to: an address, or for a text a number (E.164).")]
    domain: str
    variant: Variant = "a"
    mailbox_id: Identifier | None = None
    timezone: str | None = None
    merge: dict[str, Scalar | list[Scalar]] = {}
    thread: Thread | None = None
    attempt: int = 1
    after_stops: Annotated[
        list[str], Field(description="Lead-wide stops made before this enrollment: they do not cover it.")
    ] = []
    content: Annotated[Content | None, Field(description="Words that stand for the template of the step.")] = None
    colleagues: Annotated[
        Literal["hold", "end"] | None, Field(description="It does not go while a colleague's answer is open.")
    ] = None


class WithdrawSend(Message):
    """Take a touch back. Dispatch keeps a tombstone and ignores asks up to `ask_no`."""

    TOPIC: ClassVar[str] = "due-sends"
    type: Literal["withdraw"] = "withdraw"
    event_id: Identifier
    send_id: UUID
    lead_id: Identifier
    campaign_id: Identifier
    pool_id: Identifier
    ask_no: Annotated[int, Field(ge=1)]
    reason: Text
    at: Instant


DueSendEvent = Annotated[DueSend | WithdrawSend, Field(discriminator="type")]


class Grant(Message):
    """A touch that may go now, from this mailbox. Good until `expires_wall`."""

    TOPIC: ClassVar[str] = "sends"
    event_id: Identifier
    grant_id: Annotated[str, Field(description="<pool epoch>-<number>: ordered within a pool partition.")]
    mailbox_id: Identifier
    pool_partition: int
    pool_epoch: int
    granted_at: Instant
    granted_wall: Instant
    expires_wall: Instant
    touch: DueSend


class GrantOutcome(Message):
    """What became of a grant. `used` false frees its slot; only a ledger outcome does."""

    TOPIC: ClassVar[str] = "grant-outcomes"
    type: Literal["outcome"] = "outcome"
    event_id: Identifier
    pool_id: Identifier
    mailbox_id: Identifier
    campaign_id: Identifier
    grant_id: str
    send_id: UUID
    granted_at: Instant
    used: bool
    reason: Text = ""
    bounced: Annotated[bool, Field(description="The server said that there is no such address.")] = False
    at: Instant


class MailboxNote(Message):
    """A mail that a mailbox sent came back for good, or its reader complained: dispatch counts it (docs/behaviour.md 3.2)."""

    TOPIC: ClassVar[str] = "grant-outcomes"
    type: Literal["mailbox_note"] = "mailbox_note"
    event_id: Identifier
    pool_id: Identifier
    mailbox_id: Identifier
    kind: Literal["bounce", "complaint"]
    send_id: UUID
    at: Instant


class MailboxPaused(Message):
    """A mailbox gets no grants until `until` (none: until resumed)."""

    TOPIC: ClassVar[str] = "grant-outcomes"
    type: Literal["mailbox_paused"] = "mailbox_paused"
    event_id: Identifier
    pool_id: Identifier
    mailbox_id: Identifier
    until: Instant | None = None
    reason: Text
    at: Instant


class MailboxResumed(Message):
    """A paused mailbox may send again."""

    TOPIC: ClassVar[str] = "grant-outcomes"
    type: Literal["mailbox_resumed"] = "mailbox_resumed"
    event_id: Identifier
    pool_id: Identifier
    mailbox_id: Identifier
    reason: Text
    at: Instant


GrantEvent = Annotated[GrantOutcome | MailboxNote | MailboxPaused | MailboxResumed, Field(discriminator="type")]


class SendResult(Message):
    """What became of a touch at the gate or at the mail server."""

    TOPIC: ClassVar[str] = "send-results"
    event_id: Identifier
    send_id: UUID
    enrollment_id: UUID
    lead_id: Identifier
    campaign_id: Identifier
    campaign_version: int
    step_id: Identifier
    ask_no: int
    attempt: int = 1
    grant_id: str
    mailbox_id: Identifier
    channel: Channel | None = None
    variant: Variant = "a"
    outcome: Outcome
    granted_at: Instant
    at: Instant
    message_id: str | None = None
    code: Annotated[str, Field(description="SMTP reply and enhanced code, or a Touchline code.")] | None = None
    detail: Text | None = None
    subject: Text | None = None
