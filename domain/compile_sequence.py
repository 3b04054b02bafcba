"""From the steps and rules of a checked campaign document to those that decisions use (docs/behaviour.md 1.2-1.6, 6)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from domain.expand import delays, targets
from domain.html import is_html
from domain.message import SENDER_VARIABLES
from domain.predicates import AllOf, Answered, AnyOf, Compares, Happened, Not, Predicate, Share
from domain.regex import compile_pattern
from domain.sequence import (
    Action,
    ActionStep,
    Arm,
    ConditionStep,
    EmailStep,
    ProgressionRule,
    ScoringRule,
    SmsStep,
    Step,
    SwitchCase,
    SwitchStep,
    TaskStep,
    WaitStep,
    Writing,
)
from domain.templates import Template, compile_template
from schemas.definitions import (
    ActionDoc,
    ActionStepDoc,
    AllTestDoc,
    AnyTestDoc,
    CampaignDoc,
    ConditionStepDoc,
    DelayDoc,
    DispositionTestDoc,
    EmailStepDoc,
    EventTestDoc,
    FieldTestDoc,
    NotTestDoc,
    SmsStepDoc,
    StepDoc,
    SwitchCaseDoc,
    SwitchStepDoc,
    WaitStepDoc,
    WhenDoc,
)

ACTION_WORDS = ("title", "description", "message", "subject", "body")
"""Parameters of actions that are templates."""

DEFAULT_SCORING = (
    ScoringRule("email_opened", Happened("opened"), 5),
    ScoringRule("email_clicked", Happened("clicked"), 15),
    ScoringRule("email_replied", Happened("replied"), 30),
)
"""The rules of a campaign that gives none (docs/behaviour.md 6.1). An empty list means no scores."""


def compile_steps(doc: CampaignDoc) -> Iterator[Step]:
    """The steps in the order they are written, each after the waits its short form asks for.

    Whatever leads to a step leads to the waits before it.
    """
    waits = delays(doc)
    entry = {step_id: (before[0].step_id if before else step_id) for step_id, before in waits.items()}

    def enter(step_id: str | None) -> str | None:
        return None if step_id is None else entry[step_id]

    edges = targets(doc)
    for step in doc.steps:
        before = waits[step.id]
        for delay, following in zip(before, [*(delay.step_id for delay in before[1:]), step.id], strict=False):
            yield replace(delay, next_id=following)
        yield _step(doc, step, [enter(target) for target in edges[step.id]])


def _step(doc: CampaignDoc, step: StepDoc, onward: list[str | None]) -> Step:
    made = _bare_step(doc, step, onward)
    if not step.conditions:
        return made
    conditions = tuple(
        compile_test(test, f"{step.id}.conditions[{number}]") for number, test in enumerate(step.conditions)
    )
    return replace(made, conditions=conditions)


def _bare_step(doc: CampaignDoc, step: StepDoc, onward: list[str | None]) -> Step:
    if isinstance(step, EmailStepDoc):
        arms = tuple(_arms(step))
        names = frozenset[str]().union(*(_variables(arm.subject, arm.body) for arm in arms))
        return EmailStep(
            step.id, onward[0], arms, names - SENDER_VARIABLES, step.is_active, writing=_writing(doc, step)
        )
    if isinstance(step, SmsStepDoc):
        body = compile_template(step.body)
        return SmsStep(step.id, onward[0], body, body.variables - SENDER_VARIABLES, step.is_active)
    if isinstance(step, WaitStepDoc):
        return WaitStep(step.id, onward[0], step.duration, step.unit, step.business_hours_only, step.is_active)
    if isinstance(step, ConditionStepDoc):
        within = None if step.within is None else _delay(step.within)
        true_id, false_id = onward
        when = compile_test(step.when, step.id)
        return ConditionStep(step.id, false_id, when, true_id, false_id, within, step.is_active)
    if isinstance(step, SwitchStepDoc):
        cases = tuple(_case(case, to) for case, to in zip(step.cases, onward[1:], strict=True))
        return SwitchStep(step.id, onward[0], step.field, cases, step.is_active)
    if isinstance(step, ActionStepDoc):
        return ActionStep(step.id, onward[0], tuple(map(compile_action, step.actions)), step.is_active)
    title, description = compile_template(step.title), compile_template(step.description) if step.description else None
    return TaskStep(
        step_id=step.id,
        next_id=onward[0],
        title=title,
        description=description,
        queue=step.queue,
        priority=step.priority,
        due_in=_delay(step.due),
        task_kind=step.task_kind or ("schedule_call" if step.kind == "call" else "create_task"),
        variables=_variables(title, description),
        is_active=step.is_active,
        is_call=step.kind == "call",
    )


def _writing(doc: CampaignDoc, step: EmailStepDoc) -> Writing | None:
    if not step.use_ai_generation:
        return None
    return Writing(step.ai_prompt_context or "", step.ai_review or doc.ai_review, step.ai_on_reject or doc.ai_on_reject)


def _case(case: SwitchCaseDoc, next_id: str | None) -> SwitchCase:
    pattern = None if case.matches is None else compile_pattern(case.matches)
    return SwitchCase(next_id or case.next_step_id, case.equals, pattern)


# -- tests, actions, rules ---------------------------------------------------------------------------------------------


def compile_test(test: WhenDoc, purpose: str) -> Predicate:
    """A test as decisions use it. `purpose` names its place, so that two random shares are drawn apart."""
    match test:
        case EventTestDoc():
            return Happened(test.event, test.step)
        case FieldTestDoc():
            return Compares(test.field, test.operator, test.value)
        case DispositionTestDoc():
            return Answered(frozenset(test.disposition))
        case AllTestDoc():
            return AllOf(tuple(compile_test(part, f"{purpose}.all[{n}]") for n, part in enumerate(test.all)))
        case AnyTestDoc():
            return AnyOf(tuple(compile_test(part, f"{purpose}.any[{n}]") for n, part in enumerate(test.any)))
        case NotTestDoc():
            return Not(compile_test(test.not_, f"{purpose}.not"))
        case _:
            return Share(test.random, purpose)


def compile_action(action: ActionDoc) -> Action:
    """An action as decisions use it, its words compiled."""
    words = {
        name: compile_template(str(action.params[name]))
        for name in ACTION_WORDS
        if isinstance(action.params.get(name), str)
    }
    return Action(action.type, action.params, words)


def compile_scoring(doc: CampaignDoc) -> tuple[ScoringRule, ...]:
    """The campaign's scoring rules; without a list of its own, the default ones."""
    if doc.lead_scoring_rules is None:
        return DEFAULT_SCORING
    return tuple(
        ScoringRule(
            rule.id,
            compile_test(rule.condition, f"score {rule.id}"),
            rule.score_change,
            rule.is_active,
            rule.repeat,
            rule.half_life_days,
        )
        for rule in doc.lead_scoring_rules
    )


