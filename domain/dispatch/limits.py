"""The limits of a campaign and of a mailbox: what blocks now, and until when exactly (docs/behaviour.md 3.1-3.3)."""

from __future__ import annotations

from datetime import datetime, time
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from domain.campaign import Campaign, Mailbox
from domain.dispatch.blocks import Block, later
from domain.dispatch.instants import HOUR, KEPT, MINUTE, NEVER, SECOND, Instants, instant, micros, span
from domain.ids import draw
from domain.windows import NeverOpens, is_open, next_midnight, next_open, zone_of

if TYPE_CHECKING:
    from domain.dispatch.lanes import Lane

MAX_OPEN = 40
"""Grants of a mailbox that may be unanswered: what a slow or dead server can hold back."""
_QUARTER = 15 * MINUTE
"""Offsets from UTC and their changes fall on quarters of an hour, so a window's state holds to the next one."""


class LocalDay:
    """The local day that `now` lies in, and how many grants it has had. Time only moves forward."""

    __slots__ = ("_ends", "_starts", "_zone")

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._starts = self._ends = 0

    def frees_at(self, grants: Instants, cap: int | None, now: int) -> int | None:
        """Local midnight when the day's grants reach `cap`, else None."""
        if cap is None or len(grants) < cap:
            return None
        self._turn(now)
        return self._ends if grants.since(self._starts) >= cap else None

    def left(self, grants: Instants, cap: int, now: int) -> int:
        """How many more grants the day may have."""
        self._turn(now)
        return cap - grants.since(self._starts)

    def _turn(self, now: int) -> None:
        if now < self._ends:
            return
        at = instant(now)
        self._ends = micros(next_midnight(self._zone, at))
        starts = next_midnight(self._zone, instant(now - KEPT))
        while (following := next_midnight(self._zone, starts)) <= at:
            starts = following
        self._starts = micros(starts)


class CampaignMeter:
    """A campaign's limits and what it has used of them. `campaign` is None until its definition is seen."""

    __slots__ = ("_cycle", "_day", "_ends", "_starts", "_windows", "campaign", "campaign_id", "grants", "lanes")

    def __init__(self, campaign_id: str) -> None:
        self.campaign_id = campaign_id
        self.campaign: Campaign | None = None
        self.grants = Instants()
        self.lanes: list[Lane] = []
        self._windows: dict[tuple[str | None, str | None], tuple[int, Block | None]] = {}
        self._day = LocalDay(zone_of(None, None, None))
        self._cycle = self._starts = 0
        self._ends = NEVER

    def define(self, campaign: Campaign | None) -> None:
        """Take the definition in force."""
        self.campaign = campaign
        self._windows.clear()
        if campaign is None:
            return
        zone = zone_of(None, None, campaign.window.zone)
        self._day = LocalDay(zone)
        self._cycle = span(campaign.limits.cycle)
        self._starts = 0 if campaign.start_at is None else micros(campaign.start_at)
        self._ends = NEVER
        if campaign.end_date is not None:
            self._ends = micros(next_midnight(zone, datetime.combine(campaign.end_date, time(12), tzinfo=zone)))

    def block(self, now: int) -> Block | None:
        """What holds the whole campaign back, whichever touch and mailbox."""
        campaign = self.campaign
        if campaign is None:
            return Block("campaign_unknown")
        if not campaign.may_send:
            return Block(f"campaign_{campaign.status}")
        if now >= self._ends:
            return Block("campaign_ended")
        if now < self._starts:
            return Block("campaign_not_started", self._starts)
        limits, grants = campaign.limits, self.grants
        block = None
        frees = grants.frees_at(limits.per_hour, HOUR, now)
        if frees is not None:
            block = Block("campaign_hour", frees)
        frees = grants.frees_at(limits.batch_size, self._cycle, now)
        if frees is not None:
            block = later(block, Block("campaign_cycle", frees))
        frees = self._day.frees_at(grants, limits.per_day, now)
        if frees is not None:
            block = later(block, Block("campaign_day", frees))
        return block

    def window(self, lead_zone: str | None, mailbox_zone: str | None, now: int) -> Block | None:
        """Whether the send window is closed for a lead in `lead_zone` written to from a mailbox in `mailbox_zone`."""
        key = (lead_zone, mailbox_zone)
        known = self._windows.get(key)
        if known is None or now >= known[0]:
            known = self._windows[key] = self._look(lead_zone, mailbox_zone, now)
        return known[1]

    def _look(self, lead_zone: str | None, mailbox_zone: str | None, now: int) -> tuple[int, Block | None]:
        if self.campaign is None:
            return NEVER, Block("campaign_unknown")
        window = self.campaign.window
        zone = zone_of(lead_zone, mailbox_zone, window.zone)
        at = instant(now)
        if is_open(window, zone, at):
            return now - now % _QUARTER + _QUARTER, None
        try:
            opens = micros(next_open(window, zone, at))
        except NeverOpens:
            return NEVER, Block("window_never_opens")
        return opens, Block("window_closed", opens)


