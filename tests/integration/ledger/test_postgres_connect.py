"""What a fault of Postgres means to the caller."""

import asyncio
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
from asyncpg.protocol import protocol

from sinks.postgres.connect import ARRAYS, NoDatabase, classified, classify, connect, retrying
from sinks.postgres.queries import queries
from streams.errors import Poison, Retryable


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.DeadlockDetectedError("deadlock"),
        asyncpg.SerializationError("serialization"),
        asyncpg.CannotConnectNowError("starting up"),
        asyncpg.TooManyConnectionsError("too many"),
        asyncpg.AdminShutdownError("shutting down"),
        asyncpg.ConnectionDoesNotExistError("gone"),
        asyncpg.InterfaceError("pool is closing"),
        asyncpg.DiskFullError("full"),
        ConnectionResetError("reset"),
        TimeoutError("late"),
    ],
)
def test_a_server_that_is_away_or_in_the_way_is_worth_another_try(error: Exception) -> None:
    assert isinstance(classify(error), Retryable)


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.CharacterNotInRepertoireError("NUL"),
        asyncpg.NumericValueOutOfRangeError("too large"),
        asyncpg.CheckViolationError("check"),
        asyncpg.NotNullViolationError("null"),
        asyncpg.DataError("invalid input for query argument"),
    ],
)
def test_data_that_it_refuses_is_poison(error: Exception) -> None:
    assert isinstance(classify(error), Poison)


@pytest.mark.parametrize("error", [asyncpg.UndefinedTableError("no table"), KeyError("x"), ValueError("x")])
def test_a_defect_stays_what_it_is(error: Exception) -> None:
    assert classify(error) is error


async def test_a_statement_whose_connection_is_cut_is_retryable(postgres_dsn: str) -> None:
    pool = await connect(postgres_dsn, name="cut", max_size=1)
    other = await asyncpg.connect(postgres_dsn)

    async def cut() -> None:
        async with pool.acquire() as connection:  # held, so that the pool cannot replace it first
            await other.execute("select pg_terminate_backend($1)", await connection.fetchval("select pg_backend_pid()"))
            await connection.fetchval("select pg_sleep(10)")

    with pytest.raises(Retryable), classified:
        await cut()
    assert await pool.fetchval("select 1") == 1, "the pool connects again"
    await other.close()
    await pool.close()


async def test_an_argument_of_the_wrong_type_is_poison(postgres_dsn: str) -> None:
    pool = await connect(postgres_dsn, name="types", max_size=1)
    with pytest.raises(Poison), classified:
        await pool.fetchval("select $1::int", 2**40)
    await pool.close()


async def test_nobody_listening_is_retryable_and_a_wrong_name_is_not(postgres_dsn: str) -> None:
    parts = urlsplit(postgres_dsn)
    with pytest.raises(Retryable):
        await connect("postgresql://nobody@127.0.0.1:1/x", name="away")
    with pytest.raises(NoDatabase, match="TOUCHLINE_POSTGRES_DSN"):
        await connect(urlunsplit(parts._replace(path="/there_is_none")), name="wrong")
    with pytest.raises(NoDatabase, match="TOUCHLINE_POSTGRES_DSN"):
        await connect("mysql://x", name="wrong")


async def test_retrying_waits_out_the_faults_and_lets_the_loop_live() -> None:
    calls: list[int] = []

    async def call() -> str:
        calls.append(1)
        if len(calls) < 3:
            raise Retryable("away")
        return "here"

    assert await asyncio.wait_for(retrying("test", call), 5) == "here"
    assert len(calls) == 3


async def test_retrying_passes_everything_else_on_at_once() -> None:
    async def call() -> None:
        raise Poison("bad")

    with pytest.raises(Poison):
        await asyncio.wait_for(retrying("test", call), 5)


def test_a_statement_is_found_by_its_name() -> None:
    assert "for share" in queries("ledger")["gate"]
    with pytest.raises(KeyError):
        queries("ledger")["nothing"]


async def test_asyncpg_tells_arrays_by_the_classes_that_we_name(
    postgres_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fails when asyncpg looks elsewhere: `connect` then changes nothing, and encoding costs what it did."""
    pool = await connect(postgres_dsn, name="arrays", max_size=1)
    said = "select $1::text[] as texts, $2::uuid[] as ids, $3::bytea[] as raws"
    try:
        assert vars(protocol)["IterableABC"] is ARRAYS
        for made in (list, tuple, set, frozenset):
            row = await pool.fetchrow(said, made(["a"]), made([]), made([b"\x00"]))
            assert tuple(row) == (["a"], [], [b"\x00"])
        for wrong in ("a", b"a", {"a": 1}):
            with pytest.raises(asyncpg.DataError):
                await pool.fetchrow(said, wrong, [], [])
        monkeypatch.setattr(protocol, "IterableABC", ())
        with pytest.raises(asyncpg.DataError):
            await pool.fetchrow(said, ["a"], [], [])
    finally:
        await pool.close()
