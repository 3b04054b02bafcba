"""Whatever the limits, arrivals, pauses, answers and restarts: judged by a slow reading of docs/behaviour.md 3."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.campaign import AutoPause, Campaign, Definitions, Mailbox, Ramp, Window, WorkdayRanges
from domain.dispatch.asks import Ask
from domain.dispatch.instants import DAY, HOUR, MINUTE, NEVER, SECOND, instant, micros
from domain.dispatch.partition import Granted
from domain.ids import draw
from domain.windows import is_open, local_day, zone_of
from domain.workday import plan
from tests.support.dispatching import ALWAYS, World, ask, at, campaign, definitions, mailbox

MAILBOXES = ("anna", "bert")
WINDOWS = (ALWAYS, Window(frozenset(range(5)), 9, 17), Window(frozenset(range(7)), 8, 12, zone="Asia/Tokyo"))
ZONES = (None, "Asia/Tokyo", "America/New_York")
WORKDAYS = (
    WorkdayRanges((8 * 60, 10 * 60), (16 * 60, 18 * 60), (11 * 60, 13 * 60), (30, 60), (2, 5), (1, 3)),
    WorkdayRanges((0, 600), (601, 1439), hourly_ceiling=(1, 2)),
    WorkdayRanges((9 * 60, 9 * 60), (17 * 60, 17 * 60), daily_target=(1, 1)),
)
unhurried = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
caps = st.one_of(st.none(), st.integers(1, 6))


@st.composite
def worlds(draw_: st.DrawFn) -> tuple[Definitions, int]:
    campaigns = [
        campaign(
            name,
            per_hour=draw_(caps),
            batch_size=draw_(caps),
            cycle=timedelta(minutes=draw_(st.sampled_from([1, 10, 60]))),
            per_day=draw_(caps),
            window=draw_(st.sampled_from(WINDOWS)),
            mailbox_ids=draw_(st.sampled_from([MAILBOXES, ("anna",)])),
        )
        for name in ("c", "d")
    ]
    mailboxes = [
        mailbox(
            name,
            per_hour=draw_(caps),
            per_day=draw_(caps),
            gap_s=draw_(st.sampled_from([(0.0, 0.0), (30.0, 90.0), (600.0, 600.0)])),
            recipient_domain_per_hour=draw_(st.one_of(st.none(), st.integers(1, 2))),
            zone=draw_(st.sampled_from(ZONES)),
            provider_per_day=draw_(caps),
            ramp=draw_(st.sampled_from([None, None, Ramp(1, 1, 4), Ramp(2, 3, 7)])),
            workday=draw_(st.sampled_from([None, None, *WORKDAYS])),
            auto_pause=draw_(st.sampled_from([None, AutoPause(20, 1, 3, 2)])),
        )
        for name in MAILBOXES
    ]
    return definitions(*campaigns, *mailboxes), draw_(st.sampled_from([2, 5, 40]))


@st.composite
def asks(draw_: st.DrawFn) -> Ask:
    mailbox_id = draw_(st.sampled_from([None, None, "anna", "bert"]))
    return ask(
        draw_(st.integers(0, 25)),
        ask_no=draw_(st.integers(1, 3)),
        campaign_id=draw_(st.sampled_from(["c", "d"])),
        mailbox_id=mailbox_id,
        zone=draw_(st.sampled_from(ZONES)),
        domain=draw_(st.sampled_from(["a.example", "b.example", "c.example"])),
        priority=1 if mailbox_id is None else 0,
        due_at=at("08:00") + draw_(st.integers(0, 60)) * MINUTE,
    )


steps = st.one_of(
    st.tuples(st.just("ask"), st.lists(asks(), min_size=1, max_size=8)),
    st.tuples(st.just("answer"), st.lists(st.tuples(st.integers(0, 40), st.booleans()), min_size=1, max_size=5)),
    st.tuples(st.just("withdraw"), asks()),
    st.tuples(st.just("pause"), st.tuples(st.sampled_from(MAILBOXES), st.sampled_from([7 * MINUTE, 2 * HOUR, NEVER]))),
    st.tuples(st.just("resume"), st.sampled_from(MAILBOXES)),
    st.tuples(st.just("note"), st.tuples(st.sampled_from(["bounce", "complaint"]), st.integers(0, 40))),
    st.tuples(st.just("pass"), st.sampled_from([1, SECOND, 45 * SECOND, 10 * MINUTE, HOUR, 5 * HOUR, 14 * HOUR])),
    st.tuples(st.just("restart"), st.none()),
)
scripts = st.builds(
    lambda burst, rest: [("ask", burst), *rest],
    st.lists(asks(), min_size=5, max_size=25),
    st.lists(steps, min_size=3, max_size=30),
)


@dataclass
class Judge:
    """What happened, and the rules read slowly: every grant and every ask compared with every other."""

    known: Definitions
    max_open: int
    grants: list[Granted] = field(default_factory=list)
    answered: dict[str, tuple[int, bool]] = field(default_factory=dict)
    waits: list[tuple[int, Ask, list[int]]] = field(default_factory=list)
    pauses: list[tuple[str, int, list[int]]] = field(default_factory=list)

    def rested(self, world: World) -> None:
        """Note the mailboxes that were paused by a grant: with it, what had bounced was too much of enough."""
        for name, _ in world.partition.rested:
            if not any(who == name and end[0] == NEVER for who, _, end in self.pauses):
                last = max(one.slot.at for one in self.grants if one.slot.mailbox_id == name)
                self.pauses.append((name, last + 1, [NEVER]))
        world.partition.rested.clear()

    def taken(self, now: int) -> list[Granted]:
        """Grants made by `now` that have not been told unused by then."""
        return [one for one in self.grants if one.slot.at <= now < self.freed_at(one)]

    def freed_at(self, one: Granted) -> int:
        told = self.answered.get(one.slot.grant_id, (NEVER, True))
        return NEVER if told[1] else told[0]

    def fits(self, known: Campaign, box: Mailbox, one: Ask, now: int, taken: list[Granted]) -> bool:
        """Whether `one` may go from `box` at `now` beside what is taken."""
        mine = [grant.slot for grant in taken if grant.slot.mailbox_id == box.mailbox_id]
        its = [grant.slot for grant in taken if grant.slot.campaign_id == known.campaign_id]
        to_domain = [slot for slot in mine if slot.domain == one.domain]
        window, limits = known.window, known.limits
        today = [slot for slot in mine if _day(box.zone, None, slot.at) == _day(box.zone, None, now)]
        ramp = box.ramp and min(box.ramp.cap, box.ramp.start + box.ramp.increment * self.days_before(box, now))
        campaign_day = local_day(zone_of(None, None, window.zone), instant(now))

        def below(cap: int | None, count: int) -> bool:
            return cap is None or count < cap

        unanswered = [
            grant
            for grant in self.grants
            if grant.slot.mailbox_id == box.mailbox_id
            and grant.slot.at <= now
            and self.answered.get(grant.slot.grant_id, (NEVER, True))[0] > now
        ]
        last = max(mine, key=lambda slot: (slot.at, slot.grant_id), default=None)
        low, high = box.gap_s
        return (
            below(limits.per_hour, sum(slot.at > now - HOUR for slot in its))
            and below(limits.batch_size, sum(slot.at > now - limits.cycle / timedelta(microseconds=1) for slot in its))
            and below(limits.per_day, sum(_day(None, window.zone, slot.at) == campaign_day for slot in its))
            and below(box.provider_per_day, sum(slot.at > now - DAY for slot in mine))
            and below(ramp, len(today))
            and (box.workday is None or _at_work(box, now, sum(slot.at > now - HOUR for slot in mine), len(today)))
            and below(box.per_hour, sum(slot.at > now - HOUR for slot in mine))
            and below(box.per_day, len(today))
            and below(box.recipient_domain_per_hour, sum(slot.at > now - HOUR for slot in to_domain))
            and below(self.max_open, len(unanswered))
            and (last is None or now >= last.at + _gap(last.send_id, last.at, low, high))
            and is_open(window, zone_of(one.zone, box.zone, window.zone), instant(now))
            and not any(who == box.mailbox_id and start <= now < end[0] for who, start, end in self.pauses)
        )

    def days_before(self, box: Mailbox, now: int) -> int:
        """Days before today with a grant that was not given back by the first grant of a later one."""
        at = [one.slot.at for one in self.grants if one.slot.mailbox_id == box.mailbox_id and one.slot.at <= now]
        days: dict[date, list[int]] = {}
        for one in at:
            days.setdefault(_day(box.zone, None, one), []).append(one)
        order = [day for day in days if day < _day(box.zone, None, now)]
        firsts = [*(days[day][0] for day in days), now]
        return sum(
            any(
                self.freed_at(one) > firsts[number + 1]
                for one in self.grants
                if one.slot.mailbox_id == box.mailbox_id and one.slot.at in days[day]
            )
            for number, day in enumerate(order)
        )

    def may_go(self, one: Ask, now: int, taken: list[Granted]) -> list[str]:
        known = self.known.campaigns[one.campaign_id]
        chosen = known.mailbox_ids if one.mailbox_id is None else (one.mailbox_id,)
        return [name for name in chosen if self.fits(known, self.known.mailboxes[name], one, now, taken)]


def _day(mailbox_zone: str | None, campaign_zone: str | None, us: int):
    return local_day(zone_of(None, mailbox_zone, campaign_zone), instant(us))


def _at_work(box: Mailbox, now: int, within_the_hour: int, today: int) -> bool:
    """By the wall clock; the mailboxes of these tests live where no clock is changed in March's first days."""
    assert box.workday is not None
    local = instant(now).astimezone(zone_of(None, box.zone, None))
    day = plan(box.mailbox_id, box.workday, local.date())
    minute = local.hour * 60 + local.minute
    return (
        day.start <= minute < day.finish
        and not (day.lunch is not None and day.lunch[0] <= minute < day.lunch[1])
        and (day.target is None or today < day.target)
        and (day.hourly is None or within_the_hour < day.hourly)
    )


