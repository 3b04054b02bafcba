"""From documents to the definitions that decisions use: checked and compiled once (docs/behaviour.md 1, 3.1, 10)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType
from typing import Any, get_args

from pydantic import ValidationError

from domain.campaign import (
    Arm,
    Campaign,
    CampaignLimits,
    ConditionStep,
    Definitions,
    EmailStep,
    Mailbox,
    Smtp,
    Step,
    TaskStep,
    WaitStep,
    Window,
)
from domain.checks import check_campaign, check_document, check_documents, read_from, targets
from domain.documents import AnyDoc, InvalidDefinitions, Loaded, Problem, load_documents, path_text
from domain.headers import InvalidAddress
from domain.html import is_html
from domain.message import SENDER_VARIABLES
from domain.templates import Template, compile_template
from schemas.definitions import (
    CampaignDoc,
    ConditionStepDoc,
    Definition,
    DelayDoc,
    EmailStepDoc,
    MailboxDoc,
    PoolDoc,
    StepDoc,
    WaitStepDoc,
    Weekday,
)

WEEKDAYS: dict[str, int] = {name: number for number, name in enumerate(get_args(Weekday))}

PRESETS: dict[str, tuple[int, int, int | None]] = {
    "conservative": (50, 10, None),
    "standard": (75, 25, None),
    "aggressive": (150, 50, None),
}
"""send_rate_per_hour, send_batch_size, daily_limit (docs/behaviour.md 3.1)."""
DEFAULTS: tuple[int, int, int | None] = (75, 25, 50)


def read_documents(text: str, known: Sequence[AnyDoc] = ()) -> list[Loaded]:
    """The documents in a YAML text, valid by themselves and with the `known` ones in force.

    Raises InvalidDefinitions with every mistake. Where a document cannot be read at all, what the others say about it
    is left out.
    """
    try:
        loaded = load_documents(text)
    except InvalidDefinitions as error:
        more = [problem for item in error.loaded for problem in check_document(item)]
        raise InvalidDefinitions([*error.problems, *more]) from error
    problems = check_documents(loaded, known)
    if problems:
        raise InvalidDefinitions(problems, loaded)
    return loaded


Compiled = Campaign | Mailbox | str
"""A campaign, a mailbox, or a pool's id."""

NOT_COMPILED = frozenset({"control", "reply_rule"})
"""Kinds of definitions that decisions do not use compiled."""


def compile_definition(definition: Definition) -> Compiled:
    """A campaign, a mailbox, or (for a pool) its id. Raises InvalidDefinitions, also for any other kind."""
    try:
        if definition.kind == "campaign":
            doc = CampaignDoc.model_validate(definition.spec, extra="ignore")
            return compile_campaign(doc, definition)
        if definition.kind == "mailbox":
            return compile_mailbox(MailboxDoc.model_validate(definition.spec, extra="ignore"), definition.revision)
        if definition.kind == "pool":
            return PoolDoc.model_validate(definition.spec, extra="ignore").id
    except ValidationError as error:
        name = f"{definition.kind} {definition.id}"
        raise InvalidDefinitions(
            [
                Problem(path_text(item["loc"]), item["type"], item["msg"], name)
                for item in error.errors(include_url=False)
            ]
        ) from error
    raise InvalidDefinitions([Problem("kind", "not_compiled", f"a {definition.kind} is not compiled", definition.id)])


def compile_definitions(definitions: Iterable[Definition]) -> tuple[Definitions, list[Problem]]:
    """All definitions in force, and the mistakes of those that had to be left out."""
    given = list(definitions)
    made: list[Compiled] = []
    problems: list[Problem] = []
    for definition in given:
        if definition.deleted or definition.kind in NOT_COMPILED:
            continue
        try:
            made.append(compile_definition(definition))
        except InvalidDefinitions as error:
            problems += error.problems
    return assemble(given, made), problems


def assemble(definitions: Iterable[Definition], made: Iterable[Compiled]) -> Definitions:
    """What decisions see: the definitions as they are compiled, and whether everything is stopped."""
    stopped = any(bool(one.spec.get("stopped")) for one in definitions if one.kind == "control")
    campaigns: dict[str, Campaign] = {}
    mailboxes: dict[str, Mailbox] = {}
    pools: set[str] = set()
    for compiled in made:
        if isinstance(compiled, Campaign):
            campaigns[compiled.campaign_id] = compiled
        elif isinstance(compiled, Mailbox):
            mailboxes[compiled.mailbox_id] = compiled
        else:
            pools.add(compiled)
    return Definitions(campaigns, mailboxes, frozenset(pools), stopped)


