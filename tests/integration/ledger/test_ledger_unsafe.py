"""The negative control: without its key and its gate the ledger lets the same touch out twice."""

import pytest

from sinks.ports import Stop, Verdict
from sinks.postgres.ledger import PostgresLedger
from sinks.postgres.ledger_unsafe import SWITCH, UnsafeLedger, ledger_of
from tests.support.ledger import AT, SECRET, World, grant, offer


async def test_switched_off_it_passes_the_same_touch_twice_and_against_a_stop(world: World) -> None:
    ledger = UnsafeLedger(world.pool, SECRET)
    await world.stops.stop([Stop("zoe", None, "reply", "reply:1")])
    for given in (grant(), grant(ask_no=2)):
        (claim,) = (await ledger.intake([offer(given)])).adopted
        result = await ledger.gate([claim], mailbox_id="anna", gate_no=1, now=AT)
        assert result.passed == [claim]
        await ledger.record([Verdict(claim, "sent", used=True, at=AT)])
    assert (await world.row(grant()))["state"] == "sent"


async def test_switched_off_a_touch_in_the_air_is_sent_again_by_the_next_owner(world: World) -> None:
    ledger = UnsafeLedger(world.pool, SECRET)
    (claim,) = (await ledger.intake([offer(grant())])).adopted
    await ledger.gate([claim], mailbox_id="anna", gate_no=1, now=AT)
    lease = await world.new_sender()
    assert len((await ledger.take_over(lease, frozenset(), AT)).claims) == 1


@pytest.mark.parametrize("value", ["", "0", "true", "yes"])
async def test_only_the_exact_switch_switches_it_off(world: World, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(SWITCH, value)
    assert type(ledger_of(world.pool, SECRET)) is PostgresLedger
    monkeypatch.setenv(SWITCH, "1")
    assert type(ledger_of(world.pool, SECRET)) is UnsafeLedger
