"""A mailbox of a real Dovecot is read: what is there, what comes while it idles, large mails, other UIDs, restarts."""

import asyncio
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from agents import inbox_fares
from tests.support.dovecot import PASSWORD, Dovecot, dovecot, found, token
from tests.support.imap_server import letter
from tests.support.inboxes import Broker, MemoryInboxes, open_patiently, reading
from tests.support.waiting import wait_for

WHERE = found()
pytestmark = pytest.mark.skipif(WHERE is None, reason="no Dovecot here: `.ci/dovecot` fetches one where there is apt")


@pytest.fixture(scope="module")
def running() -> Iterator[Dovecot]:
    assert WHERE is not None
    with dovecot(WHERE) as server:
        yield server


@pytest.fixture
def server(running: Dovecot, monkeypatch: pytest.MonkeyPatch) -> Dovecot:
    """With an empty mailbox."""
    running.empty()
    monkeypatch.setenv("INBOX_PASSWORD", PASSWORD)
    monkeypatch.setattr(inbox_fares, "pause_s", lambda failures, draw: 0.05)
    return running


def ids(*numbers: int) -> list[str]:
    return [f"<m{number}@corp.example>" for number in numbers]


async def test_mail_that_is_there_that_comes_and_that_is_large_is_read_once(server: Dovecot) -> None:
    store, broker = MemoryInboxes(), Broker()
    server.deliver(letter(1))
    server.deliver(letter(2, size=6_000_000))
    async with reading(server.imap(), store, broker, open=open_patiently):
        await wait_for(lambda: store.rows["box"].told[-1:] and store.rows["box"].told[-1][0] == "watching")
        assert sorted(broker.ids) == ids(1, 2)
        server.deliver(letter(3))  # announced in IDLE
        await wait_for(lambda: len(broker.mails) == 3)
    async with reading(server.imap(), store, broker, open=open_patiently):
        server.deliver(letter(4))
        await wait_for(lambda: len(broker.mails) == 4)
    assert sorted(broker.ids) == ids(1, 2, 3, 4)
    whole = next(mail for mail in broker.mails if mail.message_id == ids(1)[0])
    assert whole.raw == letter(1)
    assert whole.received_at <= datetime.now(UTC)
    assert len(server.kept()) == 4
    assert not any(path.name.endswith("S") for path in (server.box / "cur").glob("*")), "left unread"


async def test_a_token_logs_in_by_xoauth2_and_a_wrong_password_is_refused(
    server: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INBOX_TOKEN", token("anna"))
    store, broker = MemoryInboxes(), Broker()
    server.deliver(letter(1))
    async with reading(server.imap(password_ref=None, token_ref="env:INBOX_TOKEN"), store, broker, open=open_patiently):
        await wait_for(lambda: broker.ids == ids(1))
    monkeypatch.setenv("INBOX_PASSWORD", "wrong")
    async with reading(server.imap(), store, broker, open=open_patiently):
        await wait_for(lambda: store.rows["box"].told[-1][:2] == ("refused", "login"))


async def test_processed_mail_is_moved_to_a_folder_that_is_made_for_it(server: Dovecot) -> None:
    store, broker = MemoryInboxes(), Broker()
    server.deliver(letter(1))
    imap = server.imap(processed="move", move_to="Läst")
    async with reading(imap, store, broker, open=open_patiently):
        await wait_for(lambda: store.rows["box"].told[-1:] and store.rows["box"].told[-1][0] == "watching")
        server.deliver(letter(2))
        await wait_for(lambda: len(server.kept(".L&AOQ-st")) == 2)
    assert broker.ids == ids(1, 2)
    assert server.kept() == []


async def test_a_mailbox_that_lost_its_index_is_read_again_and_nothing_is_lost(server: Dovecot) -> None:
    store, broker = MemoryInboxes(), Broker()
    server.deliver(letter(1))
    async with reading(server.imap(), store, broker, open=open_patiently):
        await wait_for(lambda: broker.ids == ids(1))
    before = store.rows["box"].position
    assert before is not None
    await wait_for(lambda: time.time() > before.uid_validity + 1)  # Dovecot takes the second of the clock
    server.lose_the_index()
    server.deliver(letter(2))
    async with reading(server.imap(), store, broker, open=open_patiently):
        await wait_for(lambda: set(broker.ids) == set(ids(1, 2)))
    after = store.rows["box"].position
    assert after is not None
    assert before.uid_validity != after.uid_validity


async def test_only_mail_from_the_given_instant_on_is_read_at_first(server: Dovecot) -> None:
    store, broker = MemoryInboxes(), Broker()
    old = (datetime.now(UTC) - timedelta(days=3)).timestamp()
    path = server.deliver(letter(1))
    os.utime(path, (old, old))
    server.deliver(letter(2))
    async with reading(server.imap(), store, broker, since=datetime.now(UTC) - timedelta(hours=1), open=open_patiently):
        await wait_for(lambda: store.rows["box"].told[-1:] and store.rows["box"].told[-1][0] == "watching")
    assert broker.ids == ids(2)


async def test_a_server_that_is_restarted_is_read_on(server: Dovecot) -> None:
    store, broker = MemoryInboxes(), Broker()
    async with reading(server.imap(), store, broker, open=open_patiently):
        await wait_for(lambda: store.rows["box"].told[-1:] and store.rows["box"].told[-1][0] == "watching")
        await asyncio.to_thread(server.stop)
        server.start()
        server.deliver(letter(1))
        await wait_for(lambda: broker.ids == ids(1))
    assert any(state == "away" for state, _, _ in store.rows["box"].told)