def _gap(send_id: bytes, us: int, low: float, high: float) -> int:
    return round(low * SECOND + (high - low) * SECOND * draw(send_id.hex(), f"gap {us}"))


def play(known: Definitions, max_open: int, script: list, *, restarts: bool) -> tuple[World, Judge]:
    """Run a script as a role would: time passes first, then events are applied, then what they free is granted."""
    world, judge, now = World(known, max_open), Judge(known, max_open), at("09:30")
    world.advance(now)
    for what, detail in script:
        now += detail if what == "pass" else 1  # no event falls on the very instant of an earlier grant
        world.advance(now)
        if what == "ask":
            for one in detail:
                before = world.waiting.get(one.send_id)
                world.partition.offer(one)
                if world.waiting.get(one.send_id) is one and before is not one:
                    _end(judge, one.send_id, now)
                    judge.waits.append((now, one, [NEVER]))
        elif what == "answer":
            open_ = [grant for grant in world.granted if grant.slot.grant_id not in judge.answered]
            for number, used in detail:
                if number < len(open_) and world.answer(open_[number], used=used):
                    judge.answered[open_[number].slot.grant_id] = (now, used)
        elif what == "withdraw":
            if world.partition.withdraw(detail.send_id, detail.ask_no, now):
                _end(judge, detail.send_id, now)
        elif what == "pause":
            name, length = detail
            world.pause(name, min(now + length, NEVER))
            judge.pauses.append((name, now, [min(now + length, NEVER)]))
        elif what == "resume":
            world.resume(detail)
            for name, _, end in judge.pauses:
                if name == detail:
                    end[0] = min(end[0], now)
        elif what == "note":
            kind, number = detail
            if number < len(world.granted):
                slot = world.granted[number].slot
                if world.partition.note(slot.mailbox_id, kind, slot.send_id, now) is not None:
                    judge.pauses.append((slot.mailbox_id, now, [NEVER]))
        elif what == "restart" and restarts:
            world.restart(epoch=1)
            world.granted += world.partition.advance(now, since=now)
            world.save()
        world.advance(now)
        judge.grants = world.granted
        judge.rested(world)
    for grant in judge.grants:
        _end(judge, grant.slot.send_id, grant.slot.at, grant.ask)
    return world, judge


