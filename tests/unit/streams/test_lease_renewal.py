"""A lease that is held is renewed, whatever the store does meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID, uuid4

from streams.clock import ManualClock
from streams.errors import Retryable
from streams.leases import RENEW_S, keep_renewed
from streams.role import RoleStream
from streams.settings import Settings
from tests.support.waiting import wait_for

OWNER = uuid4()
AT = datetime(2026, 3, 2, tzinfo=UTC)


class Leases:
    """Notes what was renewed; `errors` come first."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.renewed: list[tuple[list[str], UUID]] = []

    async def take(self, scope: str, owner: UUID, generation: int) -> int | None:
        return 1

    async def renew(self, scopes: Sequence[str], owner: UUID) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.renewed.append((list(scopes), owner))


@asynccontextmanager
async def renewing(leases: Leases, held: Callable[[], Sequence[str]]) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(keep_renewed(leases, OWNER, held, every_s=0.001))
    yield task
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_what_is_held_at_the_moment_is_renewed_again_and_again() -> None:
    leases = Leases()
    held: list[str] = []
    async with renewing(leases, lambda: held):
        held.append("sender:3")
        await wait_for(lambda: len(leases.renewed) >= 2, 5)
    assert leases.renewed[:2] == [(["sender:3"], OWNER)] * 2


async def test_a_store_that_is_away_is_asked_again() -> None:
    leases = Leases(Retryable("away"), ConnectionResetError("gone"), ZeroDivisionError("a defect"))
    async with renewing(leases, lambda: ["sender:3"]):
        await wait_for(lambda: leases.renewed, 5)


def test_a_held_lease_is_renewed_many_times_before_it_counts_as_abandoned() -> None:
    assert RENEW_S * 10 <= 24 * 3600


def test_a_stream_holds_the_leases_of_its_partitions() -> None:
    stream = RoleStream(role="sender", settings=Settings(), clock=ManualClock(AT), topics=["sends"])
    assert stream.held() == []
    stream.partitions = frozenset({5, 0})
    assert stream.held() == ["sender:0", "sender:5"]
