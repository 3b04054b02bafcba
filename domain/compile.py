"""From documents to the definitions that decisions use: checked and compiled once (docs/behaviour.md 1, 3.1, 10)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import Any, get_args

from pydantic import ValidationError

from domain.campaign import (
    AutoReply,
    Campaign,
    CampaignLimits,
    Definitions,
    Fatigue,
    Mailbox,
    Promotion,
    SmsSender,
    Window,
)
from domain.check_campaign import check_campaign
from domain.checks import check_document, check_documents
from domain.compile_senders import PROVIDER_PER_DAY, compile_mailbox, compile_sms_sender
from domain.compile_sequence import compile_progression, compile_scoring, compile_steps
from domain.documents import AnyDoc, InvalidDefinitions, Loaded, Problem, load_documents, path_text
from domain.templates import compile_template
from schemas.definitions import AutoReplyDoc, CampaignDoc, Definition, MailboxDoc, PoolDoc, SmsSenderDoc, Weekday

WEEKDAYS: dict[str, int] = {name: number for number, name in enumerate(get_args(Weekday))}

PRESETS: dict[str, tuple[int, int, int | None]] = {
    "conservative": (50, 10, None),
    "standard": (75, 25, None),
    "aggressive": (150, 50, None),
}
"""send_rate_per_hour, send_batch_size, daily_limit (docs/behaviour.md 3.1)."""
DEFAULTS: tuple[int, int, int | None] = (75, 25, 50)
DEFAULT_FATIGUE = Fatigue(3, 7)
"""Touches a lead and days (docs/behaviour.md 2.4)."""


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


Compiled = Campaign | Mailbox | SmsSender | str
"""A campaign, a mailbox, an SMS number, or a pool's id."""

NOT_COMPILED = frozenset({"control", "reply_rule", "routing"})
"""Kinds of definitions that decisions do not use compiled."""


def compile_definition(definition: Definition) -> Compiled:
    """A campaign, a mailbox, an SMS number, or (for a pool) its id. Raises InvalidDefinitions, also for any other kind."""
    try:
        if definition.kind == "campaign":
            doc = CampaignDoc.model_validate(definition.spec, extra="ignore")
            return compile_campaign(doc, definition)
        if definition.kind == "mailbox":
            return compile_mailbox(MailboxDoc.model_validate(definition.spec, extra="ignore"), definition.revision)
        if definition.kind == "sms_sender":
            number = SmsSenderDoc.model_validate(definition.spec, extra="ignore")
            return compile_sms_sender(number, definition.revision)
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
    sms_senders: dict[str, SmsSender] = {}
    pools: set[str] = set()
    for compiled in made:
        if isinstance(compiled, Campaign):
            campaigns[compiled.campaign_id] = compiled
        elif isinstance(compiled, Mailbox):
            mailboxes[compiled.mailbox_id] = compiled
        elif isinstance(compiled, SmsSender):
            sms_senders[compiled.mailbox_id] = compiled
        else:
            pools.add(compiled)
    return Definitions(campaigns, mailboxes, frozenset(pools), stopped, sms_senders)


def compile_campaign(doc: CampaignDoc, definition: Definition) -> Campaign:
    """A campaign at one revision, its short form expanded, its templates compiled. Raises InvalidDefinitions."""
    problems = [
        Problem(path_text(where), code, message, f"campaign {doc.id}") for where, code, message in check_campaign(doc)
    ]
    if problems:
        raise InvalidDefinitions(problems)
    steps = {step.step_id: step for step in compile_steps(doc)}
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
        colleagues=doc.on_reply.colleagues,
        auto_replies=MappingProxyType({name: _auto_reply(words) for name, words in doc.auto_reply.items()}),
        use_claude=doc.use_claude,
        fatigue=_fatigue(doc),
        smart_send_time=doc.smart_send_time,
        scoring=compile_scoring(doc),
        progression=compile_progression(doc),
        promotion=Promotion(**doc.promote_winner.model_dump()) if doc.promote_winner is not None else None,
        sms_sender_id=doc.sms_sender,
    )


def _auto_reply(doc: AutoReplyDoc) -> AutoReply:
    return AutoReply(None if doc.subject is None else compile_template(doc.subject), compile_template(doc.body))


def _fatigue(doc: CampaignDoc) -> Fatigue | None:
    """The default holds unless the campaign says otherwise, or has no limits at all."""
    if doc.fatigue is None:
        return None if doc.limits == "off" else DEFAULT_FATIGUE
    return Fatigue(doc.fatigue.touches, doc.fatigue.days) if doc.fatigue else None


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


def spec_of(doc: CampaignDoc | MailboxDoc | SmsSenderDoc | PoolDoc) -> dict[str, Any]:
    """A document as it stands in a `Definition`: JSON values under the names a user writes."""
    return doc.model_dump(mode="json", by_alias=True, exclude_none=True)


__all__ = [
    "DEFAULTS",
    "DEFAULT_FATIGUE",
    "PRESETS",
    "PROVIDER_PER_DAY",
    "InvalidDefinitions",
    "Loaded",
    "Problem",
    "assemble",
    "check_documents",
    "compile_campaign",
    "compile_definition",
    "compile_definitions",
    "compile_mailbox",
    "compile_sms_sender",
    "load_documents",
    "read_documents",
    "spec_of",
]
