"""Why a lead has or has not been sent each touch (docs/behaviour.md 9.4): done, waiting, skipped, stopped, and by what.

What was done is read from the facts of the lead's story; where it stands, from the lead itself (now) or from the last
fact that says so (at an instant that is over).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Literal, NamedTuple

from domain.campaign import Campaign, ConditionStep, Definitions, EmailStep, SmsStep, Step, TaskStep
from domain.dispatch.blocks import CODES
from domain.leads.graph import onward, reachable
from domain.leads.state import OPEN, Enrollment
from domain.outlook import PAUSED_BY, PLACES, STANDS_BY, Fact, place_of
from domain.predicates import AllOf, AnyOf, Happened, Not, Predicate

TouchState = Literal["done", "failed", "unknown", "waiting", "ahead", "skipped", "stopped"]

TOUCHES = (EmailStep, SmsStep, TaskStep)
"""Steps that reach a person."""

WORDS: Mapping[str, str] = {
    **CODES,
    **{f"stands_{code}": words for code, words in PLACES.items()},
    "wait": "in a wait before it",
    "condition": "a condition before it is open, until its deadline at most",
    "task": "a task for a person before it is open, until its deadline at most",
    "asked": "asked for: dispatch has it on its table in a moment, or the sender has it already",
    "retry": "tried before and not taken: it is asked for again",
    "waiting_draft": "its words are being written, or wait to be approved",
    "fatigue": "the lead has had as many touches as it may in these days, across all campaigns",
    "better_hour": "it waits for the hour at which this lead opens",
    "deferred": "the mail server put it off: it is tried again",
    "reply": "held: an answer of the lead is being settled",
    "pause": "paused by request",
    "ambiguous": "held: nobody knows whether the touch before arrived",
    "out_of_office": "held: the lead is away",
    "another_way": "the sequence went another way",
    "not_reached": "its turn has not come",
    "campaign_not_active": "the campaign is not active",
}
"""Every code that an explanation uses, in words. Codes of servers and refusals speak for themselves."""

TURNED_AWAY: Mapping[str, str] = {
    "expired": "its grant was over before it could leave: it is asked for again",
    "stale": "what was granted was not in force any more: it is asked for again",
    "paused": "its campaign, its mailbox or everything stood still when it was to leave: it is asked for again",
    "stopped": "a stop covered it when it was to leave: it is asked for again, and goes once the stop is released",
}
"""Why a touch that had its grant did not leave. Some of these codes mean something else at dispatch."""


class Told(NamedTuple):
    """One fact of the lead's story in this campaign, as the read models keep it."""

    type: str
    at: datetime
    step_id: str | None
    status: str | None
    code: str | None
    mailbox_id: str | None = None
    variant: str | None = None
    next_at: datetime | None = None
    event_id: str = ""


class Standing(NamedTuple):
    """Where an open enrollment stands and what it waits for. `until` None: an event frees it. `position`: how many go first."""

    step_id: str | None
    code: str
    until: datetime | None = None
    position: int | None = None
    why: str = ""


class Touch(NamedTuple):
    """One touch of the campaign, explained. `by` is the event that did, skipped or stopped it."""

    step_id: str
    kind: str
    state: TouchState
    code: str | None = None
    why: str = ""
    at: datetime | None = None
    until: datetime | None = None
    position: int | None = None
    mailbox_id: str | None = None
    variant: str | None = None
    by: str | None = None


DONE: Mapping[str, TouchState] = {"sent": "done", "task_due": "done", "failed": "failed", "ambiguous": "unknown"}
"""What a fact of a touch makes of it; the latest counts, but nothing undoes `done`."""

ENDS = frozenset({"completed", "replied", "bounced", "unsubscribed", "exited", "failed", "refused"})
"""Facts that end an enrollment, or (the last) say that none was made."""

_TOLD_AS: Mapping[str, str] = {
    "sent": "sent",
    "ambiguous": "ambiguous",
    "failed": "failed",
    "task": "task_due",
    "done": "task_due",
}
"""The fact that tells of a touch in such a state, as the lead remembers it."""
_NEVER = datetime.max.replace(tzinfo=UTC)


def ended_by(facts: Iterable[Told]) -> Told | None:
    """The fact with which the enrollment ended, if it did. (An open that was told late may have its instant before that.)"""
    over = [fact for fact in facts if (fact.status is not None and fact.status not in OPEN) or fact.type == "refused"]
    return next((fact for fact in over if fact.type in ENDS), over[0] if over else None)


