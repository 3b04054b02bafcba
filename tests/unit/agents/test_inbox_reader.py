"""A mailbox is read whole, once, in order of its UIDs, whatever the server does; nothing is lost when anything is killed."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agents import inbox_fares
from agents.inbox_ports import Pace
from agents.inbox_reader import Reader
from domain.inbox import FRONT, MAX_WHOLE, Listed, Slice
from sinks.imap import ImapSession
from tests.support.imap_server import AT, DROP, HANG, SILENT, Held, ImapServer, Session, letter
from tests.support.inboxes import SINCE, Broker, MemoryInboxes, reading
from tests.support.waiting import wait_for


def ids(*numbers: int) -> list[str]:
    return [f"<m{number}@corp.example>" for number in numbers]


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INBOX_PASSWORD", "hunter2")
    monkeypatch.setattr(inbox_fares, "pause_s", lambda failures, draw: 0.01)


@pytest.fixture
async def server() -> AsyncIterator[ImapServer]:
    async with ImapServer() as server:
        yield server


@pytest.fixture
def store() -> MemoryInboxes:
    return MemoryInboxes()


@pytest.fixture
def broker() -> Broker:
    return Broker()


def position(store: MemoryInboxes) -> tuple[int, int]:
    found = store.rows["box"].position
    assert found is not None
    return found.uid_validity, found.last_uid


def watching(store: MemoryInboxes) -> bool:
    told = store.rows["box"].told
    return bool(told) and told[-1][0] == "watching"


async def test_mail_that_is_there_and_mail_that_comes_is_read_once(
    server: ImapServer, store: MemoryInboxes, broker: Broker
) -> None:
    for number in (1, 2, 3):
        server.add(letter(number))
    async with reading(server.imap(), store, broker):
        await wait_for(lambda: server.idling)
        assert broker.ids == ids(1, 2, 3)
        server.add(letter(4))
        await wait_for(lambda: len(broker.mails) == 4)
        await wait_for(lambda: server.idling and position(store) == (7, 4))
    async with reading(server.imap(), store, broker):
        await wait_for(lambda: server.idling)
    assert broker.ids == ids(1, 2, 3, 4)
    assert broker.mails[0].source == "imap:anna"
    assert broker.mails[0].received_at == AT
    assert broker.mails[0].raw == letter(1)
    assert store.rows["box"].taken == 4


async def test_mail_from_before_the_beginning_is_left_alone_and_an_old_mail_that_is_moved_in_later_is_not(
    server: ImapServer, store: MemoryInboxes, broker: Broker
) -> None:
    server.add(letter(1), AT - timedelta(days=40))
    server.add(letter(2), AT - timedelta(seconds=1))
    server.add(letter(3), AT)
    async with reading(server.imap(), store, broker, since=AT):
        await wait_for(lambda: server.idling)
        assert broker.ids == ids(3)
        server.add(letter(4), AT - timedelta(days=40))
        await wait_for(lambda: len(broker.mails) == 2)
    assert broker.ids == ids(3, 4)


async def test_mail_that_comes_while_idle_is_set_up_is_not_waited_for(
    server: ImapServer, store: MemoryInboxes, broker: Broker
) -> None:
    """Announced before the `+`, after the search: nothing more will be announced."""

    async def before_the_plus(session: Session) -> None:
        server.add(letter(1))
        session.send("* FLAGS (\\Seen)")

    server.answer("IDLE", before_the_plus)
    async with reading(server.imap(), store, broker):
        await wait_for(lambda: broker.ids == ids(1), 3.0)


async def test_mail_that_is_announced_with_the_answer_to_a_search_is_read(
    server: ImapServer, store: MemoryInboxes, broker: Broker
) -> None:
    async def meanwhile(session: Session) -> None:
        server.add(letter(1), uid=9)
        server.held.clear()  # the search does not see it yet
        asyncio.get_running_loop().call_soon(lambda: server.add(letter(1), uid=9))

    server.answer("UID SEARCH", meanwhile)
    async with reading(server.imap(), store, broker):
        await wait_for(lambda: broker.ids == ids(1), 3.0)


async def test_a_server_without_idle_is_asked(store: MemoryInboxes, broker: Broker) -> None:
    async with ImapServer(capabilities="IMAP4rev1 AUTH=PLAIN") as server, reading(server.imap(), store, broker):
        await wait_for(lambda: server.count("UID SEARCH") > 1)
        server.add(letter(1))
        await wait_for(lambda: broker.ids == ids(1))
        assert server.count("IDLE") == 0


async def test_a_server_that_names_idle_and_refuses_it_is_asked(
    server: ImapServer, store: MemoryInboxes, broker: Broker
) -> None:
    server.always["IDLE"] = b"TAG BAD no\r\n"
    async with reading(server.imap(), store, broker):
        await wait_for(lambda: server.count("UID SEARCH") > 2)
        server.add(letter(1))
        await wait_for(lambda: broker.ids == ids(1))
    assert server.count("IDLE") == 1


async def test_a_server_that_ends_every_idle_at_once_is_asked_at_a_pace(
    server: ImapServer, store: MemoryInboxes, broker: Broker
) -> None:
    server.always["IDLE"] = b"+ idling\r\nTAG OK ended\r\n"
    async with reading(server.imap(), store, broker, pace=Pace(idle_s=5.0, poll_s=60.0)):
        await wait_for(lambda: server.count("IDLE"))
        server.add(letter(1))
        with pytest.raises(AssertionError):
            await wait_for(lambda: server.count("IDLE") > 1, 0.3)


async def test_idle_is_issued_anew_and_each_time_the_mailbox_is_searched(
    server: ImapServer, store: MemoryInboxes, broker: Broker
) -> None:
    """Dovecot announces nothing that comes between a search and IDLE; others forget: that costs time, not mail."""
    pace = Pace(first_idle_s=0.05, idle_s=60.0, poll_s=0.05)
    async with reading(server.imap(), store, broker, pace=pace):
        await wait_for(lambda: server.idling)
        server.held[server.uid_next] = Held(letter(1))
        server.uid_next += 1
        await wait_for(lambda: broker.ids == ids(1))
    assert server.count("IDLE") > 1


@pytest.mark.parametrize(
    "fault",
    [
        DROP,
        HANG,
        SILENT,
        b"* BYE going down\r\n",
        b"* 1 FETCH (UID 1 (((\r\n+ \r\nTAG what\r\n",
        b"\xff\x00 {9}\r\nabc",
    ],
)
@pytest.mark.parametrize("where", ["UID SEARCH", "UID FETCH", "BODY", "IDLE", "EXAMINE", "AUTHENTICATE"])
async def test_a_connection_that_breaks_anywhere_is_made_again_and_no_mail_is_lost(
    where: str, fault: Any, server: ImapServer, store: MemoryInboxes, broker: Broker
) -> None:
    server.add(letter(1))
    server.add(letter(2))
    server.answer(where, fault)
    async with reading(server.imap(), store, broker):
        await wait_for(lambda: server.idling and len(set(broker.ids)) == 2, 10.0)
        assert not store.rows["box"].stuck
    assert set(broker.ids) == set(ids(1, 2))
    assert any(state == "away" for state, _, _ in store.rows["box"].told)


async def test_an_answer_that_ends_in_the_middle_of_a_mail_publishes_nothing_of_it(
    server: ImapServer, store: MemoryInboxes, broker: Broker
) -> None:
    server.add(letter(1))

    async def half(session: Session) -> None:
        session.writer.write(b"* 1 FETCH (UID 1 BODY[]<0> {60}\r\n" + letter(1)[:30])
        await session.writer.drain()
        raise ConnectionResetError

    server.answer("BODY", half)
    async with reading(server.imap(), store, broker):
        await wait_for(lambda: server.idling)
    assert [mail.raw for mail in broker.mails] == [letter(1)]


async def test_gaps_and_mails_that_are_gone_hold_up_nothing(
    server: ImapServer, store: MemoryInboxes, broker: Broker
) -> None:
    server.add(letter(1), uid=5)
    server.add(letter(2), uid=70_000)
    server.add(letter(3), uid=4_000_000_000)

    async def expunge(session: Session) -> None:
        server.held.pop(70_000, None)

    server.answer("BODY", expunge)
    async with reading(server.imap(), store, broker):
        await wait_for(lambda: server.idling)
    assert set(broker.ids) <= set(ids(1, 2, 3))
    assert set(broker.ids) >= set(ids(1, 3))
    assert position(store) == (7, 4_000_000_000)
    assert server.count("UID SEARCH") < 40
    assert not store.rows["box"].stuck


async def test_other_uids_mean_that_the_last_week_is_read_again(
    server: ImapServer, store: MemoryInboxes, broker: Broker
) -> None:
    now = datetime.now(UTC)
    server.add(letter(1), now - timedelta(days=30))
    server.add(letter(2), now - timedelta(hours=1))
    async with reading(server.imap(), store, broker):
        await wait_for(lambda: server.idling)
        assert broker.ids == ids(1, 2)
        server.uid_validity += 1
        server.held = {uid + 100: held for uid, held in server.held.items()}
        server.uid_next = 103
        server.add(letter(3), now)
        await server.drop_all()
        await wait_for(lambda: len(broker.mails) == 4)
        await wait_for(lambda: server.idling)
    assert broker.ids == ids(1, 2, 2, 3)
    assert position(store) == (8, 103)


async def test_uids_that_go_back_under_the_same_validity_are_noticed(
    server: ImapServer, store: MemoryInboxes, broker: Broker
) -> None:
    """As after a backup was restored: the next mails get UIDs that were given before."""
    for number in range(1, 6):
        server.add(letter(number), datetime.now(UTC))
    async with reading(server.imap(), store, broker):
        await wait_for(lambda: server.idling)
    server.held = {1: server.held[1]}
    server.uid_next = 2
    server.add(letter(9), datetime.now(UTC))
    async with reading(server.imap(), store, broker):
        await wait_for(lambda: ids(9)[0] in broker.ids)


async def test_a_server_that_does_not_state_uidnext_is_read_too(
    server: ImapServer, store: MemoryInboxes, broker: Broker
) -> None:
    server.states_uid_next = False
    async with reading(server.imap(), store, broker):
        await wait_for(lambda: server.idling)
    server.add(letter(1))
    async with reading(server.imap(), store, broker):
        await wait_for(lambda: server.idling)
    server.held.clear()
    async with reading(server.imap(), store, broker):
        await wait_for(lambda: server.idling)
        server.add(letter(2))
        await wait_for(lambda: len(broker.mails) == 2)
    assert broker.ids == ids(1, 2)


async def test_a_mail_over_25_mb_comes_with_its_front_and_says_so(
    server: ImapServer, store: MemoryInboxes, broker: Broker
) -> None:
    server.add(letter(1, size=FRONT + 5000), stated_size=MAX_WHOLE + 1)
    server.add(letter(2))
    async with reading(server.imap(), store, broker):
        await wait_for(lambda: server.idling)
    assert broker.ids == ids(1, 2)
    assert [mail.truncated for mail in broker.mails] == [True, False]
    assert len(broker.mails[0].raw) == FRONT


async def test_a_mail_that_is_longer_than_its_server_says_is_fetched_whole(
    server: ImapServer, store: MemoryInboxes, broker: Broker
) -> None:
    server.add(letter(1))
    server.add(letter(2, size=300_000), stated_size=10)
    async with reading(server.imap(), store, broker):
        await wait_for(lambda: server.idling)
    assert [len(mail.raw) for mail in broker.mails] == [len(letter(1)), 300_000]
    assert [mail.truncated for mail in broker.mails] == [False, False]


async def test_a_large_backlog_is_fetched_in_slices_of_bounded_size(
    server: ImapServer, store: MemoryInboxes, broker: Broker
) -> None:
    for number in range(130):
        server.add(letter(number, size=100_000))
    async with reading(server.imap(), store, broker):
        await wait_for(lambda: server.idling)
    assert broker.ids == ids(*range(130))
    fetches = [one for one in server.commands if "BODY.PEEK" in one]
    assert all(int(one.split("<0.")[1].split(">")[0]) * 42 <= 6_000_000 for one in fetches)
    assert len(fetches) == 4


# -- a mail that the server cannot give


async def test_a_mail_over_which_the_connection_always_ends_is_set_aside_and_tried_again_later(
    server: ImapServer, store: MemoryInboxes, broker: Broker
) -> None:
    for number in range(1, 6):
        server.add(letter(number))

    async def dies_over_three(session: Session) -> None:
        if 3 in session._uids(server.commands[-1].split(" ")[2]):
            raise ConnectionResetError

    server.always["BODY"] = dies_over_three
    async with reading(server.imap(), store, broker):
        await wait_for(lambda: server.idling, 10.0)
        assert set(broker.ids) == set(ids(1, 2, 4, 5))
        assert position(store) == (7, 5)
        ((stuck, _, _),) = store.rows["box"].stuck.values()
        assert stuck.uid == 3
        server.always.clear()
        store.due_now()
        server.add(letter(6))
        await wait_for(lambda: ids(3)[0] in broker.ids)
        await wait_for(lambda: not store.rows["box"].stuck)


async def test_a_mail_that_the_server_refuses_is_set_aside_at_once_and_the_connection_goes_on(
    server: ImapServer, store: MemoryInboxes, broker: Broker
) -> None:
    for number in (1, 2, 3):
        server.add(letter(number))

    async def refuses_two(session: Session) -> None:
        if 2 in session._uids(server.commands[-1].split(" ")[2]):
            session.send("* 1 FETCH (UID 2 BODY[]<0> NIL)")

    server.held[2].raw = b""
    server.held[2].stated_size = 60
    async with reading(server.imap(), store, broker):
        await wait_for(lambda: server.idling)
    assert broker.ids == ids(1, 3)
    assert [uid for _, uid in store.rows["box"].stuck] == [2]
    assert server.logins == 1


async def test_a_mail_that_was_set_aside_and_is_gone_is_forgotten(
    server: ImapServer, store: MemoryInboxes, broker: Broker
) -> None:
    server.add(letter(1))
    server.held[1].raw = b""
    async with reading(server.imap(), store, broker):
        server.held[1].stated_size = 5
        await wait_for(lambda: server.idling and store.rows["box"].stuck)
        server.held.clear()
        store.due_now()
        server.add(letter(2))
        await wait_for(lambda: not store.rows["box"].stuck)


# -- the order: broker, mark, position


class PositionFirst(Reader):
    """The wrong way round."""

    async def _settle(
        self, session: ImapSession, part: Slice, raw: Mapping[int, bytes], mails: Mapping[int, Listed]
    ) -> None:
        await self._advance(part.uids[-1], len(raw))
        await self._publish(self._messages(part, raw, mails))


async def killed_while_the_broker_is_away(
    kind: type[Reader], server: ImapServer, store: MemoryInboxes, broker: Broker
) -> list[str]:
    """The Message-IDs that arrive when a reader is killed between fetching and the broker's ack, and another goes on."""
    server.add(letter(1))
    broker.is_away = True
    async with reading(server.imap(), store, broker, kind=kind):
        await wait_for(lambda: broker.tries > 0)
    broker.is_away = False
    async with reading(server.imap(), store, broker):
        await wait_for(lambda: server.idling)
    return broker.ids


