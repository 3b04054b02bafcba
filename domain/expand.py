"""The three ways of writing a sequence made one: where each step leads, and the waits that the short forms ask for.

The graph form names targets; the short form gives a step a delay; the cadence gives every step a day
(docs/behaviour.md 1.2).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from domain.sequence import WaitStep
from schemas.definitions import CampaignDoc, ConditionStepDoc, StepDoc, SwitchStepDoc

STANDARD_CADENCE = (0, 4, 10, 21)
"""Days from the first touch."""

Edges = Mapping[str, tuple[str | None, ...]]
"""Where each step leads: a condition to its true and its false branch, a switch to `otherwise` and then its cases."""


def targets(doc: CampaignDoc) -> Edges:
    """Where each step leads: to what it names, else to the step written after it."""
    following = [*(step.id for step in doc.steps[1:]), None]
    edges: dict[str, tuple[str | None, ...]] = {}
    for step, after in zip(doc.steps, following, strict=True):
        onward = step.next_step_id or after
        if isinstance(step, ConditionStepDoc):
            edges[step.id] = (step.true_next_step_id or onward, step.false_next_step_id or onward)
        elif isinstance(step, SwitchStepDoc):
            edges[step.id] = (step.otherwise or onward, *(case.next_step_id for case in step.cases))
        else:
            edges[step.id] = (onward,)
    return edges


def days_of(doc: CampaignDoc) -> Sequence[int] | None:
    """The cadence: a day for each step, from the first touch on; None without one."""
    if doc.cadence == "standard":
        return STANDARD_CADENCE[: len(doc.steps)]
    return doc.cadence


def delays(doc: CampaignDoc) -> dict[str, list[WaitStep]]:
    """The waits before each step that the short forms ask for, in their order. `next_id` is not set.

    A wait has an id that no written step can have.
    """
    days = days_of(doc)
    waits: dict[str, list[WaitStep]] = {}
    before = 0
    for position, step in enumerate(doc.steps):
        if days is not None and position < len(days):
            gap, before = days[position] - before, days[position]
            waits[step.id] = [WaitStep(f"{step.id}~days", None, gap, "days")] if gap > 0 else []
        else:
            waits[step.id] = list(_own(step))
    return waits


def _own(step: StepDoc) -> Iterator[WaitStep]:
    if not step.is_active:
        return
    for duration, unit in ((step.delay_days, "days"), (step.delay_hours, "hours")):
        if duration:
            yield WaitStep(f"{step.id}~{unit}", None, duration, unit)
