"""The second loop: suppressed, stored, told, in this order; a slow or broken model holds nobody up."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from agents.replying.classifier import Classifier
from agents.replying.intake import Intake
from agents.replying.knowledge import Knowledge
from domain.replies.mail import Mail
from domain.replies.verdict import ModelAnswer
from schemas.definitions import Definition
from schemas.registry import TOPIC_MODELS
from schemas.replies import Disposition
from schemas.sending import MailboxPaused
from sinks.claude import NoAnswer
from streams.clock import ManualClock
from streams.errors import Retryable
from streams.work import Work
from tests.support import mails
from tests.support.replying import (
    AT,
    CAMPAIGN,
    Parser,
    ScriptedModel,
    World,
    emitted,
    inbound,
    read_token,
    token,
    touch,
)
from tests.support.waiting import wait_for


async def arrive(world: World, *raws: bytes) -> None:
    intake = Intake(
        parser=Parser(), store=world, touches=world, stops=world, read_token=read_token, stored=lambda: None
    )
    await intake.take(Work(), [inbound(raw, n) for n, raw in enumerate(raws)], AT)
    world.log.clear()


def answer(body: str, lead: str = "lead-1", **headers: str) -> bytes:
    in_reply_to = f"<{token(touch(lead))}@sender.example>"
    return mails.plain(body, In_Reply_To=in_reply_to, Message_ID=f"<{abs(hash(body + lead))}@corp.example>", **headers)


def classifier(
    world: World, answered: Callable[[Mail], Awaitable[Any]] | None = None, knowledge: Knowledge | None = None
) -> Classifier:
    return Classifier(
        store=world,
        stops=world,
        publisher=world,
        knowledge=knowledge or Knowledge(),
        clock=ManualClock(AT),
        model=None if answered is None else ScriptedModel(answered),
        poll_s=0.05,
    )


@asynccontextmanager
async def running(worker: Classifier) -> AsyncIterator[Classifier]:
    await worker.start()
    try:
        yield worker
    finally:
        await worker.stop()


def told(world: World) -> list[Disposition]:
    return [event for work in world.published for event in emitted(work, "dispositions", Disposition)]


def says(**fields: Any) -> Callable[[Mail], Awaitable[Any]]:
    async def answered(mail: Mail) -> Any:
        return ModelAnswer(**fields)

    return answered


async def test_an_unsubscribe_is_suppressed_then_stored_then_told_then_marked() -> None:
    world = World([touch()])
    await arrive(world, answer("Please remove me from your list"))
    await classifier(world).judge_some()
    assert world.names() == ["suppress", "judge", "publish", "told"]
    (event,) = told(world)
    assert (event.disposition, event.decided_by, event.lead_name) == ("UNSUBSCRIBE", "recogniser", "Per Berg")
    address, writer = world.log[0][1]
    assert (address.scope, address.lead_id, address.address_key) == ("all", "lead-1", touch().address_key)
    assert writer.email == "per@corp.example"


async def test_a_verdict_is_not_told_when_its_suppression_did_not_commit() -> None:
    world = World([touch()], failing={"suppress": Retryable("away")})
    await arrive(world, answer("unsubscribe"))
    worker = classifier(world)
    with pytest.raises(Retryable):
        await worker.judge_some()
    assert "publish" not in world.names()
    world.failing.clear()
    await worker.judge_some()
    assert [event.disposition for event in told(world)] == ["UNSUBSCRIBE"]


async def test_a_crash_before_the_mark_tells_the_very_same_again() -> None:
    world = World([touch()], failing={"told": Retryable("killed")})
    await arrive(world, answer("Price?"))
    with pytest.raises(Retryable):
        await classifier(world, None).judge_some()
    world.failing.clear()
    world.claims.clear()  # the dead worker's claims have lapsed
    world.log.clear()
    await classifier(world, says(disposition="INTERESTED", confidence=1.0)).judge_some()
    assert world.names() == ["publish", "told"]
    first, again = told(world)
    assert first == again
    assert first.disposition == "ESCALATE_UNCLEAR"


async def test_a_slow_model_holds_up_no_rule() -> None:
    world, never = World([touch(), touch("lead-2")]), asyncio.Event()

    async def slow(mail: Mail) -> Any:
        await never.wait()

    await arrive(world, *(answer(f"Price for {n}?") for n in range(30)))
    async with running(classifier(world, slow)) as worker:
        await wait_for(lambda: list(world.states.values()).count("reading") == 30)
        intake = Intake(
            parser=Parser(), store=world, touches=world, stops=world, read_token=read_token, stored=worker.wake
        )
        work = Work()
        await intake.take(work, [inbound(answer("unsubscribe", "lead-2"), 99)], AT)
        work.apply()
        await wait_for(lambda: [event.disposition for event in told(world)] == ["UNSUBSCRIBE"], 5)
        never.set()


async def test_the_model_reads_a_few_at_a_time_until_all_are_told() -> None:
    world, at_once, most = World([touch()]), [0], [0]

    async def counted(mail: Mail) -> Any:
        at_once[0] += 1
        most[0] = max(most[0], at_once[0])
        await asyncio.sleep(0)
        at_once[0] -= 1
        return ModelAnswer("INTERESTED", 0.9)

    await arrive(world, *(answer(f"Yes {n}") for n in range(40)))
    async with running(classifier(world, counted)):
        await wait_for(lambda: set(world.states.values()) == {"told"})
    assert most[0] <= 8
    assert {event.disposition for event in told(world)} == {"INTERESTED"}


@pytest.mark.parametrize("why", ["refused", "truncated", "malformed", "rejected", "no_budget"])
async def test_no_answer_from_the_model_is_a_card_for_a_person(why: str) -> None:
    world = World([touch()])

    async def nothing(mail: Mail) -> Any:
        return NoAnswer(why)

    await arrive(world, answer("Price?"))
    async with running(classifier(world, nothing)):
        await wait_for(lambda: told(world))
    (event,) = told(world)
    assert (event.disposition, event.decided_by, event.confidence) == ("ESCALATE_UNCLEAR", "default", 0.0)


async def test_a_model_that_breaks_loses_no_reply() -> None:
    world, calls = World([touch()]), list[int]()

    async def breaks_once(mail: Mail) -> Any:
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError("defect")
        return ModelAnswer("INTERESTED", 0.9)

    await arrive(world, answer("Yes"))
    async with running(classifier(world, breaks_once)):
        await wait_for(lambda: told(world))
    assert [event.disposition for event in told(world)] == ["INTERESTED"]


@pytest.mark.parametrize(("spec", "reads"), [({"use_claude": False}, 0), ({"use_claude": True}, 1)])
async def test_a_campaign_may_do_without_the_model(spec: dict[str, Any], reads: int) -> None:
    world, knowledge = World([touch()]), Knowledge()
    knowledge.take(("campaign", CAMPAIGN), Definition(kind="campaign", id=CAMPAIGN, revision=1, spec=spec, at=AT))
    await arrive(world, answer("Price?"))
    worker = classifier(world, says(disposition="INTERESTED", confidence=0.9), knowledge)
    async with running(worker):
        await wait_for(lambda: told(world))
    assert told(world)[0].decided_by == ("model" if reads else "default")


async def test_a_rule_is_in_force_as_soon_as_it_is_read_and_gone_when_deleted() -> None:
    world, knowledge = World([touch()]), Knowledge()
    key = ("reply_rule", "vip")
    spec = {
        "kind": "ReplyRule",
        "id": "vip",
        "match": "sender_domain",
        "value": "corp.example",
        "disposition": "INTERESTED",
    }
    knowledge.take(key, Definition(kind="reply_rule", id="vip", revision=1, spec=spec, at=AT))
    await arrive(world, answer("asdf"))
    await classifier(world, None, knowledge).judge_some()
    knowledge.take(key, None)
    await arrive(world, answer("qwer"))
    await classifier(world, None, knowledge).judge_some()
    assert [(e.disposition, e.decided_by, e.rule_id) for e in told(world)] == [
        ("INTERESTED", "rule", "vip"),
        ("ESCALATE_UNCLEAR", "default", None),
    ]


async def test_a_rule_that_cannot_be_used_is_passed_over() -> None:
    knowledge = Knowledge()
    spec = {"kind": "ReplyRule", "id": "bad", "match": "subject_regex", "value": "(", "disposition": "INTERESTED"}
    knowledge.take(("reply_rule", "bad"), Definition(kind="reply_rule", id="bad", revision=1, spec=spec, at=AT))
    assert knowledge.rules == ()


async def bounce(world: World, code: str) -> list[MailboxPaused]:
    await arrive(world, mails.raw(mails.POSTFIX_BOUNCE, token(touch()), status=code, diagnostic=f"550 {code} x"))
    await classifier(world).judge_some()
    records = [record for work in world.published for record in work.outputs if record.topic == "grant-outcomes"]
    events = [TOPIC_MODELS["grant-outcomes"].validate_json(record.value or b"") for record in records]
    return [event for event in events if isinstance(event, MailboxPaused)]


async def test_a_hard_bounce_suppresses_the_address_that_was_written_to() -> None:
    world = World([touch()])
    assert await bounce(world, "5.1.1") == []
    (suppression,) = world.log[0][1]
    assert (suppression.reason, suppression.address_key, suppression.email) == ("bounce", touch().address_key, None)
    (event,) = told(world)
    assert event.bounce is not None
    assert (event.disposition, event.bounce.kind, event.bounce.code, event.lead_name) == (
        "BOUNCE",
        "hard",
        "5.1.1",
        None,
    )


async def test_a_bounce_that_a_rule_calls_something_else_is_suppressed_as_a_bounce() -> None:
    """Were its reason a person's wish, no operator could lift it."""
    world, knowledge = World([touch()]), Knowledge()
    spec = {"kind": "ReplyRule", "id": "mx", "match": "subject_contains", "value": "un", "disposition": "AUTOMATED"}
    knowledge.take(("reply_rule", "mx"), Definition(kind="reply_rule", id="mx", revision=1, spec=spec, at=AT))
    await arrive(world, mails.raw(mails.POSTFIX_BOUNCE, token(touch()), status="5.1.1", diagnostic="550 5.1.1 x"))
    await classifier(world, knowledge=knowledge).judge_some()
    (suppression,) = world.log[0][1]
    assert (told(world)[0].disposition, suppression.reason) == ("AUTOMATED", "bounce")


async def test_a_soft_bounce_suppresses_from_the_third_in_a_row() -> None:
    for earlier, suppressed in ((1, False), (2, True)):
        world = World([touch()], soft=earlier)
        await bounce(world, "4.2.2")
        assert ("suppress" in world.names()) is suppressed


async def test_a_refusal_of_our_own_address_pauses_the_mailbox() -> None:
    (pause,) = await bounce(World([touch()]), "5.1.8")
    assert (pause.mailbox_id, pause.pool_id, pause.until) == ("anna", "main", None)


async def test_a_refusal_by_policy_pauses_the_mailbox_at_the_third_domain() -> None:
    assert await bounce(World([touch()], refusing=1), "5.7.1") == []
    assert len(await bounce(World([touch()], refusing=2), "5.7.1")) == 1
