"""Which model stands on which topic, and which topics are public."""

from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from schemas.base import Message
from schemas.cards import CardEvent
from schemas.dead_letters import DeadLetter
from schemas.definitions import Definition
from schemas.drafts import DraftEvent, DraftRequest
from schemas.engagements import Engagement
from schemas.enrollments import EnrollmentEvent
from schemas.replies import Disposition, InboundMail, Reply
from schemas.sending import DueSendEvent, Grant, GrantEvent, SendResult
from schemas.tasks import TaskDue
from schemas.ticks import Tick
from schemas.tracking import Hit

TOPIC_MODELS: dict[str, TypeAdapter[Any]] = {
    "definitions": TypeAdapter(Definition),
    "enrollments": TypeAdapter(EnrollmentEvent),
    "lead-ticks": TypeAdapter(Tick),
    "pool-ticks": TypeAdapter(Tick),
    "due-sends": TypeAdapter(DueSendEvent),
    "sends": TypeAdapter(Grant),
    "grant-outcomes": TypeAdapter(GrantEvent),
    "send-results": TypeAdapter(SendResult),
    "tracking-hits": TypeAdapter(Hit),
    "inbound-replies": TypeAdapter(InboundMail),
    "replies": TypeAdapter(Reply),
    "dispositions": TypeAdapter(Disposition),
    "engagements": TypeAdapter(Engagement),
    "tasks": TypeAdapter(TaskDue),
    "draft-requests": TypeAdapter(DraftRequest),
    "drafts": TypeAdapter(DraftEvent),
    "card-events": TypeAdapter(CardEvent),
}
"""Every topic whose values are read by a role. (`dead-letters` carries the original bytes; its headers are `DeadLetter`.)"""

HEADER_MODELS: dict[str, type[Message]] = {"dead-letters": DeadLetter}

PUBLIC_TOPICS = frozenset({"enrollments", "tracking-hits", "dispositions", "engagements", "card-events"})
"""Topics that others write to or read from: they carry CloudEvents headers and keep their promise across versions."""


@dataclass(frozen=True, slots=True)
class Note:
    """What a reader of the contract wants to know first of a topic."""

    key: str
    carries: str
    written_by_others: bool = False


TOPIC_NOTES: dict[str, Note] = {
    "definitions": Note(
        "kind:id", "Campaigns, mailboxes, pools and reply rules; the newest record of a key is in force."
    ),
    "enrollments": Note(
        "lead_id",
        "Enroll, update, pause, resume or exit a lead; a task was done, a reply handled or answered.",
        written_by_others=True,
    ),
    "lead-ticks": Note("partition", "The clock of the leads role, one message a partition a second."),
    "pool-ticks": Note("partition", "The clock of the dispatch role, one message a partition a second."),
    "due-sends": Note("pool_id", "A touch that is due, or withdrawn."),
    "sends": Note("mailbox_id", "A granted touch: which mailbox, at which instant."),
    "grant-outcomes": Note("pool_id", "What became of each grant; a mailbox paused or resumed, and why."),
    "send-results": Note("lead_id", "What became of a touch at the gate or at the mail server."),
    "tracking-hits": Note(
        "lead_id", "Raw opens, clicks, unsubscribes and delivery notices of texts.", written_by_others=True
    ),
    "inbound-replies": Note("message_id", "Raw inbound mail, delivery reports and complaints."),
    "replies": Note("lead_id", "A matched reply, told before it is classified."),
    "dispositions": Note("lead_id", "The classified reply."),
    "engagements": Note("lead_id", "Everything that happened to a lead: the public feed, without personal data."),
    "tasks": Note("lead_id", "A call or manual touch that fell due, in words that may name a person."),
    "draft-requests": Note("lead_id", "A touch whose words are to be written, and what became of it."),
    "drafts": Note("lead_id", "A draft that was approved, with its words, or rejected."),
    "card-events": Note("card_id", "Each change of a card: what moved where, by whom. In the order of its versions."),
    "dead-letters": Note(
        "as the source", "What could not be processed: the original bytes; the story is in the headers shown here."
    ),
}
