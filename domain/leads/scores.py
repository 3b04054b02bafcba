"""Counting points while a lead's story is told, and again when a campaign's rules have changed (docs/behaviour.md 6.1)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from domain import ids
from domain.campaign import Campaign
from domain.history import MATTERS, RESCORED, mark_of
from domain.leads.effects import Tell
from domain.leads.follow_ups import follow_up
from domain.leads.state import Enrollment
from domain.predicates import Happened, Value
from domain.rescoring import rescore
from domain.scoring import ANSWERS, MARKS_AT_MOST, Change, Mark, Scene, Sheet, count, fields_of
from domain.sequence import ScoringRule
from schemas.engagements import Engagement

if TYPE_CHECKING:
    from domain.leads.turn import Turn

_FACTS_TOLD = frozenset({"enrolled", "action_done"})
"""Facts with which what the lead says of itself may have changed."""
LISTENED: frozenset[str] = MATTERS | _FACTS_TOLD
"""Facts after which rules are looked at."""


def note(turn: Turn, e: Enrollment, fact: Engagement) -> None:
    """Count what a fact of those `LISTENED` to gives, before anything else is decided: a condition that asks for the score sees it."""
    if fact.type in _FACTS_TOLD:
        return look_at_facts(turn, fact.event_id)
    mark = mark_of(fact)
    if mark is None:
        return None
    campaign = turn.campaign(e)
    follow_up(turn, e, mark, turn.tally.marks)
    tally = turn.tally
    marks = (*tally.marks, mark)
    if len(marks) <= MARKS_AT_MOST:
        turn.tally = tally._replace(marks=marks)
    if campaign is not None:
        if campaign.progression or mark.kind in ANSWERS:
            turn.noted[e.campaign_id, e.entry_no] = fact.event_id
        _count(turn, e, campaign.scoring, marks, mark, fact.event_id, fact.at)
    return None


def look_at_facts(turn: Turn, cause: str) -> None:
    """Look at the rules about what the lead says of itself, in every campaign that it can still move in."""
    note_stage(turn)
    seen: set[str] = set()
    for e in turn.open_enrollments:
        campaign = turn.campaign(e)
        if campaign is None or e.campaign_id in seen:
            continue
        seen.add(e.campaign_id)
        if campaign.progression:
            turn.noted[e.campaign_id, e.entry_no] = cause
        if not all(type(rule.when) is Happened for rule in campaign.scoring):  # as those of most campaigns are
            _count(turn, e, campaign.scoring, turn.tally.marks, None, cause, turn.now.replace(microsecond=0))


def look_at_stage(turn: Turn, cause: str) -> None:
    """Look at the rules that ask for the lead's stage, in every campaign of it: it has moved."""
    at = turn.now.replace(microsecond=0)
    for e in {e.campaign_id: e for e in turn.enrollments}.values():
        campaign = turn.campaign(e)
        if campaign is not None:
            rules = [rule for rule in campaign.scoring if "stage" in fields_of(rule.when)]
            _count(turn, e, rules, turn.tally.marks, None, cause, at)


def _count(  # noqa: PLR0917 - each is one part of what happened
    turn: Turn,
    e: Enrollment,
    rules: Sequence[ScoringRule],
    marks: Sequence[Mark],
    mark: Mark | None,
    cause: str,
    at: datetime,
) -> None:
    if not rules:
        return
    sheet = Sheet.of(turn.tally.points)
    scored_at = mark.at if mark is not None else at
    scene = _scene(turn, e.campaign_id, marks, lambda: sheet.worth(scored_at))
    changes = count(sheet, rules, scene, mark, scored_at)
    if not changes:
        return
    turn.tally = turn.tally._replace(points=tuple(sheet.points.values()))
    _note_all(turn, cause)
    for change in changes:
        _tell(turn, e, change, cause, at)


def _note_all(turn: Turn, cause: str) -> None:
    """The score is the lead's: stages that depend on it may change in any campaign."""
    for e in turn.enrollments:
        campaign = turn.campaign(e)
        if campaign is not None and campaign.progression:
            turn.noted.setdefault((e.campaign_id, e.entry_no), cause)


