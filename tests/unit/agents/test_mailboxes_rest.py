"""From a mail that came back to a mailbox that rests: sender and replies tell, dispatch counts and keeps it (3.2)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from agents.replying.intake import Intake
from agents.sending import reports
from api.waiting import pauses_of
from domain.campaign import AutoPause, Ramp
from domain.dispatch.instants import instant
from domain.outlook import holds
from schemas.sending import Grant, MailboxNote
from sinks.ports import Claim, Verdict
from streams.work import Stage, Work
from tests.support import mails
from tests.support.dispatch_role import Role, outcome, resumed
from tests.support.dispatching import at, campaign, definitions, mailbox, touch
from tests.support.ledger import AT, FIRST_LEASE, grant
from tests.support.replying import Parser, World, inbound, read_token, token
from tests.support.replying import touch as sent_touch
from tests.unit.agents.test_replies_classifier import classifier

RULES = AutoPause(50, 50, 4, 7)
KNOWN = definitions(campaign(), mailbox(auto_pause=RULES))


async def role(known=KNOWN) -> Role:
    started = await Role(known).recover()
    await started.batch(started.tick())
    return started


def note(sent: Grant, kind: str = "bounce") -> MailboxNote:
    return MailboxNote(
        event_id=f"note-{sent.grant_id}", pool_id="main", mailbox_id=sent.mailbox_id, kind=kind,  # pyright: ignore[reportArgumentType]
        send_id=sent.touch.send_id, at=instant(at("10:00")),
    )  # fmt: skip


def row(worker: Role) -> dict[str, Any]:
    value = worker.mailboxes.get(b"anna")
    return {} if value is None else json.loads(value)


async def test_bounces_at_the_server_and_later_reports_count_together_and_outlive_a_restart():
    worker = await role()
    sent = await worker.batch(*(touch(n) for n in range(4)))
    answered = [outcome(one) for one in sent]
    answered[0] = answered[0].model_copy(update={"bounced": True})
    await worker.batch(*answered)
    assert "until" not in row(worker)
    await worker.recover()
    await worker.batch(note(sent[0]), note(sent[0]))  # a report about the same mail
    assert "until" not in row(worker)
    await worker.batch(note(sent[1]))
    assert row(worker)["reason"] == "bounce_rate: 2 bounces of 4 mails in 7 days"
    await worker.recover()
    assert await worker.tick_at("12:00", touch("next")) == []
    assert len(await worker.batch(resumed("anna"))) == 1
    assert "bounce" not in row(worker)


async def test_a_bounce_whose_batch_died_before_its_state_was_written_counts_when_it_is_read_again():
    worker = await role()
    sent = await worker.batch(*(touch(n) for n in range(4)))
    answers = [outcome(one).model_copy(update={"bounced": number < 2}) for number, one in enumerate(sent)]
    worker.flush(await worker.decide(*answers), Stage.LIMITS)
    await worker.recover()
    await worker.batch(*answers)
    assert row(worker)["reason"].startswith("bounce_rate")


async def test_sends_alone_write_a_mailboxes_row_once_an_hour():
    worker = await role()
    written = 0
    before = worker.mailboxes.get(b"anna")
    for number in range(180):
        for one in await worker.tick_at(f"{10 + number // 60}:{number % 60:02}", touch(number)):
            await worker.batch(outcome(one))
        if worker.mailboxes.get(b"anna") != before:
            before, written = worker.mailboxes.get(b"anna"), written + 1
    assert written in (2, 3)


async def test_a_mailbox_that_needs_no_memory_has_no_row():
    worker = await role(definitions(campaign(), mailbox()))
    for hour in range(10, 16):
        for one in await worker.tick_at(f"{hour}:00", touch(hour)):
            await worker.batch(outcome(one))
    assert worker.mailboxes.get(b"anna") is None


@pytest.mark.parametrize(
    ("verdict", "code", "bounced"),
    [
        ("failed", "550 5.1.1", True),
        ("failed", "550 5.7.1", False),
        ("failed", "552 5.2.2", False),
        ("failed", "missing_variable:company", False),
        ("deferred", "450 4.2.0", False),
        ("sent", "250 2.0.0", False),
    ],
)
def test_the_sender_says_which_refusals_mean_that_there_is_no_such_address(verdict: str, code: str, bounced: bool):
    claim = Claim(grant("lead"), FIRST_LEASE, b"l", b"a", "m@x.example", datetime.now(UTC))
    _, told = reports.report(Verdict(claim, verdict, used=True, at=AT, code=code))  # pyright: ignore[reportArgumentType]
    assert told.bounced is bounced


async def told_by(raw: bytes) -> list[MailboxNote]:
    world = World([sent_touch()])
    intake = Intake(
        parser=Parser(), store=world, touches=world, stops=world, read_token=read_token, stored=lambda: None
    )
    await intake.take(Work(), [inbound(raw, 0)], AT)
    await classifier(world).judge_some()
    records = [record for work in world.published for record in work.outputs if record.topic == "grant-outcomes"]
    return [MailboxNote.read(record.value or b"") for record in records]


async def test_replies_tells_dispatch_of_a_hard_bounce_and_of_a_complaint_and_of_nothing_else():
    mark = token(sent_touch())
    (hard,) = await told_by(mails.raw(mails.POSTFIX_BOUNCE, mark, status="5.1.1", diagnostic="550 5.1.1 x"))
    assert (hard.kind, hard.send_id, hard.mailbox_id, hard.pool_id) == ("bounce", sent_touch().send_id, "anna", "main")
    assert await told_by(mails.raw(mails.POSTFIX_BOUNCE, mark, status="4.2.2", diagnostic="452 4.2.2 x")) == []
    assert await told_by(mails.plain("Yes, gladly", In_Reply_To=f"<{mark}@sender.example>")) == []


def test_status_sees_what_dispatch_remembers_of_a_mailbox():
    world_row = json.dumps({"warm_up": [3, at("10:00", -1) // (86_400 * 10**6) + 719_163, 5]}).encode()
    found = pauses_of({b"anna": world_row})
    assert found["anna"].reason == ""
    known = definitions(campaign(), mailbox(ramp=Ramp(1, 1, 10)))
    now = instant(at("10:00"))
    assert holds("c", known, [], found, now) == []  # on its fifth day it may send five
    found = pauses_of({b"anna": json.dumps({"until": at("11:00"), "reason": "421"}).encode()})
    [hold] = holds("c", known, [], found, now)
    assert (hold.code, hold.until) == ("mailbox_paused", instant(at("11:00")))
