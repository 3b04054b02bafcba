"""The pipeline: which rule moves a lead from its stage to another (docs/behaviour.md 6.2, 6.3)."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from domain.predicates import Answered, Compares, Not, View, all_hold
from domain.sequence import ProgressionRule

BEGINNERS: frozenset[str] = frozenset({"new", "enriched", "ready", "contacted"})
"""Stages before an answer, as the default rules know them. They leave alone whoever stands in a stage of another pipeline."""

_REPLIED = Compares("replied", "equals", value=True)
_INTERESTED = Answered(frozenset({"INTERESTED"}))

DEFAULT_STAGES: tuple[ProgressionRule, ...] = (
    *(
        ProgressionRule("default_meeting", stage, "meeting", (_INTERESTED,))
        for stage in (*sorted(BEGINNERS), "engaged")
    ),
    *(
        ProgressionRule("default_engaged", stage, "engaged", (_REPLIED, Not(_INTERESTED)))
        for stage in sorted(BEGINNERS)
    ),
)
"""The rules of a campaign that gives none: a reply makes engaged, INTERESTED makes meeting."""


def beginnings(rules: Collection[ProgressionRule]) -> frozenset[str]:
    """Where the pipeline of these rules begins: the stages that no rule leads to; in a pipeline that goes round, the first
    rule's.
    """
    led_to = {rule.to_status for rule in rules if rule.is_active}
    starts = [rule.from_status for rule in rules if rule.is_active and rule.from_status is not None]
    return frozenset(stage for stage in starts if stage not in led_to) or frozenset(starts[:1])


def starts_at(rule: ProgressionRule, stages: Collection[str | None]) -> bool:
    """Whether a rule is for a lead in one of these stages. A rule without `from_status` is for every other stage than the
    one it leads to.
    """
    return rule.to_status not in stages if rule.from_status is None else rule.from_status in stages


def next_rule(
    rules: Sequence[ProgressionRule], stage: str | None, held: Collection[str], view: View
) -> ProgressionRule | None:
    """The first rule that moves a lead in this stage now; `held` are the ids of those that have in this event.

    A lead without a stage stands where the pipeline begins.
    """
    stages: Collection[str | None] = (stage,) if stage is not None else beginnings(rules)
    for rule in rules:
        if not rule.is_active or rule.rule_id in held or not starts_at(rule, stages):
            continue
        if all_hold(rule.conditions, view):
            return rule
    return None
