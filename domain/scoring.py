"""Scores: what happened to a lead, and what a campaign's rules give for it (docs/behaviour.md 6.1).

A lead's score is counted while its story is told: each fact that matters becomes a mark, and the rules that name what the
mark says are looked at. `domain/rescoring.py` tells the same story again to
other rules, by the same functions, so that both sums agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import NamedTuple

from domain import ids
from domain.merging import field_value
from domain.predicates import AllOf, Answered, AnyOf, Compares, Happened, Not, Predicate, Share, Value, holds
from domain.sequence import ScoringRule

MARKS_AT_MOST = 256
"""How much of a lead's story is remembered. What comes later is scored as it comes, and not again when rules change."""

SAYS: Mapping[str, tuple[str, ...]] = {
    "opened": ("email_opened",),
    "clicked": ("email_clicked",),
    "replied": ("email_replied", "replied", "disposition", "sentiment"),
    "sms_replied": ("sms_replied", "replied", "disposition", "sentiment"),
    "away": ("disposition",),
    "bounced": ("email_bounced",),
    "unsubscribed": ("unsubscribed", "disposition"),
    "complained": ("complained",),
    "task": ("task_done",),
    "call": ("task_done", "call_completed"),
}
"""Every kind of mark, and the fields that it sets."""

EVENT_FIELDS: frozenset[str] = frozenset(name for names in SAYS.values() for name in names)

ALIASES: Mapping[str, str] = {
    "opened": "email_opened",
    "clicked": "email_clicked",
    "link_clicked": "email_clicked",
    "bounced": "email_bounced",
    "engagement_score": "score",
}
"""Other names under which rules ask for the same."""

OWN_FIELDS: frozenset[str] = EVENT_FIELDS | {"score", "stage", "last_positive_interaction_at"}
"""Fields that Touchline itself keeps; any other name is an attribute of the lead."""

REMEMBERED: frozenset[str] = OWN_FIELDS - {"stage"}
"""What the marks tell at any time afterwards. All else is only known as it is now."""

ANSWERS: frozenset[str] = frozenset({"replied", "sms_replied"})
"""Marks that are a person's answer: without rules of a campaign's own these alone can move a lead on."""

POSITIVE: frozenset[str] = frozenset({"INTERESTED", "NEEDS_MORE_INFO"})
"""Dispositions that count as a positive interaction."""


class Mark(NamedTuple):
    """Something that happened to a lead, as far as rules can ask for it. `at` is in whole seconds."""

    campaign_id: str
    entry_no: int
    kind: str
    step_id: str
    at: datetime
    disposition: str | None = None
    sentiment: float | None = None

    @property
    def is_positive(self) -> bool:
        """Whether it shows that the person is well disposed: a click, a call, a friendly answer. An open is too little."""
        if self.kind in ANSWERS:
            return self.disposition in POSITIVE or (self.sentiment is not None and self.sentiment > 0)
        return self.kind in ("clicked", "call")


class Points(NamedTuple):
    """What one rule has given a lead. The points never fade; what they are worth does, where the rule has a half-life."""

    campaign_id: str
    rule_id: str
    times: int
    points: int
    digest: str = ""
    """Of a rule about the lead's own facts or its stage: which rule it was that gave them."""
    half_life_days: float | None = None
    worth: float = 0.0
    worth_at: datetime | None = None
    """What was left of the points at an instant."""

    def worth_now(self, at: datetime) -> float:
        """What the points are worth at an instant; before the last of them was given, what they were worth then."""
        if self.half_life_days is None or self.worth_at is None:
            return self.points
        return self.worth * _left(at - self.worth_at, self.half_life_days)


@dataclass(frozen=True, slots=True)
class Change:
    """A rule gave (or took back) points. `points` is the rule's sum after it, `score` the lead's."""

    campaign_id: str
    rule_id: str
    change: int
    points: int
    score: int
    half_life_days: float | None = None


