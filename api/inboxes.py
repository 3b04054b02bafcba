"""How the reply mailboxes fare that are read by IMAP: what `touchline inbox status` and `touchline doctor` tell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from api.bootstrap import dsn_of
from domain.compile import compile_definition
from domain.documents import InvalidDefinitions
from domain.inbox import account_of
from domain.senders import Mailbox
from schemas.definitions import Definition
from sinks.postgres.connect import connect
from sinks.postgres.control import ControlStore
from sinks.postgres.inboxes import InboxRow, inbox_rows
from streams.settings import Settings

PATIENCE = timedelta(minutes=10)
"""How long a lost connection is no fault yet."""
REMEDIES = {
    "unread": "start a worker: touchline worker inbox",
    "login": "mend what password_ref or token_ref names: another secret there is tried within a minute",
    "secret": "set what password_ref or token_ref names, for the inbox worker",
    "tls": "mend security, host or the server's certificate, then touchline apply",
    "folder": "mend folder or processed, then touchline apply",
    "unmarked": "allow it, or change processed: the mail itself is read",
    "away": "look at the server; it is tried again by itself",
    "stuck": "open these mails with a mail client; moved out of the folder and in again, they are new",
}


@dataclass(frozen=True, slots=True)
class InboxState:
    """One mailbox on a server. `state` is the table's, or `unread`: no worker has it. `detail` is the server's words."""

    account: str
    mailboxes: tuple[str, ...]
    state: str
    why: str | None = None
    detail: str | None = None
    state_at: datetime | None = None
    retry_at: datetime | None = None
    read_at: datetime | None = None
    taken: int = 0
    stuck: int = 0

    def fault(self, now: datetime) -> str | None:
        """The key of its remedy; None while all is well."""
        if self.state in ("refused", "unread"):
            return self.why if self.why in REMEDIES else self.state
        if self.state == "away" and self.state_at is not None and now - self.state_at > PATIENCE:
            return "away"
        return "unmarked" if self.why == "unmarked" else "stuck" if self.stuck else None


async def read_states(settings: Settings) -> list[InboxState]:
    """All of them. Raises Retryable, NoDatabase, SettingsError."""
    async with await connect(dsn_of(settings), name="inboxes", max_size=1) as pool:
        return inbox_states(await ControlStore(pool).heads(), await inbox_rows(pool))


def reads_by_imap(heads: Iterable[Definition]) -> bool:
    """Whether any mailbox is to be read."""
    return bool(inbox_states(heads, ()))


def inbox_states(heads: Iterable[Definition], rows: Sequence[InboxRow]) -> list[InboxState]:
    """The mailboxes that a definition names, those with faults first, with what is known of each."""
    known = {row.account: row for row in rows}
    named: dict[str, list[str]] = {}
    for head in heads:
        if head.kind != "mailbox" or head.deleted:
            continue
        try:
            mailbox = compile_definition(head)
        except InvalidDefinitions:
            continue  # `definitions` of the doctor tells it
        if isinstance(mailbox, Mailbox) and mailbox.imap is not None:
            named.setdefault(account_of(mailbox.imap), []).append(head.id)
    order = {account: number for number, account in enumerate(known)}
    return [
        _state(account, tuple(ids), known.get(account))
        for account, ids in sorted(named.items(), key=lambda item: (order.get(item[0], -1), item[1]))
    ]


def _state(account: str, mailboxes: tuple[str, ...], row: InboxRow | None) -> InboxState:
    if row is None:
        return InboxState(account, mailboxes, "unread")
    state = row.state if row.is_read else "unread"
    why, detail = (row.why, row.detail) if row.is_read else (None, None)
    return InboxState(
        account, mailboxes, state, why, detail, row.state_at, row.retry_at, row.read_at, row.taken, row.stuck
    )


def faults(states: Iterable[InboxState], now: datetime) -> list[tuple[str, str]]:
    """(what is wrong, what to do) for each that needs somebody."""
    found: list[tuple[str, str]] = []
    for state in states:
        fault = state.fault(now)
        if fault is None:
            continue
        words = f"{state.stuck} mails could not be fetched" if fault == "stuck" else state.detail or "nobody reads it"
        found.append((f"{', '.join(state.mailboxes)}: {words}", REMEDIES[fault]))
    return found
