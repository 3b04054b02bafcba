"""Calls and manual touches that people are done with, and replies that they have handled (docs/behaviour.md 4.4, 7.3)."""

from __future__ import annotations

from domain.campaign import TaskStep
from domain.leads import asking
from domain.leads.answers import free_held
from domain.leads.effects import MindColleagues
from domain.leads.graph import path_after
from domain.leads.state import Enrollment
from domain.leads.steps import advance
from domain.leads.turn import Turn, arm
from schemas.enrollments import ReplyHandled, TaskDone


def on_task_done(turn: Turn, told: TaskDone) -> None:
    """Let the sequence go on, where it still waits for this task. Told again, or after the deadline, it moves nothing."""
    e = _enrollment(turn, told)
    if e is None:
        return turn.ignore("unknown_enrollment")
    touch = e.touch(told.step_id)
    if touch is None or touch.state not in ("task", "done"):
        return turn.ignore("unknown_task")
    if touch.state == "done":
        return turn.ignore("repeat")
    step = _step(turn, e, told.step_id)
    data = {"task_kind": step.task_kind} if step is not None else {}
    waits = e.is_open and e.step_id == told.step_id and e.phase == "wait"
    if told.outcome == "blocked":
        if waits:
            turn.tell(
                e, "waiting", told.step_id, "blocked", step_id=told.step_id, code="task_blocked", next_at=e.due_at
            )
        return None
    e = turn.save(e._replace(touches=asking.put_touch(e, touch._replace(state="done", accepted_at=turn.now))))
    turn.tell(e, "task_done", told.step_id, step_id=told.step_id, code=told.outcome, data=data)
    if waits:
        advance(turn, turn.save(_left(turn, e, step)))
    return None


def _left(turn: Turn, e: Enrollment, step: TaskStep | None) -> Enrollment:
    """Past the task: the next wait counts from now. (What is held goes on from here when it is freed.)"""
    campaign = turn.campaign(e)
    following = step.next_id if step is not None else e.path[0] if e.path else None
    path = path_after(campaign.steps, step.step_id)[1:] if campaign is not None and step is not None else e.path[1:]
    return arm(
        e._replace(step_id=following, path=path, phase="arrive", due_at=None, base_at=turn.now, place_at=None), campaign
    )


def _enrollment(turn: Turn, told: TaskDone) -> Enrollment | None:
    if told.enrollment_id is not None:
        return turn.find_by_id(told.campaign_id, told.enrollment_id)
    entries = [e for e in turn.enrollments if e.campaign_id == told.campaign_id]
    return max(entries, key=lambda e: e.entry_no, default=None)


def _step(turn: Turn, e: Enrollment, step_id: str) -> TaskStep | None:
    campaign = turn.campaign(e)
    step = campaign.steps.get(step_id) if campaign is not None else None
    return step if isinstance(step, TaskStep) else None


def on_reply_handled(turn: Turn, told: ReplyHandled) -> None:
    """The card of a reply is closed: what the reply still holds goes on (docs/behaviour.md 7.3)."""
    if not turn.is_known:
        return turn.ignore("unknown_lead")
    for e in turn.enrollments:
        campaign = turn.campaign(e)
        if campaign is not None and campaign.colleagues == "hold":
            turn.effects.append(MindColleagues(e.campaign_id, told.reply_id, "free"))
    if not free_held(turn, f"reply:{told.reply_id}"):
        return turn.ignore("nothing_held")
    return None