def _end(judge: Judge, send_id: bytes, now: int, one: Ask | None = None) -> None:
    for _, waiting, end in judge.waits:
        if waiting.send_id == send_id and (one is None or waiting == one):
            end[0] = min(end[0], now)


def decisions(world: World) -> list[tuple[str, str, int]]:
    return [(one.slot.send_id.hex(), one.slot.mailbox_id, one.slot.at) for one in world.granted]


@unhurried
@given(worlds(), scripts)
def test_no_limit_is_ever_exceeded(world, script):
    known, max_open = world
    _, judge = play(known, max_open, script, restarts=True)
    for number, grant in enumerate(judge.grants):
        now = grant.slot.at
        before = [other for other in judge.taken(now) if judge.grants.index(other) < number]
        box = known.mailboxes[grant.slot.mailbox_id]
        whole, judge.grants = judge.grants, judge.grants[:number]
        try:
            assert judge.fits(known.campaigns[grant.slot.campaign_id], box, grant.ask, now, before)
        finally:
            judge.grants = whole


@unhurried
@given(worlds(), scripts)
def test_nothing_waits_where_nothing_blocks_and_every_block_frees_at_the_very_instant(world, script):
    """At each instant at which anything could free, no touch is left waiting that could go."""
    known, max_open = world
    played, judge = play(known, max_open, script, restarts=False)
    start, end = at("09:30"), played.partition.now
    freed = {now for now, _ in judge.answered.values()} | {until[0] for _, _, until in judge.pauses}
    freed |= {when for when, _, _ in judge.waits} | {end}
    for grant in judge.grants:
        slot = grant.slot
        low, high = known.mailboxes[slot.mailbox_id].gap_s
        cycle = known.campaigns[slot.campaign_id].limits.cycle // timedelta(microseconds=1)
        freed |= {slot.at, slot.at + HOUR, slot.at + cycle, slot.at + _gap(slot.send_id, slot.at, low, high)}
    freed |= set(range(start - start % HOUR, min(end, start + 60 * HOUR), HOUR))
    for now in sorted(now for now in freed if start <= now <= end):
        taken = judge.taken(now)
        waiting = [one for since, one, until in judge.waits if since <= now < until[0]]
        assert not [one for one in waiting if judge.may_go(one, now, taken)], instant(now)


