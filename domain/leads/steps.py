"""Moving an enrollment on through its steps until there is something to wait for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from domain import ids
from domain.campaign import ActionStep, Campaign, ConditionStep, EmailStep, Step, SwitchStep, TaskStep, WaitStep
from domain.leads import asking, pacing, texting, wanting
from domain.leads.actions import perform
from domain.leads.conditions import LeadView, chosen
from domain.leads.effects import GiveTask
from domain.leads.graph import path_after, successor
from domain.leads.state import Enrollment, Touch
from domain.leads.turn import Turn, arm, is_over, sooner
from domain.leads.walk import Walk
from domain.predicates import all_hold, holds
from domain.templates import RenderError
from domain.windows import after_wait, zone_of
from schemas.tasks import TaskDue

NO_ADDRESS = "missing_variable:email"
BAD_ADDRESS = "invalid_address"
MAX_ADDRESS = 320
MAX_TITLE = 1_000
MAX_DESCRIPTION = 10_000
"""Characters: what is longer, because of what was merged into it, is cut."""


def advance(turn: Turn, e: Enrollment) -> Enrollment:
    """Let everything happen that may happen at the turn's instant, and save where the enrollment comes to rest.

    Campaigns that are not active leave it standing with its time in the past: it goes on when they are.
    """
    campaign = turn.campaign(e)
    if not e.is_open or campaign is None:
        return e
    known = turn.find(e.campaign_id, e.entry_no)
    if known is not None and not known.is_open:
        return known  # an action of another enrollment of this lead has ended it in this turn
    now = turn.now
    if is_over(campaign, now):
        return end_with_campaign(turn, e, campaign)
    if e.holds:
        return turn.save(arm(e, campaign))
    if not campaign.may_send or (campaign.start_at is not None and now < campaign.start_at):
        return turn.save(_stand(e, campaign, now))
    steps = campaign.steps
    walk = Walk(e, e.step_id, e.phase, e.due_at, e.base_at or now, e.ask_no, e.renewals, e.place_at)
    going = True
    while going and walk.step_id is not None:
        step = steps.get(walk.step_id)
        if step is None:  # an edit removed it: it goes on at the first successor that is left
            walk.go(next((step_id for step_id in e.path if step_id in steps), None))
            continue
        if walk.phase == "arrive" and (why := _passed_over(turn, walk, step)) is not None:
            turn.tell(walk.e, "step_skipped", step.step_id, step_id=step.step_id, code=why)
            going = walk.go(successor(step))
            continue
        table = ARRIVALS if walk.phase == "arrive" else RESTS
        going = table[step.kind](turn, campaign, walk, step)
    if walk.ended:
        return walk.e
    if walk.step_id is None:
        return complete(turn, walk.e)
    rested = walk.e._replace(
        step_id=walk.step_id,
        path=path_after(steps, walk.step_id),
        phase=walk.phase,
        due_at=walk.due_at,
        wake_at=sooner(walk.due_at, campaign),
        base_at=walk.base_at,
        ask_no=walk.ask_no,
        renewals=walk.renewals,
        place_at=walk.place_at,
    )
    return turn.save(rested)


def _passed_over(turn: Turn, walk: Walk, step: Step) -> str | None:
    """Why a step is skipped that is due: it is switched off, or one of its conditions does not hold."""
    if not step.is_active:
        return "inactive"
    if step.conditions and not all_hold(step.conditions, LeadView(turn, walk.e)):
        return "conditions"
    return None


def close_deadlines(turn: Turn) -> None:
    """Before an event: a condition whose deadline has passed takes its false branch. What happens afterwards came too late,
    also where the tick that would have said so is later still.
    """
    for index in range(len(turn.enrollments)):
        e = turn.enrollments[index]
        if e.wake_at is not None and e.wake_at < turn.now and _waits_at(turn, e) is not None:
            advance(turn, e)


def recheck(turn: Turn) -> None:
    """After an event: a condition's true branch fires as soon as it becomes true, whatever it tests."""
    for index in range(len(turn.enrollments)):
        e = turn.enrollments[index]
        step = _waits_at(turn, e)
        if step is not None and holds(step.when, LeadView(turn, e)):
            advance(turn, e)


def _waits_at(turn: Turn, e: Enrollment) -> ConditionStep | None:
    """The condition at which it waits with nothing in its way; None: it does not."""
    if e.phase != "wait" or e.holds or not e.is_open:
        return None
    campaign = turn.campaign(e)
    step = campaign.steps.get(e.step_id) if campaign is not None and e.step_id is not None else None
    return step if isinstance(step, ConditionStep) else None


