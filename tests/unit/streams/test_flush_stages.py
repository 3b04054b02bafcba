"""A flush asks before every stage whether this worker still owns what it writes."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.ticks import Tick
from streams.errors import Evicted, FlushFailed
from streams.outbox import Outbox
from streams.settings import load_settings
from streams.tables import Table, WindowTable
from streams.work import Record, Stage, Work
from tests.support.leads import T0


class Broker(Outbox):
    """An outbox whose stages are kept instead of sent; `evicted_after` that many of them the group has moved on."""

    def __init__(self, evicted_after: int) -> None:
        super().__init__(load_settings({}), confirm=self._member)
        self.stages: list[list[Record]] = []
        self._left = evicted_after

    async def _member(self) -> None:
        if len(self.stages) >= self._left:
            raise Evicted("the group has left generation 7")

    async def _write(self, records: list[Record], *, changelog: bool) -> None:
        self.stages.append(records)


@pytest.fixture
def work() -> Work:
    work = Work()
    work.put_window(WindowTable("grants", 60), "anna/0", 60, b"[]", 0)
    work.emit("lead-ticks", Tick(at=T0, wall=T0), "0", partition=0)
    work.put(Table("waiting"), b"key", b"value", 0)
    return work


@pytest.mark.parametrize("stages", [1, 2])
async def test_a_worker_that_was_evicted_while_a_stage_was_written_writes_no_further_stage(
    work: Work, stages: int
) -> None:
    applied: list[Any] = []
    work.after_commit(lambda: applied.append(work))
    broker = Broker(stages)
    with pytest.raises(FlushFailed, match=Stage(stages).name):
        await broker.flush(work)
    assert len(broker.stages) == stages
    assert applied == []


async def test_a_worker_that_was_evicted_before_the_first_stage_has_written_nothing_and_may_go_on(work: Work) -> None:
    with pytest.raises(Evicted):
        await Broker(0).flush(work)


async def test_a_worker_that_stays_a_member_writes_all_three_stages(work: Work) -> None:
    broker = Broker(4)
    await broker.flush(work)
    assert [records[0].topic for records in broker.stages] == ["grants-changelog", "lead-ticks", "waiting-changelog"]
