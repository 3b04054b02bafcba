"""A mail that was cut on its way in is known as such by whoever reads it."""

import pytest

from agents.replying.intake import Intake
from sinks.inbound_mail import MAX_RAW, inbound_mail
from streams.work import Work
from tests.support import mails
from tests.support.replying import AT, Parser, World, inbound, read_token, touch


@pytest.mark.parametrize("is_cut", [True, False])
async def test_what_the_way_in_says_of_a_mail_stands_in_the_mail(is_cut: bool) -> None:
    raw = mails.plain("Sounds good", Message_ID="<m@corp.example>")
    event = inbound(raw)
    event.body = inbound_mail(raw, source="imap:x", received_at=AT, received_wall=AT, truncated=is_cut)
    world = World([touch()])
    intake = Intake(
        parser=Parser(), store=world, touches=world, stops=world, read_token=read_token, stored=lambda: None
    )
    await intake.take(Work(), [event], AT)
    assert [row.mail.truncated for row in world.stored.values()] == [is_cut]


def test_the_ways_in_share_one_bound() -> None:
    whole = inbound_mail(b"a: b\n\n" + b"x" * 100, source="generic", received_at=AT, received_wall=AT)
    cut = inbound_mail(b"a: b\n\n" + b"x" * MAX_RAW, source="generic", received_at=AT, received_wall=AT)
    assert (whole.truncated, cut.truncated) == (False, True)
    assert cut.read(cut.write()).truncated
