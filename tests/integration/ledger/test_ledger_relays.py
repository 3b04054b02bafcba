"""A relay that writes its own id over the Message-ID: its answer to DATA names it, and so do the answers of people (7.2)."""

import pytest

from sinks.ports import Verdict
from tests.support.ledger import AT, World, grant

RELAYED = "0107019ad6b1c2e4-5f0a7c31-22bd-4d0e-9f6a-3b7c1d5e8f90-000000"


async def sent(world: World, answer: str) -> str:
    """A touch that a server took with these words; its lead."""
    (claim,) = await world.claim(grant())
    assert (await world.gate([claim])).passed == [claim]
    await world.ledger.record([Verdict(claim, "sent", used=True, at=AT, code="250", detail=answer, subject="Hi")])
    return claim.grant.touch.lead_id


@pytest.mark.parametrize("domain", ["eu-north-1.amazonses.com", "email.amazonses.com"])
@pytest.mark.parametrize("form", ["{}", "<{}>"])
async def test_an_answer_that_names_the_relays_id_finds_its_touch(world: World, domain: str, form: str) -> None:
    lead = await sent(world, f"Ok {RELAYED}")
    name = form.format(f"{RELAYED}@{domain}")
    found = await world.ledger.resolve_message_ids([name, "<other@x.example>"])
    assert {known: row.lead_id for known, row in found.items()} == {name: lead}


@pytest.mark.parametrize("name", [f"<{RELAYED}@corp.example>", f"<{RELAYED[:-1]}1@email.amazonses.com>", RELAYED])
async def test_another_id_finds_nothing(world: World, name: str) -> None:
    await sent(world, f"Ok {RELAYED}")
    assert await world.ledger.resolve_message_ids([name]) == {}


async def test_what_other_servers_say_is_no_id(world: World) -> None:
    await sent(world, "2.0.0 Ok: queued as 4Z9kXq0wVgz1Qm1")
    assert await world.pool.fetchval("select relay_id from sends") is None
