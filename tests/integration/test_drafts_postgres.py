"""Drafts against a real database: wanted once, claimed by one writer, decided once, cards that follow (8.1, 8.2)."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from agents.writing import Writer
from domain.drafting import DraftRefusedError
from domain.writing import Words
from schemas.drafts import DraftApproved, DraftRejected, DraftWanted
from sinks.claude_client import NoAnswer
from sinks.postgres.cards import CardRefusedError, Cards
from sinks.postgres.connect import connect
from sinks.postgres.draft_reviews import BadWordsError, DraftReviews, UnknownDraftError
from sinks.postgres.drafts import Drafts
from sinks.postgres.migrate import migrate
from streams.clock import ManualClock
from streams.work import Work
from tests.support.cards import card_of
from tests.support.drafting import BODY, GOOD, Memory, ScriptedWriter, book_of, over, request, written_campaign
from tests.support.leads import T0

ONE = request()
WORDS = Words(GOOD["subject"], BODY)


@dataclass
class Place:
    """The database, a store of each kind, and a writer that is driven by hand."""

    pool: asyncpg.Pool
    store: Drafts
    reviews: DraftReviews
    cards: Cards
    broker: Memory

    def writer(self, answer: Any = WORDS, **writing: Any) -> Writer:
        async def answered(*_: Any) -> Words | NoAnswer:
            return answer

        return Writer(
            store=self.store, publisher=self.broker, book=book_of(written_campaign(**writing)), clock=ManualClock(T0),
            model=ScriptedWriter(answered),
        )  # fmt: skip

    async def written(self, *requests: DraftWanted, answer: Any = WORDS, **writing: Any) -> Writer:
        """Let touches be written, all of them."""
        writer = self.writer(answer, **writing)
        await writer.take(Work(), requests)
        while await writer.write_some() or writer._claims.calls:
            await asyncio.gather(*writer._claims.calls)
        return writer

    async def card(self, wanted: DraftWanted = ONE) -> dict[str, Any]:
        return await card_of(self.pool, (await self.reviews.draft(wanted.send_id))["card_id"])

    async def state(self, wanted: DraftWanted = ONE) -> str:
        return (await self.reviews.draft(wanted.send_id))["state"]


@pytest.fixture
async def place(postgres_dsn: str) -> AsyncIterator[Place]:
    await migrate(postgres_dsn)
    pool = await connect(postgres_dsn, name="test", max_size=6)
    yield Place(pool, Drafts(pool, uuid4()), DraftReviews(pool), Cards(pool), Memory())
    await pool.close()


async def test_a_draft_is_written_reviewed_and_told_once(place: Place) -> None:
    writer = await place.written(ONE)
    assert await place.state() == "review"
    assert (await place.card())["state"] == "suggested"
    decided = await place.reviews.approve(ONE.send_id, "ada", T0)
    assert (decided.state, decided.changed) == ("approved", True)
    card = await place.card()
    assert (card["state"], card["approved_by"]) == ("executing", "ada")
    assert [(move["from_state"], move["to_state"]) for move in card["history"]] == [
        ("suggested", "in_review"), ("in_review", "approved"), ("approved", "executing"),
    ]  # fmt: skip
    await writer.tell_some()
    await writer.tell_some()
    (event,) = place.broker.published
    assert (event.send_id, event.subject, event.body) == (ONE.send_id, GOOD["subject"], BODY)
    again = await place.reviews.approve(ONE.send_id, "bo", T0)
    assert (again.changed, again.state) == (False, "approved")
    assert await place.store.untold(10) == []
    draft = await place.reviews.draft(ONE.send_id)
    assert (draft["person"], draft["merge"], draft["decided_by"]) == ({}, {}, "ada")


async def test_two_who_approve_at_once_make_one_decision(place: Place) -> None:
    await place.written(ONE)
    decided = await asyncio.gather(*(place.reviews.approve(ONE.send_id, str(n), T0) for n in range(5)))
    assert sum(one.changed for one in decided) == 1
    assert len(await place.store.untold(10)) == 1


async def test_an_approval_and_a_rejection_at_once_leave_one_standing(place: Place) -> None:
    await place.written(ONE)
    await asyncio.gather(
        place.reviews.approve(ONE.send_id, "a", T0), place.reviews.reject(ONE.send_id, "b", T0), return_exceptions=True
    )
    (event,) = await place.store.untold(10)
    assert isinstance(event, DraftApproved | DraftRejected)
    assert await place.state() == event.type


async def test_a_request_that_is_repeated_makes_nothing_new_and_has_its_answer_told_again(place: Place) -> None:
    writer = await place.written(ONE)
    await writer.take(Work(), [ONE])
    assert await place.state() == "review"
    await place.reviews.approve(ONE.send_id, "ada", T0)
    await writer.tell_some()
    await writer.take(Work(), [ONE])
    await writer.tell_some()
    first, second = place.broker.published
    assert first == second


async def test_a_touch_is_in_one_writers_hands(place: Place) -> None:
    other = Drafts(place.pool, uuid4())
    await place.store.want([ONE, request("lead-2"), request("lead-3")], None)
    mine, theirs = await asyncio.gather(place.store.claim(2, 20), other.claim(2, 20))
    assert len(mine) + len(theirs) == 3
    assert not {one.touch for one in mine} & {one.touch for one in theirs}


async def test_a_writer_that_was_killed_leaves_its_touches_to_others(place: Place) -> None:
    await place.store.want([ONE], None)
    await place.store.claim(1, -1)
    (again,) = await Drafts(place.pool, uuid4()).claim(1, 20)
    assert (again.touch.send_id, again.attempts) == (ONE.send_id, 2)


async def test_what_is_put_off_says_why_and_is_not_claimed_before_its_time(place: Place) -> None:
    await place.written(ONE, answer=NoAnswer("overloaded"))
    assert await place.store.claim(5, 20) == []
    assert await place.reviews.waiting("q1") == [{"state": "wanted", "reason": "anthropic_overloaded", "n": 1}]


async def test_a_touch_that_is_not_needed_any_more_takes_its_card_along(place: Place) -> None:
    writer = await place.written(ONE)
    await writer.take(Work(), [over(ONE, code="replied")])
    draft = await place.reviews.draft(ONE.send_id)
    assert (draft["state"], draft["reason"], draft["body"], draft["person"]) == ("dropped", "replied", None, {})
    assert (await place.card())["state"] == "rejected"
    with pytest.raises(DraftRefusedError, match="it is dropped"):
        await place.reviews.approve(ONE.send_id, "ada", T0)


@pytest.mark.parametrize(
    ("outcome", "state"), [("sent", "done"), ("ambiguous", "blocked"), ("failed", "blocked"), ("dropped", "blocked")]
)
async def test_the_card_of_an_approved_draft_ends_with_its_touch(place: Place, outcome: str, state: str) -> None:
    writer = await place.written(ONE)
    await place.reviews.approve(ONE.send_id, "ada", T0)
    await writer.take(Work(), [over(ONE, outcome)])
    assert (await place.card())["state"] == state
    assert await place.state() == outcome
    await writer.take(Work(), [over(ONE, outcome)])
    assert (await place.card())["state"] == state


async def test_a_touch_that_is_wanted_again_after_it_was_dropped_has_a_card_of_its_own(place: Place) -> None:
    writer = await place.written(ONE)
    first = await place.card()
    await writer.take(Work(), [over(ONE)])
    await place.written(ONE)
    second = await place.card()
    assert second["card_id"] != first["card_id"]
    assert (second["state"], await place.state()) == ("suggested", "review")


async def test_words_may_be_changed_where_the_step_lets_people_and_before_they_are_approved(place: Place) -> None:
    await place.written(ONE, review="edit")
    edited = await place.reviews.edit(ONE.send_id, "Other", "Other words for {{ sender_name }}.", "bo", T0)
    assert (await place.card())["action_payload"]["draft"]["subject"] == "Other"
    with pytest.raises(DraftRefusedError, match="at version 3, not 2"):
        await place.reviews.approve(ONE.send_id, "ada", T0, seen=edited.version - 1)
    await place.reviews.approve(ONE.send_id, "ada", T0, seen=edited.version)
    (event,) = await place.store.untold(10)
    assert isinstance(event, DraftApproved)
    assert event.body == "Other words for {{ sender_name }}."
    with pytest.raises(DraftRefusedError, match="approved by ada and is on its way"):
        await place.reviews.edit(ONE.send_id, "Late", "Too late.", "bo", T0)


async def test_an_edit_after_sending_is_refused_with_the_reason(place: Place) -> None:
    writer = await place.written(ONE, review="edit")
    await place.reviews.approve(ONE.send_id, "ada", T0)
    await place.pool.execute(
        """
        insert into sends (send_id, enrollment_id, granted_at, expires_at, grant_order, pool_epoch, sender_epoch, campaign_version,
            entry_no, ask_no, attempt, pool_partition, sender_partition, owns_address, state, lead_key, address_key, lead_id,
            campaign_id, goal, step_id, variant, pool_id, mailbox_id, grant_id, message_id, outcome_at)
        values ($1, $2, $3, $3, 1, 1, 1, 1, 1, 1, 1, 0, 0, true, 'sent', 'k', 'k', 'lead-1', 'q1', 'acquisition', 'intro', 'a', 'main',
            'anna', '1-1', '<x@y>', $3)
        """,
        ONE.send_id, ONE.enrollment_id, T0,
    )  # fmt: skip
    with pytest.raises(DraftRefusedError, match="was sent at 2026-01-05T10:00:00"):
        await place.reviews.edit(ONE.send_id, "Late", "Too late.", "bo", T0)
    await writer.take(Work(), [over(ONE, "sent")])
    with pytest.raises(DraftRefusedError, match="was sent at 2026-01-05T10:00:00"):
        await place.reviews.reject(ONE.send_id, "bo", T0)


async def test_words_that_are_reviewed_as_they_stand_are_not_changed(place: Place) -> None:
    await place.written(ONE)
    with pytest.raises(DraftRefusedError, match="ai_review is review"):
        await place.reviews.edit(ONE.send_id, "Other", "Other words.", "bo", T0)


async def test_a_persons_words_keep_the_form_of_a_message(place: Place) -> None:
    await place.written(ONE, review="edit")
    with pytest.raises(BadWordsError, match="empty_subject, unknown_variable:first_name"):
        await place.reviews.edit(ONE.send_id, None, "Hi {{ first_name }}", "bo", T0)
    assert (await place.reviews.draft(ONE.send_id))["body"] == BODY


async def test_what_claude_would_not_write_a_person_may(place: Place) -> None:
    await place.written(ONE, answer=NoAnswer("refused"))
    card = await place.card()
    assert (card["type"], card["queue"], await place.state()) == ("needs_human_response", "sales", "held")
    with pytest.raises(DraftRefusedError, match="it is held"):
        await place.reviews.approve(ONE.send_id, "ada", T0)
    await place.reviews.edit(ONE.send_id, "Mine", "Words of my own.", "bo", T0)
    await place.reviews.edit(ONE.send_id, "Mine", "Better words of my own.", "bo", T0)
    await place.reviews.approve(ONE.send_id, "ada", T0)
    assert (await place.card())["state"] == "executing"


async def test_a_person_may_write_before_claude_does_and_claude_is_too_late(place: Place) -> None:
    await place.store.want([ONE], "no_anthropic_key")
    (claimed,) = await place.store.claim(1, 20)
    await place.reviews.edit(ONE.send_id, "Mine", "Words of my own.", "bo", T0)
    writer = place.writer()
    await writer._write(ScriptedWriter(_words), claimed)
    draft = await place.reviews.draft(ONE.send_id)
    assert (draft["body"], draft["card_id"]) == ("Words of my own.", None)
    assert (await place.reviews.approve(ONE.send_id, "ada", T0)).changed


async def _words(*_: Any) -> Words:
    return WORDS


async def test_a_rejected_draft_can_be_written_anew_only_before_it_is_rejected(place: Place) -> None:
    writer = await place.written(ONE)
    first = await place.card()
    await place.reviews.retry(ONE.send_id, "ada", T0)
    assert (await card_of(place.pool, first["card_id"]))["state"] == "rejected"
    await writer.write_some()
    await asyncio.gather(*writer._claims.calls)
    assert (await place.card())["card_id"] != first["card_id"]
    await place.reviews.reject(ONE.send_id, "ada", T0, instead="template", reason="too long")
    with pytest.raises(DraftRefusedError, match="rejected by ada"):
        await place.reviews.retry(ONE.send_id, "ada", T0)
    (event,) = await place.store.untold(10)
    assert isinstance(event, DraftRejected)
    assert event.instead == "template"


async def test_bulk_drafts_are_approved_together_and_others_are_not(place: Place) -> None:
    many = [request(f"lead-{number}") for number in range(7)]
    await place.written(*many, review="bulk")
    await place.written(ONE.model_copy(update={"send_id": uuid4()}))
    decided = await place.reviews.approve_all("q1", "intro", "ada", T0)
    assert {one.send_id for one in decided if one.changed} == {one.send_id for one in many}
    assert {(await place.card(one))["state"] for one in many} == {"executing"}
    assert await place.reviews.approve_all("q1", None, "ada", T0) == []


async def test_auto_approve_needs_no_card_and_no_person(place: Place) -> None:
    await place.written(ONE, review="auto_approve")
    draft = await place.reviews.draft(ONE.send_id)
    assert (draft["state"], draft["card_id"], draft["decided_by"]) == ("approved", None, "auto_approve")
    assert len(await place.store.untold(10)) == 1


async def test_a_card_that_holds_a_draft_is_decided_by_its_draft(place: Place) -> None:
    await place.written(ONE)
    card = await place.card()
    moved = await place.cards.move(card["card_id"], card["version"], "in_review", "ada", T0)
    with pytest.raises(CardRefusedError, match=str(ONE.send_id)):
        await place.cards.move(card["card_id"], moved["version"], "approved", "ada", T0)
    await place.reviews.approve(ONE.send_id, "ada", T0)
    assert (await place.card())["state"] == "executing"


async def test_nobody_decides_about_a_draft_that_is_not_there(place: Place) -> None:
    for asked in (
        place.reviews.approve(ONE.send_id, "ada", T0), place.reviews.reject(ONE.send_id, "ada", T0),
        place.reviews.edit(ONE.send_id, "a", "b", "ada", T0), place.reviews.draft(ONE.send_id),
    ):  # fmt: skip
        with pytest.raises(UnknownDraftError):
            await asked
