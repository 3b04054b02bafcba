"""A lead's whole story told again to rules that have changed (docs/behaviour.md 6.1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from domain.predicates import Value
from domain.scoring import Change, Mark, Points, Scene, Sheet, count, digest_of
from domain.sequence import ScoringRule


def rescore(  # noqa: PLR0917 - the whole story, and what is known
    lead_id: str,
    marks: Sequence[Mark],
    scoring: Mapping[str, Sequence[ScoringRule]],
    known: Iterable[Points] = (),
    facts: Mapping[str, Value] | None = None,
    now: datetime | None = None,
    stage: str | None = None,
) -> tuple[tuple[Points, ...], list[Change]]:
    """What rules give for a lead's whole story, and what that changes in what is `known` to be given.

    The sums are those that the rules would have given had they been in force from the start. `scoring`: campaign id to
    its rules; what campaigns outside of it gave stays. Facts are told once, as they are now: a rule about them that is the
    same as before keeps what it gave, because what the lead said of itself earlier, or before it was done, is not
    remembered. So it is with its `stage`. `now` (the first mark's instant by default) dates what facts give.
    """
    old = {(one.campaign_id, one.rule_id): one for one in known}
    sheet = Sheet({key: one for key, one in old.items() if key[0] not in scoring})
    told = facts or {}
    first_at = marks[0].at if marks else now
    if (told or stage is not None) and first_at is not None:
        for campaign_id, rules in scoring.items():
            at = first_at
            scene = Scene(lead_id, campaign_id, (), told, lambda at=at: sheet.worth(at), stage)
            count(sheet, rules, scene, None, at)
    for number, mark in enumerate(marks):
        rules = scoring.get(mark.campaign_id)
        if rules:
            scene = Scene(
                lead_id, mark.campaign_id, marks[: number + 1], told, lambda at=mark.at: sheet.worth(at), stage
            )
            count(sheet, rules, scene, mark, mark.at)
    _keep_given(sheet, scoring, old)
    return tuple(one for one in sheet.points.values() if one.times), _differences(old, sheet)


def _keep_given(
    sheet: Sheet, scoring: Mapping[str, Sequence[ScoringRule]], old: Mapping[tuple[str, str], Points]
) -> None:
    """What an unchanged rule about the lead's own facts gave, it gave for what they were then."""
    for campaign_id, rules in scoring.items():
        for rule in rules:
            key = (campaign_id, rule.rule_id)
            was = old.get(key)
            if was is None or not was.digest or not rule.is_active or was.digest != digest_of(rule):
                continue
            factor = rule.score_change * was.times / was.points if was.points else 0.0
            sheet.points[key] = was._replace(
                points=rule.score_change * was.times,
                half_life_days=rule.half_life_days,
                worth=round(was.worth * factor, 6) if factor != 1 else was.worth,
            )


def _differences(old: Mapping[tuple[str, str], Points], sheet: Sheet) -> list[Change]:
    changes: list[Change] = []
    score = sum(one.points for one in old.values())
    for key in sorted({*old, *sheet.points}):
        was, now = old.get(key), sheet.points.get(key)
        points = now.points if now is not None else 0
        change = points - (was.points if was is not None else 0)
        if change:
            score += change
            half_life = now.half_life_days if now is not None else was.half_life_days if was is not None else None
            changes.append(Change(*key, change, points, score, half_life))
    return changes
