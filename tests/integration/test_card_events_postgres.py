"""Each change of a card is told with it, in order, and nobody changes a card without its history."""

import asyncio
import random
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from api.publisher import Outgoing
from api.telling import Telling
from domain.card_states import CLOSED, MOVES, IllegalCardMoveError
from domain.ids import enrollment_id, event_id
from schemas.cards import CardEvent, CardState
from schemas.tasks import TaskDue
from sinks.postgres.card_changes import Changes
from sinks.postgres.cards import CardChangedError, CardRefusedError, Cards
from sinks.postgres.read_models import Facts, ReadModels
from sinks.postgres.untold import NotedEvents
from streams.errors import Retryable
from tests.support.cards import card_events, card_of, cards_of

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


async def new_card(pool: asyncpg.Pool, lead_id: str = "zoe") -> UUID:
    entry = enrollment_id("q1", lead_id)
    due = TaskDue(
        event_id=event_id("task", entry), lead_id=lead_id, campaign_id="q1", enrollment_id=entry, step_id="call",
        title=f"Call {lead_id}", queue="sales", task_kind="schedule_call", due_at=AT, at=AT,
    )  # fmt: skip
    await ReadModels(pool).record(Facts(tasks=[due]))
    (card,) = await cards_of(pool, lead_id=lead_id)
    return card["card_id"]


class Broker:
    """Keeps what is published. `deaf`: it takes everything, and the acknowledgement is lost."""

    def __init__(self) -> None:
        self.away = self.deaf = False
        self.sent: list[Outgoing] = []

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        if self.away:
            raise Retryable("Kafka is away")
        self.sent += messages
        if self.deaf:
            raise Retryable("killed before the answer came")

    def of_cards(self) -> list[CardEvent]:
        return [one.message for one in self.sent if isinstance(one.message, CardEvent)]


async def test_every_change_is_told_in_the_order_of_the_versions(pool: asyncpg.Pool) -> None:
    card_id, cards, note_id = await new_card(pool), Cards(pool), uuid4()
    await cards.assign(card_id, "kim", "ann", AT)
    await cards.move(card_id, 2, "in_review", "kim", AT)
    await cards.edit(card_id, Changes(priority="high"), "kim", AT)
    await cards.write_note(card_id, note_id, "kim", "Called, no answer.", AT)
    await cards.assign(card_id, None, "kim", AT)
    await cards.close(card_id, "done", "kim", AT)
    events = await card_events(pool)
    assert [(e.type, e.card_version, e.state) for e in events] == [
        ("created", 1, "suggested"), ("assigned", 2, "suggested"), ("moved", 3, "in_review"), ("edited", 4, "in_review"),
        ("noted", 4, "in_review"), ("assigned", 5, "in_review"), ("moved", 6, "approved"), ("moved", 7, "executing"),
        ("moved", 8, "done"),
    ]  # fmt: skip
    assert [e.actor for e in events[:3]] == ["touchline", "ann", "kim"]
    assert events[4].note_id == note_id
    assert (events[1].assigned_to, events[5].assigned_to) == ("kim", None)
    assert (events[2].previous_state, events[3].priority) == ("suggested", "high")
    assert len({e.event_id for e in events}) == len(events)


async def test_no_word_about_a_person_is_told(pool: asyncpg.Pool) -> None:
    card_id = await new_card(pool, "lead-7")
    await Cards(pool).write_note(card_id, uuid4(), "kim", "Ask for Zoé Martin, zoe@hotel.example.", AT)
    await Cards(pool).edit(card_id, Changes(title="Call Zoé Martin"), "kim", AT)
    told = " ".join(event.write().decode() for event in await card_events(pool))
    assert "lead-7" in told
    for word in ("Zoé", "hotel.example", "Call"):
        assert word not in told


async def test_a_repeat_of_what_made_a_card_tells_nothing(pool: asyncpg.Pool) -> None:
    await new_card(pool)
    await new_card(pool)
    assert [event.type for event in await card_events(pool)] == ["created"]


async def test_what_was_committed_when_the_process_died_is_told_later_once_by_its_id(pool: asyncpg.Pool) -> None:
    card_id, cards, broker = await new_card(pool), Cards(pool), Broker()
    await cards.move(card_id, 1, "in_review", "kim", AT)  # and killed here
    broker.away = True
    with pytest.raises(Retryable):
        await Telling(NotedEvents(pool), broker).once()
    broker.away, broker.deaf = False, True
    with pytest.raises(Retryable):  # killed again, after the broker had it
        await Telling(NotedEvents(pool), broker).once()
    broker.deaf = False
    await Telling(NotedEvents(pool), broker).once()
    assert await Telling(NotedEvents(pool), broker).once() == 0
    told = broker.of_cards()
    assert [event.card_version for event in told] == [1, 2, 1, 2]
    assert len({event.event_id for event in told}) == 2
    assert {one.key for one in broker.sent} == {str(card_id)}


