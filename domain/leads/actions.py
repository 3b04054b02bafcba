"""What an action step or a progression rule does at once (docs/behaviour.md 1.2, 6.2).

An action changes what is known of the lead, gives a card, or ends something. It is done once for each `cause`: what it
tells carries a deterministic id.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from domain import ids
from domain.leads import asking
from domain.leads.effects import GiveTask, SuppressIt
from domain.leads.state import Enrollment
from domain.sequence import Action
from domain.templates import RenderError, Template
from schemas.tasks import TaskDue

if TYPE_CHECKING:
    from domain.leads.turn import Turn

TAGS = "tags"
"""The attribute that holds a lead's tags."""
MAX_TAGS = 100
MAX_TITLE = 1_000
MAX_DESCRIPTION = 10_000


def perform(turn: Turn, e: Enrollment, action: Action, cause: str) -> Enrollment:
    """Do it. `cause` names its place (`step[0]`, `rule visit[1]`); the enrollment comes back as it is afterwards."""
    return ACTIONS[action.type](turn, e, action, cause)


def _told(turn: Turn, e: Enrollment, action: Action, cause: str, **data: Any) -> Enrollment:
    turn.tell(e, "action_done", cause, code=action.type, data={"cause": cause, **data})
    return e


def _update_field(turn: Turn, e: Enrollment, action: Action, cause: str) -> Enrollment:
    name, value = str(action.params["field"]), action.params.get("value")
    facts = dict(turn.facts)
    if value is None or value in ("", []):
        facts.pop(name, None)
    else:
        facts[name] = value
    turn.facts = facts
    return _told(turn, e, action, cause, field=name)  # the value may name a person: it stays in the lead


def _tags(turn: Turn) -> list[Any]:
    tags = turn.facts.get(TAGS)
    return list(tags) if isinstance(tags, list) else [tags] if tags is not None else []


def _tag(turn: Turn, e: Enrollment, action: Action, cause: str) -> Enrollment:
    tags, tag = _tags(turn), str(action.params["tag"])
    if tag not in tags and len(tags) < MAX_TAGS:
        turn.facts = {**turn.facts, TAGS: [*tags, tag]}
    return _told(turn, e, action, cause, tag=tag)


def _remove_tag(turn: Turn, e: Enrollment, action: Action, cause: str) -> Enrollment:
    tag = str(action.params["tag"])
    kept = [known for known in _tags(turn) if known != tag]
    facts = {name: value for name, value in turn.facts.items() if name != TAGS}
    turn.facts = {**facts, TAGS: kept} if kept else facts
    return _told(turn, e, action, cause, tag=tag)


def _give_task(turn: Turn, e: Enrollment, action: Action, cause: str) -> Enrollment:
    """A card: a follow-up of the given type, the lead's hand-over to somebody, or a word to somebody."""
    params = action.params
    queue, assigned_to = str(params.get("queue", "sales")), params.get("assigned_to", params.get("to"))
    enrollment_id = e.id_for(turn.lead_id)
    task = TaskDue(
        event_id=ids.event_id("action", enrollment_id, cause),
        lead_id=turn.lead_id,
        campaign_id=e.campaign_id,
        enrollment_id=enrollment_id,
        step_id=cause[:200],
        title=_words(turn, action, "title", DEFAULT_TITLES[action.type])[:MAX_TITLE],
        description=_words(turn, action, "description" if "description" in action.templates else "message", "")[
            :MAX_DESCRIPTION
        ],
        queue=queue,
        priority=params.get("priority", "medium"),
        task_kind=TASK_KINDS.get(str(params.get("task_type", "")), str(params.get("task_type", "create_task"))),
        due_at=turn.now + _due_in(params.get("due", 1)),
        assigned_to=str(assigned_to) if assigned_to is not None else None,
        at=turn.now,
    )
    turn.effects.append(GiveTask(task))
    told = {"assigned_to": assigned_to} if action.type == "assign_to" else {}
    return _told(turn, e, action, cause, queue=queue, **told)


def _due_in(due: Any) -> timedelta:
    """A number of days, or `{days, hours}`."""
    return timedelta(**due) if isinstance(due, Mapping) else timedelta(days=due)  # pyright: ignore[reportUnknownArgumentType]


def _words(turn: Turn, action: Action, name: str, otherwise: str) -> str:
    """A parameter as text. What cannot be merged is shown as it was written: the card matters more than its words."""
    template: Template | None = action.templates.get(name)
    if template is None:
        return otherwise
    values = asking.merge_variables(turn.facts, template.variables)
    try:
        return template.render(values, html=False).replace("\x00", "")  # pyright: ignore[reportArgumentType]
    except RenderError:
        return str(action.params[name])


def _suppress(turn: Turn, e: Enrollment, action: Action, cause: str) -> Enrollment:
    """The address gets nothing any more, from any campaign."""
    address = turn.facts.get("email")
    source = f"action:{ids.event_id('action', e.id_for(turn.lead_id), cause)}"
    if isinstance(address, str):
        turn.effects.append(SuppressIt(address, "action", source))
    _told(turn, e, action, cause)
    for other in turn.open_enrollments:
        turn.finish(
            other, "unsubscribed", "unsubscribed", cause, stop=turn.terminal_stop(other, "unsubscribed"), code="action"
        )
    return turn.find(e.campaign_id, e.entry_no) or e


def _exit(turn: Turn, e: Enrollment, action: Action, cause: str) -> Enrollment:
    _told(turn, e, action, cause)
    return turn.finish(e, "exited", "exited", cause, stop=turn.terminal_stop(e, "exited"), code="action")


ACTIONS: Mapping[str, Callable[[Turn, Enrollment, Action, str], Enrollment]] = {
    "update_field": _update_field,
    "create_task": _give_task,
    "assign_to": _give_task,
    "send_notification": _give_task,
    "tag": _tag,
    "remove_tag": _remove_tag,
    "suppress": _suppress,
    "exit": _exit,
}
"""Every action of docs/behaviour.md 1.2 and 6.2."""

DEFAULT_TITLES: Mapping[str, str] = {
    "create_task": "Follow up",
    "assign_to": "A lead was assigned to you",
    "send_notification": "Notice",
}

TASK_KINDS: Mapping[str, str] = {"call": "schedule_call", "email": "send_email", "task": "create_task"}
"""How rules name what they ask for -> the kinds of cards."""
