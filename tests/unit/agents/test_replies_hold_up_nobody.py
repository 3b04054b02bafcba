"""One mail that cannot be judged, and a broker that is away, hold up no other mail."""

from __future__ import annotations

from typing import Any

import pytest

from agents.replying import classifier as second_loop
from agents.replying.classifier import Classifier
from agents.replying.intake import Intake
from agents.replying.knowledge import Knowledge
from domain.replies.verdict import Verdict
from schemas.replies import Disposition
from sinks.claude import NoAnswer
from sinks.postgres.replies import Judgement, StoredReply
from streams.clock import ManualClock
from streams.errors import Retryable
from streams.work import Work
from tests.support import mails
from tests.support.replying import AT, Parser, ScriptedModel, World, emitted, inbound, read_token, token, touch


async def no_answer(mail: object) -> NoAnswer:
    return NoAnswer("timeout")


async def world_with(*answers: tuple[str, str]) -> World:
    """Mails of (lead, words), stored and not judged yet."""
    world = World([touch(lead) for lead, _ in answers])
    intake = Intake(
        parser=Parser(), store=world, touches=world, stops=world, read_token=read_token, stored=lambda: None
    )
    raws = [
        mails.plain(words, In_Reply_To=f"<{token(touch(lead))}@sender.example>", Message_ID=f"<{lead}@corp.example>")
        for lead, words in answers
    ]
    await intake.take(Work(), [inbound(raw, number) for number, raw in enumerate(raws)], AT)
    world.log.clear()
    return world


def loop(world: World) -> Classifier:
    return Classifier(
        store=world,
        stops=world,
        publisher=world,
        knowledge=Knowledge(),
        clock=ManualClock(AT),
        model=ScriptedModel(no_answer),
    )


async def test_a_verdict_that_cannot_be_told_is_a_persons_and_the_unsubscribe_beside_it_stands(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = await world_with(("odd", "unsubscribe"), ("plain", "unsubscribe"))
    judgement = second_loop.judgement

    def unfit(reply: StoredReply, verdict: Verdict, now: Any, answer_to: Any = None) -> Judgement:
        if reply.match.lead_id == "odd" and verdict.decided_by != "default":
            raise ValueError("no such disposition")
        return judgement(reply, verdict, now, answer_to)

    monkeypatch.setattr(second_loop, "judgement", unfit)
    await loop(world).judge_some()
    said = {event.lead_id: event.disposition for event in emitted(world.published[0], "dispositions", Disposition)}
    assert said == {"odd": "ESCALATE_UNCLEAR", "plain": "UNSUBSCRIBE"}


async def test_mails_for_the_model_are_handed_over_although_the_broker_is_away() -> None:
    world = await world_with(("rule", "unsubscribe"), ("model", "Could you tell me more about the rates?"))
    world.failing["publish"] = Retryable("the broker is away")
    with pytest.raises(Retryable):
        await loop(world).judge_some()
    assert sorted(world.states.values()) == ["judged", "reading"]
