"""Why nothing leaves: what holds a campaign back at an instant, and where its leads stand (docs/behaviour.md 1.8, 3).

The limits are those that dispatch decides by, over what the ledger and the read models know. Where a lead waits is read
from its last fact, so it may be a step behind; a lead's own time zone is not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from domain.campaign import Campaign, ConditionStep, Definitions, EmailStep, SmsStep, TaskStep, WaitStep
from domain.dispatch.blocks import CODES, Block
from domain.dispatch.instants import NEVER, instant, micros
from domain.dispatch.limits import CampaignMeter, MailboxMeter
from domain.leads.graph import successor
from domain.windows import after_wait, zone_of

MAX_STEPS = 1_000
_AT_ONCE = timedelta()


class Used(NamedTuple):
    """A grant that counts against the limits: it was used, or (`is_open`) nobody knows yet."""

    send_id: bytes
    mailbox_id: str
    campaign_id: str
    domain: str
    at: datetime
    is_open: bool


class Pause(NamedTuple):
    """Why dispatch gives a mailbox nothing, and until when (None: until it is resumed); what else it remembers of it."""

    reason: str
    until: datetime | None
    row: bytes = b""


class Hold(NamedTuple):
    """One thing in the way: of what (`everything`, `campaign`, `mailbox ID`, `window`), and until when (None: an event)."""

    scope: str
    code: str
    why: str
    until: datetime | None


class Fact(NamedTuple):
    """The last fact of an open enrollment that says where it stands."""

    status: str
    type: str
    step_id: str | None
    mailbox_id: str | None
    code: str | None
    at: datetime
    next_at: datetime | None


class Place(NamedTuple):
    """Open leads that stand alike. `first_at`: when the first of them goes on (None: by an event)."""

    step_id: str | None
    code: str
    why: str
    leads: int
    first_at: datetime | None


PAUSED_BY = ("held", "paused")
"""Facts that say where an enrollment stands that is paused."""
STANDS_BY = ("enrolled", "sent", "ambiguous", "failed", "step_skipped", "task_due", "deferred", "waiting")
"""Facts that say where any other stands."""

PLACES: Mapping[str, str] = {
    "due": "due: it goes as soon as nothing is in the way",
    "wait": "in a wait",
    "condition": "waits for a condition, until its deadline at most",
    "task": "a task for a person is open, until its deadline at most",
    "retry": "tried before and not taken: it is tried again",
    "fatigue": "the lead has had as many touches lately as it may",
    "better_hour": "waits for the hour at which mails are opened",
    "waiting_draft": "its words are being written, or wait to be approved: see touchline drafts list",
    "held": "held: an answer or an unknown outcome is being settled",
    "paused": "paused by request",
    "ending": "no further step",
}


def holds(
    campaign_id: str, definitions: Definitions, used: Iterable[Used], pauses: Mapping[str, Pause], now: datetime
) -> list[Hold]:
    """Everything in the way of the campaign's touches at `now`; nothing in the list where a due touch may go."""
    campaign = definitions.campaigns.get(campaign_id)
    at = micros(now)
    meter = CampaignMeter(campaign_id)
    meter.define(campaign)
    senders = (*campaign.mailbox_ids, *filter(None, [campaign.sms_sender_id])) if campaign is not None else ()
    mailboxes = {mailbox_id: MailboxMeter(mailbox_id) for mailbox_id in senders}
    for mailbox_id, mailbox in mailboxes.items():
        mailbox.define(definitions.sender(mailbox_id))
        pause = pauses.get(mailbox_id)
        if pause is not None and pause.row:
            mailbox.standing.read(pause.row)
        elif pause is not None:
            mailbox.standing.pause(NEVER if pause.until is None else micros(pause.until), pause.reason)
    for grant in sorted(used, key=lambda grant: grant.at):
        if grant.campaign_id == campaign_id:
            meter.grants.add(micros(grant.at))
        mailbox = mailboxes.get(grant.mailbox_id)
        if mailbox is not None:
            mailbox.add(grant.send_id, grant.domain, micros(grant.at))
            mailbox.open += grant.is_open
    found = [Hold("everything", "stopped", CODES["stopped"], None)] if definitions.stopped else []
    found += _hold("campaign", meter.block(at))
    for mailbox_id, mailbox in mailboxes.items():
        pause = pauses.get(mailbox_id)
        found += _hold(f"mailbox {mailbox_id}", mailbox.block(at), pause.reason if pause is not None else "")
    if campaign is not None:
        zones = dict.fromkeys(mailbox.zone for mailbox in mailboxes.values()) or {None: None}
        for zone in zones:
            for hold in _hold("window", meter.window(None, zone, at)):
                named = zone_of(None, zone, campaign.window.zone).key
                found.append(
                    hold._replace(why=f"outside the send window ({named}; leads with a zone of their own by theirs)")
                )
    return found