async def test_a_move_that_is_not_committed_is_told_nobody(pool: asyncpg.Pool) -> None:
    card_id = await new_card(pool)
    with pytest.raises(IllegalCardMoveError):
        await Cards(pool).move(card_id, 1, "done", "kim", AT)
    with pytest.raises(CardChangedError):
        await Cards(pool).move(card_id, 9, "in_review", "kim", AT)
    assert [event.type for event in await card_events(pool)] == ["created"]


async def test_what_another_process_is_telling_holds_back_what_came_after_it_on_that_card_alone(
    pool: asyncpg.Pool,
) -> None:
    first, second = await new_card(pool, "ann"), await new_card(pool, "bob")
    await Cards(pool).move(first, 1, "in_review", "kim", AT)
    notes = NotedEvents(pool)
    async with notes.telling(1) as one:
        async with notes.telling(9) as others:
            assert [event.key for event in others] == [str(second)]
        unordered = await pool.fetch("select key from untold_events order by seq for update skip locked")
        assert [row["key"] for row in unordered] == [str(first)]  # its second event: this is what the order keeps back
    async with notes.telling(9) as left:
        assert [event.key for event in (*one, *left)] == [str(first), str(first)]


async def test_of_many_who_move_a_card_at_once_exactly_one_wins_each_version(pool: asyncpg.Pool) -> None:
    chance, cards = random.Random(7), Cards(pool)
    for number in range(6):
        card_id = await new_card(pool, f"lead-{number}")
        card: Any = await card_of(pool, card_id)
        while card["state"] not in CLOSED and card["version"] < 12:
            wanted: list[CardState] = [chance.choice(MOVES[card["state"]]) for _ in range(8)]
            ends = await asyncio.gather(
                *(cards.move(card_id, card["version"], to, f"mover-{n}", AT) for n, to in enumerate(wanted)),
                return_exceptions=True,
            )
            winners = [end for end in ends if not isinstance(end, BaseException)]
            assert len(winners) == 1
            assert all(isinstance(end, CardChangedError) for end in ends if isinstance(end, BaseException))
            lost: Any = next((end for end in ends if isinstance(end, CardChangedError)), None)
            assert lost.card["version"] == card["version"] + 1
            card = await card_of(pool, card_id)
        assert [move["version"] for move in card["history"]] == list(range(2, card["version"] + 1))


async def test_without_a_version_nobody_is_refused_which_is_what_versions_are_for(pool: asyncpg.Pool) -> None:
    card_id, cards = await new_card(pool), Cards(pool)
    await asyncio.gather(*(cards.assign(card_id, f"mover-{number}", "kim", AT) for number in range(4)))
    assert (await card_of(pool, card_id))["version"] == 5


async def test_a_card_that_somebody_changes_in_sql_is_refused_with_the_way_to_do_it(pool: asyncpg.Pool) -> None:
    card_id = await new_card(pool)
    for statement in (
        "update cards set state = 'done' where card_id = $1",
        "update cards set state = 'done', version = version + 1 where card_id = $1",
        "update cards set assigned_to = 'kim' where card_id = $1",
    ):
        with pytest.raises(asyncpg.RaiseError, match="not changed by SQL") as refused:
            await pool.execute(statement, card_id)
        assert "/api/cards/ID/move/STATE" in str(getattr(refused.value, "hint", None))
    with pytest.raises(asyncpg.ObjectNotInPrerequisiteStateError):
        await pool.execute("update board_cards set state = 'done' where card_id = $1", card_id)
    card = await card_of(pool, card_id)
    assert (card["state"], card["version"], card["history"]) == ("suggested", 1, [])
    await pool.execute("alter table cards disable trigger cards_kept")
    await pool.execute("update cards set state = 'done' where card_id = $1", card_id)
    assert (await card_of(pool, card_id))["state"] == "done"  # which the trigger is there to keep out


async def test_what_a_person_wrote_may_be_cleared_without_a_version(pool: asyncpg.Pool) -> None:
    card_id = await new_card(pool)
    await pool.execute(
        "update cards set title = '', description = '', action_payload = '{}' where card_id = $1", card_id
    )
    assert (await card_of(pool, card_id))["title"] == ""


async def test_a_closed_card_takes_notes_and_nothing_else(pool: asyncpg.Pool) -> None:
    card_id, cards = await new_card(pool), Cards(pool)
    await cards.close(card_id, "rejected", "kim", AT)
    with pytest.raises(CardRefusedError, match="rejected"):
        await cards.assign(card_id, "kim", "kim", AT)
    with pytest.raises(CardRefusedError, match="rejected"):
        await cards.edit(card_id, Changes(queue="other"), "kim", AT)
    await cards.write_note(card_id, uuid4(), "kim", "It was the wrong Zoé.", AT)
    assert [note["author"] for note in (await card_of(pool, card_id))["notes"]] == ["kim"]
