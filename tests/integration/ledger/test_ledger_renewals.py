"""A touch that was asked for again after a silence, while the grant of its older ask was still on its way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from agents.sending.reports import report_refusal
from schemas.sending import DueSend, Grant
from tests.support.leads import HOUR, MINUTE, Story, asks, campaign, enroll, in_force
from tests.support.ledger import CAMPAIGN, World, grant


def granted(ask: DueSend, *, expired: bool = False) -> Grant:
    ends = datetime.now(UTC) + timedelta(seconds=-1 if expired else 30)
    return grant(granted_at=ask.at, expires_wall=ends).model_copy(update={"touch": ask})


async def test_its_outcome_is_told_once_for_the_older_ask_and_the_touch_is_asked_for_again_soon(world: World) -> None:
    story = Story(in_force(campaign(campaign_id=CAMPAIGN)))
    (first,) = asks(story.event(enroll(CAMPAIGN)))
    (claim,) = await world.claim(granted(first, expired=True))  # the sender has it, and comes to it too late

    (second,) = asks(story.after(HOUR))
    newer = granted(second)
    offered = await world.intake(newer)
    assert (offered.adopted, offered.finished) == ([], []), "nothing will be told of the newer ask"
    assert offered.unused == [(newer, "already_claimed")]

    (refusal,) = (await world.gate([claim])).refused
    result, _ = report_refusal(refusal, story.now + MINUTE)
    assert (result.outcome, result.ask_no) == ("expired", first.ask_no)
    story.event(result)
    third = story.next_ask()
    assert third.at - second.at < 10 * MINUTE

    (last,) = await world.claim(granted(third))
    assert (await world.gate([last])).passed == [last]


async def test_an_outcome_from_before_the_newer_ask_lets_the_newer_grant_in(world: World) -> None:
    story = Story(in_force(campaign(campaign_id=CAMPAIGN)))
    (first,) = asks(story.event(enroll(CAMPAIGN)))
    (claim,) = await world.claim(granted(first, expired=True))
    (refusal,) = (await world.gate([claim])).refused
    late, _ = report_refusal(refusal, story.now + MINUTE)

    (second,) = asks(story.after(HOUR))
    (newer,) = await world.claim(granted(second))
    assert story.event(late) == [], "its own result will come"
    assert (await world.gate([newer])).passed == [newer]
