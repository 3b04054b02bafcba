"""What a role declares: its topics, its tables, its clock, and where its leases are kept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from streams.alive import Alive
from streams.intake import LINGER_S
from streams.leases import RENEW_S
from streams.outbox import Outbox
from streams.process import RoleProcess
from streams.tables import Table, WindowTable
from streams.ticks import Ticker, WallGuard
from streams.topology import changelog_name, table_spec, topic_name
from streams.work import Routing, Work

if TYPE_CHECKING:
    from streams.batches import Handler
    from streams.clock import ClockLike
    from streams.definitions import Definitions
    from streams.leases import LeasePort
    from streams.settings import Settings

__all__ = ["RoleProcess", "RoleStream"]


class RoleStream:
    """A role's stream. Declare its tables, then `run(handler)`.

    `epochs` (by partition), `partitions` and `generation` are those of the last completed rebalance; `owner` is a
    random id of this process start. `postgres_clock` answers Postgres's instant, which ticks are checked against.
    """

    def __init__(
        self,
        *,
        role: str,
        settings: Settings,
        clock: ClockLike,
        topics: Sequence[str],
        ticks: str | None = None,
        leases: LeasePort | None = None,
        postgres_clock: Callable[[], Awaitable[datetime]] | None = None,
        definitions: Definitions | None = None,
        linger_s: float = LINGER_S,
        renew_s: float = RENEW_S,
    ) -> None:
        self.role = role
        self.settings = settings
        self.clock = clock
        self.owner: UUID = uuid4()
        self.generation = -1
        self.epochs: dict[int, int] = {}
        self.partitions: frozenset[int] = frozenset()
        self.routing = Routing(role, settings.kafka_topic_prefix, settings.partitions, clock.wall)
        self.alive = Alive(settings.session_timeout_s)
        self.outbox = Outbox(settings, confirm=self.alive.confirm)
        self.definitions = definitions
        self.leases = leases
        self.renew_s = renew_s
        self.logical = {topic_name(settings, name): name for name in topics}
        self.guard = WallGuard(postgres_clock)
        self.ticker = Ticker(ticks, clock, self.outbox, self.routing, self.guard) if ticks else None
        self.tables: dict[str, Table] = {}
        self.windows: dict[str, WindowTable] = {}
        self.linger_s = linger_s

    def table(self, name: str) -> Table:
        """A table of this role (it stands in the topology), written in the STATE stage."""
        table_spec(self.role, name)
        return self.tables.setdefault(name, Table(name, changelog_name(self.settings, self.role, name)))

    def window_table(self, name: str, size_s: int) -> WindowTable:
        """A table of tumbling windows of the role (it stands in the topology), written in the LIMITS stage."""
        if table_spec(self.role, name).window_s != size_s:
            raise ValueError(f"{name} is declared with other windows in streams/topology.py")
        return self.windows.setdefault(name, WindowTable(name, size_s, changelog_name(self.settings, self.role, name)))

    def scope(self, partition: int) -> str:
        """The lease of a partition of this role."""
        return f"{self.role}:{partition}"

    def held(self) -> list[str]:
        """The leases that this worker holds now."""
        return [self.scope(partition) for partition in sorted(self.partitions)]

    def work(self) -> Work:
        """An empty unit of work, for `publish`."""
        return Work(self.routing)

    async def publish(self, work: Work) -> None:
        """Write outputs from outside of a batch, when this worker is confirmed alive. Raises Retryable, Evicted."""
        await self.outbox.publish(work)

    def run(self, handler: Handler) -> int:
        """Work until SIGTERM or SIGINT; drain in order; the exit code (0 after an orderly stop). Blocks."""
        import uvloop

        return uvloop.run(self._run(handler))

    async def _run(self, handler: Handler) -> int:
        return await RoleProcess(self, handler).run()
