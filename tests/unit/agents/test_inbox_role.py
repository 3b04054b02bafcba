"""The inbox role reads what definitions name, once for each mailbox on a server, and follows every change."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from agents import inbox as inbox_module
from agents import inbox_fares
from agents.inbox import Inbox
from schemas.definitions import Definition
from tests.support.imap_server import AT, ImapServer, letter
from tests.support.inboxes import Broker, MemoryInboxes, Row, tools
from tests.support.waiting import wait_for


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INBOX_PASSWORD", "hunter2")
    monkeypatch.setattr(inbox_fares, "pause_s", lambda failures, draw: 0.01)
    monkeypatch.setattr(inbox_module, "LOOK_S", 0.05)
    monkeypatch.setattr(inbox_module, "RENEW_S", 0.05)


@pytest.fixture
async def server() -> AsyncIterator[ImapServer]:
    async with ImapServer() as server:
        yield server


def learn(inbox: Inbox, name: str, server: ImapServer, revision: int = 1, **imap: Any) -> None:
    spec = {
        "kind": "Mailbox", "id": name, "pool": "main", "from": f"{name}@sender.example", "postal_address": "Street 1",
        "smtp": {"host": "smtp.example"},
        "imap": {
            "host": "127.0.0.1", "port": server.port, "security": "none", "username": "shared",
            "password_ref": "env:INBOX_PASSWORD", "since": AT.isoformat(), **imap,
        },
    }  # fmt: skip
    inbox.learn(
        ("mailbox", name), Definition(kind="mailbox", id=name, revision=revision, spec=spec, at=datetime.now(UTC))
    )


@asynccontextmanager
async def running(store: MemoryInboxes, broker: Broker) -> AsyncIterator[Inbox]:
    inbox = Inbox(store, tools(store, broker))
    task = asyncio.create_task(inbox.run())
    try:
        yield inbox
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_definitions_that_share_a_mailbox_have_one_reader(server: ImapServer) -> None:
    store, broker = MemoryInboxes(), Broker()
    server.add(letter(1))
    async with running(store, broker) as inbox:
        learn(inbox, "bert", server)
        learn(inbox, "anna", server)
        await wait_for(lambda: server.idling and [row.mailboxes for row in store.rows.values()] == [["anna", "bert"]])
        assert len(server.sessions) == 1
        await wait_for(lambda: len(broker.mails) == 1)


async def test_a_mailbox_whose_definition_goes_is_let_go_and_one_that_changes_is_read_anew(server: ImapServer) -> None:
    store, broker = MemoryInboxes(), Broker()
    async with running(store, broker) as inbox:
        learn(inbox, "anna", server)
        await wait_for(lambda: server.idling)
        learn(inbox, "anna", server, 2, processed="seen")
        await wait_for(lambda: server.count("SELECT") and server.idling)
        learn(inbox, "anna", server, 3, processed="sen")  # does not compile: the last good one stays in force
        inbox.learn(("mailbox", "anna"), None)
        await wait_for(lambda: not server.sessions and not inbox.reading)
        (row,) = store.rows.values()
        assert row.owner is None


async def test_the_second_worker_reads_when_the_first_lets_go_and_not_before(server: ImapServer) -> None:
    rows: dict[str, Row] = {}
    one, other, broker = MemoryInboxes(rows), MemoryInboxes(rows), Broker()
    async with running(other, broker) as second:
        async with running(one, broker) as first:
            learn(first, "anna", server)
            await wait_for(lambda: first.reading)
            learn(second, "anna", server)
            await wait_for(lambda: server.idling)
            assert not second.reading
        await wait_for(lambda: second.reading and server.idling)
    assert next(iter(rows.values())).owner is None


async def test_a_worker_that_has_lost_its_claim_stops_reading(server: ImapServer) -> None:
    rows: dict[str, Row] = {}
    one, broker = MemoryInboxes(rows), Broker()
    async with running(one, broker) as first:
        learn(first, "anna", server)
        await wait_for(lambda: first.reading and server.idling)
        (row,) = rows.values()
        row.owner = MemoryInboxes().owner
        row.held_until = float("inf")
        await wait_for(lambda: not first.reading and not server.sessions)


async def test_one_mailbox_that_hangs_holds_up_no_other(server: ImapServer) -> None:
    store, broker = MemoryInboxes(), Broker()
    async with ImapServer() as stuck:
        stuck.always["EXAMINE"] = "hang"
        server.add(letter(1))
        async with running(store, broker) as inbox:
            learn(inbox, "anna", stuck)
            learn(inbox, "bert", server)
            await wait_for(lambda: len(broker.mails) == 1)
