"""A lead with all of its enrollments: what the `leads` table holds (docs/behaviour.md 2.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

from domain import ids
from domain.leads.tally import NO_TALLY, Tally
from schemas.base import Scalar
from schemas.enrollments import Enroll
from schemas.sending import DueSend

Status = Literal["enrolled", "active", "paused", "completed", "replied", "bounced", "unsubscribed", "exited", "failed"]

OPEN: frozenset[str] = frozenset({"enrolled", "active", "paused"})
"""Statuses that still have a next step. All others are terminal."""

_ENDS: frozenset[str] = frozenset({"completed", "replied", "bounced", "unsubscribed", "exited", "failed"})

MOVES: Mapping[str, frozenset[str]] = {
    "enrolled": _ENDS | {"active", "paused"},
    "active": _ENDS | {"paused"},
    "paused": _ENDS | {"enrolled", "active"},
    # The mail of a finished sequence may still be answered, refused or complained about.
    "completed": frozenset({"replied", "bounced", "unsubscribed"}),
    "replied": frozenset({"unsubscribed"}),
    "bounced": frozenset(),
    "unsubscribed": frozenset(),
    "exited": frozenset(),
    "failed": frozenset(),
}
"""Every legal move of an enrollment."""

Phase = Literal[
    "arrive",  # it stands before the step, which has not been looked at
    "wait",  # the step's own time runs: a wait, a condition's `within`, a task's deadline
    "out",  # the touch was asked for and has had no answer
    "retry",  # the touch is to be asked for again at `due_at`
]

TouchState = Literal[
    "asked",  # a sign of it came before its result: a hit or an answer overtook the result
    "sent",
    "ambiguous",
    "failed",
    "task",  # a call or manual touch: a card
    "done",  # that card was done
]


class Touch(NamedTuple):
    """What is known of one step's touch. `granted_at` is the message's Date, `accepted_at` when the server took it."""

    step_id: str
    state: TouchState
    granted_at: datetime | None = None
    accepted_at: datetime | None = None
    opened: bool = False
    clicked: bool = False
    replied: bool = False
    bounced: bool = False
    soft: bool = False
    """It bounced softly, and no sign of life has come since."""

    @property
    def signs(self) -> tuple[bool, ...]:
        """What came back of it: from `opened` on."""
        return self[4:]


class Draft(NamedTuple):
    """The words that are written for one touch alone (docs/behaviour.md 1.4): asked for, ready to go, or given up for the
    step's template.
    """

    step_id: str
    state: Literal["wanted", "ready", "template"] = "wanted"
    subject: str | None = None
    body: str | None = None


class Answer(NamedTuple):
    """An answer to a reply on its way out, beside the sequence (docs/behaviour.md 7.6, 8.2). It keeps its own words."""

    due: DueSend
    """As it was asked for last."""
    phase: Literal["out", "retry"]
    due_at: datetime
    """When it must be looked at next."""
    reply_id: str
    card_id: str | None = None
    """The card that was approved; None: it goes by itself."""
    renewals: int = 0
    tries: int = 0
    tried_at: datetime | None = None


class Hold(NamedTuple):
    """Why an enrollment stands still. `source_id` begins with its kind: reply, pause, ambiguous."""

    source_id: str
    until: datetime | None = None

    @property
    def kind(self) -> str:
        return self.source_id.partition(":")[0]


class Enrollment(NamedTuple):
    """One entry of the lead into one campaign, and where it stands. (A tuple: cheap to change and to read.)"""

    campaign_id: str
    entry_no: int
    cause: str
    """Digest of the event that enrolled it: the same event again is a repeat, another one a second request."""
    status: Status = "enrolled"
    step_id: str | None = None
    path: tuple[str, ...] = ()
    """The steps that followed when it came to rest here: an edit may remove the one it stands on."""
    phase: Phase = "arrive"
    due_at: datetime | None = None
    wake_at: datetime | None = None
    """When it must be looked at next; earlier than `due_at` where a hold or the campaign ends first."""
    base_at: datetime | None = None
    """What the next wait counts from: the previous touch's grant."""
    ask_no: int = 0
    """The highest number used for an ask or a withdrawal of any of its steps."""
    renewals: int = 0
    """How often the touch that is out was asked for again without an answer to it (or refused at the gate)."""
    tries: int = 0
    tried_at: datetime | None = None
    """How often, and since when, mail servers deferred the present touch."""
    asked_variant: str = "random"
    variant: str | None = None
    """The arm that the first send locked."""
    mailbox_id: str | None = None
    subject: str | None = None
    message_ids: tuple[str, ...] = ()
    """The thread of what was sent: its subject and its latest Message-IDs."""
    touches: tuple[Touch, ...] = ()
    holds: tuple[Hold, ...] = ()
    frozen_at: datetime | None = None
    """Since when it stands still: a hold does not use up a wait."""
    after_stops: tuple[str, ...] = ()
    """Lead-wide stops known before it was made: they do not cover it."""
    place_at: datetime | None = None
    """When the present touch fell due, where that is not when it was last asked for: so far back in the queue it stands.
    At a condition that waits: since when."""
    draft: Draft | None = None
    """The present touch's own words, where Claude writes them."""

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    def id_for(self, lead_id: str) -> UUID:
        """The deterministic enrollment id."""
        return ids.enrollment_id(self.campaign_id, lead_id, self.entry_no)

    def touch(self, step_id: str) -> Touch | None:
        """What is known of the touch of `step_id`."""
        for touch in self.touches:
            if touch.step_id == step_id:
                return touch
        return None

    @property
    def has_begun(self) -> bool:
        """Whether any touch was made: it is `active` then, and `enrolled` before."""
        return any(touch.state in ("sent", "ambiguous", "task", "done") for touch in self.touches)


