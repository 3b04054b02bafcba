"""Choices, suppressions that operators bring, and who may lift which; each as the gate sees it (docs/behaviour.md 5.3)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from api.suppressing import proof
from domain.tokens import lead_key
from sinks.ports import Suppression
from sinks.postgres.consent import SQL, Brought, Consents, Reached, Written
from sinks.postgres.ledger import PostgresLedger
from sinks.postgres.queries import queries
from sinks.postgres.untold import Noted
from tests.support.ledger import AT, CAMPAIGN, SECRET, World, grant
from tests.support.waiting import wait_for

ZOE = "zoe@example.com"
PAGE = "unsubscribe:p1"


async def refused(world: World, **more: Any) -> str | None:
    """What the gate says of a fresh touch to Zoe."""
    (claim,) = await world.claim(grant(more.pop("lead", "zoe"), step_id=str(uuid4()), **more))
    return await world.refusal(claim)


def chosen(world: World, scope: str = "all", source: str = PAGE, via: str = "page") -> Suppression:
    return Suppression(scope, "unsubscribe", source, address_key=world.key(ZOE), lead_id="zoe", via=via)


def written(world: World) -> Written:
    return Written(world.key(ZOE), "acquisition")


def brought(world: World, address: str = ZOE, scope: str = "all", reason: str = "import", **more: Any) -> Brought:
    return Brought(world.key(address), scope, reason, **more)


async def bring(world: World, *rows: Brought, via: str = "import", tell: Any = None) -> int:
    return len(await world.consents.bring(rows, via=via, source=f"{via}:{uuid4().hex[:6]}", tell=tell))


@asynccontextmanager
async def a_gate_that_has_its_locks(world: World, claim: Any) -> AsyncIterator[None]:
    """It has locked the consent rows, decides (the claim passes) at the end of the block, and commits."""
    async with world.pool.acquire() as connection, connection.transaction():
        await connection.execute("select from consents order by key for share")
        yield
        held: Any = connection
        ledger = PostgresLedger(held, SECRET)
        assert (await ledger.gate([claim], mailbox_id="anna", gate_no=1, now=AT)).passed


@pytest.mark.parametrize(
    ("scope", "here", "elsewhere"),
    [
        ("all", "suppressed/suppressed", "suppressed/suppressed"),
        (f"campaign:{CAMPAIGN}", "suppressed/suppressed", None),
        ("goal:acquisition", "suppressed/suppressed", None),
        ("goal:nurture", None, "suppressed/suppressed"),
        ("campaign:other", None, "suppressed/suppressed"),
    ],
)
async def test_a_scope_holds_where_it_says_and_nowhere_else(
    world: World, scope: str, here: str | None, elsewhere: str | None
) -> None:
    await world.gates.set_campaign_gate("other", is_open=True)
    await bring(world, brought(world, scope=scope))
    assert await refused(world) == here
    claim, = (await world.intake(grant(campaign_id="other"), goal="nurture")).adopted  # fmt: skip
    assert await world.refusal(claim) == elsewhere


@pytest.mark.parametrize("spelling", ["Zoe@Example.COM", " zoe@example.com ", "zoe@example.com."])
async def test_an_address_is_suppressed_in_every_spelling_and_whoever_the_lead_is(world: World, spelling: str) -> None:
    await bring(world, brought(world, spelling))
    assert await refused(world, lead="another-lead", email=ZOE) == "suppressed/suppressed"
    assert await refused(world, lead="tagged", email="zoe+news@example.com") is None  # another address


async def test_a_domain_in_its_own_letters_is_the_same_address(world: World) -> None:
    await bring(world, brought(world, "info@hôtel.example"))
    assert await refused(world, email="info@xn--htel-vqa.example") == "suppressed/suppressed"


async def test_a_person_takes_back_their_own_choice_and_nothing_else(world: World) -> None:
    await world.stops.suppress([chosen(world), chosen(world, f"campaign:{CAMPAIGN}", "unsubscribe:p2")])
    assert {choice.source_id for choice in await world.consents.choices("zoe", written(world))} == {
        PAGE,
        "unsubscribe:p2",
    }
    assert await world.consents.take_back("zoe", written(world), [PAGE]) == {f"campaign:{CAMPAIGN}"}
    assert await refused(world) == "suppressed/suppressed"  # the other choice stands
    assert await world.consents.take_back("zoe", written(world), ["unsubscribe:p2"]) == frozenset()
    assert await refused(world) is None
    rows = await world.pool.fetch("select lifted_by, lifted_at from suppressions")
    assert {row["lifted_by"] for row in rows} == {"person"}
    assert all(row["lifted_at"] is not None for row in rows)


async def test_what_others_brought_a_person_does_not_take_back_by_naming_it(world: World) -> None:
    await world.stops.suppress([Suppression("all", "bounce", "bounce:1", email=ZOE, lead_id="zoe")])
    await bring(world, brought(world))
    sources = [row["source_id"] for row in await world.pool.fetch("select source_id from suppressions")]
    assert await world.consents.take_back("zoe", written(world), sources) == {"all"}
    assert await refused(world) == "suppressed/suppressed"


async def test_nobody_takes_back_for_another(world: World) -> None:
    await world.stops.suppress([chosen(world)])
    await world.consents.take_back("max", Written(world.key("max@example.com"), "acquisition"), [PAGE])
    assert await refused(world) == "suppressed/suppressed"


async def test_an_unsubscribe_by_reply_can_be_taken_back_and_a_complaint_can_not(world: World) -> None:
    await world.stops.suppress([Suppression("all", "unsubscribe", "reply:1", email=ZOE, lead_id="zoe")])
    assert await world.consents.take_back("zoe", written(world), ["reply:1"]) == frozenset()
    await world.stops.suppress([Suppression("all", "complaint", "reply:2", email=ZOE, lead_id="zoe")])
    assert await world.consents.take_back("zoe", written(world), ["reply:2"]) == {"all"}


@pytest.mark.parametrize("reason", ["unsubscribe", "complaint"])
async def test_an_operator_lifts_no_wish_of_a_person(world: World, reason: str) -> None:
    await world.stops.suppress([Suppression("all", reason, "reply:1", email=ZOE, lead_id="zoe")])
    assert await world.consents.lift(world.key(ZOE)) == []
    assert await refused(world) == "suppressed/suppressed"


async def test_an_operator_lifts_a_bounce_of_the_address_with_its_leads(world: World) -> None:
    await world.intake(grant("zoe"))
    await world.stops.suppress([Suppression("all", "bounce", "reply:1", email=ZOE, lead_id="zoe")])
    assert [one.source_id for one in await world.consents.lift(world.key(ZOE))] == ["reply:1"]
    assert await refused(world) is None
    assert await world.pool.fetchval("select count(*) from suppressions where lifted_by = 'operator'") == 2


async def test_what_is_brought_again_changes_nothing_and_another_reason_counts(world: World) -> None:
    assert await bring(world, brought(world), brought(world)) == 1
    assert await bring(world, brought(world)) == 0
    assert await bring(world, brought(world, reason="unsubscribe")) == 1
    assert await bring(world, brought(world), via="command") == 0
    await world.consents.lift(world.key(ZOE))
    assert await refused(world) == "suppressed/suppressed"
    assert await bring(world, brought(world)) == 1  # lifted: it is brought anew


async def test_an_old_list_does_not_bring_back_what_the_person_has_taken_back_since(world: World) -> None:
    before = datetime.now(UTC) - timedelta(days=1)
    await world.stops.suppress([chosen(world)])
    await world.consents.take_back("zoe", written(world), [PAGE])
    assert await bring(world, brought(world, reason="unsubscribe", since=before)) == 0
    assert await bring(world, brought(world, reason="unsubscribe", since=datetime.now(UTC))) == 1


async def test_leads_hear_of_what_is_brought_about_addresses_they_were_written_to_at(world: World) -> None:
    await world.intake(grant("zoe"), grant("zoe2", email=ZOE), grant("max"))
    told: list[Reached] = []

    def tell(reached: Reached) -> Noted:
        told.append(reached)
        return Noted(reached.lead_id, "tracking-hits", reached.lead_id, "{}")

    await bring(world, brought(world), brought(world, "nobody@example.com"), tell=tell)
    assert sorted(one.lead_id for one in told) == ["zoe", "zoe2"]
    await bring(world, brought(world), tell=tell)
    assert len(told) == 2
    assert await world.pool.fetchval("select count(*) from untold_events") == 2


async def waits(world: World, call: Any) -> "asyncio.Task[Any]":
    task = asyncio.create_task(call)
    await wait_for(world.waiting, 5, what="the call waits for a lock")
    return task


async def test_a_choice_that_is_taken_back_forgets_no_suppression_that_came_meanwhile(world: World) -> None:
    await world.stops.suppress([chosen(world)])
    async with world.pool.acquire() as connection, connection.transaction():
        await connection.execute(SQL["lock"], [world.key(ZOE)])
        taking = await waits(world, world.consents.take_back("zoe", written(world), [PAGE]))
        await connection.execute(
            queries("stops")["suppress"], [world.key(ZOE)], ["all"], ["bounce"], ["bounce:9"], [None]
        )
    assert await taking == {"all"}
    assert await world.stops.suppressed(ZOE) == {"all"}


async def test_a_suppression_that_waited_for_a_gate_is_later_than_what_passed(world: World) -> None:
    (claim,) = await world.claim(grant())
    async with a_gate_that_has_its_locks(world, claim):
        suppressing = await waits(world, world.stops.suppress([chosen(world)]))
    await suppressing
    told = proof(await world.consents.story(world.key(ZOE)))
    assert told["holds"]
    (touch,) = told["in_the_air"]
    assert touch["send_id"] == str(claim.grant.touch.send_id)
    assert touch["passed_at"] < touch["suppressed_at"]
    assert (touch["state"], touch["finished_at"]) == ("sending", None)


async def test_by_the_transactions_own_instant_the_same_gate_would_look_broken(world: World) -> None:
    """The control: read before the lock, the instant of a suppression lies before what passed while it waited."""
    (claim,) = await world.claim(grant())
    early = queries("stops")["suppress"].replace("clock_timestamp()", "now()")
    async with a_gate_that_has_its_locks(world, claim):
        columns = [[world.key(ZOE)], ["all"], ["bounce"], ["bounce:1"], [None]]
        suppressing = await waits(world, world.pool.execute(early, *columns))
    await suppressing
    assert not proof(await world.consents.story(world.key(ZOE)))["holds"]


@pytest.mark.parametrize("check", ["on", "off"])
async def test_a_gate_without_its_check_of_suppressions_is_found_out(
    world: World, check: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (claim,) = await world.claim(grant())
    await world.stops.suppress([chosen(world)])
    if check == "off":
        condition = "f.suppressions && array['all', 'campaign:' || t.campaign_id, 'goal:' || t.goal]"
        blind = {**queries("ledger"), "gate": queries("ledger")["gate"].replace(condition, "false")}
        assert blind["gate"] != queries("ledger")["gate"]
        monkeypatch.setattr("sinks.postgres.ledger.queries", lambda name: blind)
    result = await world.gate([claim])
    told = proof(await world.consents.story(world.key(ZOE)))
    assert (len(result.passed), told["holds"]) == ((0, True) if check == "on" else (1, False))
    named = [touch["send_id"] for touch in told["after_commit"]]
    assert named == ([] if check == "on" else [str(claim.grant.touch.send_id)])


async def test_what_was_sent_before_and_what_another_scope_is_about_is_in_no_proof(world: World) -> None:
    await world.finish(grant(), "sent")
    await bring(world, brought(world), brought(world, scope="campaign:other"), brought(world, scope="goal:nurture"))
    told = proof(await world.consents.story(world.key(ZOE)))
    assert (told["holds"], told["in_the_air"], told["sent"]) == (True, [], 1)


async def test_a_touch_that_was_turned_away_was_not_in_the_air_in_the_end(world: World) -> None:
    (claim,) = await world.claim(grant())
    await world.gate([claim])
    await bring(world, brought(world))
    assert len(proof(await world.consents.story(world.key(ZOE)))["in_the_air"]) == 1
    await world.pool.execute("update sends set state = 'deferred', finished_at = now()")
    assert proof(await world.consents.story(world.key(ZOE)))["in_the_air"] == []


async def test_a_list_is_read_page_by_page(world: World) -> None:
    await bring(world, *(brought(world, f"lead-{number}@example.com") for number in range(7)))
    await world.consents.lift(world.key("lead-3@example.com"))
    seen: list[Any] = []
    after = (b"", "", "")
    consents = Consents(world.pool, SECRET)
    while rows := await consents.page(after, at_most=2):
        seen += rows
        after = (rows[-1]["key"], rows[-1]["scope"], rows[-1]["source_id"])
    assert [row["key"] for row in seen] == sorted(
        world.key(f"lead-{number}@example.com") for number in range(7) if number != 3
    )
    assert len(await consents.page(lifted=True)) == 7


async def test_a_lead_that_is_gone_leaves_its_suppression(world: World) -> None:
    """By keyed hashes alone: nothing of the lead is stored with it."""
    await world.stops.suppress([chosen(world)])
    rows = await world.pool.fetch("select * from suppressions order by key")
    assert [row["key"] for row in rows] == sorted([world.key(ZOE), lead_key(SECRET, "zoe")])
    assert not any("zoe" in str(value) for row in rows for value in row.values())
    assert await refused(world, lead="somebody-new", email=ZOE) == "suppressed/suppressed"
