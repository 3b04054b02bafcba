"""What the shelf keeps of the `waiting` table besides: the same as the table, and not more than it may."""

from __future__ import annotations

import pytest

from agents import dispatch_shelf
from agents.dispatch_shelf import Shelf
from domain.dispatch.asks import Ask, Withdrawn
from streams.tables import Table
from streams.work import Work
from tests.support.dispatching import at, touch


def asked(name: object, **changes) -> Ask:
    due = touch(name, **changes)
    return Ask.of(due, due.write())


def store(shelf: Shelf, *entries: Ask | tuple[bytes, Withdrawn | None]) -> None:
    """One batch, on the broker."""
    work = Work()
    shelf.open(work)
    for entry in entries:
        if isinstance(entry, Ask):
            shelf.put(entry.send_id, entry)
        elif entry[1] is not None:
            shelf.put(entry[0], entry[1])
        else:
            shelf.remove(entry[0])
    shelf.close()
    work.apply()


@pytest.fixture
def table() -> Table:
    return Table("waiting")


def test_an_ask_that_waits_for_a_while_is_not_read_back(table):
    shelf, ask = Shelf(table, 0), asked("one")
    store(shelf, ask)
    assert shelf.get(ask.send_id) is ask
    assert Shelf(table, 0).get(ask.send_id) == ask


def test_what_comes_after_stands_in_its_place(table):
    shelf, ask, newer = Shelf(table, 0), asked("one"), asked("one", ask_no=2)
    store(shelf, ask)
    store(shelf, newer)
    assert shelf.get(ask.send_id) is newer
    gone = Withdrawn(3, at("10:00"))
    store(shelf, (ask.send_id, gone))
    assert shelf.get(ask.send_id) == gone
    store(shelf, (ask.send_id, None))
    assert shelf.get(ask.send_id) is None


def test_where_there_is_no_more_room_asks_are_read_from_the_table(table, monkeypatch):
    monkeypatch.setattr(dispatch_shelf, "NEAR", 2)
    shelf, asks = Shelf(table, 0), [asked(number) for number in range(4)]
    store(shelf, *asks)
    assert [shelf.get(ask.send_id) is ask for ask in asks] == [True, True, False, False]
    assert [shelf.get(ask.send_id) for ask in asks] == asks
    newer = asked(0, ask_no=2)
    store(shelf, (asks[1].send_id, None), asked(4), newer)
    assert shelf.get(newer.send_id) == newer
    assert len(shelf._near) <= 2
