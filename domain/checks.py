"""What must hold within a document and between documents (docs/behaviour.md 1.2): every mistake at once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from domain.documents import AnyDoc, Loaded, Problem, Where
from domain.headers import InvalidAddress, check_address, clean_header
from domain.html import html_to_text, is_html, text_to_html
from domain.replies.rules import BadRuleError, compile_rule
from domain.templates import TemplateError, compile_template
from schemas.definitions import (
    CampaignDoc,
    ConditionStepDoc,
    EmailStepDoc,
    MailboxDoc,
    ReplyRuleDoc,
    StepDoc,
    TaskStepDoc,
    WaitStepDoc,
)

Found = Iterator[tuple[Where, str, str]]
"""Where, code, message."""

MAX_WAIT_DAYS = 3650
UNIT_DAYS = {"minutes": 1 / 1440, "hours": 1 / 24, "days": 1, "weeks": 7, "business_days": 1.4}
_FROM = re.compile(r'\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^<>"]*?))\s*<(?P<address>[^<>]+)>\s*')


def read_from(text: str) -> tuple[str, str]:
    """The name and the address of `Anna Berg <anna@sender.example>` or of a bare address. Raises InvalidAddress."""
    match = _FROM.fullmatch(text)
    if match is None:
        return "", check_address(text.strip())
    name = match["bare"] if match["quoted"] is None else re.sub(r"\\(.)", r"\1", match["quoted"])
    return clean_header(name), check_address(match["address"].strip())


def targets(doc: CampaignDoc) -> dict[str, tuple[str | None, ...]]:
    """Where each step leads: to what it names, else to the step written after it; a condition to its two branches."""
    following = [*(step.id for step in doc.steps[1:]), None]
    edges: dict[str, tuple[str | None, ...]] = {}
    for step, after in zip(doc.steps, following, strict=True):
        onward = step.next_step_id or after
        if isinstance(step, ConditionStepDoc):
            edges[step.id] = (step.true_next_step_id or onward, step.false_next_step_id or onward)
        else:
            edges[step.id] = (onward,)
    return edges


def check_documents(documents: Sequence[Loaded], known: Sequence[AnyDoc] = ()) -> list[Problem]:
    """Every mistake in `documents`, which are to replace or join the `known` ones in force."""
    before = {(doc.kind, doc.id): doc for doc in known}
    after = before | {(item.doc.kind, item.doc.id): item.doc for item in documents}
    problems: list[Problem] = []
    seen: set[tuple[str, str]] = set()
    for item in documents:
        key = (item.doc.kind, item.doc.id)
        if key in seen:
            problems.append(item.problem(("id",), "duplicate_id", f"{item.path} is given twice"))
        seen.add(key)
        problems += check_document(item)
        problems += [item.problem(*mistake) for mistake in _check_among(item.doc, before.get(key), after)]
    return problems


def check_document(item: Loaded) -> list[Problem]:
    """Every mistake in a document that can be seen without the others."""
    return [item.problem(*mistake) for mistake in _check_one(item.doc)]


def _check_one(doc: AnyDoc) -> Found:
    if isinstance(doc, MailboxDoc):
        yield from _mailbox(doc)
    elif isinstance(doc, CampaignDoc):
        yield from check_campaign(doc)
    elif isinstance(doc, ReplyRuleDoc):
        try:
            compile_rule(doc)
        except BadRuleError as error:
            yield (error.field,), "bad_rule", error.reason


def _check_among(doc: AnyDoc, before: AnyDoc | None, known: Mapping[tuple[str, str], AnyDoc]) -> Found:
    """What must hold with the other definitions."""
    if not isinstance(doc, MailboxDoc | CampaignDoc):
        return
    if ("Pool", doc.pool) not in known:
        yield ("pool",), "unknown_pool", f"there is no pool {doc.pool!r}"
    if isinstance(before, MailboxDoc | CampaignDoc) and before.pool != doc.pool:
        yield ("pool",), "pool_changed", f"a {doc.kind.lower()} never changes pool; it is in {before.pool!r}"
    if isinstance(doc, MailboxDoc):
        return
    for position, mailbox_id in enumerate(doc.mailboxes):
        mailbox = known.get(("Mailbox", mailbox_id))
        if not isinstance(mailbox, MailboxDoc):
            yield ("mailboxes", position), "unknown_mailbox", f"there is no mailbox {mailbox_id!r}"
        elif mailbox.pool != doc.pool:
            yield (
                ("mailboxes", position),
                "mailbox_in_other_pool",
                f"the mailbox {mailbox_id!r} is in the pool {mailbox.pool!r}, the campaign in {doc.pool!r}",
            )
    name = doc.name.strip().casefold()
    for other in known.values():
        if isinstance(other, CampaignDoc) and other.id != doc.id and other.name.strip().casefold() == name:
            yield ("name",), "name_taken", f"the campaign {other.id!r} has this name (names differ by more than case)"


def _mailbox(doc: MailboxDoc) -> Found:
    try:
        read_from(doc.from_)
    except InvalidAddress as error:
        yield ("from",), "invalid_address", f"{error}; expected Name <local@domain.tld>"
    if not doc.postal_address.strip():
        yield ("postal_address",), "empty_postal_address", "a sender's postal address must stand in every footer"
    if doc.reply_domain is not None:
        try:
            check_address(f"reply@{doc.reply_domain}")
        except InvalidAddress:
            yield ("reply_domain",), "invalid_domain", f"{doc.reply_domain!r} is no domain name"
    if isinstance(doc.gap_seconds, tuple) and doc.gap_seconds[0] > doc.gap_seconds[1]:
        yield ("gap_seconds",), "gap_range", "the shortest gap is longer than the longest"
    if doc.smtp.username is None and (doc.smtp.password_ref is not None or doc.smtp.auth == "xoauth2"):
        yield ("smtp", "username"), "login_incomplete", "a login needs a username"
    if doc.smtp.username is not None and doc.smtp.password_ref is None:
        yield ("smtp", "password_ref"), "login_incomplete", "a login needs a password_ref, env:NAME or file:PATH"


def check_campaign(doc: CampaignDoc) -> Found:
    """What must hold within a campaign."""
    if doc.send_time_start >= doc.send_time_end:
        yield (
            ("send_time_start",),
            "window_never_opens",
            f"the window never opens: it starts at {doc.send_time_start} and ends at {doc.send_time_end}",
        )
    if doc.end_date is not None and doc.start_at is not None and doc.end_date < doc.start_at.date():
        yield ("end_date",), "ends_before_start", "the campaign ends before it starts"
    for position, mailbox_id in enumerate(doc.mailboxes):
        if mailbox_id in doc.mailboxes[:position]:
            yield ("mailboxes", position), "duplicate_mailbox", f"the mailbox {mailbox_id!r} is given twice"
    ids = [step.id for step in doc.steps]
    for position, step in enumerate(doc.steps):
        if step.id in ids[:position]:
            yield ("steps", position, "id"), "duplicate_step", f"the step {step.id!r} is given twice"
        for where, code, message in _step(step, doc):
            yield ("steps", position, *where), code, message
    if len(set(ids)) == len(ids):
        yield from _graph(doc)


def _step(step: StepDoc, doc: CampaignDoc) -> Found:
    if isinstance(step, EmailStepDoc):
        yield from _email(step, ab_testing=doc.ab_testing_enabled)
    elif isinstance(step, WaitStepDoc):
        if step.duration * UNIT_DAYS[step.unit] > MAX_WAIT_DAYS:
            yield ("duration",), "wait_too_long", "longer than ten years"
    elif isinstance(step, TaskStepDoc):
        yield from _template(("title",), step.title)
        yield from _template(("description",), step.description)
    elif step.when.step is not None:
        kinds = {other.id: other.kind for other in doc.steps}
        if step.when.step not in kinds:
            yield ("when", "step"), "unknown_step", f"there is no step {step.when.step!r}"
        elif kinds[step.when.step] != "email":
            yield ("when", "step"), "not_an_email", f"the step {step.when.step!r} is no email"
    if step.delay_days > MAX_WAIT_DAYS:
        yield ("delay_days",), "wait_too_long", "longer than ten years"
    if step.delay_hours > MAX_WAIT_DAYS * 24:
        yield ("delay_hours",), "wait_too_long", "longer than ten years"


def _email(step: EmailStepDoc, *, ab_testing: bool) -> Found:
    yield from _words((), step.subject, step.body)
    if step.variant_b is not None:
        if not ab_testing:
            yield ("variant_b",), "variant_without_ab_testing", "a B variant needs ab_testing_enabled: true"
        yield from _words(("variant_b",), step.variant_b.subject, step.variant_b.body)
    if not step.arms:
        return
    if not ab_testing:
        yield ("arms",), "variant_without_ab_testing", "arms need ab_testing_enabled: true"
    if step.variant_b is not None:
        yield ("arms",), "arms_and_variant_b", "give either arms or variant_b"
    if not any(arm.is_active and arm.weight for arm in step.arms):
        yield ("arms",), "no_active_arm", "no arm is active with a weight above 0"
    names = [arm.name for arm in step.arms]
    for position, arm in enumerate(step.arms):
        if arm.name in names[:position]:
            yield ("arms", position, "name"), "duplicate_arm", f"the arm {arm.name!r} is given twice"
        yield from _words(("arms", position), arm.subject, arm.body)


def _words(where: Where, subject: str | None, body: str | None) -> Found:
    """A subject and a body: neither may be blank when it is given, both must be templates."""
    if subject is not None and not subject.strip():
        yield (*where, "subject"), "empty_subject", "the subject is empty"
    if body is not None and not body.strip():
        yield (*where, "body"), "empty_body", "the body is empty"
    yield from _template((*where, "subject"), subject)
    yield from _template((*where, "body"), body)
    yield from _other_part((*where, "body"), body)


def _template(where: Where, source: str | None) -> Found:
    try:
        compile_template(source or "")
    except TemplateError as error:
        yield where, "template", str(error)


def _other_part(where: Where, body: str | None) -> Found:
    """Of a good body the other part, text or HTML, must come out as a template too."""
    try:
        compile_template(body or "")
    except TemplateError:
        return
    try:
        compile_template(html_to_text(body or "") if is_html(body or "") else text_to_html(body or ""))
    except TemplateError as error:
        yield (
            where,
            "other_part",
            f"no {'text' if is_html(body or '') else 'HTML'} part can be made of it: {error.reason}",
        )


def _graph(doc: CampaignDoc) -> Found:
    edges = targets(doc)
    unknown = False
    for position, step in enumerate(doc.steps):
        for name in ("next_step_id", "true_next_step_id", "false_next_step_id"):
            target: str | None = getattr(step, name, None)
            if target is not None and target not in edges:
                unknown = True
                yield ("steps", position, name), "unknown_target", f"there is no step {target!r}"
    if unknown:
        return
    positions = {step.id: position for position, step in enumerate(doc.steps)}
    reached, cycle = _walk(edges, doc.steps[0].id)
    if cycle is not None:
        yield ("steps", positions[cycle[0]]), "cycle", f"the steps go round: {' -> '.join(cycle)}"
    for step_id, position in positions.items():
        if step_id not in reached:
            yield ("steps", position), "unreachable", f"no step leads to {step_id!r}"
    if cycle is None:
        yield from _first_subjects(doc, edges, positions)


def _walk(edges: Mapping[str, tuple[str | None, ...]], start: str) -> tuple[set[str], tuple[str, ...] | None]:
    """The steps that can be reached from `start`, or a cycle among them (and then all steps, as none is looked for)."""
    done: set[str] = set()
    path: dict[str, Iterator[str | None]] = {start: filter(None, edges[start])}
    while path:
        here, onward = next(reversed(path.items()))
        target = next(onward, None)
        if target is None:
            del path[here]
            done.add(here)
        elif target in path:
            names = list(path)
            return set(edges), (*names[names.index(target) :], target)
        elif target not in done:
            path[target] = filter(None, edges[target])
    return done, None


def _first_subjects(
    doc: CampaignDoc, edges: Mapping[str, tuple[str | None, ...]], positions: Mapping[str, int]
) -> Found:
    """An email that can be the first of its thread needs a subject in every arm."""
    stack: list[str | None] = [doc.steps[0].id]
    seen: set[str] = set()
    while stack:
        step_id = stack.pop()
        if step_id is None or step_id in seen:
            continue
        seen.add(step_id)
        step = doc.steps[positions[step_id]]
        if not isinstance(step, EmailStepDoc) or not step.is_active:
            stack += edges[step_id]
            continue
        lacking = step.subject is None and not (step.arms and all(arm.subject is not None for arm in step.arms))
        if lacking:
            where = ("steps", positions[step_id], "subject")
            yield where, "first_subject", "the first email of a sequence needs a subject"
