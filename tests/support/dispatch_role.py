"""The dispatch role's handler with its tables in memory: batches, flushes that may be cut short, restarts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from agents.dispatch import OUTAGE, TOPICS, Dispatch
from domain.campaign import Definitions
from domain.dispatch.instants import instant, micros
from schemas.sending import DueSend, Grant, GrantOutcome, MailboxPaused, MailboxResumed, WithdrawSend
from schemas.ticks import Tick
from sinks.ports import LedgerGrant
from streams.clock import ManualClock
from streams.errors import Retryable
from streams.inbound import Inbound, Raw
from streams.tables import Table, WindowTable
from streams.work import Stage, Work
from tests.support.dispatching import at

MINUTE = timedelta(minutes=1)


def topic_of(body: Any) -> str:
    if isinstance(body, Tick):
        return TOPICS[2]
    return TOPICS[0] if isinstance(body, DueSend | WithdrawSend) else TOPICS[1]


def inbound(body: Any, partition: int = 0, offset: int = 0) -> Inbound:
    value = body.write()
    key = getattr(body, "pool_id", str(partition))
    return Inbound(topic_of(body), partition, offset, key, body, Raw(topic_of(body), partition, offset, b"main", value))


def outcome(grant: Grant, *, used: bool = True) -> GrantOutcome:
    return GrantOutcome(
        event_id=f"outcome-{grant.grant_id}",
        pool_id="main",
        mailbox_id=grant.mailbox_id,
        campaign_id=grant.touch.campaign_id,
        grant_id=grant.grant_id,
        send_id=grant.touch.send_id,
        granted_at=grant.granted_at,
        used=used,
        at=grant.granted_at,
    )


def paused(mailbox_id: str, until: str | None = None) -> MailboxPaused:
    end = None if until is None else instant(at(until))
    return MailboxPaused(
        event_id="p", pool_id="main", mailbox_id=mailbox_id, until=end, reason="421", at=instant(at("10:00"))
    )


def resumed(mailbox_id: str) -> MailboxResumed:
    return MailboxResumed(event_id="r", pool_id="main", mailbox_id=mailbox_id, reason="person", at=instant(at("10:00")))


def withdrawal(touch: DueSend, ask_no: int | None = None) -> WithdrawSend:
    return WithdrawSend(
        event_id=f"w-{touch.event_id}",
        send_id=touch.send_id,
        lead_id=touch.lead_id,
        campaign_id=touch.campaign_id,
        pool_id=touch.pool_id,
        ask_no=ask_no or touch.ask_no,
        reason="reply",
        at=touch.at,
    )


class Ledger:
    """What the ledger knows of grants; away for the first `away` questions."""

    def __init__(self, *grants: LedgerGrant, away: int = 0) -> None:
        self.grants = grants
        self.away = away
        self.asked = 0

    async def recent_grants(self, pool_partition: int) -> Sequence[LedgerGrant]:
        self.asked += 1
        if self.asked <= self.away:
            raise Retryable("postgres is away")
        return self.grants


class Role:
    """A worker of the role and the broker's side of its tables."""

    def __init__(
        self, known: Definitions, start: str = "10:00", ledger: Ledger | None = None, outage: timedelta = OUTAGE
    ) -> None:
        self.known = known
        self.clock = ManualClock(instant(at(start)))
        self.ledger = ledger
        self.outage = outage
        self.waiting = Table("waiting")
        self.grants = WindowTable("grants", 60)
        self.mailboxes = Table("mailboxes")
        self.epoch = 0
        self.sent: list[Grant] = []
        self.dead: list[tuple[str, str]] = []
        self.handler: Dispatch

    async def recover(self, *, same_owner: bool = False, partitions: Sequence[int] = (0,)) -> Role:
        """A fresh process (or the same one after a rebalance) with the tables as they stand."""
        self.epoch += not same_owner
        if not same_owner or self.epoch == 1:
            self.handler = Dispatch(
                waiting=self.waiting,
                grants=self.grants,
                mailboxes=self.mailboxes,
                definitions=lambda: self.known,
                epochs=lambda: dict.fromkeys(partitions, self.epoch),
                clock=self.clock,
                ledger=self.ledger,
                outage=self.outage,
            )
        await self.handler.recovered(frozenset(partitions))
        return self

    async def decide(self, *bodies: Any, partition: int = 0) -> Work:
        """The work of a batch, not flushed."""
        work = Work()
        await self.handler.handle(work, [inbound(body, partition, number) for number, body in enumerate(bodies)])
        return work

    def flush(self, work: Work, upto: Stage = Stage.STATE) -> list[Grant]:
        """Put the stages up to `upto` on the broker: less than all is a crash, after which `recover` must follow."""
        new: list[Grant] = []
        if upto >= Stage.LIMITS:
            for window, (value, partition) in work._windows.get(self.grants, {}).items():
                self.grants.apply(window, value, partition)
        if upto >= Stage.OUTPUTS:
            new = [Grant.read(record.value or b"") for record in work.outputs if record.topic == "sends"]
            self.sent += new
            self.dead += work.dead
        if upto >= Stage.STATE:
            work.apply()
        return new

    async def batch(self, *bodies: Any, partition: int = 0) -> list[Grant]:
        """Handle and flush a batch; the grants it emitted."""
        return self.flush(await self.decide(*bodies, partition=partition))

    def tick(self) -> Tick:
        return Tick(at=self.clock.now(), wall=self.clock.wall())

    async def tick_at(self, clock: str, *bodies: Any, partition: int = 0) -> list[Grant]:
        """Move the clock and send a tick with these events behind it."""
        self.clock.advance(instant(at(clock)) - self.clock.now())
        return await self.batch(self.tick(), *bodies, partition=partition)


def times(grants: Sequence[Grant]) -> list[str]:
    from tests.support.dispatching import clock

    return [clock(micros(grant.granted_at)) for grant in grants]
