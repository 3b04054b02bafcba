"""What the roles ask of the ledger, as Protocols and the values that pass through them. Postgres implements them.

All keys (addresses, leads) are hashed inside the implementation; callers speak of leads and addresses. Every call raises
`streams.errors.Retryable` when Postgres is away or in the way, and `streams.errors.Poison` when it refuses the data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple, Protocol
from uuid import UUID

from schemas.sending import Grant, Outcome

GrantUse = Literal["open", "used", "unused"]


# --- stops and suppressions -------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Stop:
    """A reason not to send any more. `enrollment_id` None covers every enrollment of the lead that did not begin after it.

    (lead_id, enrollment_id, source_id) names it: committing it again changes nothing, even after its release.
    """

    lead_id: str
    enrollment_id: UUID | None
    reason: str
    source_id: str
    campaign_id: str | None = None
    """An answer to this campaign: it stops colleagues at the same company too, where the campaign minds them..."""
    until: datetime | None = None
    """...until this campaign instant at most."""


class Colleagues(NamedTuple):
    """What an answer that has stopped a lead's colleagues means for them: hold (until), end, free, or (nobody answered) drop."""

    lead_id: str
    campaign_id: str
    reply_id: UUID
    act: Literal["hold", "end", "free", "drop"]
    until: datetime | None = None


class Release(NamedTuple):
    """Ends exactly the stop of this name. Others of the same lead stay."""

    lead_id: str
    enrollment_id: UUID | None
    source_id: str


@dataclass(frozen=True, slots=True)
class Suppression:
    """Never again to this address (docs/behaviour.md 5.3). `scope` is `all`, `campaign:ID` or `goal:NAME`.

    The address is given as `email`, or as `address_key` (see `SendRow`). With `lead_id` the lead's own row is flagged
    too, so a change of address does not undo it. At least one of the three must be given. `via` says how it came, where
    the source id does not.
    """

    scope: str
    reason: str
    source_id: str
    email: str | None = None
    address_key: bytes | None = None
    lead_id: str | None = None
    via: str | None = None


class StopPort(Protocol):
    """Stops and suppressions: when a call returns, no send passes the gate against it."""

    async def stop(self, stops: Sequence[Stop]) -> None: ...

    async def release(self, releases: Sequence[tuple[str, UUID | None, str]]) -> None: ...

    async def colleagues(self, said: Sequence[Colleagues]) -> None:
        """Settle what answers mean for colleagues, and note what their own leads are to hear of it."""
        ...

    async def suppress(self, suppressions: Sequence[Suppression]) -> None: ...

    async def suppressed(self, email: str) -> frozenset[str]:
        """The scopes in which an address is suppressed now."""
        ...


class GatePort(Protocol):
    """Whether anything, or a campaign's mail, may leave. A campaign without a row is closed."""

    async def set_campaign_gate(self, campaign_id: str, is_open: bool) -> None: ...

    async def set_global_gate(self, is_open: bool) -> None: ...


class LeasePort(Protocol):
    """Who owns a partition of a role. Scopes look like `dispatch:3`, `sender:0`."""

    async def take(self, scope: str, owner: UUID, generation: int) -> int | None:
        """The epoch of the lease, or None where another owner holds it in this or a newer generation of the group."""
        ...

    async def renew(self, scopes: Sequence[str], owner: UUID) -> None:
        """Note that these are still held: one that was not renewed for a day may be taken in any generation."""
        ...


# --- the ledger -------------------------------------------------------------------------------------------------------
class Lease(NamedTuple):
    """A sender partition in this process's hands."""

    partition: int
    epoch: int


class Offer(NamedTuple):
    """A grant on its way into the ledger, with what its row keeps: `payload` is the grant as JSON text."""

    grant: Grant
    lease: Lease
    message_id: str
    goal: str
    payload: str


@dataclass(frozen=True, slots=True, eq=False)
class Claim:
    """A touch that the ledger holds as claimed by this process: the work item of a mailbox's loop. Equal to itself only."""

    grant: Grant
    lease: Lease
    lead_key: bytes
    address_key: bytes
    message_id: str
    claimed_at: datetime


@dataclass(frozen=True, slots=True)
class Finished:
    """What the ledger remembers of a touch with an outcome: enough to tell its result again."""

    send_id: UUID
    enrollment_id: UUID
    lead_id: str
    campaign_id: str
    campaign_version: int
    step_id: str
    pool_id: str
    mailbox_id: str
    variant: str
    ask_no: int
    attempt: int
    grant_id: str
    granted_at: datetime
    outcome: Outcome
    used: bool
    outcome_at: datetime
    message_id: str
    code: str | None
    detail: str | None
    subject: str | None
    claimed_at: datetime


