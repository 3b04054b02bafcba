"""Reply mailboxes that are read by IMAP: who reads each, where it stands, how it fares (docs/behaviour.md 7.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from domain.inbox import Position
from sinks.postgres.connect import classified
from sinks.postgres.queries import queries

SQL = queries("inboxes")


@dataclass(frozen=True, slots=True)
class Claimed:
    """A mailbox that is ours to read. `position` None: it was never opened. `read_at`: when everything had been read."""

    since: datetime
    position: Position | None
    read_at: datetime | None


@dataclass(frozen=True, slots=True)
class Stuck:
    """A mail that the server did not give `tries` times."""

    uid: int
    size: int
    tries: int


@dataclass(frozen=True, slots=True)
class InboxRow:
    """How a mailbox fares, as `touchline inbox status` tells it. `mailboxes`: the definitions that name it."""

    account: str
    mailboxes: list[str]
    state: str
    why: str | None
    detail: str | None
    state_at: datetime
    retry_at: datetime | None
    read_at: datetime | None
    taken: int
    last_uid: int
    is_read: bool
    stuck: int


class Inboxes:
    """The tables. Every method raises Retryable when Postgres is away."""

    def __init__(self, pool: asyncpg.Pool, owner: UUID) -> None:
        self._pool = pool
        self._owner = owner

    async def claim(self, account: str, mailboxes: Sequence[str], since: datetime, seconds: float) -> Claimed | None:
        """Become the reader of the account for `seconds`; None while another is. `since` counts the first time."""
        with classified:
            row = await self._pool.fetchrow(SQL["claim"], account, self._owner, seconds, list(mailboxes), since)
        if row is None:
            return None
        known = row["uid_validity"]
        position = None if known is None else Position(known, row["last_uid"], row["filtered_below"], row["since"])
        return Claimed(row["since"], position, row["read_at"])

    async def renew(self, accounts: Sequence[str], seconds: float) -> set[str]:
        """Stay the reader of these; those that are still ours."""
        with classified:
            return {row[0] for row in await self._pool.fetch(SQL["renew"], list(accounts), self._owner, seconds)}

    async def let_go(self, accounts: Sequence[str]) -> None:
        """Read these no more: another may at once."""
        with classified:
            await self._pool.execute(SQL["let_go"], self._owner, list(accounts))

    async def begin(self, account: str, position: Position) -> bool:
        """Stand at another place: the first, or under other UIDs. False when another reads by now."""
        with classified:
            return bool(
                await self._pool.fetchval(
                    SQL["begin"],
                    account,
                    self._owner,
                    position.uid_validity,
                    position.last_uid,
                    position.filtered_below,
                    position.since,
                )
            )

    async def advance(self, account: str, position: Position, taken: int) -> None:
        """Everything up to the position is done with; `taken` mails of it went to the broker."""
        with classified:
            await self._pool.execute(SQL["advance"], account, position.uid_validity, position.last_uid, taken)

    async def note(
        self,
        account: str,
        state: str,
        *,
        why: str | None = None,
        detail: str | None = None,
        retry_s: float | None = None,
        all_read: bool = False,
    ) -> None:
        """Say how it fares."""
        detail = detail.replace("\x00", "") if detail else None
        with classified:
            await self._pool.execute(SQL["note"], account, self._owner, state, why, detail, retry_s, all_read)

    async def set_aside(self, account: str, uid_validity: int, stuck: Stuck, detail: str, again_in: timedelta) -> None:
        """The rest goes on without this mail, which is tried again."""
        seconds = again_in.total_seconds()
        detail = detail.replace("\x00", "")
        with classified:
            await self._pool.execute(
                SQL["set_aside"], account, uid_validity, stuck.uid, stuck.size, stuck.tries, detail, seconds
            )

    async def stuck(self, account: str, uid_validity: int) -> list[Stuck]:
        """Mails whose time has come to be tried again."""
        with classified:
            return [Stuck(*row) for row in await self._pool.fetch(SQL["stuck"], account, uid_validity)]

    async def unstuck(self, account: str, uid_validity: int, uid: int) -> None:
        """This mail is on the broker, or gone."""
        with classified:
            await self._pool.execute(SQL["unstuck"], account, uid_validity, uid)


async def inbox_rows(pool: asyncpg.Pool) -> list[InboxRow]:
    """How every mailbox fares, worst first. Raises Retryable when Postgres is away."""
    with classified:
        return [InboxRow(*row) for row in await pool.fetch(SQL["all"])]