def _left(age: timedelta, half_life_days: float) -> float:
    return 0.5 ** (max(age.total_seconds(), 0.0) / (half_life_days * 86_400))


def worth_of(changes: Iterable[tuple[int, float | None, datetime]], at: datetime) -> float:
    """What recorded changes (points, half-life in days, instant) are worth at an instant."""
    return sum(
        change if half_life is None else change * _left(at - given_at, half_life)
        for change, half_life, given_at in changes
    )


def canonical(name: str) -> str:
    """The one name of a field."""
    return ALIASES.get(name, name)


def field_of(event: str) -> str:
    """The field that tells of an event that a test may name."""
    return "task_done" if event == "done" else canonical(event)


def is_own(name: str) -> bool:
    """Whether a field is one that Touchline keeps, under any of its names."""
    return canonical(name) in OWN_FIELDS


def fields_of(test: Predicate) -> frozenset[str]:
    """The fields that a test asks for, by their one name."""
    match test:
        case Compares(name):
            return frozenset({canonical(name)})
        case Happened(event):
            return frozenset({field_of(event)})
        case Answered():
            return frozenset({"disposition"})
        case Share():
            return frozenset()
        case AllOf(parts) | AnyOf(parts):
            return frozenset[str]().union(*map(fields_of, parts))
        case Not(part):
            return fields_of(part)


def digest_of(rule: ScoringRule) -> str:
    """Six hex digits that stand for what a rule asks for."""
    return blake2b(repr((_in_order(rule.when), rule.repeat)).encode(), digest_size=3).hexdigest()


def digest_of_all(rules: Sequence[ScoringRule]) -> str:
    """Eight hex digits that stand for all of a campaign's rules, the same in every process."""
    told = [
        (one.rule_id, _in_order(one.when), one.score_change, one.is_active, one.repeat, one.half_life_days)
        for one in rules
    ]
    return blake2b(repr(told).encode(), digest_size=4).hexdigest()


def _in_order(test: Predicate) -> object:
    """A test as something whose text is the same in every process: a set has no order of its own."""
    match test:
        case Answered(dispositions):
            return ("answered", sorted(dispositions))
        case AllOf(parts) | AnyOf(parts):
            return (type(test).__name__, [_in_order(part) for part in parts])
        case Not(part):
            return ("not", _in_order(part))
        case _:
            return test


@dataclass(slots=True)
class Scene:
    """What rules of one campaign see of a lead: a `predicates.View`.

    `only` narrows what happened to one mark: a rule that repeats asks what has just happened, any other what ever did.
    """

    lead_id: str
    campaign_id: str
    marks: Sequence[Mark]
    facts: Mapping[str, Value]
    score: Callable[[], float]
    stage: str | None = None
    only: Mark | None = None

    def _seen(self) -> Iterable[Mark]:
        if self.only is not None:
            return (self.only,)
        return (mark for mark in reversed(self.marks) if mark.campaign_id == self.campaign_id)

    def field(self, name: str) -> Value:
        """A field's value: what happened is true or false, anything else is missing where it is not known."""
        name = canonical(name)
        if name == "disposition":
            return self.disposition()
        if name == "sentiment":
            return next((mark.sentiment for mark in self._seen() if mark.sentiment is not None), None)
        if name == "score":
            return round(self.score(), 6)
        if name == "stage":
            return self.stage
        if name == "last_positive_interaction_at":
            at = last_positive_at(self.marks)
            return at.isoformat() if at is not None else None
        if name in EVENT_FIELDS:
            return any(name in SAYS[mark.kind] for mark in self._seen())
        return field_value(self.facts, name)

    def happened(self, event: str, step_id: str | None) -> bool:
        """Whether an event happened to a step's touch, or to any."""
        name = field_of(event)
        return any(name in SAYS[mark.kind] and step_id in (None, mark.step_id) for mark in self._seen())

    def disposition(self) -> str | None:
        """What the latest reply was judged to be."""
        return next((mark.disposition for mark in self._seen() if mark.disposition is not None), None)

    def draw(self, purpose: str) -> float:
        """A number in [0, 1) that is the lead's own, whatever entry it is."""
        return ids.draw(ids.enrollment_id(self.campaign_id, self.lead_id), purpose)