@dataclass(frozen=True, slots=True)
class Parked:
    """An enrollment for a campaign that is not known yet, kept until `until_at`."""

    event: Enroll
    until_at: datetime
    offset: int = -1
    """Where it stands in its partition of `enrollments`."""
    pauses: tuple[str, ...] = ()
    """Source ids of the pauses that hold it once it is made."""


@dataclass(slots=True)
class Lead:
    """Everything decided about one person. When nothing is left to do `facts` is empty: no personal data remains.

    It is never changed, only not `frozen`: one is made for every event, and that would cost twice as much.
    """

    facts: Mapping[str, Scalar | list[Scalar]] = field(default_factory=dict)
    enrollments: tuple[Enrollment, ...] = ()
    seen: tuple[str, ...] = ()
    """Digests of pauses, resumes and dispositions already acted on: a late repeat changes nothing."""
    stops: tuple[str, ...] = ()
    """Lead-wide stops in force, by source id."""
    parked: tuple[Parked, ...] = ()
    disposition: str | None = None
    """What the latest reply was judged to be, whichever campaign it answered."""
    tally: Tally = NO_TALLY
    """What scoring and progression rules have made of it."""
    hours: tuple[int, ...] = ()
    """At which local hours it opened its latest mails: kept where a campaign sends at the hour that suits (3.4)."""
    answers: tuple[Answer, ...] = ()
    """Answers to its replies that are on their way out."""
    replies: tuple[str, ...] = ()
    """Digests of its latest replies in the order in which they came: they may be judged in another."""

    @property
    def is_done(self) -> bool:
        """Whether no enrollment can move any more."""
        return not self.parked and not any(e.is_open for e in self.enrollments)

    @property
    def wake_at(self) -> datetime | None:
        """The earliest instant at which anything of this lead must be looked at; it may lie in the past (parked)."""
        earliest: datetime | None = None
        for enrollment in self.enrollments:
            at = enrollment.wake_at
            if at is not None and (earliest is None or at < earliest):
                earliest = at
        for parked in self.parked:
            if earliest is None or parked.until_at < earliest:
                earliest = parked.until_at
        for answer in self.answers:
            if earliest is None or answer.due_at < earliest:
                earliest = answer.due_at
        return earliest
