"""Migrations: `sinks/sql/migrations/NNN_name.sql`, in order, each once, forward only."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from sinks.postgres.connect import classified
from sinks.postgres.queries import FOLDER

_FILE = re.compile(r"^(\d{3})_([a-z0-9_]+)\.sql$")
_LOCK = 0x746F7563  # any number that is only ours: roles that start together migrate one after another

_TABLE = """
create table if not exists schema_migrations (
    number int primary key,
    name text not null,
    checksum text not null,
    applied_at timestamptz not null default now()
)
"""


class MigrationError(Exception):
    """The database and this version's migrations disagree. The message says which and what to do."""


@dataclass(frozen=True, slots=True)
class Migration:
    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations(folder: Path = FOLDER / "migrations") -> list[Migration]:
    """All migrations in order. Raises MigrationError where a name is malformed or a number stands twice."""
    found: list[Migration] = []
    for path in sorted(folder.glob("*.sql")):
        match = _FILE.match(path.name)
        if match is None:
            raise MigrationError(f"{path.name}: a migration is named NNN_name.sql")
        found.append(Migration(int(match[1]), match[2], path.read_text("utf-8")))
    numbers = [migration.number for migration in found]
    if len(set(numbers)) != len(numbers):
        raise MigrationError(f"two migrations share a number: {numbers}")
    return found


async def migrate(dsn: str, wanted: Sequence[Migration] | None = None) -> list[str]:
    """Brings the database up to this version; returns the names of what was applied. Safe to run from many at once.

    Raises Retryable while the server is away, MigrationError when an applied migration has been edited, when one is missing
    from this version (an older program on a newer database), or when a new one is numbered below an applied one.
    """
    wanted = migrations() if wanted is None else wanted
    with classified:
        connection = await asyncpg.connect(dsn, timeout=10)
        try:
            await connection.execute("select pg_advisory_lock($1)", _LOCK)
            return await _apply(connection, wanted)
        finally:
            await connection.close(timeout=5)


async def _apply(connection: asyncpg.Connection, wanted: Sequence[Migration]) -> list[str]:
    await connection.execute(_TABLE)
    rows = await connection.fetch("select number, name, checksum from schema_migrations order by number")
    applied = {row["number"]: row for row in rows}
    _check(applied, wanted)
    fresh = [migration for migration in wanted if migration.number not in applied]
    for migration in fresh:
        async with connection.transaction():
            await connection.execute(migration.sql)
            await connection.execute(
                "insert into schema_migrations (number, name, checksum) values ($1, $2, $3)",
                migration.number,
                migration.name,
                migration.checksum,
            )
    return [f"{migration.number:03}_{migration.name}" for migration in fresh]


def _check(applied: dict[int, asyncpg.Record], wanted: Sequence[Migration]) -> None:
    known = {migration.number: migration for migration in wanted}
    newest = max(applied, default=0)
    for number, row in applied.items():
        if number not in known:
            raise MigrationError(
                f"the database has migration {number:03}_{row['name']}, which this version does not know: run the newer one"
            )
        if known[number].checksum != row["checksum"]:
            raise MigrationError(
                f"migration {number:03}_{row['name']} differs from the one applied: migrations are never edited, add a new one"
            )
    late = [f"{m.number:03}_{m.name}" for m in wanted if m.number < newest and m.number not in applied]
    if late:
        raise MigrationError(
            f"{', '.join(late)} is numbered below {newest:03}, which is applied already: give it a new number"
        )
