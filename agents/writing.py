"""The writer, a part of the replies role: touches that Claude writes (docs/behaviour.md 1.4, 8.2).

Requests come in with the role's batches and are only stored. A loop of its own claims what is stored and asks the model, a
few touches at a time; another tells leads what was decided, by people or by `auto_approve`. So a slow or failing model holds
up nothing but the touches that it is to write, and any number of processes may share the work.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from uuid import UUID

import structlog

from agents import writing_metrics as metrics
from agents.claims import CLAIM_S, Claims
from agents.repeating import repeat
from agents.sending.book import Book
from agents.writing_ports import Model, Publisher, Store
from domain import ids
from domain.campaign import Arm, Campaign, EmailStep, Writing
from domain.draft_checks import faults
from domain.drafting import approval, card_of_draft
from domain.writing import Assignment, Words, assignment, tidy
from schemas.drafts import DraftOver, DraftWanted
from sinks.claude_client import NoAnswer
from sinks.postgres.connect import retrying
from sinks.postgres.drafts import ToWrite, Written
from streams.clock import ClockLike
from streams.errors import is_infrastructure
from streams.work import Work

log = structlog.get_logger("touchline.writing")

CALLS = 4
POLL_S = 1.0
TELL_AT_ONCE = 200
TRIES = 3
"""Drafts of one touch that may be refused before a person has to write it."""
FIRST_PAUSE_S = 15.0
LONGEST_PAUSE_S = 3600.0
UNKNOWN_S = 2.0
"""How soon to look again for a definition that leads has read already."""

NO_KEY = "no_anthropic_key"
UNKNOWN = "waiting_definition"
USELESS = frozenset({"malformed", "truncated"})
"""Answers that count as refused drafts: asking again may help, but not for ever."""


class Writer:
    """`start` it, `take` requests, `stop` it."""

    def __init__(
        self,
        *,
        store: Store,
        publisher: Publisher,
        book: Book,
        clock: ClockLike,
        model: Model | None,
        poll_s: float = POLL_S,
        calls: int = CALLS,
    ) -> None:
        self._store = store
        self._publisher = publisher
        self._book = book
        self._clock = clock
        self._model = model
        self._poll_s = poll_s
        self._claims = Claims(store, calls)
        self._noted = False
        self._wanted = asyncio.Event()
        self._decided = asyncio.Event()
        self._loops: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to write and to tell."""
        self._loops = [
            asyncio.create_task(repeat(self.write_some, self._wanted, self._poll_s, "writing"), name="drafts-write"),
            asyncio.create_task(repeat(self.tell_some, self._decided, self._poll_s, "drafts told"), name="drafts-tell"),
        ]

    async def stop(self) -> None:
        """Finish nothing new; what is claimed is free for others."""
        await self._claims.stop(self._loops)

    # -- requests

    async def take(self, work: Work, requests: Sequence[DraftWanted | DraftOver]) -> None:
        """Store a batch of requests. Of one touch the last counts: they come in the order in which leads made them."""
        last = {request.send_id: request for request in requests}
        wanted = [one for one in last.values() if isinstance(one, DraftWanted)]
        ended = [one for one in last.values() if isinstance(one, DraftOver)]
        if wanted:
            await self._store.want(wanted, NO_KEY if self._model is None else None)
            work.after_commit(self._wake)
        if ended:
            await self._store.end(ended, self._clock.now())

    def _wake(self) -> None:
        self._wanted.set()
        self._decided.set()

    # -- telling

    async def tell_some(self) -> bool:
        """Tell leads what was decided. A crash before it is noted tells it again under the same ids."""
        decided = await self._store.untold(TELL_AT_ONCE)
        if not decided:
            return False
        work = self._publisher.work()
        for event in decided:
            work.emit("drafts", event, event.lead_id)
        await self._publisher.publish(work)
        await self._store.told([event.send_id for event in decided])
        return len(decided) == TELL_AT_ONCE

    # -- writing

    async def write_some(self) -> bool:
        """Start as many calls as there are slots. Whether there may be more right now."""
        if not self._noted:
            await self._store.note_reason(NO_KEY if self._model is None else None)
            self._noted = True
        if self._model is None:
            return False
        await self._claims.let_go_of_dropped()
        await self._claims.keep_up()
        free = self._claims.free
        if free <= 0:
            await self._claims.wait()
            return True
        claimed = await self._store.claim(free, CLAIM_S)
        for draft in claimed:
            self._claims.begin(
                draft.touch.send_id, self._write(self._model, draft), "drafts-call", ended=self._wanted.set
            )
        return len(claimed) == free

    async def _write(self, model: Model, draft: ToWrite) -> None:
        started = time.monotonic()
        try:
            await self._written(model, draft)
        except Exception as error:  # noqa: BLE001 - one touch must not stop the others
            expected = is_infrastructure(error)
            say = log.warning if expected else log.error
            say("writing_failed", send_id=str(draft.touch.send_id), exc_info=None if expected else error)
            await self._try_later(draft, expected)
        metrics.WRITE_SECONDS.observe(time.monotonic() - started)

    async def _try_later(self, draft: ToWrite, expected: bool) -> None:
        """After a fault of ours: at once when Postgres is back, later where it is the draft that brings it about."""
        send_id = draft.touch.send_id
        try:
            if not expected:
                await self._put_off(draft, "defect", pause_s(send_id, draft.attempts))
                return
        except Exception as error:  # noqa: BLE001 - the claim lapses by itself
            log.warning("draft_not_put_off", send_id=str(send_id), error=type(error).__name__)
        self._claims.drop(send_id)

    async def _written(self, model: Model, draft: ToWrite) -> None:
        found = self._definition(draft)
        if found is None:
            await self._put_off(draft, UNKNOWN, UNKNOWN_S)
            return
        campaign, arm, writing = found
        wanted = assignment(
            campaign, arm, writing, merge=draft.merge, person=draft.person, thread_subject=draft.thread_subject
        )
        words: Words | None = None
        wrong: tuple[str, ...] = ()
        for _ in range(TRIES):
            answer = await model.write(wanted.data, wrong)
            if isinstance(answer, NoAnswer):
                if answer.why == "refused":
                    await self._hold(draft, writing, wanted, "the model refused to write it")
                    return
                if answer.why not in USELESS:
                    await self._put_off(draft, f"anthropic_{answer.why}", pause_s(draft.touch.send_id, draft.attempts))
                    return
                wrong = (f"answer_{answer.why}",)
                continue
            words = tidy(answer, has_subject=wanted.has_subject)
            wrong = faults(words, wanted)
            if not wrong:
                await self._done(draft, writing, wanted, words, model.model)
                return
        await self._hold(
            draft, writing, wanted, f"its drafts were refused: {', '.join(wrong)}", words=words, wrong=wrong
        )

    def _definition(self, draft: ToWrite) -> tuple[Campaign, Arm, Writing] | None:
        campaign = self._book.campaign(draft.touch.campaign_id)
        step = campaign.steps.get(draft.touch.step_id) if campaign is not None else None
        if campaign is None or campaign.revision < draft.campaign_version or not isinstance(step, EmailStep):
            return None
        arm = next((arm for arm in step.arms if arm.name == draft.variant), step.arms[0])
        return (campaign, arm, step.writing) if step.writing is not None else None

    async def _done(self, draft: ToWrite, writing: Writing, wanted: Assignment, words: Words, model: str) -> None:
        now, touch = self._clock.now(), draft.touch
        if writing.review == "auto_approve":
            written = Written(
                touch.send_id, "approved", writing.review, wanted.has_subject, words, model=model,
                event=approval(touch, words, draft.round_no, now), decided_by="auto_approve",
            )  # fmt: skip
        else:
            card = card_of_draft(
                touch, draft.person, round_no=draft.round_no, words=words, review=writing.review, held=None, at=now
            )
            written = Written(
                touch.send_id, "review", writing.review, wanted.has_subject, words, model=model, card=card
            )
        await self._store_written(written)

    async def _hold(
        self,
        draft: ToWrite,
        writing: Writing,
        wanted: Assignment,
        why: str,
        *,
        words: Words | None = None,
        wrong: tuple[str, ...] = (),
    ) -> None:
        card = card_of_draft(
            draft.touch, draft.person, round_no=draft.round_no, words=words, review=writing.review, held=why,
            at=self._clock.now(),
        )  # fmt: skip
        await self._store_written(
            Written(draft.touch.send_id, "held", writing.review, wanted.has_subject, words, why, wrong, card=card)
        )

    async def _store_written(self, written: Written) -> None:
        if await retrying("write draft", lambda: self._store.write(written)):
            metrics.DRAFTS.labels(written.state).inc()
            if written.state == "approved":
                self._decided.set()

    async def _put_off(self, draft: ToWrite, why: str, seconds: float) -> None:
        await self._store.put_off(draft.touch.send_id, why, seconds)
        metrics.PUT_OFF.labels(why).inc()


def pause_s(send_id: UUID, attempts: int) -> float:
    """Wall seconds before the next attempt: 15, doubling up to an hour, give or take a fifth."""
    length = min(FIRST_PAUSE_S * 2 ** min(attempts - 1, 20), LONGEST_PAUSE_S)
    return length * (0.8 + 0.4 * ids.draw(send_id, f"draft {attempts}"))