def compile_progression(doc: CampaignDoc) -> tuple[ProgressionRule, ...]:
    """The campaign's progression rules, in their order."""
    return tuple(
        ProgressionRule(
            rule.id,
            rule.from_status,
            rule.to_status,
            tuple(compile_test(test, f"stage {rule.id}[{n}]") for n, test in enumerate(rule.conditions)),
            tuple(map(compile_action, rule.actions)),
            rule.is_active,
        )
        for rule in doc.progression_rules
    )


# -- words -------------------------------------------------------------------------------------------------------------


def _arms(step: EmailStepDoc) -> Iterator[Arm]:
    """The variants: the long form's arms, else A with its share and B, else A alone. What an arm leaves out is A's."""
    if step.arms:
        for arm in step.arms:
            yield _arm(
                arm.name, arm.weight, arm.subject or step.subject, arm.body or step.body, is_active=arm.is_active
            )
    elif step.variant_b is not None:
        variant = step.variant_b
        yield _arm("a", step.variant_split, step.subject, step.body)
        yield _arm("b", 100 - step.variant_split, variant.subject or step.subject, variant.body or step.body)
    else:
        yield _arm("a", 1, step.subject, step.body)


def _arm(name: str, weight: int, subject: str | None, body: str, *, is_active: bool = True) -> Arm:
    return Arm(
        name=name,
        weight=weight,
        subject=compile_template(subject) if subject else None,
        body=compile_template(body),
        is_html=is_html(body),
        is_active=is_active,
    )


def _variables(*templates: Template | None) -> frozenset[str]:
    return frozenset[str]().union(*(template.variables for template in templates if template is not None))


def _delay(delay: DelayDoc) -> timedelta:
    return timedelta(days=delay.days, hours=delay.hours)


def count_tests(doc: CampaignDoc) -> int:
    """How many tests stand in a campaign, the parts of combinations counted too."""
    stack: list[WhenDoc] = [test for step in doc.steps for test in step.conditions]
    stack += [step.when for step in doc.steps if isinstance(step, ConditionStepDoc)]
    stack += [rule.condition for rule in doc.lead_scoring_rules or ()]
    stack += [test for rule in doc.progression_rules for test in rule.conditions]
    count = 0
    while stack:
        test = stack.pop()
        count += 1
        if isinstance(test, AllTestDoc):
            stack += test.all
        elif isinstance(test, AnyTestDoc):
            stack += test.any
        elif isinstance(test, NotTestDoc):
            stack.append(test.not_)
    return count
