"""Mailbox limits, gaps, pauses, the choice of a mailbox, recipient domains and windows (docs/behaviour.md 3.2, 3.3)."""

from collections import Counter
from dataclasses import replace
from datetime import date
from itertools import pairwise

import pytest

from domain.campaign import Definitions, SmsProvider, SmsSender, Window
from domain.dispatch import partition
from domain.dispatch.instants import HOUR, NEVER, SECOND
from domain.dispatch.partition import PoolPartition
from tests.support.dispatching import World, ask, at, campaign, clock, definitions, mailbox, send_id

OFFICE = Window(frozenset(range(5)), 9, 17)


def why(world: World, name: object) -> tuple[str, int]:
    explained = world.partition.explain(send_id(name))
    assert explained is not None
    return explained.code, explained.frees_at


def test_two_mails_of_a_mailbox_keep_a_gap_drawn_from_its_range():
    world = World(definitions(campaign(), mailbox(gap_s=(30.0, 90.0))))
    world.advance(at("10:00"))
    world.ask(*(ask(n) for n in range(200)))
    world.advance(at("12:00"))
    instants = [one.slot.at for one in world.granted]
    gaps = [later - earlier for earlier, later in pairwise(instants)]
    assert min(gaps) >= 30 * SECOND
    assert max(gaps) <= 90 * SECOND
    assert len(set(gaps)) > 50
    assert 55 * SECOND < sum(gaps) / len(gaps) < 65 * SECOND


def test_the_gaps_are_the_same_after_a_restart():
    def run(restarts: bool) -> list[str]:
        world = World(definitions(campaign(), mailbox(gap_s=(30.0, 90.0))))
        world.advance(at("10:00"))
        world.ask(*(ask(n) for n in range(20)))
        for minute in range(40):
            world.advance(at("10:00") + minute * 60 * SECOND)
            if restarts:
                world.restart()
        return world.instants()

    assert run(True) == run(False)


def test_a_grant_that_was_not_used_frees_its_gap():
    world = World(definitions(campaign(), mailbox(gap_s=(60.0, 60.0))))
    world.advance(at("10:00"))
    world.ask(ask(1), ask(2))
    [first] = world.advance(at("10:00"))
    world.advance(at("10:00:10"))
    world.answer(first, used=False)
    assert world.instants(world.advance(at("10:00:10"))) == ["10:00:10"]


def test_a_mailbox_keeps_its_hourly_and_daily_limits_in_its_own_zone():
    known = mailbox(per_hour=2, per_day=5, zone="America/New_York")  # midnight is 05:00 UTC
    world = World(definitions(campaign(), known))
    world.advance(at("02:30"))
    world.ask(*(ask(n) for n in range(20)))
    world.advance(at("07:00"))
    assert world.instants() == ["02:30"] * 2 + ["03:30"] * 2 + ["04:30"] + ["05:00"] + ["05:30"] + ["06:00"] + [
        "06:30"
    ] + ["07:00"]


def test_at_most_40_grants_of_a_mailbox_are_open_and_an_answer_makes_room():
    world = World(definitions(campaign(), mailbox()))
    world.partition = PoolPartition(world.waiting)
    world.partition.define(world.definitions)
    world.advance(at("10:00"))
    world.ask(*(ask(n) for n in range(100)))
    granted = world.advance(at("10:00"))
    assert len(granted) == 40
    assert world.advance(at("15:00")) == []
    assert world.by_reason() == {"mailbox_open_grants": 60}
    world.answer(granted[0])
    world.answer(granted[1], used=False)
    assert world.instants(world.advance(at("15:00:01"))) == ["15:00"] * 2


def test_one_dead_mailbox_does_not_hold_up_the_others():
    world = World(definitions(campaign(mailbox_ids=("anna", "bert")), mailbox("anna"), mailbox("bert")), max_open=3)
    world.advance(at("10:00"))
    world.ask(*(ask(n) for n in range(20)))
    world.advance(at("10:00"))
    for _ in range(4):
        for one in [one for one in world.granted if one.slot.mailbox_id == "bert"]:
            world.answer(one)
        world.advance(at("10:01"))
    counts = Counter(one.slot.mailbox_id for one in world.granted)
    assert counts == {"anna": 3, "bert": 15}


def test_a_paused_mailbox_gets_nothing_until_its_pause_ends():
    world = World(definitions(campaign(), mailbox()))
    world.advance(at("10:00"))
    world.pause("anna", at("10:05"))
    world.ask(ask("one"))
    assert world.advance(at("10:01")) == []
    assert why(world, "one") == ("mailbox_paused", at("10:05"))
    assert world.instants(world.advance(at("10:30"))) == ["10:05"]