async def test_a_reader_that_is_killed_before_the_broker_has_the_mail_loses_none(
    server: ImapServer, store: MemoryInboxes, broker: Broker
) -> None:
    assert await killed_while_the_broker_is_away(Reader, server, store, broker) == ids(1)


async def test_moving_the_position_first_would_lose_it(
    server: ImapServer, store: MemoryInboxes, broker: Broker
) -> None:
    assert await killed_while_the_broker_is_away(PositionFirst, server, store, broker) == []


async def test_a_reader_that_is_killed_between_the_ack_and_the_position_repeats_the_mail_under_its_own_id(
    server: ImapServer, store: MemoryInboxes, broker: Broker
) -> None:
    class Killed(Reader):
        async def _advance(self, uid: int, taken: int) -> Any:
            if taken:
                await asyncio.Event().wait()
            return await super()._advance(uid, taken)

    server.add(letter(1))
    async with reading(server.imap(), store, broker, kind=Killed):
        await wait_for(lambda: broker.mails)
    async with reading(server.imap(), store, broker):
        await wait_for(lambda: server.idling)
    assert broker.ids == ids(1, 1)
    assert len({mail.event_id for mail in broker.mails}) == 1


async def test_while_the_broker_is_away_mail_waits_and_then_goes_on(
    server: ImapServer, store: MemoryInboxes, broker: Broker
) -> None:
    server.add(letter(1))
    broker.is_away = True
    async with reading(server.imap(), store, broker):
        await wait_for(lambda: broker.tries > 1)
        assert position(store) == (7, 0)
        broker.is_away = False
        await wait_for(lambda: broker.ids == ids(1))


