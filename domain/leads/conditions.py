"""What is known of a lead in one enrollment, as tests ask for it (docs/behaviour.md 1.2, 1.6, 6.1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from domain import ids
from domain.campaign import SmsStep, Step, SwitchStep
from domain.leads import scores
from domain.leads.state import Enrollment, Touch
from domain.merging import field_value
from domain.predicates import Value, View, compare, is_missing
from domain.scoring import is_own

if TYPE_CHECKING:
    from domain.leads.turn import Turn


def _is_delivered(touch: Touch) -> bool:
    """Sent and not bounced since."""
    return touch.state == "sent" and not touch.bounced


EVENTS: Mapping[str, Callable[[Touch], bool]] = {
    "opened": lambda touch: touch.opened,
    "clicked": lambda touch: touch.clicked,
    "replied": lambda touch: touch.replied,
    "delivered": _is_delivered,
    "bounced": lambda touch: touch.bounced,
    "done": lambda touch: touch.state == "done",
}
"""The events that a test may ask for, as questions to one touch."""


def happened(event: str, step_id: str | None, e: Enrollment) -> bool:
    """Whether the event happened to the named step's touch, or to any touch of the enrollment."""
    asked = EVENTS[event]
    if step_id is not None:
        touch = e.touch(step_id)
        return touch is not None and asked(touch)
    return any(asked(touch) for touch in e.touches)


def _of_emails(event: str, turn: Turn, e: Enrollment) -> bool:
    """Whether the event happened to any email of the enrollment: what became of a text is told by other fields."""
    campaign = turn.campaign(e)
    steps: Mapping[str, Step] = campaign.steps if campaign is not None else {}
    asked = EVENTS[event]
    return any(asked(touch) and not isinstance(steps.get(touch.step_id), SmsStep) for touch in e.touches)


class LeadView:
    """A lead in one of its enrollments: `domain.predicates.View`. Made anew for each question: it holds nothing."""

    __slots__ = ("_e", "_turn")

    def __init__(self, turn: Turn, e: Enrollment) -> None:
        self._turn = turn
        self._e = e

    def field(self, name: str) -> Value:
        """What the engine knows under this name, else what the lead says of itself."""
        known = FIELDS.get(name)
        if known is not None:
            return known(self._turn, self._e)
        return scores.field(self._turn, self._e, name) if is_own(name) else field_value(self._turn.facts, name)

    def happened(self, event: str, step_id: str | None) -> bool:
        return happened(event, step_id, self._e)

    def disposition(self) -> str | None:
        return self._turn.disposition

    def draw(self, purpose: str) -> float:
        return ids.draw(self._e.id_for(self._turn.lead_id), f"share {purpose}")


FIELDS: Mapping[str, Callable[[Turn, Enrollment], Value]] = {
    "email_delivered": partial(_of_emails, "delivered"),
    "email_opened": partial(_of_emails, "opened"),
    "email_clicked": partial(_of_emails, "clicked"),
    "email_replied": partial(_of_emails, "replied"),
    "email_bounced": partial(_of_emails, "bounced"),
    "disposition": lambda turn, e: turn.disposition,
}
"""Fields that the engine keeps itself; all others are the lead's own."""


def chosen(step: SwitchStep, view: View) -> str | None:
    """Where a switch leads: to the first case that holds, else to its `otherwise` (docs/behaviour.md 1.2)."""
    value = view.field(step.field)
    if is_missing(value):
        return step.next_id
    items = [str(item) for item in value if item is not None] if isinstance(value, list) else [str(value)]
    for case in step.cases:
        if case.pattern is None:
            if compare("equals", value, case.equals):
                return case.next_id
        elif any(case.pattern.search(item) is not None for item in items):
            return case.next_id
    return step.next_id