@unhurried
@given(worlds(), scripts)
def test_a_restart_at_any_point_changes_no_decision(world, script):
    known, max_open = world
    restarted, _ = play(known, max_open, script, restarts=True)
    straight, _ = play(known, max_open, script, restarts=False)
    assert decisions(restarted) == decisions(straight)
    assert restarted.partition.waiting == straight.partition.waiting


@unhurried
@given(worlds(), scripts)
def test_grants_are_unique_and_in_order_and_counts_agree(world, script):
    known, max_open = world
    played, judge = play(known, max_open, script, restarts=True)
    assert all(earlier.slot.at <= later.slot.at for earlier, later in pairwise(judge.grants))
    ids = [one.slot.grant_id for one in judge.grants]
    assert len(set(ids)) == len(ids)
    asked = [(one.slot.send_id, one.slot.ask_no) for one in judge.grants]
    assert len(set(asked)) == len(asked)
    assert played.partition.waiting == sum(isinstance(entry, Ask) for entry in played.waiting.rows.values())
    assert sum(played.by_reason().values()) == played.partition.waiting
    assert played.partition.open == len(judge.grants) - len(judge.answered)


def all_go(known: Definitions, max_open: int, wanted: list[Ask]) -> None:
    played = World(known, max_open)
    now = at("09:30")
    played.advance(now)
    played.ask(*wanted)
    for _ in range(24 * 60):
        if not played.partition.waiting:
            break
        now += HOUR
        for grant in played.advance(now):
            played.answer(grant)
    assert played.partition.waiting == 0
    assert {one.slot.send_id for one in played.granted} == {one.send_id for one in wanted}


@unhurried
@given(worlds(), st.lists(asks(), min_size=1, max_size=25))
def test_when_answers_come_everything_is_granted_in_the_end(world, wanted):
    known, max_open = world
    boxes = [replace(box, workday=None) for box in known.mailboxes.values()]
    all_go(definitions(*known.campaigns.values(), *boxes), max_open, wanted)


@unhurried
@given(worlds(), st.lists(asks(), min_size=1, max_size=25))
def test_workdays_delay_and_lose_nothing_where_the_window_is_always_open(world, wanted):
    """(A lead whose window opens only while its mailbox's owner sleeps is never written to: that is what was asked for.)"""
    known, max_open = world
    campaigns = [replace(one, window=ALWAYS) for one in known.campaigns.values()]
    all_go(definitions(*campaigns, *known.mailboxes.values()), max_open, wanted)


def test_the_tests_instants_are_what_they_say():
    assert instant(at("10:20")).isoformat() == "2026-03-02T10:20:00+00:00"
    assert micros(instant(at("10:20:30"))) == at("10:20:30")