def touches(campaign: Campaign, facts: Sequence[Told], standing: Standing | None) -> list[Touch]:
    """Every touch of the campaign in the order of its steps; `standing` None: the enrollment has ended.

    What was sent in a step that an edit removed since is told as well.
    """
    known = _by_step(facts)
    end = ended_by(facts)
    ahead = set(_touches_from(campaign.steps, standing.step_id)) if standing is not None else set[str]()
    first = _first_touches(campaign.steps, standing.step_id) if standing is not None else set[str]()
    found: list[Touch] = []
    for step_id, step in campaign.steps.items():
        if not isinstance(step, TOUCHES):
            continue
        if step_id in known:
            found.append(known.pop(step_id)._replace(kind=step.kind))
        elif standing is not None and step_id in first:
            why = standing.why or WORDS.get(standing.code, "")
            found.append(
                Touch(step_id, step.kind, "waiting", standing.code, why, None, standing.until, standing.position)
            )
        elif step_id in ahead:
            found.append(Touch(step_id, step.kind, "ahead", "not_reached", WORDS["not_reached"]))
        else:
            found.append(_never(step, end))
    return [*(touch._replace(kind="removed") for touch in known.values()), *found]


def _by_step(facts: Sequence[Told]) -> dict[str, Touch]:
    """What the facts say of single touches: done, failed, unknown or skipped."""
    found: dict[str, Touch] = {}
    for fact in facts:
        if fact.step_id is None:
            continue
        by = f"{fact.type} {fact.event_id}".strip()
        if fact.type == "step_skipped":
            why = f"skipped: {fact.code}"
            found[fact.step_id] = Touch(fact.step_id, "", "skipped", fact.code, why, fact.at, by=by)
        elif fact.type in DONE and not (fact.step_id in found and found[fact.step_id].state == "done"):
            state = DONE[fact.type]
            found[fact.step_id] = Touch(
                fact.step_id, "", state, fact.code, _done(fact), fact.at, None, None, fact.mailbox_id, fact.variant, by
            )  # fmt: skip
    return found


def _done(fact: Told) -> str:
    if fact.type == "task_due":
        return "a card was made of it"
    return {"sent": "sent", "failed": f"failed: {fact.code}", "ambiguous": "nobody knows whether it arrived"}[fact.type]


def _never(step: Step, end: Told | None) -> Touch:
    """A touch that was never made and, as things stand, never will be."""
    if end is None or (end.type == "completed" and end.code is None):
        return Touch(step.step_id, step.kind, "skipped", "another_way", WORDS["another_way"])
    why = f"stopped: {end.type}" + (f" ({end.code})" if end.code else "")
    return Touch(
        step.step_id, step.kind, "stopped", end.code or end.type, why, end.at, by=f"{end.type} {end.event_id}".strip()
    )


# -- the graph ---------------------------------------------------------------------------------------------------------


def _touches_from(steps: Mapping[str, Step], start: str | None) -> Iterator[str]:
    """Every touch that may still come from `start` on, itself included."""
    return (step.step_id for step in reachable(steps, start, lambda step: False) if isinstance(step, TOUCHES))


def _first_touches(steps: Mapping[str, Step], start: str | None) -> set[str]:
    """The touches that come next from `start`, one on each way."""
    here = steps.get(start) if start is not None else None
    if isinstance(here, TaskStep):  # its card is made: what waits is what follows
        return {step.step_id for way in onward(here) for step in reachable(steps, way, _is_touch) if _is_touch(step)}
    return {step.step_id for step in reachable(steps, start, _is_touch) if _is_touch(step)}


def _is_touch(step: Step) -> bool:
    return isinstance(step, TOUCHES) and step.is_active


def with_own(facts: Sequence[Told], e: Enrollment, now: datetime) -> list[Told]:
    """The facts, and what the lead itself remembers that is not among them yet: read models follow a moment behind."""
    known = {(fact.type, fact.step_id) for fact in facts}
    own = [
        Told(_TOLD_AS[touch.state], touch.granted_at or now, touch.step_id, None, None, e.mailbox_id, e.variant)
        for touch in e.touches
        if touch.state in _TOLD_AS and (_TOLD_AS[touch.state], touch.step_id) not in known
    ]
    if not e.is_open and ended_by(facts) is None:
        own.append(Told(e.status, now, None, e.status, None))
    return [*facts, *own]


# -- where it stands -----------------------------------------------------------------------------------------------------