def _tell(turn: Turn, e: Enrollment, change: Change, cause: str, at: datetime, *, code: str | None = None) -> None:
    """Publish a change. Its id is made of the rule and of what made it give, whichever entry of the lead that was."""
    campaign = turn.definitions.campaigns.get(change.campaign_id)
    data: dict[str, Any] = {
        "rule_id": change.rule_id,
        "change": change.change,
        "points": change.points,
        "score": change.score,
        "cause": cause,
    }
    if change.half_life_days is not None:
        data["half_life_days"] = change.half_life_days
    fact = Engagement.trusted(
        type="score_changed",
        event_id=ids.event_id(
            "engagement", "score_changed", turn.lead_id, change.campaign_id, change.rule_id, code, cause
        ),
        lead_id=turn.lead_id,
        campaign_id=change.campaign_id,
        campaign_version=campaign.revision if campaign is not None else None,
        enrollment_id=e.id_for(turn.lead_id),
        entry_no=e.entry_no,
        status=e.status,
        previous_status=e.status,
        code=code,
        data=data,
        at=at,
    )
    turn.effects.append(Tell(fact))


def count_again(turn: Turn, campaign: Campaign) -> None:
    """After an edit: what the rules in force give for the lead's whole story, as if they had been there from the start.

    What that adds or takes back is told as changes of their own (`rescored`), so that the sum of all changes stays the score.
    """
    tally = turn.tally
    if not tally.marks and not tally.points and not turn.facts:
        return
    scoring: dict[str, Sequence[ScoringRule]] = {}
    last: dict[str, Enrollment] = {}
    for e in turn.enrollments:
        known = turn.campaign(e)
        if known is not None:
            scoring[e.campaign_id] = known.scoring
            last[e.campaign_id] = e
    now = turn.now.replace(microsecond=0)
    points, changes = rescore(turn.lead_id, tally.marks, scoring, tally.points, turn.facts, now, stage_of(turn))
    turn.tally = tally._replace(points=points)
    cause = f"{campaign.campaign_id} revision {campaign.revision}"
    for change in changes:
        e = last[change.campaign_id]
        turn.noted[e.campaign_id, e.entry_no] = cause
        _tell(turn, e, change, cause, turn.now, code=RESCORED)


# -- what conditions ask -----------------------------------------------------------------------------------------------


def score(turn: Turn) -> float:
    """What the lead's score, over all campaigns, is worth at the turn's instant."""
    return Sheet.of(turn.tally.points).worth(turn.now)


def field(turn: Turn, e: Enrollment, name: str) -> Value:
    """A field as a condition of an enrollment asks for it: the score, the stage, what happened in its campaign, else what the
    lead says of itself; None where it is missing.
    """
    return scene_of(turn, e).field(name)


def disposition(turn: Turn) -> str | None:
    """What the lead's latest reply, to any campaign, was judged to be."""
    return next((mark.disposition for mark in reversed(turn.tally.marks) if mark.disposition is not None), None)


def stage_of(turn: Turn) -> str | None:
    """The pipeline stage in which the lead stands: what its producer says last, else where rules have moved it."""
    said = turn.facts.get("stage")
    return said if isinstance(said, str) and 0 < len(said) <= MAX_STAGE else turn.tally.stage


MAX_STAGE = 100


def note_stage(turn: Turn) -> str | None:
    """The lead's stage, remembered: it outlives what else the lead said of itself. One that is new is a new visit."""
    stage, tally = stage_of(turn), turn.tally
    if stage != tally.stage:
        turn.tally = tally._replace(stage=stage, visit=tally.visit + 1)
    return stage


def scene_of(turn: Turn, e: Enrollment) -> Scene:
    """What rules of an enrollment's campaign see now."""
    return _scene(turn, e.campaign_id, turn.tally.marks, lambda: score(turn))


def _scene(turn: Turn, campaign_id: str, marks: Sequence[Mark], worth: Callable[[], float]) -> Scene:
    return Scene(turn.lead_id, campaign_id, marks, turn.facts, worth, stage_of(turn))