def last_positive_at(marks: Iterable[Mark]) -> datetime | None:
    """When the person last showed to be well disposed, in any campaign."""
    return max((mark.at for mark in marks if mark.is_positive), default=None)


@dataclass(slots=True)
class Sheet:
    """A working copy of what the rules have given a lead."""

    points: dict[tuple[str, str], Points] = field(default_factory=dict)

    @classmethod
    def of(cls, points: Iterable[Points]) -> Sheet:
        return cls({(one.campaign_id, one.rule_id): one for one in points})

    @property
    def score(self) -> int:
        """The sum of all changes."""
        return sum(one.points for one in self.points.values())

    def worth(self, at: datetime) -> float:
        """What the score is worth at an instant: the half-lives of the rules count."""
        return sum(one.worth_now(at) for one in self.points.values())

    def give(self, campaign_id: str, rule: ScoringRule, at: datetime, *, about_facts: bool) -> Change:
        """Note that a rule held."""
        known = self.points.get((campaign_id, rule.rule_id)) or Points(campaign_id, rule.rule_id, 0, 0)
        given = known._replace(
            times=known.times + 1,
            points=known.points + rule.score_change,
            digest=digest_of(rule) if about_facts else "",
        )
        if rule.half_life_days is not None:
            given = _fading(given, known, rule.score_change, rule.half_life_days, at)
        self.points[campaign_id, rule.rule_id] = given
        return Change(
            campaign_id, rule.rule_id, rule.score_change, given.points, self.score, rule.half_life_days,
        )  # fmt: skip


def _fading(given: Points, known: Points, change: int, half_life_days: float, at: datetime) -> Points:
    last_at = known.worth_at if known.worth_at is not None else at
    if at >= last_at:
        worth, worth_at = known.worth * _left(at - last_at, half_life_days) + change, at
    else:  # it overtook what was scored before it
        worth, worth_at = known.worth + change * _left(last_at - at, half_life_days), last_at
    return given._replace(half_life_days=half_life_days, worth=round(worth, 6), worth_at=worth_at)


def _told_by(mark: Mark) -> frozenset[str]:
    """The fields that a mark may have changed."""
    fields = frozenset(SAYS[mark.kind])
    return fields | {"last_positive_interaction_at"} if mark.is_positive else fields


def count(sheet: Sheet, rules: Sequence[ScoringRule], scene: Scene, mark: Mark | None, at: datetime) -> list[Change]:
    """Look at a campaign's rules after a mark, or (None) after the lead's own facts or its stage were told; answers what they gave.

    A rule is looked at when something is told that it asks for. It gives once for a lead, or, with `repeat`, once for
    each mark. What was given may make rules about the score hold: they are looked at then.
    """
    told = _told_by(mark) if mark is not None else None
    changes: list[Change] = []
    given: set[str] = set()
    campaign_id = scene.campaign_id
    while True:
        before = len(changes)
        for rule in rules:
            asked = fields_of(rule.when)
            about_facts = not asked <= REMEMBERED or not asked
            if not rule.is_active or rule.rule_id in given or not (about_facts if told is None else asked & told):
                continue
            known = sheet.points.get((campaign_id, rule.rule_id))
            if known is not None and known.times and (mark is None or not rule.repeat):
                continue
            if holds(rule.when, replace(scene, only=mark) if rule.repeat and mark is not None else scene):
                given.add(rule.rule_id)
                changes.append(sheet.give(campaign_id, rule, at, about_facts=about_facts))
        if len(changes) == before:
            return changes
        told = frozenset({"score"})
