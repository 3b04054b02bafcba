"""Who is due next: order, laziness, batches that are discarded, and what a million entries cost."""

import asyncio
import itertools

from hypothesis import given
from hypothesis import strategies as st

from streams.due_index import DueIndex


def test_entries_come_in_order_up_to_the_instant_and_the_limit() -> None:
    index = DueIndex()
    for at in (30, 10, 20, 40):
        index.push(0, b"k%d" % at, at)
    index.push(1, b"other", 5)
    assert index.next_at(0) == 10
    assert index.pop_due(0, 30, limit=2) == [(10, b"k10"), (20, b"k20")]
    assert index.pop_due(0, 30) == [(30, b"k30")]
    assert index.pop_due(0, 30) == []
    assert len(index) == 2


def test_a_key_has_one_instant_and_none_takes_it_out() -> None:
    index = DueIndex()
    index.push(0, b"moved", 10)
    index.push(0, b"moved", 20)
    index.push(0, b"gone", 5)
    index.push(0, b"gone", None)
    assert index.next_at(0) == 20
    assert index.pop_due(0, 15) == []
    assert index.pop_due(0, 25) == [(20, b"moved")]


def test_a_discarded_batch_gives_back_what_it_took_and_a_committed_one_does_not() -> None:
    index = DueIndex()
    index.push(0, b"a", 1)
    index.push(0, b"b", 2)
    assert index.pop_due(0, 9) == [(1, b"a"), (2, b"b")]
    index.rollback()
    assert index.pop_due(0, 9) == [(1, b"a"), (2, b"b")]
    index.commit()
    index.push(0, b"b", 7)
    index.rollback()
    assert index.pop_due(0, 9) == [(7, b"b")]


def test_lost_partitions_are_forgotten_with_what_was_taken_from_them() -> None:
    index = DueIndex()
    index.push(0, b"a", 1)
    index.push(1, b"b", 1)
    index.pop_due(0, 9)
    index.drop([0])
    index.rollback()
    assert (index.pop_due(0, 9), index.pop_due(1, 9)) == ([], [(1, b"b")])


def test_entries_that_move_often_do_not_pile_up() -> None:
    index = DueIndex()
    for number in range(50_000):
        index.push(0, b"k%d" % (number % 10), float(number))
    assert len(index._heaps[0]) < 2_000


async def test_a_rebuild_lets_the_loop_turn() -> None:
    turns = 0

    async def turning() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(turning())
    index = DueIndex()
    await index.rebuild((number % 4, b"%d" % number, float(number)) for number in range(50_000))
    other.cancel()
    assert turns >= 10
    assert len(index) == 50_000
    assert index.pop_due(3, 8) == [(3.0, b"3"), (7.0, b"7")]


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 5), st.none() | st.integers(0, 20)), max_size=60))
def test_it_agrees_with_a_plain_dictionary(moves: list[tuple[int, int, int | None]]) -> None:
    index, plain = DueIndex(), dict[tuple[int, bytes], float]()
    for partition, number, at in moves:
        key = b"k%d" % number
        index.push(partition, key, at)
        plain.pop((partition, key), None)
        if at is not None:
            plain[partition, key] = at
    assert len(index) == len(plain)
    for partition, until in itertools.product(range(3), (5, 20)):
        due = sorted((at, key) for (of, key), at in plain.items() if of == partition and at <= until)
        assert index.pop_due(partition, until, 1000) == due
        index.commit()
        plain = {entry: at for entry, at in plain.items() if not (entry[0] == partition and at <= until)}
