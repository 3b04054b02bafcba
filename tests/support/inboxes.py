"""The inbox role's world without servers: a store in memory, a broker that is a list, a pace for tests."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from agents.inbox_ports import Pace, Tools
from agents.inbox_reader import Reader
from domain.inbox import Position
from domain.senders import Imap
from schemas.replies import InboundMail
from sinks.imap import ImapSession, Timeouts, open_mailbox
from sinks.postgres.inboxes import Claimed, Stuck
from streams.clock import Clock
from streams.errors import Retryable

SINCE = datetime(2026, 1, 1, tzinfo=UTC)
FAST = Timeouts(connect_s=2.0, silence_s=0.2, answer_s=2.0)


@dataclass
class Row:
    """An account."""

    since: datetime
    mailboxes: list[str]
    owner: UUID | None = None
    held_until: float = 0.0
    position: Position | None = None
    read_at: datetime | None = None
    taken: int = 0
    told: list[tuple[str, str | None, str | None]] = field(default_factory=list[tuple[str, str | None, str | None]])
    stuck: dict[tuple[int, int], tuple[Stuck, float, str]] = field(
        default_factory=dict[tuple[int, int], tuple[Stuck, float, str]]
    )


class MemoryInboxes:
    """What `sinks/postgres/inboxes.py` does, in a dict. Several stores may share `rows`."""

    def __init__(self, rows: dict[str, Row] | None = None, owner: UUID | None = None) -> None:
        self.rows: dict[str, Row] = {} if rows is None else rows
        self.owner = owner or uuid4()

    async def claim(self, account: str, mailboxes: Sequence[str], since: datetime, seconds: float) -> Claimed | None:
        row = self.rows.setdefault(account, Row(since, []))
        if row.owner not in (None, self.owner) and row.held_until > time.monotonic():
            return None
        row.owner, row.held_until, row.mailboxes = self.owner, time.monotonic() + seconds, list(mailboxes)
        return Claimed(row.since, row.position, row.read_at)

    async def renew(self, accounts: Sequence[str], seconds: float) -> set[str]:
        mine = {account for account in accounts if self.rows[account].owner == self.owner}
        for account in mine:
            self.rows[account].held_until = time.monotonic() + seconds
        return mine

    async def let_go(self, accounts: Sequence[str]) -> None:
        for account in accounts:
            if self.rows[account].owner == self.owner:
                self.rows[account].owner = None

    async def begin(self, account: str, position: Position) -> bool:
        row = self.rows[account]
        if row.owner != self.owner:
            return False
        row.position, row.since = position, position.since
        row.stuck = {key: one for key, one in row.stuck.items() if key[0] == position.uid_validity}
        return True

    async def advance(self, account: str, position: Position, taken: int) -> None:
        row = self.rows[account]
        if row.position is None or row.position.uid_validity != position.uid_validity:
            return
        row.position = replace(row.position, last_uid=max(row.position.last_uid, position.last_uid))
        row.taken += taken

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
        row = self.rows[account]
        if row.owner == self.owner:
            row.told.append((state, why, detail))
            row.read_at = datetime.now(UTC) if all_read else row.read_at

    async def set_aside(self, account: str, uid_validity: int, stuck: Stuck, detail: str, again_in: timedelta) -> None:
        due = time.monotonic() + again_in.total_seconds()
        self.rows[account].stuck[uid_validity, stuck.uid] = (stuck, due, detail)

    async def stuck(self, account: str, uid_validity: int) -> list[Stuck]:
        now = time.monotonic()
        found = self.rows[account].stuck.items()
        return [stuck for (validity, _), (stuck, due, _) in found if validity == uid_validity and due <= now]

    async def unstuck(self, account: str, uid_validity: int, uid: int) -> None:
        self.rows[account].stuck.pop((uid_validity, uid), None)

    def due_now(self, account: str = "box") -> None:
        """The time of every mail that was set aside has come."""
        row = self.rows[account]
        row.stuck = {key: (stuck, 0.0, detail) for key, (stuck, _, detail) in row.stuck.items()}


class Broker:
    """Takes mails, unless it is away; `ids` are the Message-IDs in the order they came, repeats included."""

    def __init__(self) -> None:
        self.mails: list[InboundMail] = []
        self.is_away = False
        self.tries = 0

    async def publish(self, mails: Sequence[InboundMail]) -> None:
        self.tries += 1
        if self.is_away:
            raise Retryable("away")
        self.mails += mails

    @property
    def ids(self) -> list[str]:
        return [mail.message_id for mail in self.mails]


async def open_fast(imap: Imap) -> ImapSession:
    """With timeouts of a second at most."""
    return await open_mailbox(imap, FAST)


async def open_patiently(imap: Imap) -> ImapSession:
    """A real server may take a moment."""
    return await open_mailbox(imap, Timeouts(connect_s=5.0, silence_s=10.0, answer_s=20.0))


def tools(store: MemoryInboxes, broker: Broker, **changes: object) -> Tools:
    """For a reader, or the whole role."""
    known: dict[str, object] = {
        "store": store,
        "publish": broker.publish,
        "open": open_fast,
        "clock": Clock(),
        "pace": Pace(first_idle_s=0.5, idle_s=5.0, poll_s=0.05, secret_s=0.02),
    }
    return Tools(**{**known, **changes})  # pyright: ignore[reportArgumentType]


@asynccontextmanager
async def reading(
    imap: Imap,
    store: MemoryInboxes,
    broker: Broker,
    *,
    since: datetime = SINCE,
    kind: type[Reader] = Reader,
    **changes: object,
) -> AsyncIterator[asyncio.Task[None]]:
    """A reader of account `box` at work; at the end it is stopped."""
    claimed = await store.claim("box", ["anna"], since, 60.0)
    assert claimed is not None
    task = asyncio.create_task(kind("box", "anna", imap, claimed, tools(store, broker, **changes)).run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
