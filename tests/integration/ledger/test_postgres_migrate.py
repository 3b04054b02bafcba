"""Migrations: in order, each once, never edited."""

import asyncio
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from sinks.postgres.migrate import Migration, MigrationError, migrate, migrations

FIRST = Migration(1, "first", "create table a (id int)")
SECOND = Migration(2, "second", "create table b (id int); insert into b values (1)")


async def test_each_is_applied_once_and_in_order(postgres_dsn: str) -> None:
    assert await migrate(postgres_dsn, [FIRST]) == ["001_first"]
    assert await migrate(postgres_dsn, [FIRST, SECOND]) == ["002_second"]
    assert await migrate(postgres_dsn, [FIRST, SECOND]) == []


async def test_roles_that_start_together_migrate_once(postgres_dsn: str) -> None:
    applied = await asyncio.gather(*(migrate(postgres_dsn, [FIRST, SECOND]) for _ in range(4)))
    assert sorted(map(len, applied)) == [0, 0, 0, 2]


async def test_one_that_fails_leaves_nothing_behind(postgres_dsn: str) -> None:
    broken = replace(SECOND, sql="create table b (id int); select nonsense")
    with pytest.raises(asyncpg.PostgresError):
        await migrate(postgres_dsn, [FIRST, broken])
    assert await migrate(postgres_dsn, [FIRST, SECOND]) == ["002_second"]


async def test_an_edited_one_is_refused(postgres_dsn: str) -> None:
    await migrate(postgres_dsn, [FIRST])
    with pytest.raises(MigrationError, match="001_first differs"):
        await migrate(postgres_dsn, [replace(FIRST, sql="create table c (id int)"), SECOND])


async def test_an_older_program_refuses_a_newer_database(postgres_dsn: str) -> None:
    await migrate(postgres_dsn, [FIRST, SECOND])
    with pytest.raises(MigrationError, match="002_second, which this version does not know"):
        await migrate(postgres_dsn, [FIRST])


async def test_one_that_comes_late_is_refused(postgres_dsn: str) -> None:
    await migrate(postgres_dsn, [SECOND])
    with pytest.raises(MigrationError, match="001_first is numbered below 002"):
        await migrate(postgres_dsn, [FIRST, SECOND])


def test_two_with_one_number_or_a_bad_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "001_one.sql").write_text("select 1")
    (tmp_path / "001_two.sql").write_text("select 1")
    with pytest.raises(MigrationError, match="share a number"):
        migrations(tmp_path)
    (tmp_path / "2_three.sql").write_text("select 1")
    with pytest.raises(MigrationError, match="NNN_name"):
        migrations(tmp_path)


def test_the_products_migrations_have_no_gaps() -> None:
    found = migrations()
    assert [migration.number for migration in found] == list(range(1, len(found) + 1))
