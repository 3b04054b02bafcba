"""Where a step leads, without deciding anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from domain.campaign import Campaign, ConditionStep, EmailStep, SmsStep, Step, SwitchStep
from domain.leads.state import Enrollment

PATH_LENGTH = 6
"""How many following steps an enrollment remembers against the removal of the one it stands on."""

Asked = EmailStep | SmsStep
"""A step whose touch dispatch grants."""


def successor(step: Step) -> str | None:
    """The step that follows when this one is done, skipped or removed; a condition's is its false branch, and a
    switch's its `otherwise`.
    """
    if isinstance(step, ConditionStep):
        return step.false_id if step.false_id is not None else step.next_id
    return step.next_id


def onward(step: Step) -> tuple[str | None, ...]:
    """Every step that may follow this one."""
    if isinstance(step, ConditionStep):
        return (step.true_id, step.false_id, step.next_id)
    if isinstance(step, SwitchStep):
        return (step.next_id, *(case.next_id for case in step.cases))
    return (step.next_id,)


def path_after(steps: Mapping[str, Step], step_id: str) -> tuple[str, ...]:
    """The ids of up to `PATH_LENGTH` steps that follow `step_id`."""
    path: list[str] = []
    step = steps.get(step_id)
    while step is not None and len(path) < PATH_LENGTH:
        following = successor(step)
        if following is None:
            break
        path.append(following)
        step = steps.get(following)
    return tuple(path)


def standing(enrollment: Enrollment, steps: Mapping[str, Step]) -> str | None:
    """The step it stands on now: where that was removed, the first of its successors that still exists."""
    if enrollment.step_id is None or enrollment.step_id in steps:
        return enrollment.step_id
    return next((step_id for step_id in enrollment.path if step_id in steps), None)


def possibly_out(enrollment: Enrollment, campaign: Campaign | None) -> list[str]:
    """Every asked step that dispatch or the sender may hold now, whether or not the state says that it is out.

    A crash between the outputs and the state of a flush leaves an ask behind that the state does not know. One flush
    can hold at most one ask beyond the step that the state knows to be out: the first ones reachable from it. (A step
    with conditions may be asked for or passed over, so what lies behind it counts too.)
    """
    if enrollment.step_id is None or not enrollment.is_open:
        return []
    if campaign is None:
        return [enrollment.step_id]
    steps = campaign.steps
    here = steps.get(enrollment.step_id)
    found: dict[str, None] = {}
    if here is None:
        found[enrollment.step_id] = None
        following = standing(enrollment, steps)
        found.update(dict.fromkeys(_first_asked(steps, following)))
    else:
        if isinstance(here, Asked) and enrollment.phase != "arrive":
            found[here.step_id] = None  # an edit may have switched it off since it was asked for
        found.update(dict.fromkeys(_first_asked(steps, enrollment.step_id)))
        if isinstance(here, Asked) and enrollment.phase == "out":
            for following in onward(here):
                found.update(dict.fromkeys(_first_asked(steps, following)))
    return list(found)


def _first_asked(steps: Mapping[str, Step], start: str | None) -> Iterator[str]:
    ways = reachable(steps, start, lambda step: _is_asked(step) and not step.conditions)
    return (step.step_id for step in ways if _is_asked(step))


def _is_asked(step: Step) -> bool:
    return isinstance(step, Asked) and step.is_active


def reachable(steps: Mapping[str, Step], start: str | None, ends: Callable[[Step], bool]) -> Iterator[Step]:
    """Every step that may come from `start` on, itself included; what lies behind one at which a way `ends` is left out."""
    stack, seen = [start], set[str]()
    while stack:
        step_id = stack.pop()
        step = steps.get(step_id) if step_id is not None else None
        if step is None or step.step_id in seen:
            continue
        seen.add(step.step_id)
        yield step
        if not ends(step):
            stack += onward(step)