def compile_mailbox(doc: MailboxDoc, revision: int) -> Mailbox:
    """A mailbox as its definition says."""
    try:
        name, address = read_from(doc.from_)
    except InvalidAddress as error:
        raise InvalidDefinitions([Problem("from", "invalid_address", str(error), f"mailbox {doc.id}")]) from error
    gap = (0.0, 0.0) if doc.gap_seconds == 0 else doc.gap_seconds
    return Mailbox(
        mailbox_id=doc.id,
        revision=revision,
        pool_id=doc.pool,
        from_name=name,
        from_email=address,
        postal_address=doc.postal_address.strip(),
        smtp=Smtp(**doc.smtp.model_dump()),
        zone=doc.timezone,
        reply_domain=doc.reply_domain.lower() if doc.reply_domain else None,
        per_hour=doc.hourly_limit,
        per_day=doc.daily_limit,
        gap_s=gap,
        recipient_domain_per_hour=doc.recipient_domain_hourly_limit,
    )


def compile_campaign(doc: CampaignDoc, definition: Definition) -> Campaign:
    """A campaign at one revision, its short form expanded, its templates compiled. Raises InvalidDefinitions."""
    problems = [
        Problem(path_text(where), code, message, f"campaign {doc.id}") for where, code, message in check_campaign(doc)
    ]
    if problems:
        raise InvalidDefinitions(problems)
    steps = {step.step_id: step for step in _steps(doc)}
    return Campaign(
        campaign_id=doc.id,
        revision=definition.revision,
        name=doc.name,
        goal=doc.goal,
        pool_id=doc.pool,
        mailbox_ids=tuple(doc.mailboxes),
        status=definition.status or "draft",
        limits=_limits(doc),
        window=Window(
            days=frozenset(WEEKDAYS[day] for day in doc.send_days),
            start_hour=doc.send_time_start,
            end_hour=doc.send_time_end,
            holidays=frozenset(doc.holidays),
            zone=doc.timezone,
        ),
        steps=MappingProxyType(steps),
        first_step_id=next(iter(steps)),
        start_at=doc.start_at,
        launched_at=definition.launched_at,
        end_date=doc.end_date,
        evergreen=doc.evergreen,
        ab_testing=doc.ab_testing_enabled,
        track_opens=doc.tracking.opens,
        track_clicks=doc.tracking.clicks,
        on_ambiguous=doc.on_ambiguous,
        after_reply=doc.after_reply,
        use_claude=doc.use_claude,
    )


def _limits(doc: CampaignDoc) -> CampaignLimits:
    cycle = timedelta(minutes=doc.send_cycle_minutes)
    if doc.limits == "off":
        return CampaignLimits(None, None, cycle, None)
    per_hour, batch_size, per_day = PRESETS[doc.preset] if doc.preset else DEFAULTS
    return CampaignLimits(
        per_hour=doc.send_rate_per_hour or per_hour,
        batch_size=doc.send_batch_size or batch_size,
        cycle=cycle,
        per_day=doc.daily_limit or per_day,
    )


def _steps(doc: CampaignDoc) -> Iterator[Step]:
    """The steps in the order they are written, each after the waits its short form asks for.

    A wait of the short form has an id that no written step can have, and whatever leads to the step leads to its wait.
    """
    waits = {step.id: list(_delays(step)) for step in doc.steps}
    entry = {step_id: (delays[0].step_id if delays else step_id) for step_id, delays in waits.items()}

    def enter(step_id: str | None) -> str | None:
        return None if step_id is None else entry[step_id]

    edges = targets(doc)
    for step in doc.steps:
        delays = waits[step.id]
        for delay, following in zip(delays, [*(delay.step_id for delay in delays[1:]), step.id], strict=False):
            yield replace(delay, next_id=following)
        yield _step(step, [enter(target) for target in edges[step.id]])


def _delays(step: StepDoc) -> Iterator[WaitStep]:
    if not step.is_active:
        return
    for duration, unit in ((step.delay_days, "days"), (step.delay_hours, "hours")):
        if duration:
            yield WaitStep(f"{step.id}~{unit}", None, duration, unit)


def _step(step: StepDoc, onward: list[str | None]) -> Step:
    if isinstance(step, EmailStepDoc):
        arms = tuple(_arms(step))
        names = frozenset[str]().union(*(_variables(arm.subject, arm.body) for arm in arms))
        return EmailStep(step.id, onward[0], arms, names - SENDER_VARIABLES, step.is_active)
    if isinstance(step, WaitStepDoc):
        return WaitStep(step.id, onward[0], step.duration, step.unit, step.business_hours_only, step.is_active)
    if isinstance(step, ConditionStepDoc):
        within = None if step.within is None else _delay(step.within)
        true_id, false_id = onward
        return ConditionStep(
            step.id, false_id, step.when.event, step.when.step, true_id, false_id, within, step.is_active
        )
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
    )


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


def spec_of(doc: CampaignDoc | MailboxDoc | PoolDoc) -> dict[str, Any]:
    """A document as it stands in a `Definition`: JSON values under the names a user writes."""
    return doc.model_dump(mode="json", by_alias=True, exclude_none=True)


__all__ = [
    "DEFAULTS",
    "PRESETS",
    "InvalidDefinitions",
    "Loaded",
    "Problem",
    "assemble",
    "check_documents",
    "compile_campaign",
    "compile_definition",
    "compile_definitions",
    "compile_mailbox",
    "load_documents",
    "read_documents",
    "spec_of",
]
