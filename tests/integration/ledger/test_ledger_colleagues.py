"""Colleagues at the gate: after the commit of an answer's stop nothing leaves to its company in its campaign (7.3)."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from schemas.enrollments import ColleagueAnswered
from schemas.sending import Grant
from sinks.ports import Claim, Colleagues, Stop
from tests.support.ledger import AT, CAMPAIGN, World, grant

REPLY = UUID(int=1)
DAY = timedelta(days=1)
ZOE = Stop("zoe", None, "reply", f"reply:{REPLY}", CAMPAIGN, AT + 14 * DAY)


def minded(lead: str, **more: Any) -> Grant:
    return grant(lead, email=f"{lead}@acme.example", domain="acme.example", colleagues="hold", **more)


async def company(world: World, *leads: str) -> list[Claim]:
    """Touches that are about to leave to people of one company."""
    return await world.claim(*(minded(lead) for lead in leads))


def said(act: Any, until: Any = None) -> Colleagues:
    return Colleagues("zoe", CAMPAIGN, REPLY, act, until)


async def told(world: World) -> list[tuple[str, str]]:
    rows = await world.pool.fetch("select value from untold_events where topic = 'enrollments' order by key")
    events = [ColleagueAnswered.read(row["value"].encode()) for row in rows]
    return [(event.lead_id, event.act) for event in events]


async def test_an_answer_stops_its_company_in_its_campaign_and_nothing_else(world: World) -> None:
    await world.gates.set_campaign_gate("other", is_open=True)
    claims = await world.claim(
        minded("zoe"),
        minded("max"),
        grant("ben"),
        grant("ada", email="ada@acme.example", domain="acme.example"),
        minded("eva", campaign_id="other"),
    )
    await world.stops.stop([ZOE])
    outcomes = {claim.grant.touch.lead_id: await world.refusal(claim) for claim in claims}
    assert outcomes == {"zoe": "stopped/reply", "max": "stopped/colleague", "ben": None, "ada": None, "eva": None}


async def test_without_the_campaigns_word_an_answer_stops_its_own_lead_alone(world: World) -> None:
    """The negative control: the same answer, of a lead whose campaign minds nobody."""
    _, own = await world.claim(grant("zoe", domain="acme.example"), minded("max"))
    await world.stops.stop([ZOE])
    assert await world.refusal(own) is None


async def test_who_answered_is_not_a_colleague_of_themselves(world: World) -> None:
    (claim,) = await company(world, "zoe")
    await world.stops.stop([ZOE])
    await world.stops.release([("zoe", None, ZOE.source_id)])
    assert await world.refusal(claim) is None


async def test_a_colleague_that_was_never_written_to_is_stopped_too(world: World) -> None:
    await company(world, "zoe")
    await world.stops.stop([ZOE])
    (late,) = await company(world, "max")
    assert await world.refusal(late) == "stopped/colleague"


@pytest.mark.parametrize(
    ("act", "until", "refusal", "hears"),
    [
        ("drop", None, None, []),
        ("free", None, None, [("max", "free")]),
        ("hold", AT + DAY, "stopped/colleague", [("max", "hold")]),
        ("hold", AT, None, [("max", "hold")]),
        ("end", None, "stopped/colleague_ended", [("max", "end")]),
    ],
)
async def test_what_an_answer_turns_out_to_be_decides_about_colleagues_and_their_leads_hear_of_it(
    world: World, act: str, until: Any, refusal: str | None, hears: list[tuple[str, str]]
) -> None:
    _, claim = await company(world, "zoe", "max")
    await world.stops.stop([ZOE])
    await world.stops.colleagues([said(act, until)])
    await world.stops.colleagues([said(act, until)])
    assert await world.refusal(claim) == refusal
    assert await told(world) == hears


async def test_two_answers_of_a_company_each_free_their_own_stop(world: World) -> None:
    _, _, claim = await company(world, "zoe", "ben", "max")
    second = Stop("ben", None, "reply", f"reply:{UUID(int=2)}", CAMPAIGN, AT + 14 * DAY)
    await world.stops.stop([ZOE, second])
    await world.stops.colleagues([said("free")])
    assert await world.refusal(claim) == "stopped/colleague"


async def test_a_mail_that_is_redelivered_after_the_end_of_its_stop_revives_nothing(world: World) -> None:
    _, claim = await company(world, "zoe", "max")
    await world.stops.stop([ZOE])
    await world.stops.colleagues([said("free")])
    await world.stops.stop([ZOE])
    assert await world.refusal(claim) is None


async def test_an_answer_to_a_colleagues_question_passes_what_their_colleague_has_stopped(world: World) -> None:
    await company(world, "zoe")
    await world.stops.stop([ZOE])
    (claim,) = await world.claim(grant("max", step_id=f"answer:{UUID(int=3)}", domain="acme.example"))
    assert await world.refusal(claim) is None


async def test_whatever_passes_the_gate_for_the_company_passed_before_the_stop(world: World) -> None:
    """Stops and gates at once, many times: what passes after the stop's commit would be a broken promise."""
    for number in range(12):
        leads = [f"lead-{number}-{n}" for n in range(6)]
        domain = f"acme-{number}.example"
        grants = [grant(lead, email=f"{lead}@{domain}", domain=domain, colleagues="hold") for lead in leads]
        claims = await world.claim(*grants)
        committed = asyncio.Event()
        stop = Stop(leads[0], None, "reply", f"reply:{number}", CAMPAIGN, AT + DAY)

        async def stopping(stop: Stop = stop, committed: asyncio.Event = committed) -> None:
            await world.stops.stop([stop])
            committed.set()

        async def passing(claim: Claim, committed: asyncio.Event = committed) -> bool:
            """Whether it began after the commit and passed all the same."""
            late = committed.is_set()
            return bool((await world.gate([claim])).passed) and late

        broken = await asyncio.gather(stopping(), *(passing(claim) for claim in claims[1:]))
        assert not any(broken[1:])
        (after,) = await world.claim(grant(f"late-{number}", email=f"x@{domain}", domain=domain, colleagues="hold"))
        assert await world.refusal(after) == "stopped/colleague"
