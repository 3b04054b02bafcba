"""Who reads a mailbox and where it stands: one behaviour of the table and of the store in memory that unit tests use."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from api.inboxes import faults, inbox_states
from domain.inbox import Position
from schemas.definitions import Definition
from sinks.postgres.connect import connect
from sinks.postgres.inboxes import Inboxes, Stuck, inbox_rows
from sinks.postgres.migrate import migrate
from tests.support.inboxes import MemoryInboxes, Row

SINCE = datetime(2026, 3, 1, tzinfo=UTC)
Make = Callable[[], Inboxes | MemoryInboxes]


@pytest.fixture(params=["memory", "postgres"])
async def make(request: pytest.FixtureRequest, postgres_dsn: str) -> AsyncIterator[Make]:
    """Makes stores of different workers on the same rows."""
    if request.param == "memory":
        rows: dict[str, Row] = {}
        yield lambda: MemoryInboxes(rows)
        return
    await migrate(postgres_dsn)
    pool = await connect(postgres_dsn, name="test")
    yield lambda: Inboxes(pool, uuid4())
    await pool.close()


async def test_one_worker_at_a_time_reads_a_mailbox_until_it_lets_go_or_its_claim_lapses(make: Make) -> None:
    one, other = make(), make()
    assert await one.claim("box", ["anna"], SINCE, 60) is not None
    assert await one.claim("box", ["anna"], SINCE, 60) is not None
    assert await other.claim("box", ["anna"], SINCE, 60) is None
    assert await other.renew(["box"], 60) == set()
    await other.let_go(["box"])
    assert await one.renew(["box"], 60) == {"box"}
    await one.let_go(["box"])
    assert await other.claim("box", ["anna"], SINCE, -1) is not None
    assert await one.claim("box", ["anna"], SINCE, 60) is not None
    assert await other.renew(["box"], 60) == set()


async def test_the_position_is_the_owners_to_begin_and_never_goes_back(make: Make) -> None:
    one, other = make(), make()
    claimed = await one.claim("box", ["anna"], SINCE, 60)
    assert claimed is not None
    assert (claimed.position, claimed.since, claimed.read_at) == (None, SINCE, None)
    begun = Position(7, 0, 100, SINCE)
    assert not await other.begin("box", begun)
    assert await one.begin("box", begun)
    await one.advance("box", Position(7, 50, 100, SINCE), 3)
    await other.advance(
        "box", Position(7, 40, 100, SINCE), 2
    )  # a worker that was taken over says what is true all the same
    await one.advance("box", Position(6, 90, 100, SINCE), 1)  # UIDs of before mean nothing now
    again = await one.claim("box", ["anna"], SINCE + timedelta(days=9), 60)
    assert again is not None
    assert again.position == Position(7, 50, 100, SINCE)
    assert again.since == SINCE


async def test_mails_that_are_set_aside_wait_their_time_and_are_forgotten_with_their_uids(make: Make) -> None:
    one = make()
    await one.claim("box", ["anna"], SINCE, 60)
    await one.begin("box", Position(7, 0, 1, SINCE))
    await one.set_aside("box", 7, Stuck(5, 100, 2), "no\x00 such", timedelta(hours=1))
    assert await one.stuck("box", 7) == []
    await one.set_aside("box", 7, Stuck(5, 100, 3), "still no", timedelta(seconds=-1))
    await one.set_aside("box", 7, Stuck(6, 9, 2), "no", timedelta(seconds=-1))
    assert await one.stuck("box", 7) == [Stuck(5, 100, 3), Stuck(6, 9, 2)] or await one.stuck("box", 7) == [
        Stuck(6, 9, 2),
        Stuck(5, 100, 3),
    ]
    await one.unstuck("box", 7, 6)
    assert await one.stuck("box", 7) == [Stuck(5, 100, 3)]
    await one.begin("box", Position(8, 0, 1, SINCE))
    assert await one.stuck("box", 7) == []


def mailbox(name: str, username: str) -> Definition:
    spec = {
        "kind": "Mailbox", "id": name, "pool": "main", "from": f"{name}@sender.example", "postal_address": "Street 1",
        "smtp": {"host": "smtp.example"},
        "imap": {"host": "imap.example", "username": username, "password_ref": "env:X"},
    }  # fmt: skip
    return Definition(kind="mailbox", id=name, revision=1, spec=spec, at=SINCE)


async def test_the_operator_is_told_who_is_read_who_is_not_and_what_to_do(postgres_dsn: str) -> None:
    await migrate(postgres_dsn)
    async with await connect(postgres_dsn, name="test") as pool:
        store = Inboxes(pool, uuid4())
        good, bad = "ok@imap.example:993/INBOX", "bad@imap.example:993/INBOX"
        for account in (good, bad, "old@imap.example:993/INBOX"):
            await store.claim(account, ["x"], SINCE, 60)
        await store.note(good, "watching", all_read=True)
        await store.note(bad, "refused", why="login", detail="[AUTHENTICATIONFAILED] wrong", retry_s=900)
        heads = [mailbox("anna", "ok"), mailbox("bert", "ok"), mailbox("carl", "bad"), mailbox("dora", "new")]
        states = inbox_states(heads, await inbox_rows(pool))
        assert [(state.mailboxes, state.state) for state in states] == [
            (("dora",), "unread"),
            (("carl",), "refused"),
            (("anna", "bert"), "watching"),
        ]
        assert states[1].retry_at is not None
        found = faults(states, datetime.now(UTC))
        assert [what for what, _ in found] == ["dora: nobody reads it", "carl: [AUTHENTICATIONFAILED] wrong"]
        assert "touchline worker inbox" in found[0][1]
        await store.claim(good, ["x"], SINCE, -1)  # its worker is gone
        states = inbox_states(heads, await inbox_rows(pool))
        assert {state.mailboxes: state.state for state in states}["anna", "bert"] == "unread"