def test_a_mailbox_paused_without_an_end_waits_to_be_resumed_through_a_restart():
    world = World(definitions(campaign(), mailbox()))
    world.advance(at("10:00"))
    world.pause("anna")
    world.pause("anna", at("10:05"))  # a shorter pause does not shorten a longer one
    world.ask(ask("one"))
    world.restart()
    assert world.advance(at("15:00")) == []
    assert why(world, "one") == ("mailbox_paused", NEVER)
    world.resume("anna")
    assert world.instants(world.advance(at("15:00"))) == ["15:00"]


def test_while_one_mailbox_is_paused_first_touches_take_another_and_follow_ups_wait():
    world = World(definitions(campaign(mailbox_ids=("anna", "bert")), mailbox("anna"), mailbox("bert")))
    world.advance(at("10:00"))
    world.pause("anna")
    world.ask(ask("first"), ask("follow-up", mailbox_id="anna", priority=0))
    granted = world.advance(at("10:00"))
    assert [(one.ask.send_id, one.slot.mailbox_id) for one in granted] == [(send_id("first"), "bert")]
    assert why(world, "follow-up") == ("mailbox_paused", NEVER)


def test_the_mailbox_with_most_headroom_is_chosen():
    world = World(
        definitions(
            campaign(mailbox_ids=("anna", "bert")),
            mailbox("anna", per_hour=10),
            mailbox("bert", per_hour=30, per_day=100),
        )
    )
    world.advance(at("10:00"))
    world.ask(*(ask(n) for n in range(24)))
    world.advance(at("10:00"))
    assert Counter(one.slot.mailbox_id for one in world.granted) == {"bert": 22, "anna": 2}


def test_mailboxes_without_limits_share_evenly():
    names = ("anna", "bert", "carl")
    world = World(definitions(campaign(mailbox_ids=names), *map(mailbox, names)))
    world.advance(at("10:00"))
    world.ask(*(ask(n) for n in range(30)))
    world.advance(at("10:00"))
    assert Counter(one.slot.mailbox_id for one in world.granted) == dict.fromkeys(names, 10)


def test_follow_ups_go_before_first_touches_each_by_due_time():
    world = World(definitions(campaign(per_hour=1), mailbox()))
    world.ask(
        ask("first late", due_at=at("09:00")),
        ask("first early", due_at=at("08:00")),
        ask("follow late", due_at=at("09:30"), priority=0, mailbox_id="anna"),
        ask("follow early", due_at=at("09:20"), priority=0, mailbox_id="anna"),
    )
    for hour in range(10, 14):
        world.advance(at(f"{hour}:00"))
    names = {send_id(name): name for name in ("first late", "first early", "follow late", "follow early")}
    assert [names[one.ask.send_id] for one in world.granted] == [
        "follow early",
        "follow late",
        "first early",
        "first late",
    ]


def test_campaigns_that_share_a_mailbox_share_its_limits_by_due_time():
    world = World(definitions(campaign("a"), campaign("b"), mailbox(per_hour=2)))
    world.advance(at("10:00"))
    world.ask(*(ask((name, n), campaign_id=name, due_at=at("08:00") + n) for n in range(4) for name in "ab"))
    world.advance(at("12:00"))
    assert Counter((clock(one.slot.at), one.slot.campaign_id) for one in world.granted) == {
        (hour, name): 1 for hour in ("10:00", "11:00", "12:00") for name in "ab"
    }


def test_a_full_recipient_domain_does_not_hold_up_the_others():
    world = World(definitions(campaign(), mailbox(recipient_domain_per_hour=2)))
    world.advance(at("10:00"))
    world.ask(*(ask(n, domain="big.example", due_at=at("08:00") + n) for n in range(6)))
    world.ask(*(ask(name, domain=f"{name}.example", due_at=at("09:00")) for name in "xyz"))
    world.advance(at("10:00"))
    assert [one.ask.domain for one in world.granted] == ["big.example"] * 2 + [
        one.ask.domain for one in world.granted if one.ask.domain != "big.example"
    ]
    assert len(world.granted) == 5
    assert why(world, 5) == ("domain_hour", at("11:00"))
    assert world.instants(world.advance(at("12:00"))) == ["11:00"] * 2 + ["12:00"] * 2


def test_a_recipient_domain_is_counted_for_each_mailbox():
    world = World(
        definitions(
            campaign(mailbox_ids=("anna", "bert")),
            mailbox("anna", recipient_domain_per_hour=1),
            mailbox("bert", recipient_domain_per_hour=2),
        )
    )
    world.advance(at("10:00"))
    world.ask(*(ask(n) for n in range(9)))
    world.advance(at("11:00"))
    assert Counter((clock(one.slot.at), one.slot.mailbox_id) for one in world.granted) == {
        ("10:00", "anna"): 1,
        ("10:00", "bert"): 2,
        ("11:00", "anna"): 1,
        ("11:00", "bert"): 2,
    }


