"""The ledger's statements find every row by an index, whatever the statistics say, and update within the page."""

import re

import pytest

from sinks.ports import Verdict
from sinks.postgres.connect import LEDGER_PLAN
from sinks.postgres.queries import queries
from tests.support.ledger import AT, World, grant
from tests.support.waiting import wait_for

STATEMENTS = [f"{file}.{name}" for file in ("ledger", "stops", "leases", "companies") for name in queries(file)]
SCANS = re.compile(r"(Seq Scan|Index Scan|Index Only Scan|Bitmap Heap Scan)(?: Backward)?(?: using (\w+))? on (\w+)")
TABLES = {"sends", "consents", "stops", "suppressions", "campaign_addresses", "campaign_gates", "partition_leases"}
INDEXES = {
    "sends": {
        "default": {"sends_pkey"},
        "ledger.mark_ambiguous": {"sends_by_partition"},
        "ledger.adopt": {"sends_by_partition"},
        "ledger.untold": {"sends_by_partition"},
        "ledger.forget": {"sends_by_partition", "sends_pkey"},
        "ledger.resolve_messages": {"sends_by_message"},
        "ledger.resolve_relayed": {"sends_by_relay"},
        "ledger.resolve_thread": {"sends_by_address"},
        "ledger.resolve_number": {"sends_by_address"},
        "ledger.recent_grants": {"sends_by_pool"},
    }
}


async def plan(world: World, statement: str) -> str:
    file, _, name = statement.partition(".")
    sql = queries(file)[name]
    count = max((int(number) for number in re.findall(r"\$(\d+)", sql)), default=0)
    async with world.pool.acquire() as connection:
        await connection.execute(f"prepare planned as {sql}")
        try:
            arguments = f"({', '.join(['null'] * count)})" if count else ""
            rows = await connection.fetch(f"explain (costs off) execute planned{arguments}")
        finally:
            await connection.execute("deallocate planned")
    return "\n".join(row[0] for row in rows)


async def believe(world: World, rows: int, pages: int) -> None:
    """Make the planner believe that every table has this size."""
    await world.pool.execute(
        "update pg_class set reltuples = $1, relpages = $2 where relname = any($3::text[])",
        float(rows),
        pages,
        sorted(TABLES),
    )


@pytest.mark.parametrize("size", ["fresh", "tiny", "large"])
async def test_every_row_is_found_by_an_index(world: World, size: str) -> None:
    if size != "fresh":
        await believe(world, *((3, 1) if size == "tiny" else (5_000_000, 500_000)))
    wrong: list[str] = []
    for statement in STATEMENTS:
        text = await plan(world, statement)
        for kind, index, table in SCANS.findall(text):
            allowed = INDEXES.get(table, {})
            names = allowed.get(statement, allowed.get("default"))
            if table in TABLES and ("Index" not in kind or (names is not None and index not in names)):
                wrong.append(f"{statement}: {kind} {index} on {table}")
        if re.search(r"Hash Join|Merge Join|Hash Semi|Hash Anti", text):
            wrong.append(f"{statement}: joins by reading everything")
    assert wrong == []


async def test_every_statement_of_the_path_is_covered_here() -> None:
    assert {"ledger.intake", "ledger.gate", "ledger.record", "stops.stop", "leases.take"} <= set(STATEMENTS)


async def test_the_ledgers_connections_have_the_ledgers_plan(world: World) -> None:
    for name, value in LEDGER_PLAN.items():
        assert await world.pool.fetchval(f"show {name}") == value


async def test_a_touchs_updates_stay_within_their_page(world: World) -> None:
    """No column that changes on the way is indexed."""
    leads = [f"lead-{number}" for number in range(60)]
    for start in range(0, 60, 20):
        claims = await world.claim(*(grant(lead) for lead in leads[start : start + 20]))
        passed = (await world.gate(claims)).passed
        await world.ledger.record([Verdict(claim, "sent", used=True, at=AT, subject="Hello") for claim in passed])

    async def updates() -> tuple[int, int] | None:
        async with world.pool.acquire() as connection:
            await connection.execute("select pg_stat_force_next_flush()")
            await connection.execute("select pg_stat_clear_snapshot()")
            row = await connection.fetchrow(
                "select n_tup_upd, n_tup_hot_upd from pg_stat_user_tables where relname = 'sends'"
            )
        return (row[0], row[1]) if row and row[0] else None

    assert await wait_for(updates, 10) == (120, 120)
