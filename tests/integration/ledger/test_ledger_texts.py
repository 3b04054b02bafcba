"""Texts in the ledger: the same gate, keyed by the number; and which text an answer is to."""

from typing import Any

from domain.texts import text_id
from schemas.sending import Grant
from sinks.ports import Offer, Suppression, Verdict
from tests.support.ledger import AT, World, grant

ZOE = "+46701234567"


def text(lead: str = "zoe", **more: Any) -> Grant:
    facts: dict[str, Any] = {"step_id": "ping", "mailbox_id": "texts", "channel": "sms", "email": ZOE, "domain": "sms"}
    return grant(lead, **(facts | more))


async def sent(world: World, given: Grant, outcome: Any = "sent") -> None:
    offer = Offer(given, world.lease, text_id(given.touch.send_id), "acquisition", given.write().decode())
    (claim,) = (await world.ledger.intake([offer])).adopted
    assert (await world.gate([claim])).passed == [claim]
    assert await world.ledger.record([Verdict(claim, outcome, used=True, at=AT, code="sms:201")])


async def test_a_suppressed_number_gets_no_text_and_its_leads_address_still_gets_mail(world: World) -> None:
    await world.stops.suppress([Suppression("all", "bounce", "bounce:1", email=ZOE)])
    (claim,) = await world.claim(text())
    assert await world.refusal(claim) == "suppressed/suppressed"
    (mail,) = await world.claim(grant("zoe"))
    assert await world.refusal(mail) is None
    assert await world.stops.suppressed(ZOE) == {"all"}


async def test_a_stop_by_text_covers_the_leads_mail_too(world: World) -> None:
    await world.stops.suppress([Suppression("all", "unsubscribe", "unsubscribe:sms:SM1", email=ZOE, lead_id="zoe")])
    (mail,) = await world.claim(grant("zoe"))
    assert await world.refusal(mail) == "suppressed/suppressed"


async def test_two_leads_of_one_number_get_one_text(world: World) -> None:
    (first,) = await world.claim(text("zoe"))
    (second,) = await world.claim(text("kim"))
    assert await world.refusal(first) is None
    assert await world.refusal(second) == "suppressed/duplicate_address"


async def test_an_answer_is_to_the_newest_text_of_the_sender_it_came_to(world: World) -> None:
    await world.gates.set_campaign_gate("q2", is_open=True)
    await sent(world, text("zoe"))
    await sent(world, text("zoe", campaign_id="q2", mailbox_id="others"))
    by_texts = await world.ledger.resolve_number(ZOE, "texts")
    by_others = await world.ledger.resolve_number(ZOE, "others")
    by_any = await world.ledger.resolve_number(ZOE, "a third")
    assert by_texts is not None
    assert by_others is not None
    assert by_any is not None
    assert (by_texts.campaign_id, by_others.campaign_id, by_any.campaign_id) == ("q1-brokers", "q2", "q2")
    assert await world.ledger.resolve_number("+46709999999", "texts") is None


async def test_a_text_that_may_have_arrived_can_be_answered_and_one_that_failed_cannot(world: World) -> None:
    await sent(world, text("zoe"), "failed")
    assert await world.ledger.resolve_number(ZOE, "texts") is None
    await sent(world, text("zoe", step_id="again"), "ambiguous")
    row = await world.ledger.resolve_number(ZOE, "texts")
    assert row is not None
    assert (row.step_id, row.state) == ("again", "ambiguous")