@dataclass(frozen=True, slots=True)
class IntakeResult:
    """What became of each offer: adopted, or answered `unused` with a reason; `finished` is to be told again."""

    adopted: list[Claim] = field(default_factory=list)
    finished: list[Finished] = field(default_factory=list)
    unused: list[tuple[Grant, str]] = field(default_factory=list)


class Refusal(NamedTuple):
    """What the gate made of a claim that did not pass."""

    claim: Claim
    outcome: Outcome
    code: str


@dataclass(frozen=True, slots=True)
class GateResult:
    """`passed` may leave; `refused` have their outcome in the ledger; `lost` belong to another owner or grant by now."""

    passed: list[Claim]
    refused: list[Refusal]
    lost: list[Claim]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a claim: `from_state` is `sending` after the gate, `claimed` where it was never asked.

    `used` False gives the grant's slot back. `at` is the campaign instant of the outcome, `campaign_version` the version the
    message was made from where one was made.
    """

    claim: Claim
    outcome: Outcome
    used: bool
    at: datetime
    code: str | None = None
    detail: str | None = None
    subject: str | None = None
    campaign_version: int | None = None
    from_state: Literal["sending", "claimed"] = "sending"


@dataclass(frozen=True, slots=True)
class TakeOver:
    """What a sweep found: work to do (`claims`) and results that may not have been told (`finished`)."""

    claims: list[Claim]
    finished: list[Finished]


@dataclass(frozen=True, slots=True)
class SendRow:
    """A touch as replies are matched to it. `address_key` can be given to `Suppression`."""

    send_id: UUID
    enrollment_id: UUID
    lead_id: str
    campaign_id: str
    campaign_version: int
    step_id: str
    entry_no: int
    pool_id: str
    mailbox_id: str
    variant: str
    grant_id: str
    granted_at: datetime
    state: str
    message_id: str
    timezone: str | None
    address_key: bytes


@dataclass(frozen=True, slots=True)
class LedgerGrant:
    """A grant as the ledger knows it, for dispatch's recovery."""

    grant_id: str
    send_id: UUID
    mailbox_id: str
    campaign_id: str
    domain: str
    granted_at: datetime
    use: GrantUse


class LedgerPort(Protocol):
    """The ledger as the sender works with it."""

    async def intake(self, offers: Sequence[Offer]) -> IntakeResult: ...

    async def gate(self, claims: Sequence[Claim], *, mailbox_id: str, gate_no: int, now: datetime) -> GateResult:
        """One transaction for a mini-batch of one mailbox. The same `gate_no` again finds what it let pass before."""
        ...

    async def record(self, verdicts: Sequence[Verdict]) -> list[Verdict]:
        """Writes outcomes and returns those that stand: a claim that another owner has decided is left out."""
        ...

    async def take_over(self, lease: Lease, held: frozenset[UUID], now: datetime) -> TakeOver:
        """Everything unfinished or untold of a partition that is not among `held` (send ids in this process's hands)."""
        ...

    async def settle(self, lease: Lease, settled_at: datetime) -> None:
        """All that was claimed before `settled_at` is finished and told: the next take-over starts there."""
        ...

    async def forget(self, lease: Lease) -> int:
        """Clears what could name a person from rows older than an hour; says how many it cleared."""
        ...


class ResolvePort(Protocol):
    """How replies find the touch that they answer. Unknown ids are simply absent from the answer."""

    async def resolve(self, send_ids: Sequence[UUID]) -> dict[UUID, SendRow]: ...

    async def resolve_message_ids(self, message_ids: Sequence[str]) -> dict[str, SendRow]: ...

    async def resolve_thread(self, email: str, subject: str) -> SendRow | None:
        """The newest touch sent to this address under this subject (prefixes such as `Re:` do not count)."""
        ...

    async def resolve_number(self, number: str, sender_id: str) -> SendRow | None:
        """The newest text to this number, by this sender where there is one."""
        ...

    async def settle_ambiguous(self, send_ids: Sequence[UUID]) -> int:
        """Later proof (a reply, a hit, a bounce) that these arrived: `ambiguous` becomes `sent`."""
        ...


class RecentGrantsPort(Protocol):
    """What dispatch merges into its limits after it has taken its lease."""

    async def recent_grants(self, pool_partition: int) -> Sequence[LedgerGrant]:
        """The partition's grants of its last 25 hours of campaign time."""
        ...
