"""When a touch that is due must yet wait for the person's sake: too many lately, or a better hour of the day.

Fatigue (docs/behaviour.md 2.4) is exact because a lead has one writer: every touch that left counts, in whichever campaign,
and one that dispatch has been asked for counts as if it had left. What is asked for was within the limit when the last of
them was asked for, so it is within it when the last of them goes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from domain.campaign import Campaign, Fatigue, Window
from domain.leads import asking
from domain.leads.state import Enrollment, Phase
from domain.leads.turn import Turn, arm
from domain.windows import first_at, is_open, zone_of

LOOK_AGAIN = timedelta(days=1)
"""How long a touch waits for others that are out, at most: what becomes of them is looked at as soon as it is known."""
SETTLED_IN = timedelta(hours=1)
"""After so long it is known of a touch that was taken back whether it had left by then: until then it counts."""
HOURS_KEPT = 8
"""The latest opens of a lead that tell at which hour it reads."""
_FIND_WITHIN = 8
"""Local days within which the hour must come: a window may open once a week."""
_COUNTED = frozenset({"sent", "ambiguous"})


def hold_back(turn: Turn, campaign: Campaign, e: Enrollment, step_id: str, phase: Phase) -> datetime | None:
    """Until when the touch of `step_id` must wait, and tell why; None: it may be asked for now.

    What is out already is never held back: it may have its grant by now. One that was asked for before, and is tried again,
    waits for no better hour.
    """
    if phase == "out":
        return None
    if campaign.fatigue is not None:
        until = rested_at(turn, campaign.fatigue, e, step_id)
        if until is not None:
            if _take_back_idle(turn, e):
                until = rested_at(turn, campaign.fatigue, e, step_id) or until
            return _wait(turn, e, step_id, "fatigue", until)
    is_new = not e.tries and not e.renewals and e.place_at is None
    if campaign.smart_send_time and is_new and not _hour_has_come(turn, campaign, e, phase):
        until = better_hour(turn, campaign, e)
        if until is not None:
            return _wait(turn, e, step_id, "better_hour", until)
    return None


def _wait(turn: Turn, e: Enrollment, step_id: str, code: str, until: datetime) -> datetime:
    turn.tell(e, "waiting", step_id, code, until.isoformat(), step_id=step_id, code=code, next_at=until)
    return until


# -- fatigue -----------------------------------------------------------------------------------------------------------


def rested_at(turn: Turn, fatigue: Fatigue, e: Enrollment, step_id: str) -> datetime | None:
    """When the lead may have one more touch: None for now. Where those that are out use up all: when to look again.

    A touch exactly `fatigue.days` old counts no more.
    """
    span = timedelta(days=fatigue.days)
    since = turn.now - span
    left: list[datetime] = []
    settled: list[datetime] = []
    out = 0
    for other in turn.enrollments:
        is_own = other.campaign_id == e.campaign_id and other.entry_no == e.entry_no
        if other.phase == "out" and other.is_open and not is_own:
            out += 1
        elif (at := _settled_at(turn, other)) is not None and not is_own:
            out += 1
            settled.append(at)
        for touch in other.touches:
            at = touch.granted_at
            if at is not None and at > since and touch.state in _COUNTED and not (is_own and touch.step_id == step_id):
                left.append(at)
    if len(left) + out < fatigue.touches:
        return None
    if settled:
        return min(settled)
    if out >= fatigue.touches:
        return turn.now + LOOK_AGAIN
    return sorted(left)[len(left) + out - fatigue.touches] + span


def _settled_at(turn: Turn, other: Enrollment) -> datetime | None:
    """When it is known of a touch that was taken back a moment ago whether it had left; None: it was not taken back so."""
    if other.phase != "retry" or other.place_at is None or other.due_at is None or not other.is_open or other.holds:
        return None
    campaign = turn.campaign(other)
    at = other.due_at + SETTLED_IN
    return at if campaign is not None and not campaign.may_send and other.due_at <= turn.now < at else None


def _take_back_idle(turn: Turn, e: Enrollment) -> bool:
    """Take back what is asked for in campaigns that stand still: it would hold others up for as long as they do. It is asked
    for again, from its place in the queue, when its campaign goes on.
    """
    taken = False
    for other in list(turn.enrollments):
        campaign = turn.campaign(other)
        if other.phase != "out" or not other.is_open or other.campaign_id == e.campaign_id:
            continue
        if campaign is not None and not campaign.may_send:
            place_at = asking.place(turn.policy, other)
            turn.save(arm(turn.withdraw(other, "fatigue")._replace(place_at=place_at), campaign))
            taken = True
    return taken


# -- the hour of the day -----------------------------------------------------------------------------------------------


def local_zone(turn: Turn, campaign: Campaign, e: Enrollment) -> ZoneInfo:
    """The zone that counts for this lead (docs/behaviour.md 3.3)."""
    zone = turn.facts.get("timezone")
    mailbox = turn.definitions.mailboxes.get(e.mailbox_id) if e.mailbox_id is not None else None
    return zone_of(zone if isinstance(zone, str) else None, mailbox.zone if mailbox else None, campaign.window.zone)


def better_hour(turn: Turn, campaign: Campaign, e: Enrollment) -> datetime | None:
    """When the hour next comes, within the window, at which this lead opened before, else the campaign's other leads.

    None: it is that hour now, or nothing is known.
    """
    zone = local_zone(turn, campaign, e)
    hour = favourite(turn.hours, campaign.window)
    if hour is None:
        hour = favourite(turn.policy.habits(campaign.campaign_id), campaign.window)
    if hour is None:
        return None
    local = turn.now.astimezone(zone)
    if local.hour == hour and is_open(campaign.window, zone, turn.now):
        return None
    for number in range(_FIND_WITHIN):
        day = datetime.combine(local.date() + timedelta(days=number), datetime.min.time())
        at = first_at(day + timedelta(hours=hour), zone)
        if at > turn.now and is_open(campaign.window, zone, at):
            return at.astimezone(UTC)
    return None


def _hour_has_come(turn: Turn, campaign: Campaign, e: Enrollment, phase: Phase) -> bool:
    """Whether it has waited for an hour that began: habits that change meanwhile never put it off again."""
    if phase != "retry" or e.due_at is None or e.due_at > turn.now:
        return False
    local = e.due_at.astimezone(local_zone(turn, campaign, e))
    return (local.minute, local.second, local.microsecond) == (0, 0, 0)


def favourite(hours: Sequence[int], window: Window) -> int | None:
    """The hour of the day that comes most often, within the window's hours; of equals the one that was seen last."""
    counts = Counter(hour for hour in hours if window.start_hour <= hour < window.end_hour)
    if not counts:
        return None
    last = {hour: number for number, hour in enumerate(hours)}
    return max(counts, key=lambda hour: (counts[hour], last[hour]))


def note_hour(turn: Turn, campaign: Campaign, e: Enrollment, at: datetime) -> int:
    """Remember at which local hour the lead opened a mail."""
    hour = at.astimezone(local_zone(turn, campaign, e)).hour
    turn.hours = (*turn.hours, hour)[-HOURS_KEPT:]
    return hour
