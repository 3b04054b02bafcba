"""A lead driven through decisions without any broker: its state goes through its bytes after every event."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from domain import ids
from domain.campaign import (
    Arm,
    Campaign,
    CampaignLimits,
    ConditionStep,
    Definitions,
    EmailStep,
    Mailbox,
    Smtp,
    Step,
    TaskStep,
    WaitStep,
    Window,
)
from domain.leads import codec
from domain.leads.decide import decide, on_definition, on_timer
from domain.leads.effects import Ask, Decision, Effect, GiveTask, Policy, ProveIt, ReleaseIt, StopIt, Tell, Withdraw
from domain.leads.state import Enrollment, Lead
from domain.predicates import Happened
from domain.templates import compile_template
from schemas.base import Message
from schemas.engagements import Engagement
from schemas.enrollments import Enroll, LeadData
from schemas.replies import Bounce, Disposition, Reply
from schemas.sending import DueSend, SendResult, WithdrawSend
from schemas.tasks import TaskDue
from schemas.tracking import Hit

T0 = datetime(2026, 1, 5, 10, 0, tzinfo=UTC)
"""A Monday."""
LEAD = "lead-1"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
PERSON_AGENT = "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/134.0"


def email(step_id: str, next_id: str | None = None, *, subject: str | None = "Hello", **more: Any) -> EmailStep:
    body = compile_template("Hi {{ first_name }}")
    arm = Arm("a", 1, compile_template(subject) if subject else None, body, is_html=False)
    return EmailStep(step_id, next_id, more.pop("arms", (arm,)), frozenset({"first_name"}), **more)


def wait(step_id: str, next_id: str | None, days: int = 3) -> WaitStep:
    return WaitStep(step_id, next_id, days, "days")


def condition(
    step_id: str, true_id: str | None, false_id: str | None, event: str = "opened", **more: Any
) -> ConditionStep:
    when = more.pop("when", None) or Happened(event, more.pop("of", None))
    return ConditionStep(step_id, false_id, when, true_id, false_id, more.pop("within", None), **more)


def task(step_id: str, next_id: str | None = None, title: str = "Call {{ full_name }}", days: int = 2) -> TaskStep:
    return TaskStep(
        step_id, next_id, compile_template(title), None, "sales", "high", days * DAY, "schedule_call",
        frozenset({"full_name"}),
    )  # fmt: skip


SEQUENCE: tuple[Step, ...] = (email("intro", "pause"), wait("pause", "nudge"), email("nudge", subject=None))


def campaign(steps: Iterable[Step] = SEQUENCE, campaign_id: str = "q1", **more: Any) -> Campaign:
    steps = tuple(steps)
    base = Campaign(
        campaign_id=campaign_id,
        revision=1,
        name=campaign_id,
        goal="acquisition",
        pool_id="main",
        mailbox_ids=("anna", "bo"),
        status="active",
        limits=CampaignLimits(None, None, 10 * MINUTE, None),
        window=Window(frozenset(range(7)), 0, 24),
        steps={step.step_id: step for step in steps},
        first_step_id=steps[0].step_id,
    )
    return replace(base, **more)


def mailbox(mailbox_id: str = "anna") -> Mailbox:
    return Mailbox(
        mailbox_id, 1, "main", "Anna", "anna@sender.example", "Street 1", Smtp("h", 25, "none", None, "login", None)
    )


def in_force(*campaigns: Campaign) -> Definitions:
    return Definitions({c.campaign_id: c for c in campaigns}, {"anna": mailbox()}, frozenset({"main"}))


def enroll(campaign_id: str = "q1", event_id: str = "enroll-1", **more: Any) -> Enroll:
    person = LeadData(email="Jane.Doe@Example.com", first_name="Jane", last_name="Doe", company="Acme")
    return Enroll(event_id=event_id, lead_id=LEAD, campaign_id=campaign_id, lead=more.pop("lead", person), **more)


@dataclass
class Story:
    """One lead and everything that was decided about it."""

    definitions: Definitions
    policy: Policy = field(default_factory=Policy)
    now: datetime = T0
    value: bytes | None = None
    effects: list[Effect] = field(default_factory=list)
    last: Decision | None = None

    @property
    def lead(self) -> Lead | None:
        return codec.decode(self.value) if self.value is not None else None

    @property
    def enrollments(self) -> tuple[Enrollment, ...]:
        return self.lead.enrollments if self.lead is not None else ()

    def enrollment(self, campaign_id: str = "q1", entry_no: int = 1) -> Enrollment:
        return next(e for e in self.enrollments if (e.campaign_id, e.entry_no) == (campaign_id, entry_no))

    def _take(self, decision: Decision) -> list[Effect]:
        self.last = decision
        self.value = codec.encode(decision.lead) if decision.lead is not None else None
        if decision.lead is not None:
            assert codec.decode(self.value or b"") == decision.lead, "the bytes lose something"
        self.effects += decision.effects
        return list(decision.effects)

    def event(self, event: Message, at: datetime | None = None) -> list[Effect]:
        """Decide an event at `at` (default: the story's present)."""
        return self._take(decide(self.lead, LEAD, event, at or self.now, self.definitions, self.policy))

    def define(self, *campaigns: Campaign) -> list[Effect]:
        """Put new definitions in force, and let the lead see them as the shell's sweep and parking would."""
        self.definitions = in_force(*campaigns)
        found: list[Effect] = []
        for changed in campaigns:
            if self.lead is not None:
                found += self._take(
                    on_definition(self.lead, LEAD, changed.campaign_id, self.now, self.definitions, self.policy)
                )
        return found + self.wake()

    def wake(self) -> list[Effect]:
        """Let everything happen that is due now."""
        if self.lead is None:
            return []
        return self._take(on_timer(self.lead, LEAD, self.now, self.definitions, self.policy))

    def until(self, at: datetime) -> list[Effect]:
        """Let time pass to `at`, each timer at its own instant."""
        found: list[Effect] = []
        while self.lead is not None:
            wake_at = self.lead.wake_at
            future = self.last.wake_at if self.last is not None else wake_at
            due = future if future is not None else wake_at
            if due is None or due > at or due <= self.now:
                break
            self.now = due
            found += self.wake()
        self.now = max(self.now, at)
        return found

    def next_ask(self) -> DueSend:
        """Let time pass until the next ask, at most sixty days."""
        end = self.now + 60 * DAY
        while self.last is not None and self.last.wake_at is not None and self.last.wake_at <= end:
            found = asks(self.until(self.last.wake_at))
            if found:
                return found[0]
        raise AssertionError("nothing is asked for")

    def after(self, span: timedelta) -> list[Effect]:
        return self.until(self.now + span)


def asks(effects: Iterable[Effect]) -> list[DueSend]:
    return [effect.due for effect in effects if isinstance(effect, Ask)]


def withdrawals(effects: Iterable[Effect]) -> list[WithdrawSend]:
    return [effect.withdrawal for effect in effects if isinstance(effect, Withdraw)]


def facts(effects: Iterable[Effect]) -> list[Engagement]:
    return [effect.fact for effect in effects if isinstance(effect, Tell)]


def kinds(effects: Iterable[Effect]) -> list[str]:
    return [fact.type for fact in facts(effects)]


def tasks(effects: Iterable[Effect]) -> list[TaskDue]:
    return [effect.task for effect in effects if isinstance(effect, GiveTask)]


def proofs(effects: Iterable[Effect]) -> list[UUID]:
    return [effect.send_id for effect in effects if isinstance(effect, ProveIt)]


def stops(effects: Iterable[Effect]) -> list[StopIt]:
    return [effect for effect in effects if isinstance(effect, StopIt)]


def releases(effects: Iterable[Effect]) -> list[ReleaseIt]:
    return [effect for effect in effects if isinstance(effect, ReleaseIt)]


def enrollment_id(campaign_id: str = "q1", entry_no: int = 1) -> UUID:
    return ids.enrollment_id(campaign_id, LEAD, entry_no)


def result(ask: DueSend, outcome: str = "sent", at: datetime | None = None, **more: Any) -> SendResult:
    granted_at = more.pop("granted_at", ask.at)
    known: dict[str, Any] = {
        "event_id": ids.event_id("result", ask.send_id, ask.ask_no, outcome),
        "send_id": ask.send_id,
        "enrollment_id": ask.enrollment_id,
        "lead_id": ask.lead_id,
        "campaign_id": ask.campaign_id,
        "campaign_version": ask.campaign_version,
        "step_id": ask.step_id,
        "ask_no": ask.ask_no,
        "attempt": ask.attempt,
        "grant_id": f"1-{ask.ask_no:09d}",
        "mailbox_id": ask.mailbox_id or "anna",
        "variant": ask.variant,
        "outcome": outcome,
        "granted_at": granted_at,
        "at": at or granted_at,
    }
    if outcome == "sent":
        known |= {"message_id": f"<{ask.step_id}@sender.example>", "subject": "Hello"}
    return SendResult(**(known | more))


def hit(
    kind: str = "open", step_id: str = "intro", at: datetime = T0 + HOUR, event_id: str = "hit-1", **more: Any
) -> Hit:
    campaign_id = more.pop("campaign_id", "q1")
    known: dict[str, Any] = {
        "type": kind,
        "event_id": event_id,
        "lead_id": LEAD,
        "campaign_id": campaign_id,
        "step_id": step_id,
        "send_id": ids.send_id(enrollment_id(campaign_id), step_id),
        "user_agent": PERSON_AGENT,
        "network": "81.230.10.0/24",
        "at": at,
        "wall": at,
    }
    return Hit(**(known | more))


def reply(step_id: str = "intro", number: int = 1, campaign_id: str = "q1", at: datetime = T0 + HOUR) -> Reply:
    return Reply(**_answer(step_id, number, campaign_id, at), event_id=ids.event_id("reply", number))


def disposition(
    name: str,
    step_id: str = "intro",
    number: int = 1,
    campaign_id: str = "q1",
    at: datetime = T0 + HOUR,
    bounce: tuple[str, str] | None = None,
    return_at: datetime | None = None,
) -> Disposition:
    answer: dict[str, Any] = _answer(step_id, number, campaign_id, at) | {"confidence": 0.9}
    return Disposition(
        **answer,
        event_id=ids.event_id("disposition", number),
        disposition=name,  # pyright: ignore[reportArgumentType]
        decided_by="recogniser",
        bounce=Bounce(kind=bounce[0], code=bounce[1]) if bounce else None,  # pyright: ignore[reportArgumentType]
        return_at=return_at,
    )


def _answer(step_id: str, number: int, campaign_id: str, at: datetime) -> dict[str, Any]:
    enrolled = enrollment_id(campaign_id)
    return {
        "reply_id": uuid5(ids.NAMESPACE, f"reply {number}"),
        "lead_id": LEAD,
        "campaign_id": campaign_id,
        "enrollment_id": enrolled,
        "step_id": step_id,
        "send_id": ids.send_id(enrolled, step_id),
        "matched_by": "recipient_token",
        "confidence": 1.0,
        "at": at,
    }


END_OF_JANUARY = date(2026, 1, 31)