def test_a_slot_of_a_domain_that_was_not_used_is_free_again_at_once():
    world = World(definitions(campaign(), mailbox(recipient_domain_per_hour=1)))
    world.advance(at("10:00"))
    world.ask(ask(1), ask(2))
    [first] = world.advance(at("10:00"))
    world.advance(at("10:20"))
    world.answer(first, used=False)
    assert world.instants(world.advance(at("10:20"))) == ["10:20"]


def test_a_touch_whose_domain_waits_at_a_full_mailbox_takes_the_other_when_it_gets_room():
    known = definitions(
        campaign(mailbox_ids=("anna", "bert")), mailbox("anna"), mailbox("bert", recipient_domain_per_hour=1)
    )
    world = World(known, max_open=1)
    world.advance(at("10:00"))
    world.ask(ask(1), ask(2, domain="other.example"))
    first = world.advance(at("10:00"))
    assert {one.slot.mailbox_id for one in first} == {"anna", "bert"}
    at_bert = next(one for one in first if one.slot.mailbox_id == "bert")
    at_anna = next(one for one in first if one.slot.mailbox_id == "anna")
    world.ask(ask(3, domain=at_bert.ask.domain))
    world.answer(at_bert)
    assert world.advance(at("10:01")) == []
    world.answer(at_anna)
    assert [one.slot.mailbox_id for one in world.advance(at("10:02"))] == ["anna"]


def test_removing_a_domain_limit_frees_what_it_held():
    world = World(definitions(campaign(), mailbox(recipient_domain_per_hour=1)))
    world.advance(at("10:00"))
    world.ask(*(ask(n) for n in range(5)))
    world.advance(at("10:00"))
    world.define(definitions(campaign(), mailbox()))
    assert len(world.advance(at("10:01"))) == 4


def test_a_closed_window_in_one_zone_never_blocks_another():
    world = World(definitions(campaign(window=OFFICE), mailbox()))
    world.advance(at("10:00"))
    world.ask(
        ask("tokyo", zone="Asia/Tokyo", due_at=at("01:00")),
        ask("new york", zone="America/New_York", due_at=at("02:00")),
        ask("paris", zone="Europe/Paris", due_at=at("03:00")),
        ask("nowhere", due_at=at("04:00")),
    )
    assert world.instants(world.advance(at("10:00"))) == ["10:00", "10:00"]
    assert why(world, "new york") == ("window_closed", at("14:00"))
    assert world.instants(world.advance(at("12:00", day=1))) == ["14:00", "00:00"]


def test_a_lead_without_a_zone_is_written_to_in_the_mailboxes_then_the_campaigns_zone():
    window = Window(frozenset(range(5)), 9, 17, zone="Asia/Tokyo")
    both = campaign(window=window, mailbox_ids=("anna", "bert"))
    world = World(definitions(both, mailbox("anna", zone="America/New_York"), mailbox("bert")))
    world.advance(at("00:00"))  # 09:00 in Tokyo
    world.ask(ask("any"), ask("anna's", mailbox_id="anna"))
    assert [one.slot.mailbox_id for one in world.advance(at("00:00"))] == ["bert"]
    assert why(world, "anna's") == ("window_closed", at("14:00"))


def test_a_window_with_a_holiday_opens_the_day_after():
    window = Window(frozenset(range(5)), 9, 17, frozenset({date(2026, 3, 3)}))
    world = World(definitions(campaign(window=window), mailbox()))
    world.advance(at("18:00"))
    world.ask(ask("one"))
    granted = world.advance(at("12:00", day=2))
    assert [one.slot.at for one in granted] == [at("09:00", day=2)]


def test_the_window_closes_on_the_minute():
    world = World(definitions(campaign(window=OFFICE, per_hour=1), mailbox()))
    world.advance(at("14:30"))
    world.ask(*(ask(n) for n in range(9)))
    world.advance(at("08:00", day=1))
    assert world.instants() == ["14:30", "15:30", "16:30"]


def test_a_window_that_has_no_hour_left_says_so():
    world = World(definitions(campaign(window=Window(frozenset(), 9, 17)), mailbox()))
    world.ask(ask("one"))
    world.advance(at("10:00"))
    assert world.by_reason() == {"window_never_opens": 1}


@pytest.mark.parametrize("known", [definitions(campaign()), definitions(campaign(mailbox_ids=()), mailbox())])
def test_a_campaign_without_a_known_mailbox_waits_for_one(known):
    world = World(known)
    world.ask(ask("one"))
    world.advance(at("10:00"))
    assert world.by_reason() == {"mailbox_unknown": 1}
    world.define(definitions(campaign(), mailbox()))
    assert len(world.advance(at("10:01"))) == 1