# -- what becomes of it on the server


async def test_processed_mail_is_marked_or_moved_as_the_definition_says(
    server: ImapServer, store: MemoryInboxes, broker: Broker
) -> None:
    server.add(letter(1))
    async with reading(server.imap(processed="seen"), store, broker):
        await wait_for(lambda: server.idling)
    assert server.held[1].flags == {"\\Seen"}
    store.rows.clear()
    async with reading(server.imap(processed="move", move_to="Done & gone/é"), store, broker):
        await wait_for(lambda: server.idling)
    assert server.folders["Done &- gone/&AOk-"] == [letter(1)]
    assert not server.held


async def test_without_move_mail_is_copied_and_removed(store: MemoryInboxes, broker: Broker) -> None:
    async with ImapServer(capabilities="IMAP4rev1 IDLE UIDPLUS AUTH=PLAIN") as server:
        server.add(letter(1))
        async with reading(server.imap(processed="move", move_to="Done"), store, broker):
            await wait_for(lambda: server.idling)
        assert server.folders["Done"] == [letter(1)]
        assert not server.held


async def test_left_alone_it_is_not_even_opened_for_writing(
    server: ImapServer, store: MemoryInboxes, broker: Broker
) -> None:
    server.add(letter(1))
    async with reading(server.imap(), store, broker):
        await wait_for(lambda: server.idling)
    assert server.count("EXAMINE") == 1
    assert server.count("SELECT") == server.count("UID STORE") == 0
    assert server.held[1].flags == set()


