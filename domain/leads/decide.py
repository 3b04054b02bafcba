"""The map of the leads role: which event is decided by which function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from domain.campaign import Campaign, ConditionStep, Definitions, EmailStep, WaitStep
from domain.leads.answers import on_reply, release_ended
from domain.leads.colleagues import on_colleague_answered
from domain.leads.drafts import drop, on_draft
from domain.leads.effects import Decision, Policy
from domain.leads.graph import Asked, standing
from domain.leads.hits import on_hit
from domain.leads.looking_again import look_again, look_anew
from domain.leads.replying import ask_again, on_answer_reply
from domain.leads.requests import look_at_parked, on_enroll, on_exit, on_pause, on_resume, on_update
from domain.leads.results import on_send_result
from domain.leads.revisions import on_judged
from domain.leads.scores import count_again
from domain.leads.stages import settle
from domain.leads.state import Draft, Enrollment, Lead
from domain.leads.steps import advance, close_deadlines, recheck, wait_over_at
from domain.leads.tasks import on_reply_handled, on_task_done
from domain.leads.turn import Turn, arm, is_over
from domain.leads.wanting import is_ready
from schemas.base import Message
from schemas.drafts import DraftApproved, DraftRejected
from schemas.enrollments import (
    AnswerReply,
    ColleagueAnswered,
    Enroll,
    Exit,
    Pause,
    ReplyHandled,
    Resume,
    TaskDone,
    UpdateLead,
)
from schemas.replies import Disposition, Reply
from schemas.sending import SendResult
from schemas.tracking import Hit

HANDLERS: Mapping[type[Message], Callable[[Turn, Any], None]] = {
    Enroll: on_enroll,
    UpdateLead: on_update,
    Pause: on_pause,
    Resume: on_resume,
    Exit: on_exit,
    TaskDone: on_task_done,
    ReplyHandled: on_reply_handled,
    AnswerReply: on_answer_reply,
    ColleagueAnswered: on_colleague_answered,
    SendResult: on_send_result,
    Hit: on_hit,
    Reply: on_reply,
    Disposition: on_judged,
    DraftApproved: on_draft,
    DraftRejected: on_draft,
}
"""Every event of a lead, and what decides it."""


def decide(  # noqa: PLR0917 - the signature of every decision
    lead: Lead | None,
    lead_id: str,
    event: Message,
    now: datetime,
    definitions: Definitions,
    policy: Policy,
    *,
    offset: int = -1,
) -> Decision:
    """What an event does to a lead. `now` is the campaign instant at which it happens, never a clock's."""
    turn = Turn(lead, lead_id, now, definitions, policy, offset=offset)
    close_deadlines(turn)
    HANDLERS[type(event)](turn, event)
    look_again(turn)
    settle(turn)
    recheck(turn)
    return _conclude(turn)


def on_timer(lead: Lead, lead_id: str, now: datetime, definitions: Definitions, policy: Policy) -> Decision:
    """Let everything of a lead happen that is due at `now`: ends of holds, waits, deadlines, asks."""
    turn = Turn(lead, lead_id, now, definitions, policy)
    for e in lead.enrollments:
        if e.wake_at is not None and e.wake_at <= now:
            advance(turn, release_ended(turn, e))
    if turn.answers:
        ask_again(turn)
    if turn.parked:
        look_at_parked(turn)
    look_again(turn)
    recheck(turn)
    return _conclude(turn)


def on_definition(  # noqa: PLR0917
    lead: Lead,
    lead_id: str,
    campaign_id: str,
    now: datetime,
    definitions: Definitions,
    policy: Policy,
    rules_differ: bool = True,
) -> Decision:
    """Take a campaign's new definition into account: its end, a step that was removed, the length of a wait.

    What stands on a removed step goes on at its successor; what waits is counted again from the same instant. `rules_differ`:
    its scoring rules may be others than the lead was scored by.
    """
    turn = Turn(lead, lead_id, now, definitions, policy)
    campaign = definitions.campaigns.get(campaign_id)
    for e in lead.enrollments:
        if e.campaign_id == campaign_id and e.is_open and campaign is not None:
            _redefine(turn, e, campaign)
    if campaign is not None:
        if rules_differ:
            count_again(turn, campaign)
        look_anew(turn, campaign_id)
    if turn.parked:
        look_at_parked(turn)
    return _conclude(turn)


def _conclude(turn: Turn) -> Decision:
    """Let the rules act on what was noted, and conditions on what they did."""
    if turn.noted:
        settle(turn)
        recheck(turn)
        settle(turn)
    return turn.decision()


def _redefine(turn: Turn, e: Enrollment, campaign: Campaign) -> None:
    if is_over(campaign, turn.now):
        advance(turn, e)
        return
    steps = campaign.steps
    if e.step_id is not None and e.step_id not in steps:
        e = turn.withdraw(e, "step_removed")
        e = drop(turn, e, "step_removed") if e.draft is not None else e
        following = standing(e, steps)
        kept = tuple(step_id for step_id in e.path if step_id != following)
        e = turn.save(
            e._replace(
                step_id=following,
                path=kept,
                phase="arrive",
                due_at=None,
                renewals=0,
                tries=0,
                tried_at=None,
                place_at=None,
            )
        )
    step = steps.get(e.step_id) if e.step_id is not None else None
    if isinstance(step, Asked | WaitStep | ConditionStep) and not step.is_active and e.phase != "arrive":
        e = _switched_off(turn, e)
    elif isinstance(step, WaitStep) and e.phase == "wait" and e.base_at is not None:
        e = e._replace(due_at=wait_over_at(turn, campaign, e, step, e.base_at))
    elif isinstance(step, ConditionStep) and e.phase == "wait" and e.place_at is not None:
        e = e._replace(due_at=e.place_at + (step.within or timedelta()))
    elif not isinstance(step, Asked) and e.phase in ("out", "retry"):
        e = e._replace(phase="arrive", due_at=None, place_at=None)
    elif isinstance(step, EmailStep) and step.writing and e.phase == "out" and not is_ready(e, step.step_id):
        e = turn.withdraw(e, "edited")  # what the edit lets Claude write must not go as its template meanwhile
    elif isinstance(step, EmailStep) and e.draft == Draft(step.step_id) and not step.writing:
        e = drop(turn, e, "template")._replace(phase="arrive", due_at=None)
    advance(turn, turn.save(arm(e, campaign)))


def _switched_off(turn: Turn, e: Enrollment) -> Enrollment:
    """Take the touch back, and end the wait, of a step that is to be skipped from now on."""
    e = turn.withdraw(e, "switched_off") if e.phase in ("out", "retry") else e
    e = drop(turn, e, "switched_off") if e.draft is not None else e
    return e._replace(phase="arrive", due_at=None, renewals=0, tries=0, tried_at=None, place_at=None)
