"""sender: takes grants into the ledger, passes the gate, renders, speaks SMTP, reports.

Reads `sends`. Writes `send-results` and `grant-outcomes`. Owns no table: from intake on, the ledger's row is the durable
work item, so Kafka is acknowledged at once and each mailbox goes at its own pace.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from agents.sending import metrics, reports
from agents.sending.book import Book
from agents.sending.desk import MailboxDesk
from agents.sending.hands import Hands
from agents.sending.keeper import SWEEP_S, Keeper
from agents.sending.letters import Letters
from agents.sending.teller import Publisher, Teller, Telling, emit
from agents.sending.tools import Courier, Tools
from domain.campaign import Sender as SendsFrom
from domain.tokens import TokenKeys
from schemas.sending import Grant
from sinks.ports import Claim, IntakeResult, Lease, LedgerPort, Offer, StopPort
from streams.clock import ClockLike
from streams.errors import Poison
from streams.failpoints import Failpoints
from streams.inbound import Inbound
from streams.work import Work

ROLE = "sender"
DEFINITIONS_S = 2.0
"""How long an intake waits for definitions that dispatch has read already."""


class Stream(Publisher, Protocol):
    """The part of `streams.role.RoleStream` that is used here."""

    @property
    def epochs(self) -> dict[int, int]: ...


class Sender:
    """The role's handler."""

    def __init__(
        self,
        *,
        stream: Stream,
        check: Callable[[], None],
        ledger: LedgerPort,
        stops: StopPort,
        book: Book,
        keys: TokenKeys,
        clock: ClockLike,
        public_url: str,
        courier: Callable[[SendsFrom], Courier],
        clock_rate: float = 1.0,
        failpoints: Failpoints | None = None,
        sweep_s: float = SWEEP_S,
    ) -> None:
        self._stream = stream
        self._ledger = ledger
        self._book = book
        self._clock = clock
        self._hands = Hands()
        self._teller = Teller(stream)
        self._letters = Letters(book, keys, public_url)
        self._tools = Tools(
            ledger=ledger,
            stops=stops,
            book=book,
            letters=self._letters,
            hands=self._hands,
            teller=self._teller,
            clock=clock,
            check=check,
            courier=courier,
            clock_rate=clock_rate,
            failpoint=(failpoints or Failpoints()).hit,
        )
        self._keeper = Keeper(ledger, self._hands, self._teller, clock, self._put, sweep_s=sweep_s)
        self._desks: dict[str, MailboxDesk] = {}
        self._leases: frozenset[Lease] = frozenset()

    # -- the role's life

    async def start(self) -> None:
        """Begin to tell. Nothing is sent before the partitions are there."""
        self._teller.start()

    async def stop(self) -> None:
        """Orderly stops have drained in `revoked`; whatever is left is the next owner's."""
        await self._keeper.stop()
        for desk in self._desks.values():
            await desk.close()
        self._desks.clear()
        await self._teller.stop()

    async def recovered(self, partitions: frozenset[int]) -> None:
        """The leases are taken: go on with what is still ours, and look for what was somebody else's."""
        self._leases = frozenset(Lease(number, self._stream.epochs[number]) for number in partitions)
        self._hands.keep_only(self._leases)
        for desk in self._desks.values():
            desk.go_on(lambda claim: claim.lease in self._leases)
        self._keeper.watch(self._leases)

    async def revoked(self, partitions: frozenset[int]) -> None:
        """Begin nothing new; finish, record and tell what is in the air. Cut off after 20 s."""
        for desk in self._desks.values():
            desk.hold()
        for desk in self._desks.values():
            await desk.drained()
        await self._teller.all_told()
        await self._keeper.settle(self._leases)
        self._keeper.watch(frozenset())

    async def reset(self) -> None:
        """The ledger is the state: a batch that is repeated finds its rows."""

    # -- intake

    async def handle(self, work: Work, batch: Sequence[Inbound]) -> None:
        """Take the grants in, hand them to their mailboxes, and answer at once what cannot be taken.

        Every grant has its answer: one without would hold its mailbox's slot for ever.
        """
        grants: list[tuple[Grant, Lease, str]] = [
            (event.body, Lease(event.partition, self._stream.epochs[event.partition]), _json(event)) for event in batch
        ]
        await self._book.wait_for(
            {grant.touch.campaign_id for grant, _, _ in grants},
            {grant.mailbox_id for grant, _, _ in grants},
            DEFINITIONS_S,
        )
        offers: list[Offer] = []
        for grant, lease, payload in grants:
            campaign, mailbox = self._book.campaign(grant.touch.campaign_id), self._book.mailbox(grant.mailbox_id)
            if campaign is None or mailbox is None:
                code = "unknown_mailbox" if mailbox is None else "unknown_campaign"
                emit(work, reports.refuse(grant, code, self._clock.now()))
                continue
            offers.append(Offer(grant, lease, self._letters.message_id(grant.touch, mailbox), campaign.goal, payload))
        try:
            result = await self._ledger.intake(offers)
        except Poison as error:
            if len(batch) > 1:
                raise  # the batch is halved until the grant that is to blame stands alone
            emit(work, reports.refuse(grants[0][0], error.reason, self._clock.now(), "failed"))
            return
        self._put(self._hands.take(result.adopted))
        self._answer(work, result)

    def _answer(self, work: Work, result: IntakeResult) -> None:
        now = self._clock.now()
        told: list[Telling] = [event for row in result.finished for event in reports.report_again(row)]
        told += [reports.answer(grant, used=False, reason=reason, at=now) for grant, reason in result.unused]
        emit(work, told)
        for what, count in (
            ("adopted", len(result.adopted)),
            ("finished", len(result.finished)),
            ("unused", len(result.unused)),
        ):
            metrics.intake(what).inc(count)

    def _put(self, claims: list[Claim]) -> None:
        by_mailbox: dict[str, list[Claim]] = {}
        for claim in claims:
            by_mailbox.setdefault(claim.grant.mailbox_id, []).append(claim)
        for mailbox_id, theirs in by_mailbox.items():
            desk = self._desks.get(mailbox_id)
            if desk is None:
                desk = self._desks[mailbox_id] = MailboxDesk(mailbox_id, self._tools)
            desk.put(theirs)


def _json(event: Inbound) -> str:
    """The grant as it came, for its row."""
    return (event.raw.value or b"").decode()