def test_a_long_row_of_a_full_domain_is_put_aside_a_part_a_call_and_the_rest_still_goes(monkeypatch):
    monkeypatch.setattr(partition, "MAX_MOVES", 10)
    world = World(definitions(campaign(), mailbox(recipient_domain_per_hour=1)))
    world.advance(at("10:00"))
    world.ask(
        *(ask(n, due_at=at("08:00") + n) for n in range(45)), ask("other", domain="other.example", due_at=at("09:00"))
    )
    calls = [len(world.advance(at("10:00"))) for _ in range(6)]
    assert calls[0] == 1
    assert sum(calls) == 2
    assert world.by_reason() == {"domain_hour": 44}
    assert len(world.advance(at("12:00"))) == 2


def test_a_tick_never_looks_at_what_is_blocked(monkeypatch):
    world = World(definitions(campaign(per_hour=4, window=OFFICE), mailbox(gap_s=(30.0, 90.0))))
    world.advance(at("10:00"))
    zones = [None, "Asia/Tokyo", "America/New_York", "Europe/Paris"]
    world.ask(*(ask(n, zone=zones[n % 4]) for n in range(5_000)))
    looked: list[bytes] = []
    get = world.waiting.get
    monkeypatch.setattr(world.waiting, "get", lambda send_id: looked.append(send_id) or get(send_id))
    tried: list[int] = []
    try_ = PoolPartition._try
    monkeypatch.setattr(PoolPartition, "_try", lambda self, *rest: tried.append(self.now) or try_(self, *rest))
    for second in range(0, 3 * 3600, 5):
        world.advance(at("10:00") + second * SECOND)
    assert len(looked) == len(world.granted) == 12
    assert len(tried) < 60


def test_the_position_counts_what_goes_first_in_the_same_lane():
    world = World(definitions(campaign(per_hour=1), mailbox()))
    world.advance(at("10:00"))
    world.ask(*(ask(n, due_at=at("08:00") + n * HOUR // 60) for n in range(6)))
    world.advance(at("10:00"))
    world.partition.withdraw(send_id(2), 1, at("10:00"))
    assert world.partition.explain(send_id(5)) == ("campaign_hour", at("11:00"), 3)
    assert world.partition.explain(send_id(0)) == ("granted", at("10:00"), 0)
    assert world.partition.explain(send_id(2)) is None


def test_waiting_is_counted_by_reason():
    world = World(
        definitions(
            campaign(window=OFFICE, per_hour=1), campaign("held", status="paused"), mailbox(recipient_domain_per_hour=1)
        )
    )
    world.advance(at("10:00"))
    world.ask(
        *(ask(n) for n in range(4)),
        ask("tokyo", zone="Asia/Tokyo", due_at=0),
        ask("held", campaign_id="held"),
        ask("gone", campaign_id="held"),
    )
    world.partition.withdraw(send_id("gone"), 1, at("10:00"))
    world.advance(at("10:00"))
    assert world.by_reason() == {"campaign_hour": 4, "campaign_paused": 1}
    assert world.partition.waiting == 5


def test_the_position_counts_the_follow_ups_of_other_lanes_that_take_of_the_same_limit():
    world = World(definitions(campaign(per_hour=1), campaign("d"), mailbox(per_day=1)))
    world.advance(at("10:00"))
    world.ask(ask("first"))
    world.advance(at("10:00"))
    world.ask(ask("mine"), *(ask(n, mailbox_id="anna", priority=0) for n in range(5)), ask("theirs", campaign_id="d"))
    world.advance(at("10:01"))
    before = 5 + (send_id("theirs") < send_id("mine"))
    assert world.partition.explain(send_id("mine")) == ("mailbox_day", at("00:00", 1), before)
    world.partition.define(definitions(campaign(per_hour=1), campaign("d"), mailbox()))
    assert world.partition.explain(send_id("mine")) == ("campaign_hour", at("11:00"), 5)


def test_a_text_that_waits_goes_from_the_number_that_its_campaign_has_by_then():
    provider = SmsProvider("https://sms.example", None, "AC1", "env:T")
    numbers = {name: SmsSender(name, 1, "main", "+4670000000", provider, gap_s=(0.0, 0.0)) for name in ("old", "new")}

    def known(number: str) -> Definitions:
        return replace(definitions(campaign(sms_sender_id=number), mailbox()), sms_senders=numbers)

    world = World(known("old"))
    world.advance(at("10:00"))
    world.partition.pause("old", NEVER, "refused")
    world.ask(ask("text", mailbox_id="old", domain="sms"))
    assert world.advance(at("10:01")) == []
    world.partition.define(known("new"))
    assert [one.slot.mailbox_id for one in world.advance(at("10:02"))] == ["new"]
