"""Whether a condition holds, from what is known of the enrollment's own touches (docs/behaviour.md 1.6)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from domain.campaign import ConditionStep
from domain.leads.state import Enrollment, Touch


def _is_delivered(touch: Touch) -> bool:
    """Sent and not bounced since."""
    return touch.state == "sent" and not touch.bounced


EVENTS: Mapping[str, Callable[[Touch], bool]] = {
    "opened": lambda touch: touch.opened,
    "clicked": lambda touch: touch.clicked,
    "replied": lambda touch: touch.replied,
    "delivered": _is_delivered,
    "bounced": lambda touch: touch.bounced,
}
"""The events that a condition may test, as questions to one touch."""


def holds_true(step: ConditionStep, enrollment: Enrollment) -> bool:
    """Whether the event happened to the named step's touch, or to any touch of the enrollment."""
    happened = EVENTS[step.event]
    if step.of_step_id is not None:
        touch = enrollment.touch(step.of_step_id)
        return touch is not None and happened(touch)
    return any(happened(touch) for touch in enrollment.touches)
