"""Consent as people and operators change it: choices, suppressions that are brought in, what is lifted (behaviour 5.3).

Whatever changes a flag first locks the consent rows that the gate reads, in a statement of its own: the next one sees what
was committed while it waited, and no touch passes the gate until the change is committed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

from domain.consent import PERSONAL
from domain.tokens import address_key, lead_key
from sinks.postgres.connect import classified
from sinks.postgres.queries import queries
from sinks.postgres.untold import Noted, note

SQL = queries("consent")


class Brought(NamedTuple):
    """A suppression that an operator brings: `key` is an address's keyed hash. `since`: when the person said so, where it
    is known. `is_address`: the leads that were written to at it are to be told (a text to a suppressed number fails alone,
    and of a bare key nobody knows what it is).
    """

    key: bytes
    scope: str
    reason: str
    since: datetime | None = None
    is_address: bool = True


class Reached(NamedTuple):
    """A lead whom a suppression is about, by its newest touch within the scope."""

    lead_id: str
    campaign_id: str
    step_id: str
    entry_no: int
    send_id: UUID
    scope: str


class Written(NamedTuple):
    """Whom a touch went to, and its campaign's goal when it went."""

    address_key: bytes
    goal: str


class Choice(NamedTuple):
    """What a person chose on a page, by one click or in a reply, and has not taken back."""

    source_id: str
    scope: str


class Lifted(NamedTuple):
    """A suppression that an operator has lifted."""

    scope: str
    source_id: str
    reason: str


class Consents:
    """Changes of consent. Every method raises Retryable while Postgres is away. `hash_secret`: `TokenKeys.hash_secret`."""

    def __init__(self, pool: asyncpg.Pool, hash_secret: bytes) -> None:
        self._pool = pool
        self._secret = hash_secret

    # -- what operators bring

    async def bring(
        self, rows: Sequence[Brought], *, via: str, source: str, tell: Callable[[Reached], Noted] | None = None
    ) -> list[Brought]:
        """Commit these in one transaction, with what `tell` makes for each lead reached; returns those that are new.

        The like of one that is in force changes nothing, and one that its person has taken back since (`since` is before
        that) is not brought again.
        """
        if not rows:
            return []
        keys = sorted({row.key for row in rows})
        with classified:
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute(queries("stops")["ensure"], keys)
                await connection.execute(SQL["lock"], keys)
                fresh = await _missing(connection, rows)
                if not fresh:
                    return []
                await connection.fetch(SQL["insert"], *_columns(fresh), source, via)
                await connection.execute(SQL["flag_again"], sorted({row.key for row in fresh}))
                if tell is not None:
                    await note(connection, [tell(one) for one in await _reached(connection, fresh)])
        return fresh

    async def missing(self, rows: Sequence[Brought]) -> list[Brought]:
        """Those that `bring` would add as things stand."""
        with classified:
            return await _missing(self._pool, rows) if rows else []

    async def lift(self, key: bytes, scope: str | None = None) -> list[Lifted]:
        """Lift an address's suppressions (in one scope, or all of them), with the leads' that came with them; what a person
        asked for stays.
        """
        with classified:
            leads = [row["lead_key"] for row in await self._pool.fetch(SQL["leads"], key)]
            keys = sorted({key, *leads})
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute(SQL["lock"], keys)
                rows = await connection.fetch(SQL["lift"], key, scope, sorted(PERSONAL), keys)
                await connection.execute(SQL["flag_again"], sorted({row["key"] for row in rows}))
        return [Lifted(row["scope"], row["source_id"], row["reason"]) for row in rows if row["key"] == key]

    # -- what a person chooses on the page

    async def written(self, send_id: UUID) -> Written | None:
        """Whom a touch went to; None where the ledger does not know it."""
        with classified:
            row = await self._pool.fetchrow(SQL["written"], send_id)
        return None if row is None else Written(*row)

    async def choices(self, lead_id: str, written: Written | None) -> list[Choice]:
        """What the person has chosen and not taken back."""
        with classified:
            rows = await self._pool.fetch(SQL["choices"], self._keys(lead_id, written))
        return [Choice(*row) for row in rows]

    async def take_back(self, lead_id: str, written: Written | None, sources: Sequence[str]) -> frozenset[str]:
        """A person takes their own choices back; the scopes in which they are suppressed all the same."""
        keys = self._keys(lead_id, written)
        with classified:
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute(SQL["lock"], keys)
                lifted = await connection.fetch(SQL["take_back"], keys, list(sources))
                await connection.execute(SQL["flag_again"], sorted({row["key"] for row in lifted}))
                rows = await connection.fetch(SQL["flags"], keys)
        return frozenset(row["scope"] for row in rows)

    def _keys(self, lead_id: str, written: Written | None) -> list[bytes]:
        keys = {lead_key(self._secret, lead_id)} | ({written.address_key} if written is not None else set())
        return sorted(keys)

    # -- what is known

    def key_of(self, address: str) -> bytes:
        """The keyed hash under which an address, or a number in E.164, stands."""
        return address_key(self._secret, address)

    async def story(self, key: bytes) -> Story:
        """All that is known of an address's suppressions, and the proof, of one moment."""
        with classified:
            async with (
                self._pool.acquire() as connection,
                connection.transaction(isolation="repeatable_read", readonly=True),
            ):
                records = await connection.fetch(SQL["records"], key)
                against = await connection.fetch(SQL["against"], key)
                counts = await connection.fetchrow(SQL["touches"], key)
        return Story([dict(row) for row in records], [dict(row) for row in against], counts["known"], counts["sent"])

    async def page(
        self, after: tuple[bytes, str, str] = (b"", "", ""), *, lifted: bool = False, at_most: int = 1000
    ) -> list[dict[str, Any]]:
        """Suppressions in the order of their keys, after the one with this (key, scope, source_id)."""
        with classified:
            return [dict(row) for row in await self._pool.fetch(SQL["page"], *after, lifted, at_most)]


class Story(NamedTuple):
    """`records`: rows of `records`; `against`: rows of `against`; how many touches to the address are known, and were sent."""

    records: list[dict[str, Any]]
    against: list[dict[str, Any]]
    known: int
    sent: int


def _columns(rows: Sequence[Brought]) -> tuple[list[Any], ...]:
    return tuple(map(list, zip(*((row.key, row.scope, row.reason, row.since) for row in rows), strict=True)))


async def _missing(connection: Any, rows: Sequence[Brought]) -> list[Brought]:
    found = await connection.fetch(SQL["missing"], *_columns(rows))
    return [rows[row["place"] - 1] for row in found]


async def _reached(connection: Any, fresh: Sequence[Brought]) -> list[Reached]:
    told = [row for row in fresh if row.is_address]
    columns = [row.key for row in told], [row.scope for row in told]
    return [Reached(*row) for row in await connection.fetch(SQL["reached"], *columns)]