def stands_now(e: Enrollment, campaign: Campaign, facts: Sequence[Told], at_dispatch: Standing | None) -> Standing:
    """Where an open enrollment stands now. `at_dispatch` is what dispatch says of the touch that is out, if it knows it."""
    if e.holds:
        hold = max(e.holds, key=lambda hold: (hold.until is None, hold.until or _NEVER))
        return Standing(e.step_id, hold.kind, hold.until)
    if not campaign.may_send:
        return Standing(e.step_id, f"campaign_{campaign.status}")
    step = campaign.steps.get(e.step_id) if e.step_id is not None else None
    if e.phase == "out":
        return at_dispatch or Standing(e.step_id, "asked")
    if e.phase == "retry" or (e.phase == "wait" and isinstance(step, EmailStep | SmsStep)):
        said = _last(facts, {"deferred", "waiting"}, e.step_id)
        code = "deferred" if said is not None and said.type == "deferred" else said.code if said is not None else None
        until = e.due_at if code != "waiting_draft" else None
        return Standing(e.step_id, code or "retry", until, why=TURNED_AWAY.get(code or "", ""))
    if e.phase == "wait" and step is not None:
        return Standing(e.step_id, step.kind, e.due_at)
    if campaign.start_at is not None and e.due_at is not None and e.due_at <= campaign.start_at:
        return Standing(e.step_id, "campaign_not_started", campaign.start_at)
    return Standing(e.step_id, "ready", e.due_at)


def stood_at(
    campaign: Campaign, definitions: Definitions, facts: Sequence[Told], now: datetime
) -> tuple[Standing, datetime] | None:
    """Where an open enrollment stood at an instant, by its last fact that says so, and since when its touch was due.

    None where no fact says that it was enrolled.
    """
    last = next((fact for fact in reversed(facts) if fact.status is not None), None)
    if last is None:
        return None
    telling = PAUSED_BY if last.status == "paused" else STANDS_BY
    fact = next((fact for fact in reversed(facts) if fact.type in telling), last)
    told = Fact(last.status or "", fact.type, fact.step_id, fact.mailbox_id, fact.code, fact.at, fact.next_at)
    code, step_id, at = place_of(campaign, definitions, told, now, partial(_true_way, facts, now))
    if code in ("held", "paused"):
        kind = fact.code or code
        here = _next_step(campaign, facts)
        return Standing(here, "pause" if code == "paused" else kind, fact.next_at), fact.at
    if code == "retry":
        code = "deferred" if fact.type == "deferred" else fact.code or "retry"
        return Standing(step_id, code, at, why=TURNED_AWAY.get(code, "")), at or fact.at
    return Standing(step_id, code, at), at or fact.at


_EVENTS: Mapping[str, tuple[str, frozenset[str | None]]] = {
    "opened": ("opened", frozenset({"human"})),
    "clicked": ("clicked", frozenset({"human"})),
    "replied": ("replied", frozenset()),
    "bounced": ("bounced", frozenset()),
    "done": ("task_done", frozenset()),
}
"""The fact that tells of an event that a test may name, and the codes that it must have then (none: any)."""


def _true_way(
    facts: Sequence[Told], now: datetime, step: ConditionStep, come_at: datetime
) -> tuple[str | None, datetime] | None:
    """Where a condition leads that these facts have made true in time, and since when."""
    until = min(now, come_at + (step.within or timedelta()))
    for at in (come_at, *sorted(fact.at for fact in facts if come_at < fact.at <= until)):
        if _was_true(step.when, facts, at):
            return step.true_id, at
    return None


def _was_true(test: Predicate, facts: Sequence[Told], at: datetime) -> bool | None:
    """Whether a test was true at an instant; None where it asks for more than what happened."""
    match test:
        case Happened(event, step_id) if event in _EVENTS:
            kind, codes = _EVENTS[event]
            return any(
                fact.type == kind
                and fact.at <= at
                and step_id in (None, fact.step_id)
                and (not codes or fact.code in codes)
                for fact in facts
            )
        case Not(part):
            told = _was_true(part, facts, at)
            return None if told is None else not told
        case AllOf(parts) | AnyOf(parts):
            each = [_was_true(part, facts, at) for part in parts]
            decisive = isinstance(test, AnyOf)
            return decisive if decisive in each else None if None in each else not decisive
        case _:
            return None


def _next_step(campaign: Campaign, facts: Sequence[Told]) -> str | None:
    """The step after the last one that a fact says was done; the first one where none was."""
    last = next((fact for fact in reversed(facts) if fact.type in (*DONE, "step_skipped") and fact.step_id), None)
    step = campaign.steps.get(last.step_id or "") if last is not None else None
    return campaign.first_step_id if step is None else onward(step)[0]


def _last(facts: Sequence[Told], types: set[str], step_id: str | None) -> Told | None:
    return next((fact for fact in reversed(facts) if fact.type in types and fact.step_id == step_id), None)
