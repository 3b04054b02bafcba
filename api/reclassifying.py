"""Stored replies judged anew by today's rules (docs/behaviour.md 7.6, `touchline reclassify`).

What was sent stays sent and what people are done with stays done: a new verdict is a fact of its own that leads and the
projector act upon (`domain/leads/revisions.py`, `domain/cards.py`). Suppressions are only ever added.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import structlog

from agents.replying.judging import judgement, suppressions
from agents.replying.knowledge import Knowledge
from agents.replying.ports import Model, Stops
from domain.ids import event_id
from domain.replies.verdict import Verdict, by_model, by_rules, routed
from schemas.replies import Disposition
from sinks.claude import NoAnswer, Question
from sinks.postgres.rejudging import PAGE, Told
from streams.clock import ClockLike

log = structlog.get_logger("touchline.reclassify")


class History(Protocol):
    """Where the verdicts stand (`sinks.postgres.rejudging.Rejudging`)."""

    async def told_since(self, since: datetime, campaign_id: str | None = None, after: Any = None) -> list[Told]: ...

    async def rejudge(self, told: Told, event: Disposition) -> bool: ...


@dataclass(frozen=True, slots=True)
class Change:
    """A reply that means something else today."""

    was: Disposition
    now: Disposition
    suppresses: bool

    def as_json(self) -> dict[str, Any]:
        """For machines: ids and codes, no words of the mail."""
        return {
            "reply_id": self.now.reply_id,
            "lead_id": self.now.lead_id,
            "campaign_id": self.now.campaign_id,
            "revision": self.now.revision,
            "was": _named(self.was),
            "now": _named(self.now),
            "suppresses": self.suppresses,
        }


def _named(event: Disposition) -> dict[str, Any]:
    return {
        "disposition": event.own_disposition or event.disposition,
        "category": event.own_category or event.category,
        "return_at": event.return_at,
        "bounce": None if event.bounce is None else f"{event.bounce.kind} {event.bounce.code or ''}".strip(),
        "decided_by": event.decided_by,
        "rule_id": event.rule_id,
        "why": event.why,
    }


@dataclass(slots=True)
class Reclassifier:
    """Judges history by what is in force now. Without a `model` replies that need reading keep their verdict."""

    history: History
    stops: Stops
    knowledge: Knowledge
    clock: ClockLike
    model: Model | None = None
    dry_run: bool = False
    counts: Counter[str] = field(default_factory=Counter)
    """What was seen: looked_at, changed, unread (they need reading), no_answer (the model gave none), overtaken, unfit (no
    verdict that can be told came of them)."""

    async def run(self, since: datetime, campaign_id: str | None = None) -> AsyncGenerator[Change]:
        """Every reply since a campaign instant that is judged otherwise today, oldest first; the new verdicts are stored,
        unless this is a dry run. Run again, it finds nothing. Raises Retryable when Postgres is away.
        """
        after = None
        while True:
            page = await self.history.told_since(since, campaign_id, after)
            for told in page:
                change = await self._judge(told)
                if change is not None and await self._store(told, change):
                    yield change
            if len(page) < PAGE:
                return
            after = (page[-1].reply.at, page[-1].reply.reply_id)

    async def _judge(self, told: Told) -> Change | None:
        self.counts["looked_at"] += 1
        try:
            verdict = await self._verdict(told)
            if verdict is None:
                return None
            verdict = routed(verdict, self.knowledge.routing)
            judged = judgement(told.reply, verdict, self.clock.now())
        except (
            ValueError
        ) as error:  # such as a rule that names a disposition which is no more: it holds up no other reply
            log.error("verdict_unfit", reply_id=str(told.reply.reply_id), exc_info=error)
            self.counts["unfit"] += 1
            return None
        revision = told.revision + 1
        event = judged.event.model_copy(
            update={
                "event_id": event_id("disposition", told.reply.reply_id, revision),
                "revision": revision,
                "replaces": told.event.disposition,
                "answer_to": None,  # nobody is answered by a machine after the fact
            }
        )
        return None if means_the_same(told.event, event) else Change(told.event, event, verdict.suppresses)

    async def _verdict(self, told: Told) -> Verdict | None:
        """What today's rules say; None: they leave it as it is."""
        reply, knowledge = told.reply, self.knowledge
        zone = knowledge.zone(reply.lead_timezone, reply.mailbox_id, reply.match.campaign_id)
        found = by_rules(reply.mail, knowledge.rules, reply.received_at, zone)
        if found is not None:
            return found
        wanted = knowledge.wants_model(reply.match.campaign_id) and reply.mail.text.strip()
        if self.model is None or not wanted:
            self.counts["unread"] += 1
            return None
        (answer,) = await self.model.classify_all([Question(reply.mail, reply.received_at)], knowledge.routing)
        if isinstance(answer, NoAnswer):
            self.counts["no_answer"] += 1
            return None
        return by_model(answer, reply.received_at, zone, mail=reply.mail, routing=knowledge.routing)

    async def _store(self, told: Told, change: Change) -> bool:
        """Suppress first, then the verdict with what tells of it. A crash between the two is healed by the next run."""
        if self.dry_run:
            self.counts["changed"] += 1
            return True
        if change.suppresses:
            await self.stops.suppress(suppressions(told.reply, _suppressing(change)))
        stored = await self.history.rejudge(told, change.now)
        self.counts["changed" if stored else "overtaken"] += 1
        return stored


def means_the_same(was: Disposition, now: Disposition) -> bool:
    """Whether nothing would come of the new verdict that did not come of the old one.

    A soft bounce that became hard as the third in a row stays so, by whom it was decided is no difference, and neither is
    the model's wording.
    """
    if was.disposition == now.disposition == "BOUNCE":
        kinds = [None if event.bounce is None else event.bounce.kind for event in (was, now)]
        return kinds[0] == kinds[1] or kinds == ["hard", "soft"]
    names = ("disposition", "category", "own_disposition", "own_category", "return_at", "route")
    return all(getattr(was, name) == getattr(now, name) for name in names)


def _suppressing(change: Change) -> Verdict:
    return Verdict(
        change.now.disposition, change.now.confidence, change.now.decided_by, change.now.why or "", suppresses=True
    )
