"""What must hold within a campaign's document (docs/behaviour.md 1.2, 1.3, 3.3): every mistake at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from domain.check_graph import graph
from domain.check_rules import MAX_TESTS, actions, rules, test, tests
from domain.check_words import Found, field, template, words
from domain.compile_sequence import count_tests
from domain.expand import days_of
from domain.predicates import compare, is_missing
from domain.regex import BadPattern, compile_pattern
from schemas.definitions import (
    ActionStepDoc,
    CampaignDoc,
    ConditionStepDoc,
    EmailStepDoc,
    SmsStepDoc,
    StepDoc,
    SwitchCaseDoc,
    SwitchStepDoc,
    TaskStepDoc,
    WaitStepDoc,
)

MAX_WAIT_DAYS = 3650
UNIT_DAYS = {"minutes": 1 / 1440, "hours": 1 / 24, "days": 1, "weeks": 7, "business_days": 1.4}
WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def check_campaign(doc: CampaignDoc) -> Found:
    """What must hold within a campaign."""
    yield from _window(doc)
    yield from _senders(doc)
    yield from _cadence(doc)
    yield from _promotion(doc)
    for category, answer in doc.auto_reply.items():
        yield from words(("auto_reply", category), answer.subject, answer.body, doc)
    ids = [step.id for step in doc.steps]
    for position, step in enumerate(doc.steps):
        if step.id in ids[:position]:
            yield ("steps", position, "id"), "duplicate_step", f"the step {step.id!r} is given twice"
        for where, code, message in _step(step, doc):
            yield ("steps", position, *where), code, message
    if len(set(ids)) == len(ids):
        yield from graph(doc)
    yield from rules(doc)
    if count_tests(doc) > MAX_TESTS:
        yield (), "too_many_tests", f"more than {MAX_TESTS:,} tests in one campaign"


def _window(doc: CampaignDoc) -> Found:
    if doc.send_time_start >= doc.send_time_end:
        yield (
            ("send_time_start",),
            "window_never_opens",
            f"the window never opens: it starts at {doc.send_time_start} and ends at {doc.send_time_end}",
        )
    if doc.end_date is None or doc.start_at is None:
        return
    if doc.end_date < doc.start_at.date():
        yield ("end_date",), "ends_before_start", "the campaign ends before it starts"
    elif not _has_sending_day(doc):
        yield (
            ("end_date",),
            "window_never_opens",
            "the window never opens: no sending day lies between start_at and end_date that is no holiday",
        )


def _has_sending_day(doc: CampaignDoc) -> bool:
    """Whether any day from the start to the end date may send. (A zone may be a day ahead of or behind UTC.)"""
    assert doc.start_at is not None
    assert doc.end_date is not None
    first = max(doc.start_at.date().toordinal() - 1, date.min.toordinal())
    last = min(doc.end_date.toordinal(), first + 7 * (len(doc.holidays) + 2))  # each holiday costs no more than a week
    days = map(date.fromordinal, range(first, last + 1))
    return any(WEEK[day.weekday()] in doc.send_days and day not in doc.holidays for day in days)


def _senders(doc: CampaignDoc) -> Found:
    for position, mailbox_id in enumerate(doc.mailboxes):
        if mailbox_id in doc.mailboxes[:position]:
            yield ("mailboxes", position), "duplicate_mailbox", f"the mailbox {mailbox_id!r} is given twice"
    kinds = {step.kind for step in doc.steps}
    if not doc.mailboxes and ("email" in kinds or doc.sms_sender is None):
        yield ("mailboxes",), "too_short", "a campaign needs a mailbox to send from"
    if doc.sms_sender is None and "sms" in kinds:
        yield ("sms_sender",), "missing", "a campaign with an sms step needs an sms_sender"


def _cadence(doc: CampaignDoc) -> Found:
    """A day for each step, in order, and no other word about when a step is due."""
    days = days_of(doc)
    if days is None:
        return
    if len(days) != len(doc.steps):
        yield ("cadence",), "cadence_length", f"{len(days)} days for {len(doc.steps)} steps: each step needs its day"
    for position, day in enumerate(days[1:], start=1):
        if day < days[position - 1]:
            yield ("cadence", position), "cadence_order", f"day {day} comes before day {days[position - 1]}"
    for position, step in enumerate(doc.steps):
        if isinstance(step, WaitStepDoc | ConditionStepDoc | SwitchStepDoc):
            yield ("steps", position, "kind"), "cadence_and_graph", f"a {step.kind} has no place in a cadence"
        for name in ("delay_days", "delay_hours"):
            if getattr(step, name):
                yield ("steps", position, name), "cadence_and_delay", "the cadence says when the step is due"
        if step.next_step_id is not None:
            yield ("steps", position, "next_step_id"), "cadence_and_graph", "in a cadence each step leads to the next"


def _promotion(doc: CampaignDoc) -> Found:
    if doc.promote_winner is None:
        return
    emails = [step for step in doc.steps if isinstance(step, EmailStepDoc)]
    if not doc.ab_testing_enabled:
        yield ("promote_winner",), "promotion_without_ab_testing", "promote_winner needs ab_testing_enabled: true"
    elif not any(step.variant_b is not None or len(step.arms) > 1 for step in emails):
        yield ("promote_winner",), "nothing_to_promote", "no email has a second variant"
    tracked = {"opened": doc.tracking.opens, "clicked": doc.tracking.clicks}
    if not tracked.get(doc.promote_winner.metric, True):
        yield (
            ("promote_winner", "metric"),
            "not_tracked",
            f"the campaign does not track what is {doc.promote_winner.metric}",
        )


def _step(step: StepDoc, doc: CampaignDoc) -> Found:
    yield from tests(("conditions",), step.conditions, doc)
    match step:
        case EmailStepDoc():
            yield from _email(step, doc)
        case SmsStepDoc():
            if not step.body.strip():
                yield ("body",), "empty_body", "the body is empty"
            yield from template(("body",), step.body, doc)
        case WaitStepDoc():
            if step.duration * UNIT_DAYS[step.unit] > MAX_WAIT_DAYS:
                yield ("duration",), "wait_too_long", "longer than ten years"
        case ConditionStepDoc():
            yield from test(("when",), step.when, doc)
        case SwitchStepDoc():
            yield from _switch(step, doc)
        case ActionStepDoc():
            yield from actions(("actions",), step.actions, doc)
        case TaskStepDoc():
            if not step.title.strip():
                yield ("title",), "empty_title", "the title is empty"
            yield from template(("title",), step.title, doc, ())
            yield from template(("description",), step.description, doc, ())
    if step.delay_days > MAX_WAIT_DAYS:
        yield ("delay_days",), "wait_too_long", "longer than ten years"
    if step.delay_hours > MAX_WAIT_DAYS * 24:
        yield ("delay_hours",), "wait_too_long", "longer than ten years"


def _switch(step: SwitchStepDoc, doc: CampaignDoc) -> Found:
    yield from field(("field",), step.field, doc)
    for position, case in enumerate(step.cases):
        if (case.equals is None) == (case.matches is None):
            yield ("cases", position), "switch_case", "a case has either equals or matches"
        if case.matches is not None:
            try:
                compile_pattern(case.matches)
            except BadPattern as error:
                yield ("cases", position, "matches"), "bad_pattern", str(error)
        if case.equals is not None and is_missing(case.equals):
            yield (
                ("cases", position, "equals"),
                "missing_value",
                "nothing equals an empty value; `otherwise` is for that",
            )
        elif any(_is_same(case, other) for other in step.cases[:position]):
            yield ("cases", position), "duplicate_case", "an earlier case is the same: this one is never taken"


def _is_same(case: SwitchCaseDoc, other: SwitchCaseDoc) -> bool:
    """Whether what one case takes the other takes, too: `SE` and `se` are one value, 1 and true are two."""
    if case.equals is None or other.equals is None or isinstance(case.equals, list) or isinstance(other.equals, list):
        return case.equals == other.equals and case.matches == other.matches
    return case.matches == other.matches and compare("equals", case.equals, other.equals)


def _email(step: EmailStepDoc, doc: CampaignDoc) -> Found:
    yield from words((), step.subject, step.body, doc)
    if step.variant_b is not None:
        if not doc.ab_testing_enabled:
            yield ("variant_b",), "variant_without_ab_testing", "a B variant needs ab_testing_enabled: true"
        yield from words(("variant_b",), step.variant_b.subject, step.variant_b.body, doc)
    if not step.arms:
        return
    if not doc.ab_testing_enabled:
        yield ("arms",), "variant_without_ab_testing", "arms need ab_testing_enabled: true"
    if step.variant_b is not None:
        yield ("arms",), "arms_and_variant_b", "give either arms or variant_b"
    if not any(arm.is_active and arm.weight for arm in step.arms):
        yield ("arms",), "no_active_arm", "no arm is active with a weight above 0"
    names: Sequence[str] = [arm.name for arm in step.arms]
    for position, arm in enumerate(step.arms):
        if arm.name in names[:position]:
            yield ("arms", position, "name"), "duplicate_arm", f"the arm {arm.name!r} is given twice"
        yield from words(("arms", position), arm.subject, arm.body, doc)
