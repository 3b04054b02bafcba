"""Tests, actions and rules of a campaign: what must hold of them (docs/behaviour.md 1.2, 1.6, 6.1, 6.2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_args

from domain.check_scores import scoring_rule
from domain.check_words import Found, field, template
from domain.documents import Where
from domain.predicates import NEEDS_VALUE, instant_of, is_missing, number_of
from schemas.definitions import (
    ActionDoc,
    AllTestDoc,
    AnyTestDoc,
    CampaignDoc,
    EventTestDoc,
    FieldTestDoc,
    NotTestDoc,
    WhenDoc,
)
from schemas.replies import DispositionName

MAX_TESTS = 1_000
"""Tests in all the places of one campaign, the parts of combinations counted too."""

TOUCHES = frozenset({"email", "sms"})
"""Kinds of steps that events happen to."""
TASKS = frozenset({"call", "task"})
"""Kinds of steps that are done by people."""


def tests(where: Where, several: Sequence[WhenDoc], doc: CampaignDoc) -> Found:
    """A list of tests."""
    for position, one in enumerate(several):
        yield from test((*where, position), one, doc)


def test(where: Where, one: WhenDoc, doc: CampaignDoc) -> Found:
    """A test, and the parts of a combination."""
    if isinstance(one, EventTestDoc):
        yield from _event(where, one, doc)
    elif isinstance(one, FieldTestDoc):
        yield from field((*where, "field"), one.field, doc)
        yield from _comparison(where, one)
    elif isinstance(one, AllTestDoc):
        yield from tests((*where, "all"), one.all, doc)
    elif isinstance(one, AnyTestDoc):
        yield from tests((*where, "any"), one.any, doc)
    elif isinstance(one, NotTestDoc):
        yield from test((*where, "not"), one.not_, doc)


def _event(where: Where, one: EventTestDoc, doc: CampaignDoc) -> Found:
    if one.step is None:
        return
    kind = next((step.kind for step in doc.steps if step.id == one.step), None)
    if kind is None:
        yield (*where, "step"), "unknown_step", f"there is no step {one.step!r}"
    elif one.event == "done":
        if kind not in TASKS:
            yield (*where, "step"), "not_a_task", f"the step {one.step!r} is no call or task: nobody can do it"
    elif kind not in TOUCHES:
        yield (*where, "step"), "not_an_email", f"the step {one.step!r} is no email"
    elif kind == "sms" and one.event in {"opened", "clicked"}:
        yield (*where, "event"), "not_an_email", f"nobody can tell that a text ({one.step!r}) was {one.event}"


def _comparison(where: Where, one: FieldTestDoc) -> Found:
    value = one.value
    if one.operator not in NEEDS_VALUE:
        if value is not None:
            yield (*where, "value"), "needless_value", f"{one.operator} takes no value"
        return
    if is_missing(value):
        yield (*where, "value"), "missing_value", f"{one.operator} needs a value"
        return
    if one.operator in {"greater_than", "less_than"}:
        if isinstance(value, bool | list):
            yield (*where, "value"), "bad_value", f"{one.operator} needs a number, a date or a text"
        elif one.field in {"score", "sentiment"} and number_of(value) is None:
            yield (*where, "value"), "bad_value", f"{one.field} is a number"
        elif one.field.startswith("email_") and one.field.endswith("ed") and instant_of(value) is None:
            yield (*where, "value"), "bad_value", f"{one.field} is true or false: compare it with equals"
    elif one.field == "disposition" and one.operator in {"equals", "not_equals"}:
        known = get_args(DispositionName)
        if not all(str(item).upper() in known for item in (value if isinstance(value, list) else [value])):
            yield (*where, "value"), "unknown_disposition", f"expected one of {', '.join(known)}"


# -- actions -----------------------------------------------------------------------------------------------------------


def actions(where: Where, several: Sequence[ActionDoc], doc: CampaignDoc) -> Found:
    """A list of actions: each with the parameters that its type needs, and no others."""
    for position, action in enumerate(several):
        for place, code, message in _action(action, doc):
            yield (*where, position, *place), code, message
        if action.type in {"exit", "suppress"} and position < len(several) - 1:
            yield (*where, position + 1), "never_done", f"nothing is done after {action.type}"


def _text(value: Any) -> str | None:
    return None if isinstance(value, str) and value.strip() else "expected text"


def _plain(value: Any) -> str | None:
    if value is None or isinstance(value, str | int | float):
        return None
    if isinstance(value, list) and all(item is None or isinstance(item, str | int | float) for item in value):  # pyright: ignore[reportUnknownVariableType]
        return None
    return "expected text, a number, true, false or a list of these"


def _priority(value: Any) -> str | None:
    return None if value in ("low", "medium", "high") else "expected low, medium or high"


def _span(value: Any) -> str | None:
    """A number of days, or `{days, hours}`."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return None if 0 <= value <= 3650 else "expected 0 to 3650 days"
    if isinstance(value, dict) and value and value.keys() <= {"days", "hours"}:  # pyright: ignore[reportUnknownMemberType]
        if all(isinstance(part, int) and 0 <= part <= 87_600 for part in value.values()):  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
            return None
        return "expected whole numbers from 0"
    return "expected a number of days, or {days: 2, hours: 4}"


