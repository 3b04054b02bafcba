"""What the decisions of one instant have found out about mailboxes: only a grant changes it before the next instant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from domain.dispatch.blocks import Block, sooner
from domain.dispatch.limits import MailboxMeter


class Present:
    """The mailboxes as they are at `now`. Each is looked at once, and again when it got a grant."""

    __slots__ = ("_blocks", "_max_open", "_now", "_preferences")

    def __init__(self, max_open: int) -> None:
        self._max_open = max_open
        self._now = 0
        self._blocks: dict[MailboxMeter, Block | None] = {}
        self._preferences: dict[MailboxMeter, tuple[float, int, int, str]] = {}

    def begin(self, now: int) -> None:
        """Decisions at `now` follow. Whatever happened before them may have changed every mailbox."""
        self._now = now
        self._blocks.clear()
        self._preferences.clear()

    def granted(self, mailbox: MailboxMeter) -> None:
        """It got a grant, and its limits one grant less."""
        self._blocks.pop(mailbox, None)
        self._preferences.pop(mailbox, None)

    def free(self, mailboxes: Iterable[MailboxMeter]) -> tuple[list[MailboxMeter], Block | None]:
        """Those that could send now, and what holds the others: the block that frees first."""
        blocks = self._blocks
        free: list[MailboxMeter] = []
        busy: Block | None = None
        for mailbox in mailboxes:
            if mailbox not in blocks:
                blocks[mailbox] = mailbox.block(self._now, self._max_open)
            held = blocks[mailbox]
            if held is None:
                free.append(mailbox)
            else:
                busy = sooner(busy, held)
        return free, busy

    def best(self, free: Sequence[MailboxMeter]) -> MailboxMeter:
        """The one of these that should send next."""
        if len(free) == 1:
            return free[0]
        preferences = self._preferences
        for mailbox in free:
            if mailbox not in preferences:
                preferences[mailbox] = mailbox.preference(self._now)
        return min(free, key=preferences.__getitem__)