async def test_a_server_that_will_not_mark_mail_loses_none_and_the_operator_is_told(
    server: ImapServer, store: MemoryInboxes, broker: Broker
) -> None:
    server.add(letter(1))
    server.answer("UID STORE", b"TAG NO [NOPERM] not yours\r\n")
    async with reading(server.imap(processed="seen"), store, broker):
        await wait_for(lambda: watching(store))
    assert broker.ids == ids(1)
    assert store.rows["box"].told[-1][1] == "unmarked"


# -- refusals


async def test_a_wrong_password_is_told_and_tried_again_only_when_another_stands_there(
    server: ImapServer, store: MemoryInboxes, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INBOX_PASSWORD", "old")
    server.add(letter(1))
    async with reading(server.imap(), store, broker):
        await wait_for(lambda: store.rows["box"].told[-1:] and store.rows["box"].told[-1][0] == "refused")
        _, why, detail = store.rows["box"].told[-1]
        assert why == "login"
        assert detail is not None
        assert "AUTHENTICATIONFAILED" in detail
        assert "@" not in detail
        assert server.count("AUTHENTICATE") == 1
        monkeypatch.setenv("INBOX_PASSWORD", "hunter2")
        await wait_for(lambda: broker.ids == ids(1))
    assert server.count("AUTHENTICATE") == 2


async def test_a_refusal_is_tried_again_when_its_rest_is_over(
    server: ImapServer, store: MemoryInboxes, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox_fares, "rest_s", lambda refusals: 0.05)
    server.answer("AUTHENTICATE", b"TAG NO [AUTHENTICATIONFAILED] wrong\r\n")
    async with reading(server.imap(), store, broker):
        await wait_for(lambda: server.idling)


@pytest.mark.parametrize(
    "answer", [b"TAG NO [UNAVAILABLE] later\r\n", b"TAG NO [ALERT] Too many simultaneous connections\r\n"]
)
async def test_a_server_that_is_too_busy_is_no_wrong_password(
    answer: bytes, server: ImapServer, store: MemoryInboxes, broker: Broker
) -> None:
    server.answer("AUTHENTICATE", answer, answer)
    async with reading(server.imap(), store, broker):
        await wait_for(lambda: server.idling)
    assert {why for _, why, _ in store.rows["box"].told if why} == {"busy"}


async def test_a_folder_that_is_not_there_and_a_missing_secret_are_named(
    server: ImapServer, store: MemoryInboxes, broker: Broker
) -> None:
    async with reading(server.imap(folder="Replies"), store, broker):
        await wait_for(lambda: store.rows["box"].told[-1:] and store.rows["box"].told[-1][1] == "folder")
    async with reading(server.imap(password_ref="env:NOT_THERE"), store, broker):
        await wait_for(lambda: store.rows["box"].told[-1][1] == "secret")
    _, _, detail = store.rows["box"].told[-1]
    assert "env:NOT_THERE" in str(detail)


async def test_a_reader_whose_mailbox_another_has_taken_does_not_begin_anew(
    server: ImapServer, store: MemoryInboxes, broker: Broker
) -> None:
    async with reading(server.imap(), store, broker) as task:
        await wait_for(lambda: server.idling)
        other = MemoryInboxes(store.rows)
        store.rows["box"].held_until = 0.0
        assert await other.claim("box", ["anna"], SINCE, 60.0) is not None
        server.uid_validity += 1
        await server.drop_all()
        await wait_for(task.done)


async def test_two_readers_at_once_only_repeat(server: ImapServer, store: MemoryInboxes, broker: Broker) -> None:
    for number in (1, 2, 3):
        server.add(letter(number))
    async with reading(server.imap(), store, broker), reading(server.imap(), store, broker):
        await wait_for(lambda: sum(bool(one.idle_tag) for one in server.sessions) == 2)
    assert set(broker.ids) == set(ids(1, 2, 3))
    assert position(store) == (7, 3)