_Check = Callable[[Any], str | None]
_CARD: Mapping[str, _Check] = {"queue": _text, "priority": _priority, "due": _span, "description": _text}

PARAMS: Mapping[str, tuple[Mapping[str, _Check], Mapping[str, _Check]]] = {
    "update_field": ({"field": _text, "value": _plain}, {}),
    "create_task": ({"title": _text}, {"task_type": _text, "assigned_to": _text, **_CARD}),
    "assign_to": ({"assigned_to": _text}, {"title": _text, **_CARD}),
    "send_notification": ({"message": _text}, {"title": _text, "to": _text, **_CARD}),
    "tag": ({"tag": _text}, {}),
    "remove_tag": ({"tag": _text}, {}),
    "suppress": ({}, {"reason": _text}),
    "exit": ({}, {"reason": _text}),
}
"""For each action what it needs and what it may have besides."""


def _action(action: ActionDoc, doc: CampaignDoc) -> Found:
    needed, allowed = PARAMS[action.type]
    for name in needed:
        if name not in action.params:
            yield ("params", name), "missing", f"{action.type} needs {name}"
    checks = {**needed, **allowed}
    for name, value in action.params.items():
        check = checks.get(name)
        if check is None:
            yield ("params", name), "extra_forbidden", f"{action.type} takes {', '.join(checks) or 'no parameters'}"
            continue
        wrong = check(value)
        if wrong is not None:
            yield ("params", name), "bad_value", wrong
        elif name in {"title", "description", "message"}:
            yield from template(("params", name), value, doc, ())


# -- rules -------------------------------------------------------------------------------------------------------------


def rules(doc: CampaignDoc) -> Found:
    """The scoring and the progression rules."""
    for position, rule in enumerate(doc.lead_scoring_rules or ()):
        where: Where = ("lead_scoring_rules", position)
        yield from _once(where, rule.id, [other.id for other in (doc.lead_scoring_rules or ())[:position]])
        yield from test((*where, "condition"), rule.condition, doc)
        for place, code, message in scoring_rule(rule):
            yield (*where, *place), code, message
    for position, rule in enumerate(doc.progression_rules):
        where = ("progression_rules", position)
        yield from _once(where, rule.id, [other.id for other in doc.progression_rules[:position]])
        if rule.from_status == rule.to_status:
            yield (*where, "to_status"), "stage_unchanged", f"the rule leads from {rule.to_status!r} to itself"
        yield from tests((*where, "conditions"), rule.conditions, doc)
        yield from actions((*where, "actions"), rule.actions, doc)
    yield from _endless(doc)


def _endless(doc: CampaignDoc) -> Found:
    """Rules that lead a lead round for as long as one of them holds: each round would do their actions again."""
    known = [
        (position, rule, {one.model_dump_json() for one in rule.conditions})
        for position, rule in enumerate(doc.progression_rules)
        if rule.is_active and rule.from_status != rule.to_status
    ]
    for position, rule, conditions in known:
        hold_too = [other for _, other, others in known if others <= conditions]
        found, ahead = {rule.to_status}, [rule.to_status]
        while ahead:
            stage = ahead.pop()
            onward = {other.to_status for other in hold_too if other.from_status in {None, stage}} - found
            found |= onward
            ahead += onward
        if rule.from_status in found or (rule.from_status is None and len(found) > 1):
            why = f"while it holds, so do rules that lead on from {rule.to_status!r} and back to it, without an end"
            yield ("progression_rules", position), "stages_go_round", why


def _once(where: Where, rule_id: str, before: Sequence[str]) -> Found:
    if rule_id in before:
        yield (*where, "id"), "duplicate_rule", f"the rule {rule_id!r} is given twice"
