"""The most that could go out on a day by the caps alone: what the sends of a run are drawn against.

It is a ceiling, not a forecast: gaps between mails, lunch breaks and recipient domains may leave less.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, timedelta
from math import ceil
from zoneinfo import ZoneInfo

from domain.campaign import Campaign, Definitions, Sender, Window
from domain.ramp import cap_on
from domain.windows import is_open, next_midnight, resolve, zone_of
from domain.workday import plan

_STRETCH = timedelta(minutes=30)
"""Windows and zones differ by no less, so a look each half hour misses nothing that counts."""


def zones_of(campaign: Campaign, definitions: Definitions, leads: Collection[str | None]) -> frozenset[ZoneInfo]:
    """Every zone whose window lets mail out, for leads in these zones (None: unknown, so the mailbox's counts)."""
    mailboxes = [sender.zone for box in campaign.mailbox_ids if (sender := definitions.sender(box)) is not None]
    return frozenset(zone_of(lead, box, campaign.window.zone) for lead in leads for box in mailboxes or [None])


def open_hours(window: Window, zones: Collection[ZoneInfo], day: date) -> float:
    """For how many hours of the campaign's local day the window is open in any of the zones."""
    home = zone_of(None, None, window.zone)
    at = resolve(datetime.combine(day, datetime.min.time()), home)
    ends = next_midnight(home, at)
    stretches = 0
    while at < ends:
        stretches += any(is_open(window, zone, at.astimezone(UTC)) for zone in zones)
        at += _STRETCH
    return stretches * _STRETCH.total_seconds() / 3600


def campaign_cap(campaign: Campaign, hours: float) -> int | None:
    """The campaign's own ceiling on a day that it is open for so many hours; None without a limit."""
    limits = campaign.limits
    hourly = None if limits.per_hour is None else ceil(limits.per_hour * hours)
    return least(limits.per_day, hourly)


def sender_cap(sender: Sender, hours: float, day: date, days_before: int) -> int | None:
    """A mailbox's ceiling on a day, after `days_before` days on which it sent; None without a limit."""
    hourly = None if sender.per_hour is None else ceil(sender.per_hour * hours)
    warm_up = None if sender.ramp is None else cap_on(sender.ramp, days_before)
    target = None if sender.workday is None else plan(sender.mailbox_id, sender.workday, day).target
    shortest_gap = min(sender.gap_s)
    gaps = 1 + int(hours * 3600 / shortest_gap) if shortest_gap > 0 else None
    return least(sender.per_day, sender.provider_per_day, hourly, warm_up, target, gaps)


def day_cap(
    campaign: Campaign,
    definitions: Definitions,
    zones: Collection[ZoneInfo],
    day: date,
    days_before: Mapping[str, int],
) -> int | None:
    """The smaller of the campaign's ceiling and its mailboxes' together (None: nothing caps the day).

    `days_before`: on how many days each mailbox has sent by then, which its warm-up counts.
    """
    hours = open_hours(campaign.window, zones, day)
    if hours == 0:
        return 0
    senders = [sender for box in campaign.mailbox_ids if (sender := definitions.sender(box)) is not None]
    each = [sender_cap(one, hours, day, days_before.get(one.mailbox_id, 0)) for one in senders]
    together = sum(cap for cap in each if cap is not None) if each and None not in each else None
    return least(campaign_cap(campaign, hours), together)


def least(*caps: int | None) -> int | None:
    """The smallest cap that there is."""
    return min((cap for cap in caps if cap is not None), default=None)
