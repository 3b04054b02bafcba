"""Cards that are closed: the moves and what is to be told of them are one transaction."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from api.publisher import Outgoing
from api.telling import Telling
from domain.card_states import IllegalCardMoveError
from domain.ids import enrollment_id, event_id
from schemas.enrollments import ReplyHandled, TaskDone
from schemas.replies import Disposition
from schemas.tasks import TaskDue
from sinks.postgres.cards import CardChangedError, Cards, UnknownCardError
from sinks.postgres.read_models import Facts, ReadModels
from sinks.postgres.untold import NotedEvents
from streams.errors import Retryable
from tests.support.cards import card_of, cards_of, untold

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
ENTRY = enrollment_id("q1", "zoe")
REPLY = UUID("a1c5f5b2-3a0d-5e0f-b1d8-8f2b6c3d9e01")


def due(step_id: str = "call") -> TaskDue:
    return TaskDue(
        event_id=event_id("task", ENTRY, step_id), lead_id="zoe", campaign_id="q1", enrollment_id=ENTRY, step_id=step_id,
        title="Call Zoe", queue="sales", task_kind="schedule_call", due_at=AT, at=AT,
    )  # fmt: skip


def said(**more: Any) -> Disposition:
    facts: dict[str, Any] = {
        "event_id": "d1", "reply_id": REPLY, "lead_id": "zoe", "campaign_id": "q1", "enrollment_id": ENTRY,
        "step_id": "intro", "send_id": uuid4(), "disposition": "INTERESTED", "category": "AMC_ORDER", "confidence": 0.9,
        "matched_by": "in_reply_to", "decided_by": "model", "at": AT,
    }  # fmt: skip
    return Disposition(**(facts | more))


class Broker:
    """Keeps what is published; `away` refuses."""

    def __init__(self) -> None:
        self.away = False
        self.sent: list[Outgoing] = []

    async def publish(self, messages: Any) -> None:
        if self.away:
            raise Retryable("Kafka is away")
        self.sent += messages


async def one_card(pool: asyncpg.Pool) -> UUID:
    await ReadModels(pool).record(Facts(tasks=[due()]))
    (card,) = await cards_of(pool)
    return card["card_id"]


async def test_a_card_that_is_done_is_told_once_whatever_dies_between(pool: asyncpg.Pool) -> None:
    card_id, broker = await one_card(pool), Broker()
    done = await Cards(pool).close(card_id, "done", "kim", AT)
    assert (done["state"], done["version"], done["approved_by"], done["executed_at"]) == ("done", 5, "kim", AT)
    telling = Telling(NotedEvents(pool), broker)
    broker.away = True
    with pytest.raises(Retryable):
        await telling.once()
    broker.away = False
    assert [await telling.once(), await telling.once()] == [6, 0]
    (out,) = [one for one in broker.sent if one.topic == "enrollments"]
    assert (out.topic, out.key) == ("enrollments", "zoe")
    assert isinstance(out.message, TaskDone)
    assert (out.message.enrollment_id, out.message.step_id, out.message.outcome) == (ENTRY, "call", "done")
    history = (await card_of(pool, card_id))["history"]
    assert [move["to_state"] for move in history] == ["in_review", "approved", "executing", "done"]


async def test_done_again_notes_nothing_and_what_cannot_be_is_refused_whole(pool: asyncpg.Pool) -> None:
    card_id, cards = await one_card(pool), Cards(pool)
    await cards.close(card_id, "done", "kim", AT)
    assert (await cards.close(card_id, "done", "kim", AT))["version"] == 5
    with pytest.raises(IllegalCardMoveError, match="final"):
        await cards.close(card_id, "rejected", "kim", AT)
    with pytest.raises(CardChangedError):
        await cards.close(card_id, "done", "kim", AT, version=2)
    with pytest.raises(UnknownCardError):
        await cards.close(uuid4(), "done", "kim", AT)
    assert len(await untold(pool, "enrollments")) == 1


async def test_two_people_who_close_a_card_at_once_close_it_once(pool: asyncpg.Pool) -> None:
    card_id, cards = await one_card(pool), Cards(pool)
    ends = await asyncio.gather(
        cards.close(card_id, "done", "kim", AT), cards.close(card_id, "rejected", "max", AT), return_exceptions=True
    )
    assert sum(isinstance(end, CardChangedError | IllegalCardMoveError) for end in ends) == 1
    assert len(await untold(pool, "enrollments")) == 1


async def test_a_move_on_the_way_tells_nothing_and_the_last_one_does(pool: asyncpg.Pool) -> None:
    card_id, cards = await one_card(pool), Cards(pool)
    for version, state in enumerate(("in_review", "approved", "executing"), start=1):
        await cards.move(card_id, version, state, "kim", AT)  # type: ignore[arg-type]
    assert len(await untold(pool, "enrollments")) == 0
    await cards.move(card_id, 4, "blocked", "kim", AT)
    assert (
        await pool.fetchval("select value::jsonb ->> 'outcome' from untold_events where topic = 'enrollments'")
        == "blocked"
    )


async def test_a_reply_is_handled_when_the_last_of_its_cards_is_closed(pool: asyncpg.Pool) -> None:
    await ReadModels(pool).record(Facts(dispositions=[said()]))
    cards, broker = Cards(pool), Broker()
    first, second = [card["card_id"] for card in await cards_of(pool)]
    await cards.close(first, "done", "kim", AT)
    assert len(await untold(pool, "enrollments")) == 0
    await cards.close(second, "rejected", "kim", AT)
    await Telling(NotedEvents(pool), broker).once()
    (out,) = [one for one in broker.sent if one.topic == "enrollments"]
    assert isinstance(out.message, ReplyHandled)
    assert out.message.reply_id == REPLY


async def test_the_cards_of_a_reply_that_close_at_once_are_told_of_once(pool: asyncpg.Pool) -> None:
    for number in range(8):
        reply_id = uuid4()
        await ReadModels(pool).record(Facts(dispositions=[said(event_id=f"d{number}", reply_id=reply_id)]))
        rows = await pool.fetch("select card_id from cards where reply_id = $1", reply_id)
        await asyncio.gather(*(Cards(pool).close(row["card_id"], "rejected", "kim", AT) for row in rows))
        assert len(await untold(pool, "enrollments")) == number + 1


async def test_an_event_nobody_can_read_costs_only_itself(pool: asyncpg.Pool) -> None:
    card_id, broker = await one_card(pool), Broker()
    await pool.execute("insert into untold_events (event_id, topic, key, value) values ('x', 'enrollments', 'k', '{}')")
    await Cards(pool).close(card_id, "done", "kim", AT)
    assert await Telling(NotedEvents(pool), broker).once() == 7
    assert [one.topic for one in broker.sent].count("enrollments") == 1
