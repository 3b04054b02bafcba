"""How a mailbox is reached: every login, TLS that cannot be argued away, refusals told apart from bad luck."""

import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from domain.senders import Imap
from sinks.imap import ImapLost, ImapRefused, ImapSession, open_mailbox
from tests.support.imap_server import DROP, HANG, ImapServer, Session, letter
from tests.support.inboxes import FAST
from tests.support.secure_kafka import make_files

PASSWORD = 'pä"ss\\word {3}'


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INBOX_PASSWORD", "hunter2")


@pytest.fixture
async def server() -> AsyncIterator[ImapServer]:
    async with ImapServer() as server:
        yield server


@pytest.fixture(scope="module")
def contexts(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """The server's, with a certificate for 127.0.0.1, and a client's that trusts it."""
    files = make_files(tmp_path_factory.mktemp("tls"))
    ours = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ours.load_cert_chain(files.broker)
    return ours, ssl.create_default_context(cafile=files.ca)


async def opened(imap: Imap, tls: ssl.SSLContext | None = None) -> ImapSession:
    """A mailbox that can be opened."""
    session = await open_mailbox(imap, FAST, tls)
    await session.close()
    return session


async def refused(imap: Imap, tls: ssl.SSLContext | None = None) -> tuple[str, str]:
    """Why it cannot, and in which words."""
    with pytest.raises(ImapRefused) as error:
        await opened(imap, tls)
    return error.value.reason, str(error.value)


@pytest.mark.parametrize(
    ("capabilities", "command"),
    [
        ("IMAP4rev1 AUTH=PLAIN SASL-IR", "AUTHENTICATE PLAIN A"),
        ("IMAP4rev1 AUTH=PLAIN", "AUTHENTICATE PLAIN"),
        ("IMAP4rev1", 'LOGIN "anna@sender.example" "p'),
        ("IMAP4rev1 LITERAL+", 'LOGIN "anna@sender.example" "p'),
    ],
)
async def test_any_password_passes_by_every_way_of_login(
    capabilities: str, command: str, server: ImapServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.capabilities = capabilities
    server.secrets = {PASSWORD}
    monkeypatch.setenv("INBOX_PASSWORD", PASSWORD)
    await opened(server.imap())
    assert server.logins == 1
    assert server.count(command) == 1


async def test_capabilities_are_taken_from_the_greeting_and_asked_for_where_it_has_none(server: ImapServer) -> None:
    await opened(server.imap())
    asked = server.count("CAPABILITY")
    server.greeting = f"* OK [CAPABILITY {server.capabilities}] ready"
    await opened(server.imap())
    assert server.count("CAPABILITY") - asked == asked - 1


@pytest.mark.parametrize("capabilities", ["IMAP4rev1 AUTH=XOAUTH2 SASL-IR", "IMAP4rev1 AUTH=XOAUTH2"])
async def test_a_token_logs_in_by_xoauth2_and_a_stale_one_is_a_refused_login(
    capabilities: str, server: ImapServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    server.capabilities = capabilities
    token = tmp_path / "token"
    token.write_text("hunter2\n")
    imap = server.imap(password_ref=None, token_ref=f"file:{token}")
    await opened(imap)
    assert "user=anna@sender.example\x01auth=Bearer hunter2\x01\x01" in server.commands
    token.write_text("stale")
    assert (await refused(imap))[0] == "login"


async def test_a_password_goes_over_no_connection_whose_certificate_is_not_trusted(
    server: ImapServer, contexts: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    server.tls = contexts[0]
    why, words = await refused(server.imap(security="starttls"))  # the system's authorities do not know it
    assert why == "tls"
    assert "certificate" in words
    assert server.count("AUTHENTICATE") == 0


async def test_starttls_comes_before_the_login(
    server: ImapServer, contexts: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    server.tls = contexts[0]
    server.add(letter(1))
    session = await open_mailbox(server.imap(security="starttls"), FAST, contexts[1])
    assert await session.search(1, None) == [1]
    await session.close()
    names = [command.split()[0] for command in server.commands if "\0" not in command]
    assert names.index("STARTTLS") < names.index("AUTHENTICATE")


def test_starttls_works_on_the_loop_that_the_process_runs_on(
    contexts: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    import uvloop

    async def talk() -> list[int]:
        async with ImapServer() as server:
            server.tls = contexts[0]
            server.add(letter(1, size=200_000))
            session = await open_mailbox(server.imap(security="starttls"), FAST, contexts[1])
            found = await session.listed(await session.search(1, None))
            await session.close()
            return [mail.size for mail in found]

    assert uvloop.run(talk()) == [200_000]


async def test_what_is_said_in_clear_after_starttls_is_thrown_away(
    server: ImapServer, contexts: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    """Somebody between could slip in answers that look as if they had come in TLS."""
    server.tls = contexts[0]

    async def slipped(session: Session) -> None:
        async def begin(tag: str, rest: str) -> str:
            session.writer.write(f"{tag} OK begin\r\nt2 OK [CAPABILITY IMAP4rev1] forged\r\n".encode())
            await session.writer.drain()
            await session.writer.start_tls(contexts[0])
            return ""

        session._starttls = begin  # pyright: ignore[reportAttributeAccessIssue]

    server.answer("STARTTLS", slipped)
    await opened(server.imap(security="starttls"), contexts[1])
    assert server.count("AUTHENTICATE PLAIN") == 1


async def test_a_server_without_starttls_or_that_is_past_it_gets_no_password(server: ImapServer) -> None:
    assert (await refused(server.imap(security="starttls")))[0] == "tls"
    server.greeting = "* PREAUTH welcome"
    assert (await refused(server.imap(security="starttls")))[0] == "tls"
    assert server.count("AUTHENTICATE") == server.count("LOGIN") == 0


async def test_tls_from_the_first_byte_and_a_port_that_has_none(
    server: ImapServer, contexts: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    with pytest.raises((ImapLost, ImapRefused)):
        await opened(server.imap(security="tls"), contexts[1])
    assert server.count("AUTHENTICATE") == 0


async def test_a_server_that_takes_no_password_in_clear_says_what_to_change(server: ImapServer) -> None:
    server.capabilities = "IMAP4rev1 STARTTLS LOGINDISABLED"
    why, words = await refused(server.imap())
    assert why == "tls"
    assert "security is tls or starttls" in words
    assert server.count("LOGIN") == 0


@pytest.mark.parametrize(
    ("greeting", "reason"),
    [("* BYE too many connections", "bye"), ("HTTP/1.1 400 Bad Request", "garbled"), ("220 mail ESMTP", "garbled")],
)
async def test_a_port_where_something_else_answers_is_no_mailbox(
    greeting: str, reason: str, server: ImapServer
) -> None:
    server.greeting = greeting
    with pytest.raises(ImapLost) as lost:
        await opened(server.imap())
    assert lost.value.reason == reason


@pytest.mark.parametrize("fault", [DROP, HANG])
@pytest.mark.parametrize("where", ["CAPABILITY", "AUTHENTICATE", "EXAMINE"])
async def test_a_server_that_falls_silent_or_hangs_up_is_lost_within_the_time(
    where: str, fault: Any, server: ImapServer
) -> None:
    server.answer(where, fault)
    with pytest.raises(ImapLost) as lost:
        await opened(server.imap())
    assert lost.value.reason == ("closed" if fault == DROP else "timeout")


async def test_a_server_that_sends_a_byte_now_and_then_for_ever_is_lost_too(server: ImapServer) -> None:
    async def drips(session: Session) -> None:
        from asyncio import sleep

        while True:
            session.send("* OK still working")
            await session.writer.drain()
            await sleep(0.05)

    server.answer("EXAMINE", drips)
    with pytest.raises(ImapLost) as lost:
        await opened(server.imap())
    assert lost.value.reason == "timeout"


async def test_nobody_listens(server: ImapServer) -> None:
    imap = server.imap(port=1)
    with pytest.raises(ImapLost) as lost:
        await opened(imap)
    assert lost.value.reason == "connect"


async def test_a_folder_without_uids_cannot_be_read(server: ImapServer) -> None:
    server.answer("EXAMINE", b"* 3 EXISTS\r\n* OK [UIDNOTSTICKY] no\r\nTAG OK [READ-ONLY] open\r\n")
    assert (await refused(server.imap()))[0] == "folder"


async def test_a_folder_that_may_not_be_written_is_named_where_mail_is_to_be_marked(server: ImapServer) -> None:
    server.answer("SELECT", b"* 3 EXISTS\r\n* OK [UIDVALIDITY 1] v\r\nTAG OK [READ-ONLY] open\r\n")
    assert await refused(server.imap(processed="seen")) == (
        "folder",
        "the folder is read-only: processed must be leave",
    )
