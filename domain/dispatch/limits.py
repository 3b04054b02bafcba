"""The limits of a campaign and of a mailbox: what blocks now, and until when exactly (docs/behaviour.md 3.1-3.3)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time
from typing import TYPE_CHECKING

from domain.campaign import Campaign, Sender
from domain.dispatch.blocks import Block, later
from domain.dispatch.days import LocalDay
from domain.dispatch.instants import DAY, HOUR, MINUTE, NEVER, SECOND, Instants, instant, micros, span
from domain.dispatch.shifts import Shifts
from domain.dispatch.standing import Standing, Trouble, mark_of
from domain.ids import draw
from domain.lifecycle import CLOSED
from domain.ramp import cap_on
from domain.senders import Ramp
from domain.windows import NeverOpens, is_open, next_midnight, next_open, zone_of

if TYPE_CHECKING:
    from domain.dispatch.lanes import Lane

MAX_OPEN = 40
"""Grants of a mailbox that may be unanswered: what a slow or dead server can hold back."""
_QUARTER = 15 * MINUTE
"""Offsets from UTC and their changes fall on quarters of an hour, so a window's state holds to the next one."""


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

    def block(self, now: int, *, answers: bool = False) -> Block | None:
        """What holds the whole campaign back, whichever touch and mailbox. `answers`: to replies, which may come when the
        campaign is over.
        """
        campaign = self.campaign
        if campaign is None:
            return Block("campaign_unknown")
        is_over = now >= self._ends or campaign.status in CLOSED
        if not campaign.may_send and not (answers and is_over):
            return Block(f"campaign_{campaign.status}")
        if now >= self._ends and not answers:
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
        "_shifts",
        "_swept_at",
        "caps_domains",
        "grants",
        "lanes",
        "mailbox",
        "mailbox_id",
        "open",
        "standing",
        "tracks",
        "zone",
    )

    def __init__(self, mailbox_id: str) -> None:
        self.mailbox_id = mailbox_id
        self.mailbox: Sender | None = None
        self.zone: str | None = None
        self.caps_domains = False
        self.grants = Instants()
        self.lanes: list[Lane] = []
        self.open = 0
        self.standing = Standing()
        self.tracks = False
        """Whether its sends are counted by day beyond what the caps need."""
        self._day = LocalDay(zone_of(None, None, None))
        self._shifts: Shifts | None = None
        self._domains: dict[str, Instants] = {}
        self._swept_at = 0
        self._gap = (0, 0)
        self._last_at = -1
        self._last_send = b""
        self._last_draw: float | None = None

    def define(self, mailbox: Sender | None) -> None:
        """Take the definition in force."""
        self.mailbox = mailbox
        self.caps_domains = mailbox is not None and mailbox.recipient_domain_per_hour is not None
        if mailbox is None:
            return
        self.zone = mailbox.zone
        zone = zone_of(None, mailbox.zone, None)
        self._day = LocalDay(zone)
        self._shifts = None if mailbox.workday is None else Shifts(self.mailbox_id, mailbox.workday, zone)
        self.tracks = mailbox.auto_pause is not None or mailbox.ramp is not None
        low, high = sorted(mailbox.gap_s)
        self._gap = (round(low * SECOND), round(high * SECOND))

    def add(self, send_id: bytes, domain: str, at: int) -> None:
        """Count a grant made at `at`."""
        self.grants.add(at)
        if self.tracks:
            self._track(at)
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
        if self.tracks:
            day = self._day.number(at)
            self.standing.health.unsent(day, at)
            self.standing.warm_up.unsent(day)
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
        paused_until = self.standing.paused_until
        block = Block("mailbox_paused", paused_until) if paused_until > now else None
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
        if mailbox.ramp is not None:
            frees = self._day.frees_at(self.grants, self._ramp_cap(mailbox.ramp, now), now)
            if frees is not None:
                block = later(block, Block("mailbox_ramp", frees))
        frees = self.grants.frees_at(mailbox.provider_per_day, DAY, now)
        if frees is not None:
            block = later(block, Block("mailbox_provider", frees))
        if self._shifts is not None:
            block = later(block, self._shifts.block(self.grants, self._day, now))
        return block

    def note(self, kind: Trouble, send_id: bytes, now: int) -> bool:
        """A touch that went from here bounced for good, or was complained about. False when that was known."""
        return self.standing.health.note(kind, self._day.number(now), mark_of(send_id))

    def verdict(self, now: int) -> str | None:
        """Why the mailbox must rest until a person has looked, in words; None where it need not."""
        health, rules = self.standing.health, None if self.mailbox is None else self.mailbox.auto_pause
        if rules is None or not health.has_trouble:
            return None
        return health.verdict(rules, self._day.number(now))

    def row(self, now: int) -> bytes | None:
        """What the `mailboxes` table must hold of it."""
        return self.standing.write(self._day.number(now))

    def _track(self, at: int) -> None:
        day = self._day.number(at)
        self.standing.health.sent(day, at)
        if self.mailbox is not None and self.mailbox.ramp is not None:
            self.standing.warm_up.sent(day)

    def _ramp_cap(self, ramp: Ramp, now: int) -> int:
        return cap_on(ramp, self.standing.warm_up.days_before(self._day.number(now)))

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
        if mailbox is None:
            return (-headroom, self.open, used, self.mailbox_id)
        if mailbox.per_hour is not None:
            headroom = mailbox.per_hour - used
        for cap in self._day_caps(mailbox, now):
            headroom = min(headroom, self._day.left(self.grants, cap, now))
        if mailbox.provider_per_day is not None:
            headroom = min(headroom, mailbox.provider_per_day - self.grants.after(now - DAY))
        return (-headroom, self.open, used, self.mailbox_id)

    def _day_caps(self, mailbox: Sender, now: int) -> Iterator[int]:
        if mailbox.per_day is not None:
            yield mailbox.per_day
        if mailbox.ramp is not None:
            yield self._ramp_cap(mailbox.ramp, now)
        if self._shifts is not None and (target := self._shifts.target(now)) is not None:
            yield target
