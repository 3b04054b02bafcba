"""Cards that what a person did makes by itself (docs/behaviour.md 6.3). Replies have the cards of 7.4, calls those of their step."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from domain import ids
from domain.leads import asking
from domain.leads.effects import GiveTask
from domain.leads.state import Enrollment
from domain.scoring import Mark
from schemas.tasks import TaskDue

if TYPE_CHECKING:
    from domain.leads.turn import Turn

CLICKED = "follow-up:clicked"
"""Stands for a step in the card that a click makes: one an enrollment."""
FOLLOW_UP_IN = timedelta(days=1)

STILL_ASKED: frozenset[str] = frozenset({"enrolled", "active", "paused", "completed"})
"""Whoever has answered has a card for that; whoever wants nothing more, gets none."""


def follow_up(turn: Turn, e: Enrollment, mark: Mark, earlier: Sequence[Mark]) -> None:
    """A person's first click in an enrollment makes a card: somebody should ask."""
    if mark.kind != "clicked" or e.status not in STILL_ASKED:
        return
    if any(known.kind == "clicked" and known[:2] == mark[:2] for known in earlier):
        return
    enrollment_id = e.id_for(turn.lead_id)
    name = asking.merge_variables(turn.facts, frozenset({"full_name"})).get("full_name") or turn.lead_id
    task = TaskDue(
        event_id=ids.event_id("task", enrollment_id, CLICKED),
        lead_id=turn.lead_id,
        campaign_id=e.campaign_id,
        enrollment_id=enrollment_id,
        step_id=CLICKED,
        title=f"Follow up with {name} - clicked a link".replace("\x00", "")[:1_000],
        description="The person opened a link of the campaign and has not answered yet.",
        queue="sales",
        priority="medium",
        task_kind="follow_up",
        due_at=turn.now + FOLLOW_UP_IN,
        at=turn.now,
    )
    turn.effects.append(GiveTask(task))