def _stand(e: Enrollment, campaign: Campaign, now: datetime) -> Enrollment:
    """Stand still: until the campaign's start where that is known, else until its definition changes."""
    start_at = campaign.start_at if campaign.may_send else None
    due_at = e.due_at if e.due_at is not None else start_at or now
    wake_at = sooner(due_at, campaign)
    if start_at is not None and start_at > now and wake_at is not None and wake_at < start_at:
        wake_at = sooner(start_at, campaign)  # the start was put off after it fell due
    return e._replace(due_at=due_at, wake_at=wake_at)


def complete(turn: Turn, e: Enrollment) -> Enrollment:
    """The sequence has no further step."""
    return turn.finish(e, "completed", "completed")


def end_with_campaign(turn: Turn, e: Enrollment, campaign: Campaign) -> Enrollment:
    """The campaign is over: what could still go out is stopped and withdrawn, and the sequence ends."""
    code = "end_date" if campaign.may_send else "campaign_closed"
    return turn.finish(e, "completed", "completed", stop=turn.terminal_stop(e, "completed"), code=code)


# -- arriving at a step ------------------------------------------------------------------------------------------------


def _arrive_wait(turn: Turn, campaign: Campaign, walk: Walk, step: Step) -> bool:
    assert isinstance(step, WaitStep)
    over_at = wait_over_at(turn, campaign, walk.e, step, walk.base_at)
    if over_at <= turn.now:
        return walk.go(step.next_id, over_at)
    return walk.rest("wait", over_at)


def wait_over_at(turn: Turn, campaign: Campaign, e: Enrollment, step: WaitStep, base_at: datetime) -> datetime:
    """When a wait that counts from `base_at` is over, in the zone that holds for this lead."""
    zone = turn.facts.get("timezone")
    mailbox = turn.definitions.mailboxes.get(e.mailbox_id) if e.mailbox_id is not None else None
    lead_zone = zone if isinstance(zone, str) else None
    return after_wait(
        step, campaign.window, zone_of(lead_zone, mailbox.zone if mailbox else None, campaign.window.zone), base_at
    )


def _arrive_condition(turn: Turn, campaign: Campaign, walk: Walk, step: Step) -> bool:
    assert isinstance(step, ConditionStep)
    if holds(step.when, LeadView(turn, walk.e)):
        return walk.go(step.true_id)
    if not step.within:
        return walk.go(successor(step))
    walk.place_at = turn.now  # an edit counts `within` anew from here
    return walk.rest("wait", turn.now + step.within)


def _arrive_switch(turn: Turn, campaign: Campaign, walk: Walk, step: Step) -> bool:
    assert isinstance(step, SwitchStep)
    return walk.go(chosen(step, LeadView(turn, walk.e)))


def _arrive_action(turn: Turn, campaign: Campaign, walk: Walk, step: Step) -> bool:
    """Do all of it at once. One of the actions may end the enrollment."""
    assert isinstance(step, ActionStep)
    for number, action in enumerate(step.actions):
        walk.e = perform(turn, walk.e, action, f"{step.step_id}[{number}]")
        if not walk.e.is_open:
            walk.ended = True
            return False
    return walk.go(step.next_id)


def _arrive_task(turn: Turn, campaign: Campaign, walk: Walk, step: Step) -> bool:
    assert isinstance(step, TaskStep)
    e = walk.e
    if e.touch(step.step_id) is not None:
        return walk.go(step.next_id)  # an edit moved a step that has happened already: a step happens once
    values = asking.merge_variables(turn.facts, step.variables)
    try:
        title = step.title.render(values, html=False)  # pyright: ignore[reportArgumentType]
        description = step.description.render(values, html=False) if step.description else ""  # pyright: ignore[reportArgumentType]
    except RenderError as error:
        return _fail(turn, walk, step, fault_code(error))
    due_at = turn.now + step.due_in
    touches = asking.put_touch(e, Touch(step.step_id, "task", turn.now))
    walk.e = turn.save(e._replace(status="active", touches=touches))
    codes = {"queue": step.queue, "priority": step.priority, "task_kind": step.task_kind}
    turn.tell(walk.e, "task_due", step.step_id, was=e.status, step_id=step.step_id, data=codes, next_at=due_at)
    turn.effects.append(GiveTask(_task(turn, e, step, (title, description))))
    return walk.rest("wait", due_at) if step.due_in else walk.go(step.next_id, due_at)