class MailboxMeter:
    """A mailbox's limits and what it has used of them. `mailbox` is None until its definition is seen."""

    __slots__ = (
        "_day",
        "_domains",
        "_gap",
        "_last_at",
        "_last_draw",
        "_last_send",
        "_swept_at",
        "caps_domains",
        "grants",
        "lanes",
        "mailbox",
        "mailbox_id",
        "open",
        "paused_until",
        "zone",
    )

    def __init__(self, mailbox_id: str) -> None:
        self.mailbox_id = mailbox_id
        self.mailbox: Mailbox | None = None
        self.zone: str | None = None
        self.caps_domains = False
        self.grants = Instants()
        self.lanes: list[Lane] = []
        self.open = 0
        self.paused_until = 0
        self._day = LocalDay(zone_of(None, None, None))
        self._domains: dict[str, Instants] = {}
        self._swept_at = 0
        self._gap = (0, 0)
        self._last_at = -1
        self._last_send = b""
        self._last_draw: float | None = None

    def define(self, mailbox: Mailbox | None) -> None:
        """Take the definition in force."""
        self.mailbox = mailbox
        self.caps_domains = mailbox is not None and mailbox.recipient_domain_per_hour is not None
        if mailbox is None:
            return
        self.zone = mailbox.zone
        self._day = LocalDay(zone_of(None, mailbox.zone, None))
        low, high = sorted(mailbox.gap_s)
        self._gap = (round(low * SECOND), round(high * SECOND))

    def add(self, send_id: bytes, domain: str, at: int) -> None:
        """Count a grant made at `at`."""
        self.grants.add(at)
        if at >= self._last_at:
            self._last_at, self._last_send, self._last_draw = at, send_id, None
        known = self._domains.get(domain)
        if known is None:
            known = self._domains[domain] = Instants(HOUR)
        known.add(at)
        if at - self._swept_at > HOUR:
            self._swept_at = at
            self._domains = {name: seen for name, seen in self._domains.items() if seen.last > at - HOUR}

    def remove(self, domain: str, at: int) -> None:
        """A grant made at `at` was not used: it frees its slot. No mail left, so it needs no gap either."""
        self.grants.remove(at)
        seen = self._domains.get(domain)
        if seen is not None:
            seen.remove(at)
        if at == self._last_at:
            self._last_at = -1

    def block(self, now: int, max_open: int = MAX_OPEN) -> Block | None:
        """What holds the mailbox back, whoever it would write to."""
        mailbox = self.mailbox
        if mailbox is None:
            return Block("mailbox_unknown")
        if self.open >= max_open:
            return Block("mailbox_open_grants")
        block = Block("mailbox_paused", self.paused_until) if self.paused_until > now else None
        low, high = self._gap
        if self._last_at >= 0 and now < self._last_at + high:
            if self._last_draw is None:
                self._last_draw = draw(self._last_send.hex(), f"gap {self._last_at}")
            frees = self._last_at + low + round((high - low) * self._last_draw)
            if frees > now:
                block = later(block, Block("mailbox_gap", frees))
        frees = self.grants.frees_at(mailbox.per_hour, HOUR, now)
        if frees is not None:
            block = later(block, Block("mailbox_hour", frees))
        frees = self._day.frees_at(self.grants, mailbox.per_day, now)
        if frees is not None:
            block = later(block, Block("mailbox_day", frees))
        return block

    def domain_block(self, domain: str, now: int) -> Block | None:
        """What holds the mailbox back from writing to `domain`."""
        if self.mailbox is None:
            return None
        seen = self._domains.get(domain)
        if seen is None:
            return None
        frees = seen.frees_at(self.mailbox.recipient_domain_per_hour, HOUR, now)
        return None if frees is None else Block("domain_hour", frees)

    def preference(self, now: int) -> tuple[float, int, int, str]:
        """Lowest is best: most headroom in hour and day, then fewest unanswered, then least used, then by id."""
        mailbox = self.mailbox
        used = self.grants.after(now - HOUR)
        headroom = float("inf")
        if mailbox is not None and mailbox.per_hour is not None:
            headroom = mailbox.per_hour - used
        if mailbox is not None and mailbox.per_day is not None:
            headroom = min(headroom, self._day.left(self.grants, mailbox.per_day, now))
        return (-headroom, self.open, used, self.mailbox_id)
