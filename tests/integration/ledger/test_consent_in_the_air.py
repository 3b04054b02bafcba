"""A sender with a slow mail server while its people leave: what the record shows and what the proof says (behaviour 5.3)."""

from typing import Any

import pytest

from api.local.smtp import SmtpSink
from api.local.smtp_script import Rule
from api.suppressing import proof
from sinks.ports import Suppression
from sinks.postgres.ledger import PostgresLedger
from sinks.postgres.ledger_unsafe import UnsafeLedger
from sinks.smtp import MailboxSmtp
from streams.clock import Clock
from tests.support.ledger import SECRET, World, grant
from tests.support.sender import Office, campaign_definition, mailbox_definition
from tests.support.waiting import wait_for

PEOPLE = ("ada", "bea", "cleo", "dora")


@pytest.mark.parametrize("ledger", [PostgresLedger, UnsafeLedger])
async def test_behind_full_connections_a_suppression_holds_and_without_the_gate_the_proof_says_that_it_does_not(
    world: World, smtp_sink: SmtpSink, ledger: type[PostgresLedger]
) -> None:
    smtp_sink.script.rules.append(Rule("*", at="body", delay_s=1.2))
    office = Office(
        campaign_definition(),
        mailbox_definition(smtp_sink.port),
        ledger=ledger(world.pool, SECRET),
        stops=world.stops,
        courier=lambda mailbox: MailboxSmtp(mailbox, max_connections=2),
        clock=Clock(),
    )
    async with office:
        await office.take(*map(grant, PEOPLE))
        await wait_for(lambda: smtp_sink.connections == 2, 10, what="both connections are taken")
        leaving = [Suppression("all", "operator", f"command:{name}", email=f"{name}@example.com") for name in PEOPLE]
        await world.stops.suppress(leaving)
        await wait_for(lambda: len(office.stream.results) == len(PEOPLE), 20, what="every touch has its outcome")
    proofs: dict[str, Any] = {}
    for name in PEOPLE:
        proofs[name] = proof(await world.consents.story(world.key(f"{name}@example.com")))
    accepted = {message.recipients[0].partition("@")[0] for message in smtp_sink.accepted}
    if ledger is UnsafeLedger:
        assert accepted == set(PEOPLE)
        assert not any(told["holds"] for told in proofs.values())
        return
    named = {name for name, told in proofs.items() if told["in_the_air"]}
    assert accepted == named
    assert len(accepted) == 2
    assert all(told["holds"] for told in proofs.values())
    assert sorted(office.outcomes()) == sorted(f"{name} {'sent' if name in named else 'suppressed'}" for name in PEOPLE)
