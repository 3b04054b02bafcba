"""One mailbox's loop: as many touches as there are ready connections pass the gate together, leave concurrently, and
have their outcomes written together. A slow or dead server delays only its own mailbox.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

import structlog

from agents.sending import metrics, outcomes, reports
from agents.sending.book import NoSuchStep
from agents.sending.pace import Pace
from agents.sending.pauses import Pauses
from agents.sending.teller import Telling
from agents.sending.tools import Courier, Tools
from domain.campaign import Mailbox, Sender
from domain.message import InvalidAddress, RenderError
from domain.templates import MissingVariable
from sinks.ports import Claim, GateResult, Lease, Refusal, Suppression, Verdict
from sinks.postgres.connect import retrying
from sinks.smtp_answers import Delivery
from streams.errors import NotAlive

log = structlog.get_logger("touchline.sender")

BATCH = 20
PACE_S = 0.08
"""Between two small mini-batches of a mailbox, so that a busy one's touches share a gate and a record. The first after a
quiet moment goes at once."""
_LOOK_AGAIN_S = 0.25


class _Done(NamedTuple):
    """A touch on its way to the ledger: its verdict, and whom it suppresses."""

    verdict: Verdict
    suppression: Suppression | None = None


class MailboxDesk:
    """Works off the claims of one mailbox. `put` them; `hold` and `go_on` around a rebalance; `close` at the end."""

    def __init__(self, mailbox_id: str, tools: Tools) -> None:
        self.mailbox_id = mailbox_id
        self._tools = tools
        self._queue: deque[Claim] = deque()
        self._in_the_air: set[asyncio.Task[None]] = set()
        self._done: list[_Done] = []
        self._writing = False
        self._deciding = False
        self._wake = asyncio.Event()
        self._finished = asyncio.Event()
        self._step = asyncio.Event()
        self._held = False
        self._gate_pace, self._record_pace = Pace(PACE_S, BATCH), Pace(PACE_S, BATCH)
        self._pauses = Pauses(tools.clock, tools.clock_rate)
        self._courier: Courier | None = None
        self._courier_of: Sender | None = None
        self._tasks = [
            asyncio.create_task(self._work(), name=f"desk {mailbox_id}"),
            asyncio.create_task(self._write(), name=f"desk {mailbox_id} outcomes"),
        ]

    # -- from outside

    def put(self, claims: list[Claim]) -> None:
        """More to do."""
        self._queue.extend(claims)
        self._wake.set()

    def hold(self) -> None:
        """Begin nothing new."""
        self._held = True

    def go_on(self, is_ours: Callable[[Claim], bool]) -> None:
        """Begin again, without the claims that are another owner's by now."""
        self._queue = deque(claim for claim in self._queue if is_ours(claim))
        self._held = False
        self._wake.set()

    async def drained(self) -> None:
        """Wait until nothing is in the air and every outcome is in the ledger."""
        while self._deciding or self._in_the_air or self._done or self._writing:
            self._step.clear()
            await self._step.wait()

    async def close(self) -> None:
        """Stop at once. What is in the air drops its connection."""
        for task in (*self._tasks, *self._in_the_air):
            task.cancel()
        await asyncio.gather(*self._tasks, *self._in_the_air, return_exceptions=True)
        if self._courier is not None:
            await self._courier.aclose()

    # -- the gate

    async def _work(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue and not self._held:
                await self._gate_pace.wait(len(self._queue))
                if self._held:
                    break
                self._deciding = True
                try:
                    if not await self._turn():
                        break
                except NotAlive:
                    await asyncio.sleep(_LOOK_AGAIN_S)
                except Exception:
                    log.exception("desk_failed", mailbox_id=self.mailbox_id)
                    await asyncio.sleep(_LOOK_AGAIN_S)
                finally:
                    self._deciding = False
                    self._step.set()

    async def _turn(self) -> bool:
        """One mini-batch to the gate and into the air. False: wait for a connection, or for definitions."""
        if self._refuse_while_paused():
            return True
        mailbox = self._tools.book.mailbox(self.mailbox_id)
        courier = await self._current(mailbox)
        if courier is None or mailbox is None:
            return self._wait_for_definitions(list(self._queue))
        free = courier.limit - len(self._in_the_air)
        if self._in_the_air and free * 2 < courier.limit:
            return False
        claims = [self._queue.popleft() for _ in range(min(max(free, 1), BATCH, len(self._queue)))]
        unknown = [claim for claim in claims if not self._tools.book.knows(claim.grant.touch, self.mailbox_id)]
        known = [claim for claim in claims if claim not in unknown]
        self._queue.extend(unknown)
        if known:
            await self._gate(known, mailbox, courier)
            return True
        return self._wait_for_definitions(unknown)

    async def _gate(self, claims: list[Claim], mailbox: Sender, courier: Courier) -> None:
        tools = self._tools
        gate_no = next(tools.gate_numbers)
        by_lease: dict[Lease, list[Claim]] = {}
        for claim in claims:
            by_lease.setdefault(claim.lease, []).append(claim)
        groups = list(by_lease.values())
        try:
            while groups:
                tools.check()
                group = groups[0]
                result, now = await retrying("gate", lambda group=group: self._ask_gate(group, gate_no))
                groups.pop(0)
                self._decided(result, now, mailbox, courier)
        finally:
            for group in groups:
                self._queue.extendleft(reversed(group))

    async def _ask_gate(self, group: list[Claim], gate_no: int) -> tuple[GateResult, datetime]:
        """Decided as of now, also after an outage: leads tell by that instant which ask an answer is for."""
        now = self._tools.clock.now()
        return await self._tools.ledger.gate(group, mailbox_id=self.mailbox_id, gate_no=gate_no, now=now), now

    def _decided(self, result: GateResult, now: datetime, mailbox: Sender, courier: Courier) -> None:
        """What passed goes into the air, what was refused is told, what is another owner's is put down."""
        self._count(result.passed, result.refused, result.lost)
        self._tools.hands.put_down(result.lost)
        if result.refused:
            self._tell_refused(result.refused, now)
        for claim in result.passed:
            task = asyncio.create_task(self._send(claim, mailbox, courier))
            self._in_the_air.add(task)
            task.add_done_callback(self._landed)

    def _count(self, passed: list[Claim], refused: list[Refusal], lost: list[Claim]) -> None:
        wall = self._tools.clock.wall()
        metrics.gate("passed").inc(len(passed))
        metrics.gate("lost").inc(len(lost))
        for refusal in refused:
            metrics.gate(refusal.outcome).inc()
        for claim in passed:
            metrics.LATE_SECONDS.observe((wall - claim.grant.granted_wall).total_seconds())

    def _tell_refused(self, refused: list[Refusal], now: datetime) -> None:
        events: list[Telling] = [event for refusal in refused for event in reports.report_refusal(refusal, now)]
        claims = [refusal.claim for refusal in refused]
        self._tools.teller.tell(events, lambda: self._tools.hands.put_down(claims))

    def _wait_for_definitions(self, claims: list[Claim]) -> bool:
        """Look again soon; what expires meanwhile is given back."""
        wall, now = self._tools.clock.wall(), self._tools.clock.now()
        for claim in claims:
            if claim.grant.expires_wall <= wall and claim in self._queue:
                self._queue.remove(claim)
                self._settle(_Done(outcomes.unknown_definition(claim, now)))
        if self._queue:
            asyncio.get_running_loop().call_later(_LOOK_AGAIN_S, self._wake.set)
        return False

    # -- the server

    async def _current(self, mailbox: Sender | None) -> Courier | None:
        """The connections of the mailbox as it is defined now."""
        if mailbox is not self._courier_of:
            old, self._courier, self._courier_of = self._courier, None, mailbox
            if old is not None:
                await old.aclose()
            if mailbox is not None:
                self._courier = self._tools.courier(mailbox)
        return self._courier

    async def _send(self, claim: Claim, mailbox: Sender, courier: Courier) -> None:
        self._settle(await self._attempt(claim, mailbox, courier))

    async def _attempt(self, claim: Claim, mailbox: Sender, courier: Courier) -> _Done:
        """Render and send a touch that has passed the gate. Every way out of here is an outcome."""
        tools = self._tools
        campaign = tools.book.campaign(claim.grant.touch.campaign_id)
        version = campaign.revision if campaign else None
        try:
            letter = tools.letters.render(claim, mailbox)
        except (RenderError, InvalidAddress) as error:
            if isinstance(error, MissingVariable) and outcomes.was_edited(claim, version):
                return _Done(outcomes.interrupted(claim, tools.clock.now(), "edited"))
            return _Done(outcomes.unrenderable(claim, error, tools.clock.now(), version))
        except NoSuchStep as error:
            return _Done(outcomes.interrupted(claim, tools.clock.now(), error.code))
        except Exception:
            log.exception("render_failed", send_id=str(claim.grant.touch.send_id))
            return _Done(outcomes.interrupted(claim, tools.clock.now(), "render_defect"))
        started = time.monotonic()
        try:
            sent_from = mailbox.from_email if isinstance(mailbox, Mailbox) else mailbox.number
            delivery = await courier.send(sent_from, letter.to, letter.data, tools.check)
        except NotAlive:
            return _Done(outcomes.interrupted(claim, tools.clock.now(), "worker_not_alive"))
        except Exception:
            log.exception("send_failed", send_id=str(claim.grant.touch.send_id))
            return _Done(outcomes.unknowable(claim, letter.subject, tools.clock.now(), version))
        metrics.SMTP_SECONDS.observe(time.monotonic() - started)
        self._consider_pause(claim, delivery)
        verdict = outcomes.delivered(claim, delivery, letter.subject, tools.clock.now(), version)
        return _Done(verdict, outcomes.hard_bounce(claim, delivery))

    def _landed(self, task: asyncio.Task[None]) -> None:
        self._in_the_air.discard(task)
        self._step.set()
        self._wake.set()

    # -- pauses

    def _consider_pause(self, claim: Claim, delivery: Delivery) -> None:
        pause = self._pauses.consider(delivery)
        if pause is None:
            return
        metrics.PAUSES.labels(pause.reason).inc()
        log.warning("mailbox_paused", mailbox_id=self.mailbox_id, reason=pause.reason, until=pause.until)
        pool_id, now = claim.grant.touch.pool_id, self._tools.clock.now()
        event = reports.paused(pool_id, self.mailbox_id, until=pause.until, reason=pause.reason, at=now)
        self._tools.teller.tell([event], lambda: None)
        self._wake.set()

    def _refuse_while_paused(self) -> bool:
        """Give back what was granted before dispatch heard of the pause."""
        pause = self._pauses.current
        if pause is None:
            return False
        now = self._tools.clock.now()
        while self._queue:
            self._settle(_Done(outcomes.mailbox_paused(self._queue.popleft(), now, pause.reason)))
        return True

    # -- the outcomes

    def _settle(self, done: _Done) -> None:
        self._done.append(done)
        self._finished.set()

    async def _write(self) -> None:
        while True:
            await self._finished.wait()
            await self._record_pace.wait(len(self._done))
            self._finished.clear()
            batch, self._done, self._writing = self._done, [], True
            try:
                await self._record(batch)
            except Exception:
                log.exception("outcomes_refused", mailbox_id=self.mailbox_id)
                await self._record_each(batch)
            finally:
                self._writing = False
                self._step.set()

    async def _record_each(self, batch: list[_Done]) -> None:
        """One by one and without their texts: one that cannot be stored or told costs no other, and not this loop."""
        for done in batch:
            try:
                await self._record([_plain(done)])
            except Exception:
                # It stays in hand, so that nothing is settled past it: the next owner finds it and tells of it.
                log.exception("outcome_lost", send_id=str(done.verdict.claim.grant.touch.send_id))

    async def _record(self, batch: list[_Done]) -> None:
        """Suppressions, then outcomes, then what is told of them: each only when the one before stands."""
        tools = self._tools
        if any(done.verdict.outcome == "sent" for done in batch):
            tools.failpoint("after_smtp_before_record")
        suppressions = [done.suppression for done in batch if done.suppression is not None]
        if suppressions:
            await retrying("suppress", lambda: tools.stops.suppress(suppressions))
        verdicts = [done.verdict for done in batch]
        standing = await retrying("record", lambda: tools.ledger.record(verdicts))
        for verdict in standing:
            metrics.outcomes(verdict.outcome).inc()
        metrics.UNRECORDED.inc(len(verdicts) - len(standing))
        claims = [verdict.claim for verdict in verdicts]
        events: list[Telling] = [event for verdict in standing for event in reports.report(verdict)]
        tools.teller.tell(events, lambda: tools.hands.put_down(claims))


def _plain(done: _Done) -> _Done:
    """The outcome without the texts that came with it, where those cannot be stored."""
    return done._replace(verdict=replace(done.verdict, detail=None, subject=None))
