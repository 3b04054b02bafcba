"""The member of the consumer group is a service in the loop of its role, with no thread of its own."""

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from streams.faust_app import build_app
from streams.group_member import FETCH_BYTES, GroupMember
from streams.settings import Settings


class Broker:
    """Stands in for aiokafka's consumer: answers heartbeats well or not, and notes who calls it."""

    def __init__(self) -> None:
        self.answers = True
        self.called_by: list[threading.Thread] = []
        self._coordinator = SimpleNamespace(_do_heartbeat=self.heartbeat, generation=7, check_errors=lambda: None)
        self._fetcher = SimpleNamespace(_fetch_min_bytes=1, _fetch_max_wait_ms=1)
        self.is_stopped = False

    async def heartbeat(self) -> bool:
        return self.answers

    async def start(self) -> None:
        self.called_by.append(threading.current_thread())

    async def stop(self) -> None:
        self.is_stopped = True

    async def position(self, tp: Any) -> int:
        self.called_by.append(threading.current_thread())
        if tp is None:
            raise KeyError(tp)
        return 37


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
async def member(tmp_path: Path, broker: Broker, monkeypatch: pytest.MonkeyPatch) -> GroupMember:
    made = build_app(Settings(data_dir=tmp_path, partitions=4), "leads", "me").safe_consumer._member
    monkeypatch.setattr(made, "_create_consumer", lambda loop: broker)
    return made


async def test_it_runs_where_it_is_called_and_starts_no_thread(member: GroupMember, broker: Broker) -> None:
    threads = threading.active_count()
    assert await member.maybe_start()
    assert not await member.maybe_start()
    assert await member.position(("enrollments", 0)) == 37  # pyright: ignore[reportArgumentType]
    assert threading.active_count() == threads
    assert broker.called_by == [threading.current_thread()] * 2
    assert member.generation == 7
    await member.stop()
    assert broker.is_stopped
    assert member.should_stop


async def test_what_fails_there_fails_here(member: GroupMember) -> None:
    await member.start()
    with pytest.raises(KeyError):
        await member.position(None)  # pyright: ignore[reportArgumentType]
    await member.stop()


async def test_only_a_heartbeat_that_was_answered_well_is_noted(member: GroupMember, broker: Broker) -> None:
    await member.start()
    broker.answers = False
    await broker._coordinator._do_heartbeat()
    assert member.heartbeat_at == 0.0
    broker.answers = True
    await broker._coordinator._do_heartbeat()
    assert member.heartbeat_at > 0.0
    await member.stop()


async def test_to_have_joined_is_as_good_as_a_heartbeat(member: GroupMember, monkeypatch: pytest.MonkeyPatch) -> None:
    assigned: list[set[Any]] = []

    async def on_partitions_assigned(partitions: set[Any], generation: int) -> None:
        assert member.heartbeat_at > 0.0
        assigned.append(partitions)

    monkeypatch.setattr(member.consumer, "on_partitions_assigned", on_partitions_assigned)
    await member.on_partitions_assigned(set(), 7)
    assert assigned == [set()]


async def test_fetches_gather_only_while_records_keep_coming(member: GroupMember, broker: Broker) -> None:
    await member.start()
    member.gather(busy=True)
    assert broker._fetcher._fetch_min_bytes == FETCH_BYTES
    member.gather(busy=False)
    assert broker._fetcher._fetch_min_bytes == 1
    await member.stop()
