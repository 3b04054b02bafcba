"""The writer's surroundings in memory, for tests: its store, its broker, its definitions, a model with a script."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from agents.sending.book import Book
from domain.campaign import Campaign
from domain.drafting import TouchOf
from domain.ids import enrollment_id, send_id
from domain.writing import Words
from schemas.drafts import DraftApproved, DraftOver, DraftRejected, DraftWanted
from sinks.claude_client import NoAnswer
from sinks.postgres.drafts import ToWrite, Written
from streams.work import Work
from tests.support.leads import T0, campaign, email

BODY = (
    "Hello Zoé,\n\nI saw that you run Acme, and I have an idea that would save you and your team a day a week.\n\n"
    "Best,\n{{ sender_name }}"
)
GOOD = {"subject": "An idea for Acme", "body": BODY}


def written_campaign(**writing: Any) -> Campaign:
    """A campaign whose one email Claude writes."""
    from dataclasses import replace

    from domain.campaign import Writing

    step = replace(email("intro"), writing=Writing("Offer a call.", **writing))
    return campaign((step,))


def book_of(*campaigns: Campaign) -> Book:
    """A book that has read these campaigns."""
    book = Book()
    for one in campaigns:
        book._put("campaign", one.campaign_id, one)
    return book


def request(lead_id: str = "lead-1", **more: Any) -> DraftWanted:
    """What leads asks for."""
    enrolled = enrollment_id("q1", lead_id)
    known: dict[str, Any] = {
        "event_id": f"wanted {lead_id}",
        "send_id": send_id(enrolled, "intro"),
        "lead_id": lead_id,
        "campaign_id": "q1",
        "campaign_version": 1,
        "enrollment_id": enrolled,
        "step_id": "intro",
        "merge": {"first_name": "Zoé"},
        "person": {"first_name": "Zoé", "last_name": "Martin", "company": "Acme"},
        "at": T0,
    }
    return DraftWanted(**(known | more))


def over(wanted: DraftWanted, outcome: str = "dropped", code: str | None = None) -> DraftOver:
    """What leads says when a touch has reached its end."""
    return DraftOver(
        event_id=f"over {wanted.lead_id} {outcome}",
        send_id=wanted.send_id,
        lead_id=wanted.lead_id,
        campaign_id=wanted.campaign_id,
        step_id=wanted.step_id,
        outcome=outcome,  # pyright: ignore[reportArgumentType]
        code=code,
        at=T0,
    )


@dataclass
class Memory:
    """Store and broker. `failing` names calls that raise."""

    wanted: dict[UUID, DraftWanted] = field(default_factory=dict)
    reasons: dict[UUID, str | None] = field(default_factory=dict)
    attempts: dict[UUID, int] = field(default_factory=dict)
    put_off_s: dict[UUID, float] = field(default_factory=dict)
    claims: set[UUID] = field(default_factory=set)
    written: dict[UUID, Written] = field(default_factory=dict)
    is_told: set[UUID] = field(default_factory=set)
    ended: list[DraftOver] = field(default_factory=list)
    published: list[Any] = field(default_factory=list)
    renewed: int = 0
    refusals: int = 0
    failing: dict[str, Exception] = field(default_factory=dict)

    def _may_fail(self, name: str) -> None:
        if name in self.failing:
            self.refusals += 1
            raise self.failing[name]

    async def want(self, requests: Sequence[DraftWanted], reason: str | None) -> None:
        self._may_fail("want")
        for one in requests:
            self.wanted.setdefault(one.send_id, one)
            self.reasons.setdefault(one.send_id, reason)
            self.is_told.discard(one.send_id)

    async def end(self, ended: Sequence[DraftOver], at: datetime) -> None:
        self.ended += ended
        for one in ended:
            self.wanted.pop(one.send_id, None)

    async def claim(self, limit: int, seconds: float) -> list[ToWrite]:
        taken = self.claims | self.written.keys() | self.put_off_s.keys()
        free = [one for one in self.wanted.values() if one.send_id not in taken][:limit]
        self.claims |= {one.send_id for one in free}
        return [self._claimed(one) for one in free]

    def _claimed(self, one: DraftWanted) -> ToWrite:
        self.attempts[one.send_id] = self.attempts.get(one.send_id, 0) + 1
        touch = TouchOf(one.send_id, one.lead_id, one.campaign_id, one.enrollment_id, one.step_id)
        return ToWrite(
            touch, one.variant, one.campaign_version, dict(one.merge), dict(one.person), one.thread_subject,
            self.attempts[one.send_id], 1, one.at,
        )  # fmt: skip

    async def put_off(self, send_id: UUID, reason: str, seconds: float) -> None:
        self.claims.discard(send_id)
        self.reasons[send_id] = reason
        self.put_off_s[send_id] = seconds

    async def write(self, written: Written) -> bool:
        self._may_fail("write")
        if written.send_id not in self.wanted:
            return False
        self.claims.discard(written.send_id)
        self.written[written.send_id] = written
        return True

    async def untold(self, limit: int) -> list[DraftApproved | DraftRejected]:
        found = [one.event for one in self.written.values() if one.event and one.send_id not in self.is_told]
        return list(found[:limit])

    async def told(self, send_ids: Sequence[UUID]) -> None:
        self._may_fail("told")
        self.is_told |= set(send_ids)

    async def let_go(self, send_ids: Sequence[UUID] | None = None) -> None:
        self.claims -= self.claims if send_ids is None else set(send_ids)

    async def renew(self, send_ids: Sequence[UUID], seconds: float) -> None:
        self.renewed += 1

    async def note_reason(self, reason: str | None) -> None:
        self.reasons = dict.fromkeys(self.reasons, reason)

    # -- the broker

    def work(self) -> Work:
        return Work()

    async def publish(self, work: Work) -> None:
        self._may_fail("publish")
        self.published += [DraftApproved.read(record.value or b"") for record in work.outputs]


@dataclass
class ScriptedWriter:
    """Answers what `answer` returns, when it returns."""

    answer: Callable[[Mapping[str, Any], Sequence[str]], Awaitable[Words | NoAnswer]]
    model: str = "claude-test"
    asked: list[tuple[Mapping[str, Any], tuple[str, ...]]] = field(default_factory=list)

    async def write(self, data: Mapping[str, Any], refused_because: Sequence[str] = ()) -> Words | NoAnswer:
        self.asked.append((data, tuple(refused_because)))
        return await self.answer(data, refused_because)
