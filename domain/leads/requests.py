"""What producers ask for: enroll, update, pause, resume, exit (docs/behaviour.md 1.8, 2.1)."""

from __future__ import annotations

import re
from dataclasses import replace

from domain import ids
from domain.campaign import Campaign, EmailStep
from domain.leads import asking, scores
from domain.leads.effects import ReleaseIt, SetAside, StopIt, Tell
from domain.leads.state import Enrollment, Hold, Parked
from domain.leads.steps import advance
from domain.leads.turn import Turn, digest
from domain.lifecycle import CLOSED
from schemas.engagements import Engagement
from schemas.enrollments import Enroll, Exit, Pause, Resume, UpdateLead

_CODE = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
MAX_CODE = 40


def code_of(reason: str) -> str:
    """A producer's reason where it is a code (`campaign_cancelled`), else `other`: facts are kept for ever, and free words
    may name a person.
    """
    return reason if len(reason) <= MAX_CODE and _CODE.fullmatch(reason) else "other"


def on_enroll(turn: Turn, asked: Enroll) -> None:
    """Enroll the lead, once a campaign unless `re_enter` asks for another entry; what cannot be is refused.

    An unknown campaign's enrollment is kept for a while: its definition may still be on its way.
    """
    campaign = turn.definitions.campaigns.get(asked.campaign_id)
    entries = [e for e in turn.enrollments if e.campaign_id == asked.campaign_id]
    cause = digest(asked.event_id)
    if any(e.cause == cause for e in entries):
        return turn.ignore("repeat")
    if campaign is None:
        if not any(parked.event.event_id == asked.event_id for parked in turn.parked):
            until_at = turn.now + turn.policy.unknown_campaign
            turn.parked = (*turn.parked, Parked(asked, until_at, turn.offset))
        return None
    last = entries[-1] if entries else None  # they stand in the order in which they were made
    if campaign.status in CLOSED:
        return refuse(turn, asked, "campaign_closed")
    if last is not None and not asked.re_enter:
        return refuse(turn, asked, "already_enrolled")
    if last is not None and last.is_open:
        return refuse(turn, asked, "still_enrolled")
    if asked.mailbox_id is not None and asked.mailbox_id not in campaign.mailbox_ids:
        return refuse(turn, asked, "unknown_mailbox")
    facts = {**turn.facts, **asking.facts_of(asked.lead)}  # what is not said again stays as it is known
    if "email" not in facts and writes_emails(campaign):
        return refuse(turn, asked, "no_email")
    turn.facts = facts
    e = Enrollment(
        asked.campaign_id,
        last.entry_no + 1 if last is not None else 1,
        cause,
        step_id=campaign.first_step_id,
        asked_variant=asked.variant,
        mailbox_id=asked.mailbox_id,
        after_stops=turn.stops,
    )
    turn.is_known = True
    turn.tell(turn.save(e), "enrolled", was=None, data={"added_by": asked.added_by})
    advance(turn, e)
    return None


def writes_emails(campaign: Campaign) -> bool:
    return any(isinstance(step, EmailStep) for step in campaign.steps.values())


def refuse(turn: Turn, asked: Enroll, code: str) -> None:
    """Say why an enrollment is not made."""
    campaign = turn.definitions.campaigns.get(asked.campaign_id)
    fact = Engagement(
        type="refused",
        event_id=ids.event_id("engagement", "refused", asked.event_id),
        lead_id=turn.lead_id,
        campaign_id=asked.campaign_id,
        campaign_version=campaign.revision if campaign else None,
        code=code,
        at=turn.now,
    )
    turn.effects.append(Tell(fact))


def look_at_parked(turn: Turn) -> None:
    """Enroll those whose campaign has appeared; set those aside whose time is over."""
    waiting, turn.parked = turn.parked, ()
    for parked in waiting:
        if parked.event.campaign_id in turn.definitions.campaigns:
            on_enroll(turn, parked.event)
            _hold_new(turn, parked)
        elif parked.until_at <= turn.now:
            turn.effects.append(SetAside(parked, "unknown_campaign"))
        else:
            turn.parked = (*turn.parked, parked)


def _hold_new(turn: Turn, parked: Parked) -> None:
    """What was paused while it waited for its campaign stands still as soon as it is made."""
    cause = digest(parked.event.event_id)
    for source in parked.pauses:
        e = next((e for e in turn.open_enrollments if e.cause == cause), None)
        if e is not None:
            _pause(turn, e, source, source, "request")


def on_update(turn: Turn, asked: UpdateLead) -> None:
    """Take the new facts; touches that are not yet due use them. A lead with nothing left to do keeps none."""
    if turn.is_known:
        turn.facts = {**turn.facts, **asking.facts_of(asked.lead)}
        scores.look_at_facts(turn, ids.event_id("update", asked.event_id))
    else:
        turn.ignore("unknown_lead")


def _in_scope(turn: Turn, campaign_id: str | None) -> list[Enrollment]:
    return [e for e in turn.open_enrollments if campaign_id is None or e.campaign_id == campaign_id]


def _pause_scope(campaign_id: str | None) -> str:
    return f"pause:{campaign_id if campaign_id is not None else '*'}:"


def on_pause(turn: Turn, asked: Pause) -> None:
    """Let the lead's enrollments stand still until the resume of the same scope. Each has its own stop."""
    if not turn.is_known:
        return turn.ignore("unknown_lead")
    if not turn.remember(f"pause {asked.event_id}"):
        return turn.ignore("repeat")
    source = _pause_scope(asked.campaign_id) + asked.event_id
    turn.parked = tuple(
        replace(p, pauses=(*p.pauses, source)) if asked.campaign_id in {None, p.event.campaign_id} else p
        for p in turn.parked
    )
    for e in _in_scope(turn, asked.campaign_id):
        _pause(turn, e, source, asked.event_id, code_of(asked.reason))
    return None


def _pause(turn: Turn, e: Enrollment, source: str, cause: str, code: str) -> None:
    turn.effects.append(StopIt(e.id_for(turn.lead_id), "paused", source))
    turn.tell(turn.hold(e, Hold(source)), "paused", cause, was=e.status, code=code)


def on_resume(turn: Turn, asked: Resume) -> None:
    """Undo the pauses of the same scope; a hold that a reply made stays."""
    if not turn.is_known:
        return turn.ignore("unknown_lead")
    if not turn.remember(f"resume {asked.event_id}"):
        return turn.ignore("repeat")
    scope = _pause_scope(asked.campaign_id)
    turn.parked = tuple(
        replace(p, pauses=tuple(known for known in p.pauses if not known.startswith(scope))) for p in turn.parked
    )
    for e in _in_scope(turn, asked.campaign_id):
        sources = [h.source_id for h in e.holds if h.source_id.startswith(scope)]
        if not sources:
            continue
        was = e.status
        for source in sources:
            e = turn.free(e, source)
            turn.effects.append(ReleaseIt(e.id_for(turn.lead_id), source))
        turn.tell(e, "resumed", asked.event_id, was=was, code=code_of(asked.reason))
        advance(turn, e)
    return None


def on_exit(turn: Turn, asked: Exit) -> None:
    """Take the lead out for good."""
    if not turn.is_known:
        return turn.ignore("unknown_lead")
    kept = tuple(p for p in turn.parked if asked.campaign_id not in (None, p.event.campaign_id))
    for parked in turn.parked:
        if parked not in kept:
            refuse(turn, parked.event, "exited")
    turn.parked = kept
    for e in _in_scope(turn, asked.campaign_id):
        turn.finish(e, "exited", "exited", stop=f"exit:{asked.event_id}", code=code_of(asked.reason))
    return None
