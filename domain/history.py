"""A lead's history as people read it: its marks out of its facts, its trend (docs/behaviour.md 6.5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Literal

from domain.scoring import Mark
from schemas.engagements import Engagement

Trend = Literal["rising", "steady", "falling"]

TREND_SPAN = timedelta(days=30)
"""Two such spans are compared: the one that ends now, and the one before it."""

RESCORED = "rescored"
"""The code of a change that a new rule made, not something that happened."""

_CALLS = frozenset({"call", "schedule_call"})


def mark_of(fact: Engagement) -> Mark | None:
    """What a fact means for the score; None: nothing.

    Only what a person did counts: of opens and clicks the first human one of a touch (docs/behaviour.md 5.2).
    """
    reader = _READERS.get(fact.type)
    found = reader(fact) if reader is not None else None
    if found is None or fact.campaign_id is None:
        return None
    kind, disposition, sentiment = found
    return Mark(
        fact.campaign_id,
        fact.entry_no or 1,
        "sms_replied" if kind == "replied" and fact.data.get("channel") == "sms" else kind,
        fact.step_id or "",
        fact.at.replace(microsecond=0),
        disposition,
        sentiment,
    )


_Found = tuple[str, str | None, float | None] | None


def _first(kind: str) -> Callable[[Engagement], _Found]:
    return lambda fact: (kind, None, None) if fact.first else None


def _replied(fact: Engagement) -> _Found:
    sentiment = fact.data.get("sentiment")
    number = round(float(sentiment), 3) if isinstance(sentiment, int | float) else None
    return "replied", _said(fact), number


def _said(fact: Engagement) -> str | None:
    said = fact.data.get("disposition")
    return said if isinstance(said, str) else None


def _held(fact: Engagement) -> _Found:
    return ("away", "OUT_OF_OFFICE", None) if fact.code == "out_of_office" else None


def _bounced(fact: Engagement) -> _Found:
    """A hard report, or (without a kind) an address that the server refused at once. A text's number is no address."""
    if fact.data.get("channel") == "sms":
        return None
    return ("bounced", None, None) if fact.data.get("kind") in (None, "hard") else None


def _task_done(fact: Engagement) -> _Found:
    """Done, and not only over: blocked, rejected or past its deadline is none."""
    if fact.code not in (None, "done"):
        return None
    return "call" if fact.data.get("task_kind") in _CALLS else "task", None, None


_READERS: Mapping[str, Callable[[Engagement], _Found]] = {
    "opened": _first("opened"),
    "clicked": _first("clicked"),
    "replied": _replied,
    "held": _held,
    "bounced": _bounced,
    "unsubscribed": lambda fact: ("unsubscribed", _said(fact), None),
    "complained": lambda fact: ("complained", None, None),
    "task_done": _task_done,
}
"""Facts that may be marks, by their type."""

MATTERS: frozenset[str] = frozenset(_READERS)


def marks_of(facts: Iterable[Engagement]) -> list[Mark]:
    """The marks of a lead's facts, in the order in which they were told; a fact told again counts once."""
    told: set[str] = set()
    marks: list[Mark] = []
    for fact in facts:
        if fact.type not in MATTERS or fact.event_id in told:
            continue
        told.add(fact.event_id)
        mark = mark_of(fact)
        if mark is not None:
            marks.append(mark)
    return marks


def trend(changes: Iterable[tuple[int, datetime]], now: datetime) -> Trend:
    """Whether a lead earns more or less than before: the changes (points, instant) of the last 30 days against those of the
    30 days before. Changes that new rules made are not given.
    """
    recent = before = 0
    for change, at in changes:
        age = now - at
        if age < TREND_SPAN:
            recent += change
        elif age < 2 * TREND_SPAN:
            before += change
    return "rising" if recent > before else "falling" if recent < before else "steady"
