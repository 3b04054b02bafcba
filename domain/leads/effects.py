"""What a decision asks its shell to do, as values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NamedTuple
from uuid import UUID

from domain.leads.state import Lead, Parked
from schemas.drafts import DraftOver, DraftWanted
from schemas.engagements import Engagement
from schemas.sending import DueSend, WithdrawSend
from schemas.tasks import TaskDue


@dataclass(frozen=True, slots=True)
class Ask:
    """Tell dispatch that a touch is due."""

    due: DueSend


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Tell dispatch that a touch must not go."""

    withdrawal: WithdrawSend


@dataclass(frozen=True, slots=True)
class Tell:
    """Publish a fact of the lead's story."""

    fact: Engagement


@dataclass(frozen=True, slots=True)
class GiveTask:
    """Tell people, in words, that a call or manual touch is due."""

    task: TaskDue


@dataclass(frozen=True, slots=True)
class AskWriter:
    """Ask for a touch's words, or say that they are not needed any more."""

    request: DraftWanted | DraftOver


@dataclass(frozen=True, slots=True)
class ProveIt:
    """Note in the ledger that an ambiguous touch arrived after all, before anything is published."""

    send_id: UUID


@dataclass(frozen=True, slots=True)
class StopIt:
    """Commit a stop of one enrollment in the ledger before anything of this decision is published."""

    enrollment_id: UUID
    reason: str
    source_id: str


@dataclass(frozen=True, slots=True)
class ReleaseIt:
    """Release one's own stop in the ledger, after the stops and before anything is published. None: a lead-wide one."""

    enrollment_id: UUID | None
    source_id: str


@dataclass(frozen=True, slots=True)
class SuppressIt:
    """Commit a suppression of the lead's address in the ledger before anything is published."""

    email: str
    reason: str
    source_id: str


@dataclass(frozen=True, slots=True)
class MindColleagues:
    """Say in the ledger what a reply means for the campaign's other leads at the same company, before anything is published.

    hold: nothing goes to them before `until`; end: nothing goes to them any more; free: what was held goes on; drop: nobody
    had answered after all.
    """

    campaign_id: str
    reply_id: UUID
    act: Literal["hold", "end", "free", "drop"]
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class SetAside:
    """An enrollment whose campaign never appeared: a dead letter."""

    parked: Parked
    reason: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """The event is about nothing that is known here: counted, never an error."""

    reason: str


Effect = (
    Ask
    | Withdraw
    | Tell
    | GiveTask
    | AskWriter
    | ProveIt
    | StopIt
    | ReleaseIt
    | SuppressIt
    | MindColleagues
    | SetAside
    | Ignored
)


class Decision(NamedTuple):
    """The lead after an event (None: still unknown) and what follows from it, in order."""

    lead: Lead | None
    effects: tuple[Effect, ...] = ()
    wake_at: datetime | None = None
    """When a timer must fire: later than the decision's own instant."""
    parked_for: tuple[str, ...] = ()
    """Campaigns whose definition must change before something that is already due can happen."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Spans that are wall time by nature, in campaign time, and the networks that are our own."""

    unknown_campaign: timedelta = timedelta(minutes=10)
    """How long an enrollment waits for its campaign's definition."""
    silence: timedelta = timedelta(hours=1)
    """How long a touch may be out before it is asked for again for the first time."""
    rate: float = 1.0
    own_networks: frozenset[str] = frozenset()
    habits: Callable[[str], Sequence[int]] = lambda campaign_id: ()
    """At which local hours a campaign's leads opened its mails lately (docs/behaviour.md 3.4)."""

    @classmethod
    def at_rate(cls, rate: float, own_networks: frozenset[str] = frozenset()) -> Policy:
        """The policy of a clock that runs `rate` campaign seconds a wall second.

        The silence is an hour of campaign time and at least a minute of wall time: a fast clock never floods.
        """
        minute = timedelta(minutes=1) * rate
        return cls(10 * minute, max(timedelta(hours=1), minute), rate, own_networks)
