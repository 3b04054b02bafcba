"""Who owns a partition, as the ledger's gate knows it."""

from typing import Protocol
from uuid import UUID


class LeasePort(Protocol):
    """Epochs by scope (`dispatch:3`), kept where the gate can lock them.

    `take` is called for every owned partition after every rebalance, and never elsewhere. It answers the epoch in
    force: the same one while the owner stays the same (its generation is noted), one higher when the owner changes,
    None when the row already carries this or a newer generation of another owner. The owner is a random id a process
    start, so a restart under the same name is another owner. Raises Retryable when the store is away.
    """

    async def take(self, scope: str, owner: UUID, generation: int) -> int | None: ...
