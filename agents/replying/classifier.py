"""The second loop: stored mails become verdicts, verdicts become events.

Two workers share the rows: one judges by rules, in batches, at once; the other asks the model, a few mails at a
time. So a slow model holds up neither a match nor an unsubscribe. A verdict is stored before it is told, so a repeat
tells the same.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import timedelta

import structlog

from agents.claims import CLAIM_S, Claims
from agents.repeating import repeat
from agents.replying import metrics
from agents.replying.judging import judgement, mailbox_note, mailbox_pause, suppressions
from agents.replying.knowledge import Knowledge
from agents.replying.ports import Model, Publisher, Stops, Store
from agents.replying.reading import MAX_ATTEMPTS, MODEL_CALLS, PATIENCE_S, TOGETHER, Reader
from domain.replies.bounces import POLICY_DOMAINS
from domain.replies.verdict import Verdict, by_rules, hardened, routed, unclear
from schemas.replies import Disposition
from sinks.postgres.replies import Judgement, OpenState, StoredReply
from streams.clock import ClockLike

log = structlog.get_logger("touchline.replies")

BATCH = 50
POLL_S = 1.0
"""How soon rows that another process left behind are found; own rows are announced."""
POLICY_WINDOW = timedelta(hours=1)

_BY_RULES: tuple[OpenState, ...] = ("matched", "judged")


class Classifier:
    """`start` it, `wake` it when mails were stored, `stop` it. Any number of processes may run one."""

    def __init__(
        self,
        *,
        store: Store,
        stops: Stops,
        publisher: Publisher,
        knowledge: Knowledge,
        clock: ClockLike,
        model: Model | None,
        poll_s: float = POLL_S,
        model_calls: int = MODEL_CALLS,
        together: int = TOGETHER,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._store = store
        self._stops = stops
        self._publisher = publisher
        self._knowledge = knowledge
        self._clock = clock
        self._model = model
        self._poll_s = poll_s
        self._claims = Claims(store, model_calls)
        self._reader = Reader(
            store=store, knowledge=knowledge, model=model, claims=self._claims, judged=self._settle, calls=model_calls,
            together=together, patience_s=patience_s,
        )  # fmt: skip
        self._stored = asyncio.Event()
        self._to_read = asyncio.Event()
        self._loops: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to work."""
        self._loops = [
            asyncio.create_task(repeat(self.judge_some, self._stored, self._poll_s, "rules"), name="replies-rules"),
            asyncio.create_task(repeat(self.read_some, self._to_read, self._poll_s, "reading"), name="replies-model"),
        ]

    def wake(self) -> None:
        """Mails were stored."""
        self._stored.set()

    async def stop(self) -> None:
        """Finish nothing new; what is claimed is free for others."""
        await self._claims.stop(self._loops)

    # -- by rules

    async def judge_some(self) -> bool:
        """Judge a batch by rules and tell it; what needs reading is handed over. Whether there may be more."""
        await self._claims.let_go_of_dropped()
        replies = await self._store.claim(_BY_RULES, BATCH, CLAIM_S)
        if not replies:
            return False
        started = time.monotonic()
        try:
            await self._judge_by_rules(replies)
        except BaseException:
            self._claims.drop(*(reply.reply_id for reply in replies))
            raise
        metrics.TO_VERDICT_SECONDS.labels("rules").observe(time.monotonic() - started)
        return len(replies) == BATCH

    async def _judge_by_rules(self, replies: Sequence[StoredReply]) -> None:
        verdicts: list[tuple[StoredReply, Verdict]] = []
        to_read: list[StoredReply] = []
        for reply in replies:
            if reply.event is not None:
                continue
            verdict = self._by_rules(reply)
            if verdict is None:
                to_read.append(reply)
            else:
                verdicts.append((reply, await self._settled(reply, verdict)))
        if to_read:  # first, so that a broker that is away uses up none of their attempts
            await self._store.hand_over([reply.reply_id for reply in to_read])
            self._to_read.set()
        judged = await self._store_verdicts(verdicts)
        again = [(reply, reply.event) for reply in replies if reply.event is not None]
        await self._tell([*again, *judged])

    def _by_rules(self, reply: StoredReply) -> Verdict | None:
        if reply.attempts > MAX_ATTEMPTS:
            return unclear("gave_up")
        zone = self._knowledge.zone(reply.lead_timezone, reply.mailbox_id, reply.match.campaign_id)
        try:
            verdict = by_rules(reply.mail, self._knowledge.rules, reply.received_at, zone)
        except Exception as error:
            log.error("recogniser_failed", reply_id=str(reply.reply_id), exc_info=error)
            return unclear("recogniser_failed")
        if verdict is not None:
            return verdict
        if self._model is None:
            return unclear("no_key")
        if not self._knowledge.wants_model(reply.match.campaign_id):
            return unclear("model_off")
        return None if reply.mail.text.strip() else unclear("no_text")

    # -- by the model

    async def read_some(self) -> bool:
        """Start as many calls as there are slots. Whether there may be more right now."""
        return await self._reader.read_some()

    async def _settle(self, verdicts: Sequence[tuple[StoredReply, Verdict]]) -> None:
        """Store what the model said, and tell it."""
        settled = [(reply, await self._settled(reply, verdict)) for reply, verdict in verdicts]
        await self._tell(await self._store_verdicts(settled))

    # -- both

    async def _settled(self, reply: StoredReply, verdict: Verdict) -> Verdict:
        """The verdict with what history says of the address, and the user's routing."""
        verdict = routed(verdict, self._knowledge.routing)
        if verdict.bounce != "soft":
            return verdict
        return hardened(verdict, await self._store.soft_beside(reply.match.send_id))

    async def _store_verdicts(
        self, verdicts: Sequence[tuple[StoredReply, Verdict]]
    ) -> list[tuple[StoredReply, Disposition]]:
        """Suppress first, then store. Only what this process still holds is told by it."""
        if not verdicts:
            return []
        wanted = [suppression for reply, verdict in verdicts for suppression in suppressions(reply, verdict)]
        if wanted:
            await self._stops.suppress(wanted)
        judgements = {reply.reply_id: self._judgement(reply, verdict) for reply, verdict in verdicts}
        standing = await self._store.judge(list(judgements.values()))
        return [(reply, judgements[reply.reply_id].event) for reply, _ in verdicts if reply.reply_id in standing]

    def _judgement(self, reply: StoredReply, verdict: Verdict) -> Judgement:
        """The verdict as it is stored and told. One that cannot be is a person's to judge; it holds up no other."""
        now = self._clock.now()
        try:
            return judgement(reply, verdict, now, self._knowledge.answer_to(reply, verdict))
        except ValueError as error:
            log.error("verdict_unfit", reply_id=str(reply.reply_id), exc_info=error)
            return judgement(reply, unclear("verdict_unfit"), now)

    async def _tell(self, judged: Sequence[tuple[StoredReply, Disposition]]) -> None:
        """Emit and, when the broker has them, mark. A crash between the two tells them again under the same ids."""
        if not judged:
            return
        work = self._publisher.work()
        for reply, event in judged:
            reason = await self._pauses_mailbox(reply, event)
            if reason is not None:
                work.emit("grant-outcomes", mailbox_pause(reply, event, reason), reply.pool_id)
            note = mailbox_note(reply, event)
            if note is not None:
                work.emit("grant-outcomes", note, reply.pool_id)
            work.emit("dispositions", event, event.lead_id)
        await self._publisher.publish(work)
        await self._store.told([reply.reply_id for reply, _ in judged])
        for _, event in judged:
            metrics.DISPOSITIONS.labels(event.disposition, event.decided_by).inc()

    async def _pauses_mailbox(self, reply: StoredReply, event: Disposition) -> str | None:
        """Why the mailbox must pause after this bounce: our own address is refused, or several domains refuse us at
        once."""
        if event.bounce is None:
            return None
        if event.bounce.kind == "ours":
            return f"sender address refused ({event.bounce.code})"
        if event.bounce.kind != "policy":
            return None
        others = await self._store.refusing_domains(reply.mailbox_id, event.at - POLICY_WINDOW, _domain_of(reply))
        return f"refused by policy at {others + 1} domains within an hour" if others + 1 >= POLICY_DOMAINS else None


def _domain_of(reply: StoredReply) -> str:
    report = reply.mail.report
    addresses = () if report is None else [r.address for r in report.recipients if r.address]
    return addresses[0].rpartition("@")[2] if addresses else ""
