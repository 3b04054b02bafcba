"""How far an attempt came decides what it is called: against a server that fails where a test tells it to."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable

import pytest

from sinks.smtp import Delivery, MailboxSmtp, Timeouts
from tests.support.scripted_smtp import DROP, HANG, ScriptedSmtp, mailbox_at

MESSAGE = b"From: a@sender.example\r\nSubject: x\r\n\r\nHello\r\n.\r\n..two dots\r\n"
FAST = Timeouts(connect_s=5, command_s=0.2, final_s=0.2)


@pytest.fixture(params=[True, False], ids=["pipelining", "in turn"])
async def server(request: pytest.FixtureRequest) -> AsyncIterator[ScriptedSmtp]:
    async with ScriptedSmtp(pipelining=request.param) as server:
        yield server


@pytest.fixture
async def way_out(server: ScriptedSmtp) -> AsyncIterator[MailboxSmtp]:
    way_out = MailboxSmtp(mailbox_at(server.port), timeouts=FAST)
    yield way_out
    await way_out.aclose()


async def send(
    way_out: MailboxSmtp, rcpt: str = "lead@x.example", check: Callable[[], None] = lambda: None
) -> Delivery:
    return await way_out.send("anna@sender.example", rcpt, MESSAGE, check)


async def test_an_accepted_message_arrives_octet_for_octet(server: ScriptedSmtp, way_out: MailboxSmtp) -> None:
    delivery = await send(way_out)
    assert (delivery.outcome, delivery.phase, delivery.code_text) == ("sent", "body", "250 2.0.0")
    assert server.accepted == [MESSAGE]
    assert server.envelopes == [("MAIL FROM:<anna@sender.example>", "RCPT TO:<lead@x.example>")]


async def test_connections_are_kept_and_never_more_than_allowed(server: ScriptedSmtp) -> None:
    way_out = MailboxSmtp(mailbox_at(server.port), timeouts=FAST, max_connections=3)
    deliveries = await asyncio.gather(*(send(way_out) for _ in range(30)))
    assert {delivery.outcome for delivery in deliveries} == {"sent"}
    assert (len(server.accepted), server.connections) == (30, 3)
    await way_out.aclose()


async def test_a_connection_is_changed_after_its_share_of_messages(server: ScriptedSmtp) -> None:
    way_out = MailboxSmtp(mailbox_at(server.port), timeouts=FAST, max_uses=2)
    for _ in range(5):
        assert (await send(way_out)).outcome == "sent"
    assert server.connections == 3
    await way_out.aclose()


@pytest.mark.parametrize("stage", ["greeting", "ehlo", "mail", "rcpt", "data"])
@pytest.mark.parametrize("how", [DROP, HANG])
async def test_what_breaks_before_the_first_octet_is_deferred_and_nothing_leaves(
    server: ScriptedSmtp, stage: str, how: str
) -> None:
    way_out = MailboxSmtp(mailbox_at(server.port), timeouts=Timeouts(connect_s=0.3, command_s=0.2, final_s=0.2))
    server.answer(stage, how)
    delivery = await send(way_out)
    assert delivery.outcome == "deferred"
    assert delivery.phase == (stage if stage in {"mail", "rcpt", "data"} else "connect")
    assert (server.accepted, server.body_bytes, delivery.pause) == ([], 0, None)
    assert (await send(way_out)).outcome == "sent"
    await way_out.aclose()


@pytest.mark.parametrize("how", [DROP, HANG, "what is this", "354 still going"])
async def test_what_breaks_after_the_first_octet_is_ambiguous_and_never_tried_again(
    server: ScriptedSmtp, way_out: MailboxSmtp, how: str
) -> None:
    assert (await send(way_out)).outcome == "sent"
    server.answer("body", how)
    delivery = await send(way_out)
    assert (delivery.outcome, delivery.phase) == ("ambiguous", "body")
    assert len(server.envelopes) == 2
    assert (await send(way_out)).outcome == "sent"


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data", "body"])
@pytest.mark.parametrize(
    ("answer", "outcome", "code"),
    [
        ("450 4.2.0 try later", "deferred", "450 4.2.0"),
        ("452 insufficient storage", "deferred", "452"),
        ("550 5.1.1 no such user", "failed", "550 5.1.1"),
        ("554 5.7.1 refused", "failed", "554 5.7.1"),
        ("554-5.7.1 refused\r\n554 5.7.1 for good", "failed", "554 5.7.1"),
    ],
)
async def test_a_servers_word_is_believed_and_the_connection_goes_on(
    server: ScriptedSmtp, way_out: MailboxSmtp, stage: str, answer: str, outcome: str, code: str
) -> None:
    if way_out.mailbox.smtp.port and server.pipelining and stage in {"mail", "rcpt"}:
        server.answer("data", "503 5.5.1 no valid recipients")
    server.answer(stage, answer)
    delivery = await send(way_out)
    assert (delivery.outcome, delivery.phase, delivery.code_text, delivery.pause) == (outcome, stage, code, None)
    assert server.accepted == []
    assert (await send(way_out)).outcome == "sent"
    assert server.connections == 1


async def test_a_server_that_takes_data_after_refusing_the_recipient_gets_no_octet() -> None:
    async with ScriptedSmtp(pipelining=True) as server:
        way_out = MailboxSmtp(mailbox_at(server.port), timeouts=FAST)
        server.answer("rcpt", "550 5.1.1 no such user")
        delivery = await send(way_out)
        assert (delivery.outcome, delivery.phase, server.body_bytes) == ("failed", "rcpt", 0)
        assert (await send(way_out)).outcome == "sent"
        assert (server.connections, len(server.accepted)) == (2, 1)
        await way_out.aclose()


async def test_a_reply_nobody_asked_for_is_not_taken_for_an_acceptance(
    server: ScriptedSmtp, way_out: MailboxSmtp
) -> None:
    server.answer("data", "354 go on\r\n250 2.0.0 accepted")
    delivery = await send(way_out)
    assert (delivery.outcome, delivery.phase, server.body_bytes) == ("deferred", "data", 0)


async def test_a_connection_that_the_server_closed_while_idle_costs_nothing(
    server: ScriptedSmtp, way_out: MailboxSmtp
) -> None:
    assert (await send(way_out)).outcome == "sent"
    server.answer("mail", DROP)  # the close crosses our MAIL on the wire
    assert (await send(way_out)).outcome == "sent"
    server.drop_all()
    assert (await send(way_out)).outcome == "sent"
    assert server.connections == 3


async def test_nobody_listening_is_deferred(unused_port: int) -> None:
    way_out = MailboxSmtp(mailbox_at(unused_port), timeouts=FAST)
    deliveries = await asyncio.gather(*(send(way_out) for _ in range(5)))
    assert {(delivery.outcome, delivery.phase, delivery.pause) for delivery in deliveries} == {
        ("deferred", "connect", None)
    }


@pytest.fixture
def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_a_server_that_refuses_a_further_connection_lowers_how_many_are_used() -> None:
    async with ScriptedSmtp(max_connections=2) as server:
        way_out = MailboxSmtp(mailbox_at(server.port), timeouts=Timeouts(5, 5, 5), max_connections=6)
        deliveries = await asyncio.gather(*(send(way_out) for _ in range(12)))
        assert {(delivery.outcome, delivery.pause) for delivery in deliveries} == {("sent", None)}
        assert way_out.limit == 2
        await way_out.aclose()


@pytest.mark.parametrize("call", [1, 2])
async def test_a_check_that_forbids_sending_delivers_nothing(
    server: ScriptedSmtp, way_out: MailboxSmtp, call: int
) -> None:
    calls = 0

    def check() -> None:
        nonlocal calls
        calls += 1
        if calls == call:
            raise RuntimeError("not alive")

    with pytest.raises(RuntimeError, match="not alive"):
        await send(way_out, check=check)
    assert (server.accepted, server.body_bytes) == ([], 0)
    assert [line for line in server.commands if line.startswith("MAIL")] == ([] if call == 1 else server.commands[1:2])
    assert (await send(way_out)).outcome == "sent"


async def test_the_check_is_asked_again_right_before_the_first_octet(
    server: ScriptedSmtp, way_out: MailboxSmtp
) -> None:
    seen: list[int] = []
    assert (await send(way_out, check=lambda: seen.append(len(server.commands)))).outcome == "sent"
    before_body = len(server.commands)
    assert seen[-1] == before_body, "the last check came before all commands were answered"


async def test_a_cancelled_send_drops_its_connection(server: ScriptedSmtp, way_out: MailboxSmtp) -> None:
    server.answer("body", HANG)
    way_out = MailboxSmtp(mailbox_at(server.port), timeouts=Timeouts(5, 5, 5))
    task = asyncio.create_task(send(way_out))
    async with asyncio.timeout(5):
        while not server.body_bytes:
            await asyncio.sleep(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        while server.sessions:
            await asyncio.sleep(0.005)
    assert (await send(way_out)).outcome == "sent"
    await way_out.aclose()


async def test_idle_connections_are_closed_with_a_goodbye(server: ScriptedSmtp) -> None:
    way_out = MailboxSmtp(mailbox_at(server.port), timeouts=FAST, idle_s=0.05)
    assert (await send(way_out)).outcome == "sent"
    async with asyncio.timeout(5):
        while server.sessions:
            await asyncio.sleep(0.005)
    assert server.commands[-1] == "QUIT"
    assert (await send(way_out)).outcome == "sent"
    await way_out.aclose()


async def test_no_address_of_a_lead_stands_in_what_is_told(server: ScriptedSmtp, way_out: MailboxSmtp) -> None:
    server.answer("body", "550 5.1.1 <lead@x.example>: user lead@x.example unknown")
    delivery = await send(way_out)
    assert "lead" not in delivery.detail
    assert "unknown" in delivery.detail


@pytest.mark.parametrize(
    "rcpt", ["a@x.example>\r\nRCPT TO:<b@x.example", "a@x.example b", "a b@x.example", "ü@x.example", ""]
)
async def test_an_envelope_address_cannot_add_a_command(server: ScriptedSmtp, way_out: MailboxSmtp, rcpt: str) -> None:
    delivery = await send(way_out, rcpt)
    assert (delivery.outcome, delivery.detail, server.envelopes) == ("failed", "invalid_address", [])
