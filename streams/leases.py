"""Who owns a partition, as the ledger's gate knows it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Protocol
from uuid import UUID

log = logging.getLogger(__name__)

RENEW_S = 3600.0
"""A lease that was not renewed for a day counts as abandoned: many renewals may fail before one that is held does."""


class LeasePort(Protocol):
    """Epochs by scope (`dispatch:3`), kept where the gate can lock them. Both raise Retryable when the store is away."""

    async def take(self, scope: str, owner: UUID, generation: int) -> int | None:
        """Called for every owned partition after every rebalance, and never elsewhere.

        Answers the epoch in force: the same one while the owner stays the same (its generation is noted), one higher
        when the owner changes, None when the row carries this or a newer generation of another owner who has renewed it
        within a day. (A group that stood empty for long is forgotten by the brokers, and its generations begin anew.)
        The owner is a random id a process start, so a restart under the same name is another owner.
        """
        ...

    async def renew(self, scopes: Sequence[str], owner: UUID) -> None:
        """Note that these are still held, where the owner is still this one."""
        ...


async def keep_renewed(
    leases: LeasePort, owner: UUID, held: Callable[[], Sequence[str]], every_s: float = RENEW_S
) -> None:
    """Renew what is held, for as long as the process runs. One that fails is made up for by the next."""
    while True:
        await asyncio.sleep(every_s)
        scopes = held()
        if not scopes:
            continue
        try:
            await leases.renew(scopes, owner)
        except Exception as error:  # noqa: BLE001 - whatever it is, the next renewal is tried
            log.warning("leases are not renewed, trying again later: %r", error)