def _hold(scope: str, block: Block | None, reason: str = "") -> Iterator[Hold]:
    if block is not None:
        why = CODES[block.code] + (f" ({reason})" if reason and block.code == "mailbox_paused" else "")
        yield Hold(scope, block.code, why, None if block.is_event else instant(block.frees_at))


def places(campaign: Campaign, definitions: Definitions, facts: Iterable[Fact], now: datetime) -> list[Place]:
    """Where the leads of these facts stand at `now`, the soonest first."""
    found: dict[tuple[str, str | None], tuple[int, datetime | None]] = {}
    for fact in facts:
        code, step_id, at = place_of(campaign, definitions, fact, now)
        known, first = found.get((code, step_id), (0, None))
        if at is not None:
            first = at if first is None else min(first, at)
        found[code, step_id] = (known + 1, first)
    made = [Place(step_id, code, PLACES[code], count, first) for (code, step_id), (count, first) in found.items()]
    return sorted(made, key=lambda place: (place.code != "due", place.first_at is None, place.first_at or now))


Way = Callable[[ConditionStep, datetime], tuple[str | None, datetime] | None]
"""Where a condition led that was come to at an instant, if it was true, and when: None where it was not, or nobody knows."""


def place_of(
    campaign: Campaign, definitions: Definitions, fact: Fact, now: datetime, way: Way | None = None
) -> tuple[str, str | None, datetime | None]:
    """Where the lead of a fact stands at `now`: a code of `PLACES`, the step, and when it goes on (None: by an event).

    `way` says which way it took at conditions; without one they are taken for false.
    """
    if fact.status == "paused":
        return ("paused" if fact.type == "paused" else "held"), fact.step_id, fact.next_at
    if fact.code == "waiting_draft":
        return fact.code, fact.step_id, None
    if fact.type in {"deferred", "waiting"}:
        code = fact.code if fact.code in {"fatigue", "better_hour"} else "retry"
        return ("due" if fact.next_at is None or fact.next_at <= now else code), fact.step_id, fact.next_at
    if fact.type == "task_due" and fact.next_at is not None and fact.next_at > now:
        return "task", fact.step_id, fact.next_at
    return _walk(campaign, definitions, fact, now, way)


def _walk(
    campaign: Campaign, definitions: Definitions, fact: Fact, now: datetime, way: Way | None
) -> tuple[str, str | None, datetime | None]:
    """On from the step that the fact is about, to the first that has to be waited for."""
    steps = campaign.steps
    mailbox = definitions.mailboxes.get(fact.mailbox_id) if fact.mailbox_id is not None else None
    zone = zone_of(None, mailbox.zone if mailbox is not None else None, campaign.window.zone)
    here = steps.get(fact.step_id) if fact.step_id is not None else None
    step_id = campaign.first_step_id if here is None else successor(here)
    base_at = fact.next_at if fact.type == "task_due" and fact.next_at is not None else fact.at
    for _ in range(MAX_STEPS):
        step = steps.get(step_id) if step_id is not None else None
        if step is None:
            return "ending", None, None
        if step.is_active:
            match step:
                case EmailStep() | SmsStep():
                    return "due", step.step_id, base_at
                case WaitStep():
                    over_at = after_wait(step, campaign.window, zone, base_at)
                    if over_at > now:
                        return "wait", step.step_id, over_at
                    base_at = over_at
                case ConditionStep() if way is not None and (taken := way(step, base_at)) is not None:
                    step_id, base_at = taken
                    continue
                case ConditionStep():
                    base_at += step.within or _AT_ONCE
                    if base_at > now:
                        return "condition", step.step_id, base_at
                case TaskStep():
                    return "task", step.step_id, base_at + step.due_in
                case _:
                    pass  # a switch or an action takes no time; which way it went is not known here
        step_id = successor(step)
    return "ending", None, None
