"""What no column of the ledger can hold costs its own touch and no slot."""

from __future__ import annotations

import pytest

from api.local.smtp import SmtpSink
from sinks.smtp import MailboxSmtp
from streams.clock import Clock
from tests.support.ledger import World, grant
from tests.support.sender import Office, campaign_definition, mailbox_definition
from tests.support.waiting import wait_for


@pytest.mark.parametrize("odd", [{"timezone": "Europe/Paris\x00"}, {"domain": "example.com\x00"}])
async def test_a_nul_in_a_touch_fails_it_and_its_grant_is_answered(
    world: World, smtp_sink: SmtpSink, odd: dict[str, str]
) -> None:
    office = Office(
        campaign_definition(),
        mailbox_definition(smtp_sink.port),
        ledger=world.ledger,
        stops=world.stops,
        courier=lambda mailbox: MailboxSmtp(mailbox, max_connections=2),
        clock=Clock(),
    )
    async with office:
        bad, good = grant("odd", **odd), grant("zoe")  # pyright: ignore[reportArgumentType] - fields of any type
        await office.take(bad)
        await office.take(good)
        await wait_for(lambda: len(office.stream.results) == 2, 10)
        assert sorted(office.outcomes()) == ["odd failed", "zoe sent"]
        answers = {answer.grant_id: answer.used for answer in office.stream.answers}
    assert answers == {bad.grant_id: False, good.grant_id: True}
