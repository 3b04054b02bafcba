"""The dispatch role around its decisions: what it reads, writes, tells again, and comes back with."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta
from uuid import NAMESPACE_URL, uuid5

import pytest

from agents.dispatch_shelf import read_entry, write_entry
from domain.dispatch.asks import Ask, Withdrawn
from domain.dispatch.grants import grant_id_of
from domain.dispatch.instants import HOUR, instant, micros
from schemas.sending import Grant
from schemas.ticks import Tick
from sinks.ports import GrantUse, LedgerGrant
from streams.errors import Retryable
from streams.work import Stage
from tests.support.dispatch_role import Ledger, Role, outcome, paused, resumed, times, withdrawal
from tests.support.dispatching import at, campaign, definitions, mailbox, touch

PLAIN = definitions(campaign(), mailbox())
HOURLY = definitions(campaign(per_hour=3), mailbox())
LONG = timedelta(days=1)


async def role(known=PLAIN, **options) -> Role:
    """A role that has read its first tick."""
    started = await Role(known, **options).recover()
    await started.batch(started.tick())
    return started


async def test_a_touch_that_nothing_blocks_is_granted_in_the_batch_it_came_in_and_never_written_as_waiting():
    worker = await role()
    work = await worker.decide(touch("zoé", mailbox_id=None))
    assert [len(work.records(stage)) for stage in Stage] == [1, 1, 0]
    [grant] = worker.flush(work)
    assert grant.touch == touch("zoé")
    assert (grant.grant_id, grant.mailbox_id, grant.pool_partition, grant.pool_epoch) == (
        grant_id_of(1, 1),
        "anna",
        0,
        1,
    )
    assert grant.granted_at == worker.clock.now()
    assert grant.granted_wall == worker.clock.wall()
    assert grant.expires_wall == worker.clock.wall() + timedelta(seconds=30)
    assert len(worker.waiting) == 0


async def test_a_grant_goes_to_its_mailboxes_partition_under_its_mailboxes_key():
    worker = await role()
    [record] = (await worker.decide(touch("one"))).records(Stage.OUTPUTS)
    assert (record.topic, record.key) == ("sends", b"anna")
    assert Grant.read(record.value or b"").event_id == f"grant:{touch('one').send_id}:{grant_id_of(1, 1)}"


async def test_before_the_first_tick_touches_wait_and_are_granted_at_it():
    worker = await Role(PLAIN).recover()
    assert await worker.batch(touch("one")) == []
    assert len(worker.waiting) == 1
    work = await worker.decide(worker.tick())
    assert work.records(Stage.STATE)[0].value is None
    assert times(worker.flush(work)) == ["10:00"]
    assert len(worker.waiting) == 0


async def test_the_standard_preset_on_ticks_in_lockstep():
    worker = await role(definitions(campaign(per_hour=75, batch_size=25), mailbox()), outage=LONG)
    sent = await worker.batch(*(touch(n) for n in range(120)))
    for minute in range(1, 61):
        answers = [outcome(grant) for grant in sent]
        sent = await worker.tick_at(f"{10 + minute // 60}:{minute % 60:02}", *answers)
    assert Counter(times(worker.sent)) == {"10:00": 25, "10:10": 25, "10:20": 25, "11:00": 25}


async def test_a_tick_of_an_hour_grants_each_touch_at_its_own_instant():
    worker = await role(definitions(campaign(per_hour=60, batch_size=10), mailbox()), outage=LONG)
    await worker.batch(*(touch(n) for n in range(35)))
    await worker.tick_at("11:00")
    assert Counter(times(worker.sent)) == {"10:00": 10, "10:10": 10, "10:20": 10, "10:30": 5}


async def test_after_an_outage_nothing_is_granted_as_of_the_time_that_was_missed():
    worker = await role(HOURLY)
    await worker.batch(*(touch(n) for n in range(9)))
    assert times(await worker.tick_at("14:30")) == ["14:30"] * 3


async def test_a_clock_far_ahead_of_the_last_tick_is_not_followed():
    worker = await role(HOURLY)
    await worker.batch(*(touch(n) for n in range(9)))
    worker.clock.advance(timedelta(days=365))
    assert await worker.batch(touch("late")) == []
    assert worker.handler._partitions[0].now == at("10:00")


async def test_a_tick_that_is_repeated_or_older_changes_nothing():
    worker = await role(HOURLY, outage=LONG)
    old = worker.tick()
    await worker.batch(*(touch(n) for n in range(9)))
    assert len(await worker.tick_at("11:00")) == 3
    assert await worker.batch(old, old, Tick(at=instant(at("09:00")), wall=worker.clock.wall())) == []


async def test_a_withdrawn_touch_leaves_a_tombstone_that_outlives_a_restart():
    worker = await role(definitions(campaign(status="paused"), mailbox()))
    await worker.batch(touch("one"), withdrawal(touch("one"), ask_no=2))
    assert read_entry(b"", worker.waiting.get(touch("one").send_id.bytes) or b"") == Withdrawn(2, at("08:00"))
    worker.known = PLAIN
    await worker.recover()
    assert await worker.tick_at("10:01", touch("one"), touch("one", ask_no=2)) == []
    assert len(await worker.batch(touch("one", ask_no=3))) == 1
    assert len(worker.waiting) == 0


async def test_answers_are_written_to_the_grants_window_and_free_slots():
    worker = await role(HOURLY)
    sent = await worker.batch(*(touch(n) for n in range(4)))
    assert len(sent) == 3
    again = await worker.batch(outcome(sent[0], used=False), outcome(sent[1]), outcome(sent[0], used=False))
    assert times(again) == ["10:00"]
    [(key, start_s, value, partition)] = worker.grants.entries()
    assert (key, start_s, partition) == ("anna/0", at("10:00") // 1_000_000, 0)
    assert [value.count(f'"{state}"'.encode()) for state in ("unused", "used", "open")] == [1, 1, 2]


async def test_a_pause_outlives_a_restart_and_a_resume_ends_it():
    worker = await role()
    assert await worker.batch(paused("anna", "10:05"), touch("one")) == []
    await worker.batch(paused("anna"))
    await worker.recover()
    assert await worker.tick_at("12:00") == []
    explained = worker.handler.explain(0, touch("one").send_id.bytes)
    assert explained is not None
    assert explained.code == "mailbox_paused"
    assert len(await worker.batch(resumed("anna"))) == 1
    await worker.recover()
    assert len(await worker.tick_at("12:01", touch("two"))) == 1


async def test_a_changed_definition_is_seen_with_the_next_batch():
    worker = await role(definitions(campaign(status="paused"), mailbox()))
    assert await worker.batch(touch("one")) == []
    worker.known = PLAIN
    assert len(await worker.batch(worker.tick())) == 1


async def test_partitions_decide_apart_and_an_unowned_one_is_refused():
    worker = await Role(HOURLY).recover(partitions=(0, 3))
    for number in (0, 3):
        await worker.batch(worker.tick(), *(touch((number, n)) for n in range(5)), partition=number)
    assert Counter(grant.pool_partition for grant in worker.sent) == {0: 3, 3: 3}
    with pytest.raises(Retryable):
        await worker.decide(touch("one"), partition=5)


async def test_a_touch_too_large_for_a_grant_costs_itself_only():
    worker = await role()
    large = touch("large", merge={"note": "x" * 501 * 1024})
    sent = await worker.batch(touch("one"), large, touch("two"))
    assert {grant.touch.lead_id for grant in sent} == {"lead-one", "lead-two"}
    assert worker.dead == [("due-sends", "touch_too_large")]


async def test_after_a_crash_between_limits_and_outputs_the_grant_is_told_under_its_own_id_and_nothing_is_granted_in_its_place():
    worker = await Role(HOURLY).recover()
    await worker.batch(*(touch(n) for n in range(9)))
    lost = worker.flush(await worker.decide(worker.tick()), Stage.LIMITS)
    assert lost == []
    await worker.recover()
    sent = await worker.tick_at("10:00:20")
    assert [grant.grant_id for grant in sent] == [grant_id_of(1, n) for n in (1, 2, 3)]
    assert times(sent) == ["10:00"] * 3
    assert {grant.pool_epoch for grant in sent} == {2}
    assert {grant.expires_wall for grant in sent} == {worker.clock.wall() + timedelta(seconds=30)}
    assert len(worker.waiting) == 6
    assert times(await worker.tick_at("11:00")) == ["11:00"] * 3


async def test_a_touch_granted_on_arrival_is_told_again_when_its_ask_is_read_again_after_a_crash():
    worker = await role(HOURLY)
    worker.flush(await worker.decide(touch("one")), Stage.LIMITS)
    await worker.recover()
    assert await worker.batch(worker.tick()) == []
    [grant] = await worker.batch(touch("one"))
    assert (grant.grant_id, grant.pool_epoch) == (grant_id_of(1, 1), 2)
    await worker.batch(outcome(grant))
    assert await worker.batch(touch("one")) == []


async def test_a_batch_that_is_discarded_changes_nothing():
    worker = await role(HOURLY, outage=LONG)
    await worker.batch(*(touch(n) for n in range(5)), paused("bert"))
    await worker.decide(touch("x"), withdrawal(touch(4)), outcome(worker.sent[0], used=False), paused("anna"))
    await worker.handler.reset()
    await worker.decide(resumed("anna"))
    await worker.handler.reset()
    assert times(await worker.tick_at("10:59")) == []
    assert times(await worker.tick_at("11:00")) == ["11:00"] * 2
    assert len(worker.waiting) == 0


async def test_a_rebuild_after_a_discarded_batch_grants_nothing_into_the_past():
    worker = await role(HOURLY, outage=LONG)
    await worker.batch(*(touch(n) for n in range(9)))
    worker.known = definitions(campaign(per_hour=3, status="paused"), mailbox())
    await worker.tick_at("10:50")
    await worker.tick_at("13:50")
    await worker.handler.reset()
    worker.known = HOURLY
    assert times(await worker.tick_at("14:00")) == ["14:00"] * 3


async def test_a_partition_that_is_kept_keeps_its_epoch_and_numbers():
    worker = await role()
    await worker.batch(touch("one"))
    await worker.recover(same_owner=True)
    await worker.tick_at("10:01", touch("two"))
    assert [grant.grant_id for grant in worker.sent] == [grant_id_of(1, 1), grant_id_of(1, 2)]


def known_to_the_ledger(name: object, clock: str, use: GrantUse = "used") -> LedgerGrant:
    number = int(clock.replace(":", ""))
    return LedgerGrant(
        grant_id_of(1, number), uuid5(NAMESPACE_URL, str(name)), "anna", "c", "example.org", instant(at(clock)), use
    )


async def test_grants_that_only_the_ledger_knows_count_and_stand_in_the_table_after_the_first_batch():
    ledger = Ledger(known_to_the_ledger("a", "09:10"), known_to_the_ledger("b", "09:20", "open"))
    worker = await Role(HOURLY, ledger=ledger).recover()
    await worker.decide(worker.tick())
    await worker.handler.reset()  # the first batch was discarded: what the ledger told is not lost
    assert times(await worker.batch(worker.tick(), *(touch(n) for n in range(9)))) == ["10:00"]
    worker.ledger = None
    await worker.recover()
    assert times(await worker.tick_at("10:15")) == ["10:15"]
    assert times(await worker.tick_at("10:19")) == []


async def test_a_rebuild_waits_while_the_ledger_is_away():
    ledger = Ledger(known_to_the_ledger("a", "09:10"), away=1)
    worker = await Role(definitions(campaign(per_hour=1), mailbox()), ledger=ledger).recover()
    assert ledger.asked == 2
    assert await worker.batch(worker.tick(), touch("one")) == []


async def test_entries_read_back_as_written():
    asks = [
        touch("one"),
        touch("two", mailbox_id="anna", timezone="Europe/Paris", priority=0, ask_no=7),
        touch("three", timezone="Nowhere/At_All", merge={"tags": ["a", None]}),
    ]
    for one in asks:
        ask = Ask.of(one, one.write())
        assert read_entry(ask.send_id, write_entry(ask)) == ask
    gone = Withdrawn(4, at("10:00"))
    assert read_entry(b"", write_entry(gone)) == gone


async def test_what_is_told_is_what_the_schema_writes():
    strange = 'an"na\\ü'
    worker = await role(definitions(campaign(mailbox_ids=(strange,)), mailbox(strange)))
    worker.clock.advance(timedelta(microseconds=1_500))
    touches = [touch("one", thread={"subject": "Ünï", "message_ids": ["<a@b>"]}), touch("two", timezone="Europe/Paris")]
    records = (await worker.decide(*touches)).records(Stage.OUTPUTS)
    for record in records:
        value = record.value or b""
        assert Grant.read(value).write() == value
        assert Grant.model_validate_json(value).mailbox_id == strange
    assert {Grant.read(record.value or b"").touch.event_id for record in records} == {"due-one", "due-two"}


@pytest.mark.parametrize("seed", range(25))
async def test_crashes_between_any_two_stages_lose_nothing_repeat_no_grant_and_exceed_no_cap(seed):
    """A log of events, batches of it, and a crash after any stage: what was not acknowledged is read again."""
    rng = random.Random(seed)
    cap = rng.choice([2, 5])
    known = definitions(
        campaign(per_hour=cap, mailbox_ids=("anna", "bert")), mailbox("anna"), mailbox("bert", per_hour=2)
    )
    worker = await Role(known, outage=LONG).recover()
    wanted = [touch(n, mailbox_id=rng.choice([None, None, "anna"])) for n in range(30)]
    log: list = list(wanted)
    done = 0
    answered: set[str] = set()
    for _ in range(120):
        worker.clock.advance(timedelta(minutes=rng.choice([1, 7, 20])))
        for grant in worker.sent:
            if grant.grant_id not in answered and rng.random() < 0.5:
                answered.add(grant.grant_id)
                log.append(outcome(grant))
        size = rng.randrange(6)
        work = await worker.decide(worker.tick(), *log[done : done + size])
        crash = rng.choice([None, None, None, *Stage])
        worker.flush(work, Stage.STATE if crash is None else crash)
        if crash is None:
            done = min(len(log), done + size)
        else:
            await worker.recover()
            worker.flush(await worker.decide(worker.tick()))
    while done < len(log) or len(worker.waiting):
        worker.clock.advance(timedelta(minutes=30))
        sent = await worker.batch(worker.tick(), *log[done:])
        done = len(log)
        log += [outcome(grant) for grant in sent]
    by_touch: dict = {}
    for grant in worker.sent:
        by_touch.setdefault(grant.touch.send_id, set()).add((grant.grant_id, grant.granted_at, grant.mailbox_id))
    assert by_touch.keys() == {one.send_id for one in wanted}
    assert all(len(grants) == 1 for grants in by_touch.values())
    for scope, limit in ((("anna", "bert"), cap), (("bert",), 2)):
        instants = sorted(micros(when) for grants in by_touch.values() for _, when, box in grants if box in scope)
        assert all(later - earlier >= HOUR for earlier, later in zip(instants, instants[limit:], strict=False))
