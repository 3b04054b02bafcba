"""Stored mails that no rule knows, read by the model: a few at a time, some of them together, and never lost.

A model that is away (overloaded, unreachable, over its deadline, behind an open breaker) leaves a mail waiting in its state
for a bounded time; whatever else comes instead of an answer, and the end of that time, makes it a person's.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

import structlog

from agents.claims import CLAIM_S, Claims
from agents.replying import metrics
from agents.replying.knowledge import Knowledge
from agents.replying.ports import Model, Store
from domain.replies.verdict import Verdict, by_model, unclear
from sinks.claude import NoAnswer, Question, may_share
from sinks.postgres.replies import OpenState, StoredReply
from streams.errors import is_infrastructure

log = structlog.get_logger("touchline.replies")

MAX_ATTEMPTS = 5
"""A mail that was claimed so often without a verdict brings something down: a person decides."""
MODEL_CALLS = 8
TOGETHER = 4
PATIENCE_S = 900.0
ASK_AGAIN_S = 10.0
FIRST_READ = 2
"""How often a mail was claimed when it is read for the first time: once by the rules, once to be read."""

_BY_MODEL: tuple[OpenState, ...] = ("reading",)

Judged = Sequence[tuple[StoredReply, Verdict]]


class Reader:
    """Claims mails and asks the model. `judged` stores and tells the verdicts."""

    def __init__(
        self,
        *,
        store: Store,
        knowledge: Knowledge,
        model: Model | None,
        claims: Claims,
        judged: Callable[[Judged], Awaitable[None]],
        calls: int = MODEL_CALLS,
        together: int = TOGETHER,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._store = store
        self._knowledge = knowledge
        self._model = model
        self._claims = claims
        self._judged = judged
        self._together = together
        self._patience_s = patience_s
        self._calling = asyncio.Semaphore(calls)

    async def read_some(self) -> bool:
        """Start as many calls as there are slots. Whether there may be more right now."""
        await self._claims.keep_up()
        free = self._claims.free
        if free <= 0:
            await self._claims.wait()
            return True
        wanted = free * self._together
        replies = await self._store.claim(_BY_MODEL, wanted, CLAIM_S)
        for group in in_groups(replies, self._together):
            self._claims.begin([reply.reply_id for reply in group], self._read(group), "replies-call")
        return len(replies) == wanted

    async def _read(self, group: Sequence[StoredReply]) -> None:
        async with self._calling:  # mails that go alone may be more than there are slots
            started = time.monotonic()
            try:
                verdicts = await self._verdicts(group)
                if verdicts:
                    await self._judged(verdicts)
            except Exception as error:
                # They are read again when Postgres or the broker is back.
                self._claims.drop(*(reply.reply_id for reply in group))
                log.warning(
                    "reading_failed",
                    reply_ids=[str(reply.reply_id) for reply in group],
                    exc_info=None if is_infrastructure(error) else error,
                )
            metrics.TO_VERDICT_SECONDS.labels("model").observe(time.monotonic() - started)

    async def _verdicts(self, group: Sequence[StoredReply]) -> list[tuple[StoredReply, Verdict]]:
        """What the model makes of them, without those that go on waiting for it."""
        if self._model is None:
            return [(reply, unclear("no_key")) for reply in group]
        if group[0].attempts > MAX_ATTEMPTS:
            return [(reply, unclear("gave_up")) for reply in group]
        routing = self._knowledge.routing
        metrics.TOGETHER.observe(len(group))
        answers = await self._model.classify_all([Question(r.mail, r.received_at) for r in group], routing)
        verdicts: list[tuple[StoredReply, Verdict]] = []
        away: list[tuple[StoredReply, NoAnswer]] = []
        for reply, answer in zip(group, answers, strict=True):
            if isinstance(answer, NoAnswer):
                metrics.NO_ANSWERS.labels(answer.why).inc()
                if answer.is_away:
                    away.append((reply, answer))
                else:
                    verdicts.append((reply, unclear(answer.why)))
                continue
            zone = self._knowledge.zone(reply.lead_timezone, reply.mailbox_id, reply.match.campaign_id)
            verdicts.append((reply, by_model(answer, reply.received_at, zone, mail=reply.mail, routing=routing)))
        return verdicts + await self._waited(away)

    async def _waited(self, away: Sequence[tuple[StoredReply, NoAnswer]]) -> list[tuple[StoredReply, Verdict]]:
        """Those that have waited long enough for a model that is away. The others go on waiting."""
        if not away:
            return []
        pause_s = max(ASK_AGAIN_S, *(answer.ask_again_s or 0.0 for _, answer in away))
        waiting = await self._store.put_off([reply.reply_id for reply, _ in away], pause_s, self._patience_s)
        for reply, answer in away:
            if reply.reply_id in waiting:
                metrics.PUT_OFF.labels(answer.why).inc()
        return [(reply, unclear(answer.why)) for reply, answer in away if reply.reply_id not in waiting]


def in_groups(replies: Sequence[StoredReply], together: int) -> list[list[StoredReply]]:
    """Which mails are read in one request: those that may share one, and were not tried before."""
    sharing = [reply for reply in replies if reply.attempts <= FIRST_READ and may_share(reply.mail)]
    alone = [[reply] for reply in replies if reply not in sharing]
    return [sharing[start : start + together] for start in range(0, len(sharing), together)] + alone