def _task(turn: Turn, e: Enrollment, step: TaskStep, words: tuple[str, str]) -> TaskDue:
    """What is due, with its title and description. Unlike the fact, it may name the person."""
    title, description = words
    enrollment_id = e.id_for(turn.lead_id)
    return TaskDue(
        event_id=ids.event_id("task", enrollment_id, step.step_id),
        lead_id=turn.lead_id,
        campaign_id=e.campaign_id,
        enrollment_id=enrollment_id,
        step_id=step.step_id,
        title=title.replace("\x00", "")[:MAX_TITLE],
        description=description.replace("\x00", "")[:MAX_DESCRIPTION],
        queue=step.queue,
        priority=step.priority,  # pyright: ignore[reportArgumentType] - checked when the campaign was compiled
        task_kind=step.task_kind,
        due_at=turn.now + step.due_in,
        at=turn.now,
    )


def fault_code(error: RenderError) -> str:
    """A render fault as a result's code: `missing_variable:NAME` where a name is to blame."""
    code = getattr(error, "code", None)
    return code if isinstance(code, str) else "render_failed"


def _ask(turn: Turn, campaign: Campaign, walk: Walk, step: Step) -> bool:
    assert isinstance(step, EmailStep)
    address = turn.facts.get("email")
    if not isinstance(address, str) or "@" not in address:
        return _fail(turn, walk, step, NO_ADDRESS)
    if len(address) > MAX_ADDRESS or not (address := ids.normalise_email(address)).isprintable():
        return _fail(turn, walk, step, BAD_ADDRESS)
    e = walk.e
    known = e.touch(step.step_id)
    if walk.phase == "arrive" and known is not None and known.state != "asked":
        return walk.go(step.next_id)  # an edit moved a step that has happened already: a step happens once
    if step.writing is not None and not wanting.is_ready(e, step.step_id):
        return _want_words(turn, campaign, walk, step)
    until = pacing.hold_back(turn, campaign, e, step.step_id, walk.phase)
    if until is not None:
        return walk.rest("retry", until)
    if not walk.ask(turn, campaign, step, address):
        return _fail(turn, walk, step, asking.TOO_LARGE)
    return False


def _want_words(turn: Turn, campaign: Campaign, walk: Walk, step: EmailStep) -> bool:
    """Wait until the touch's own words are approved or rejected (`domain/leads/drafts.py`)."""
    if asking.too_large(asking.merge_variables(turn.facts, step.variables)):
        return _fail(turn, walk, step, asking.TOO_LARGE)
    walk.e = turn.save(wanting.want(turn, campaign, walk.e, step))
    return walk.rest("wait", turn.now + wanting.patience(turn.policy))


def _fail(turn: Turn, walk: Walk, step: Step, code: str) -> bool:
    walk.e = turn.finish(walk.e, "failed", "failed", step.step_id, step_id=step.step_id, code=code)
    walk.ended = True
    return False


# -- resting at a step -------------------------------------------------------------------------------------------------


def _is_due(turn: Turn, walk: Walk) -> bool:
    return walk.due_at is not None and walk.due_at <= turn.now


def _rest_wait(turn: Turn, campaign: Campaign, walk: Walk, step: Step) -> bool:
    return walk.go(step.next_id, walk.due_at) if _is_due(turn, walk) else False


def _rest_condition(turn: Turn, campaign: Campaign, walk: Walk, step: Step) -> bool:
    assert isinstance(step, ConditionStep)
    if holds(step.when, LeadView(turn, walk.e)):
        return walk.go(step.true_id, turn.now)
    return walk.go(successor(step), walk.due_at) if _is_due(turn, walk) else False


def _rest_asked(turn: Turn, campaign: Campaign, walk: Walk, step: Step) -> bool:
    if not _is_due(turn, walk):
        return False
    walk.due_at = asking.place(turn.policy, walk.e)
    if walk.phase == "out":  # no answer for a long time: the last net
        walk.renewals += 1
    return ARRIVALS[step.kind](turn, campaign, walk, step)


_Handler = Callable[[Turn, Campaign, Walk, Step], bool]

ARRIVALS: Mapping[str, _Handler] = {
    "email": _ask,
    "sms": texting.arrive_text,
    "wait": _arrive_wait,
    "condition": _arrive_condition,
    "switch": _arrive_switch,
    "action": _arrive_action,
    "task": _arrive_task,
}
"""What happens when an enrollment comes to a step, by the step's kind. True: it walks on."""

RESTS: Mapping[str, _Handler] = {
    "email": _rest_asked,
    "sms": _rest_asked,
    "wait": _rest_wait,
    "condition": _rest_condition,
    "task": _rest_wait,
    # It comes to rest at neither: an edit has put one in the place of the step it rested at.
    "switch": _arrive_switch,
    "action": _arrive_action,
}
"""What happens when it is looked at again while it rests at a step."""
