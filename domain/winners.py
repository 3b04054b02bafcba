"""A against B: which arm of an email does better, and how sure that is (docs/behaviour.md 1.3).

Two shares are compared by the two-proportion z-test with a pooled share, two-sided. The best arm is held against each
other one, and where there are several the chance of a mistake is multiplied by their number (Bonferroni), so that six
arms do not name a winner more easily than two. Nothing is named before every arm has `min_sends` sends.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import erfc, sqrt
from typing import Any

from pydantic import ValidationError

from schemas.definitions import CampaignDoc, EmailStepDoc

MIN_SENDS = 30
"""Sends an arm below which nothing is named."""
CONFIDENCE = 95.0
"""Percent at which a winner is named, unless the campaign says otherwise."""

METRICS = ("replied", "opened", "clicked")
"""What a winner may be judged by; also the names of the figures by step and variant."""


@dataclass(frozen=True, slots=True)
class Count:
    """What an arm has done: so many sends, of which so many had the wanted answer."""

    variant: str
    sends: int
    successes: int

    @property
    def rate(self) -> float:
        return self.successes / self.sends if self.sends else 0.0


@dataclass(frozen=True, slots=True)
class Winner:
    """The better arm of a step. `confidence` is in percent; `beaten` are the arms it was held against."""

    step_id: str
    variant: str
    metric: str
    rate: float
    confidence: float
    beaten: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "step_id": self.step_id,
            "variant": self.variant,
            "metric": self.metric,
            "rate": round(self.rate, 4),
            "confidence": round(self.confidence, 1),
            "beaten": list(self.beaten),
        }


def confidence(better: Count, other: Count) -> float:
    """How sure it is, in percent, that the shares of two arms differ: 0 where nothing tells them apart."""
    if not better.sends or not other.sends:
        return 0.0
    pooled = (better.successes + other.successes) / (better.sends + other.sends)
    spread = sqrt(pooled * (1 - pooled) * (1 / better.sends + 1 / other.sends))
    if spread == 0:
        return 0.0
    z = abs(better.rate - other.rate) / spread
    return 100 * (1 - erfc(z / sqrt(2)))


def winner(
    step_id: str, counts: Sequence[Count], metric: str, min_sends: int = MIN_SENDS, wanted: float = CONFIDENCE
) -> Winner | None:
    """The arm that is better than every other one with at least the `wanted` confidence, or None as yet."""
    if len(counts) < 2 or any(count.sends < max(min_sends, MIN_SENDS) for count in counts):
        return None
    best = max(counts, key=lambda count: count.rate)
    others = [count for count in counts if count is not best]
    doubt = min(1.0, len(others) * max(100 - confidence(best, other) for other in others) / 100)
    sure = 100 * (1 - doubt)
    if sure < wanted or any(other.rate >= best.rate for other in others):
        return None
    return Winner(step_id, best.variant, metric, best.rate, sure, tuple(sorted(other.variant for other in others)))


def winners(doc: CampaignDoc, steps: Iterable[Mapping[str, Any]], metric: str | None = None) -> list[Winner]:
    """The winners of a campaign's emails. `steps` are its figures by step and variant (`step_progress`)."""
    rule = doc.promote_winner
    metric = metric or (rule.metric if rule is not None else "replied")
    figures: dict[tuple[str, str], Mapping[str, Any]] = {(row["step_id"], row["variant"]): row for row in steps}
    found: list[Winner] = []
    for step in doc.steps:
        if not isinstance(step, EmailStepDoc):
            continue
        counts = [_count(figures.get((step.id, name), {}), name, metric) for name in live_arms(step)]
        bounds = (MIN_SENDS, CONFIDENCE) if rule is None else (rule.min_sends, rule.confidence)
        named = winner(step.id, counts, metric, *bounds)
        if named is not None:
            found.append(named)
    return found


def winners_of(spec: Mapping[str, Any], steps: Iterable[Mapping[str, Any]]) -> list[Winner]:
    """The winners of a campaign as it is stored; none where only an older version could read it."""
    try:
        doc = CampaignDoc.model_validate(spec, extra="ignore")
    except ValidationError:
        return []
    return winners(doc, steps)


def _count(row: Mapping[str, Any], variant: str, metric: str) -> Count:
    sends = int(row.get("sent") or 0)
    return Count(variant, sends, min(sends, int(row.get(metric) or 0)))


def live_arms(step: EmailStepDoc) -> tuple[str, ...]:
    """The arms that somebody new may be drawn into."""
    if step.arms:
        return tuple(arm.name for arm in step.arms if arm.is_active and arm.weight > 0)
    if step.variant_b is None:
        return ("a",)
    return tuple(name for name, share in (("a", step.variant_split), ("b", 100 - step.variant_split)) if share)


def promoted(spec: Mapping[str, Any], won: Iterable[Winner]) -> dict[str, Any] | None:
    """The campaign's spec with the beaten arms switched off, or None where that changes nothing.

    Those who were drawn into a beaten arm keep it (docs/behaviour.md 1.3): only who comes from now on gets the winner.
    """
    by_step = {one.step_id: one for one in won}
    steps: list[dict[str, Any]] = []
    changed = False
    for step in spec["steps"]:
        one = by_step.get(step["id"])
        after = step if one is None else _with_winner(step, one.variant)
        changed = changed or after != step
        steps.append(after)
    return {**spec, "steps": steps} if changed else None


def _with_winner(step: dict[str, Any], variant: str) -> dict[str, Any]:
    if step.get("arms"):
        return {**step, "arms": [{**arm, "is_active": arm["name"] == variant} for arm in step["arms"]]}
    return {**step, "variant_split": 100 if variant == "a" else 0}
