"""The board: found, counted, paged, opened; answers approved from it; cards that follow a new judgement (8.1-8.4)."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from api.boarding import Approver
from domain.answering import answer_step
from domain.card_states import MOVES, IllegalCardMoveError, way_to
from domain.ids import enrollment_id, event_id
from domain.ids import send_id as id_of_send
from domain.replies.mime import parse_mail
from schemas.cards import CardState
from schemas.engagements import Engagement
from schemas.enrollments import AnswerReply, ReplyHandled
from schemas.registry import TOPIC_MODELS
from schemas.replies import Disposition
from sinks.postgres.board import NOBODY_HAS_IT, BadCursorError, Board, Filter
from sinks.postgres.card_changes import Changes
from sinks.postgres.cards import CardRefusedError, Cards
from sinks.postgres.connect import connect
from sinks.postgres.draft_reviews import DraftReviews
from sinks.postgres.migrate import migrate
from sinks.postgres.read_models import Facts, ReadModels
from sinks.postgres.replies import Match, NewReply, Replies
from tests.support.cards import card_events, card_of, cards_of, untold
from tests.support.mails import plain

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
ENTRY = enrollment_id("q1", "zoe")
DRAFT = "Dear Zoé,\n\nThe spa opens at eight every morning.\n\nBest,\nAnna"


@dataclass
class Place:
    """The database and what works on it."""

    pool: asyncpg.Pool
    models: ReadModels
    cards: Cards
    board: Board

    @property
    def approver(self) -> Approver:
        return Approver(self.cards, self.board, DraftReviews(self.pool))

    async def judged(self, name: Any = "NEEDS_MORE_INFO", reply_id: UUID | None = None, **more: Any) -> UUID:
        """A reply that was judged so."""
        reply_id = reply_id or uuid4()
        facts: dict[str, Any] = {
            "event_id": event_id("said", reply_id, more.get("revision", 0)), "reply_id": reply_id, "lead_id": "zoe",
            "campaign_id": "q1", "enrollment_id": ENTRY, "step_id": "intro", "send_id": id_of_send(ENTRY, "intro"),
            "disposition": name, "confidence": 0.9, "matched_by": "in_reply_to", "decided_by": "model",
            "lead_name": "Zoé Martin", "at": AT,
        }  # fmt: skip
        await self.models.record(Facts(dispositions=[Disposition(**(facts | more))]))
        return reply_id

    async def asked(self, **more: Any) -> dict[str, Any]:
        """The card of a reply that is kept, and has a drafted answer."""
        mail = parse_mail(plain("When does the spa open?"))
        reply_id = uuid4()
        match = Match("in_reply_to", 1.0, id_of_send(ENTRY, "intro"), ENTRY, "zoe", "q1", "intro")
        await Replies(self.pool, uuid4()).insert([
            NewReply(reply_id, f"<{reply_id}@h.example>", "webhook:generic", AT, AT, AT, mail, True, match, "main", "anna",
                     "UTC", b"k" * 16)
        ])  # fmt: skip
        await self.judged(more.pop("disposition", "NEEDS_MORE_INFO"), reply_id, **({"draft_reply": DRAFT} | more))
        (card,) = await cards_of(self.pool, reply_id=reply_id)
        return card

    async def review(self, mode: str) -> None:
        """What the campaign says about drafted answers."""
        await self.pool.execute(
            "insert into definitions (kind, id, revision, spec, at) values ('campaign', 'q1', 1, $1, now())",
            json.dumps({"reply_review": mode}),
        )
        await self.pool.execute("insert into definition_heads (kind, id, revision) values ('campaign', 'q1', 1)")

    async def told(self) -> list[Any]:
        """What leads are to hear."""
        return [TOPIC_MODELS["enrollments"].validate_json(value) for value in await untold(self.pool, "enrollments")]

    async def answered(self, card: dict[str, Any], kind: Any, code: str | None = None, cause: int = 1) -> None:
        """What leads tell of an answer's end."""
        data = {"answer": "approved", "reply_id": str(card["reply_id"]), "card_id": str(card["card_id"])}
        fact = Engagement(
            type=kind, event_id=event_id("end", card["card_id"], kind, cause), lead_id="zoe", campaign_id="q1",
            enrollment_id=ENTRY, step_id=answer_step(card["reply_id"]), code=code, data=data, at=AT,
        )  # fmt: skip
        await self.models.record(Facts(engagements=[fact]))


@pytest.fixture
async def place(postgres_dsn: str) -> AsyncIterator[Place]:
    await migrate(postgres_dsn)
    pool = await connect(postgres_dsn, name="test", max_size=6)
    yield Place(pool, ReadModels(pool), Cards(pool), Board(pool))
    await pool.close()


async def test_pages_show_every_card_once_however_many_began_at_one_instant(place: Place) -> None:
    for number in range(23):
        await place.judged("INTERESTED", lead_id=f"lead-{number}", at=AT + timedelta(seconds=number // 10))
    seen: list[UUID] = []
    after: str | None = None
    for _ in range(4):
        page, after = await place.board.page(limit=6, after=after)
        seen += [card["card_id"] for card in page]
        if len(seen) == 6:
            await place.judged("INTERESTED", lead_id="newcomer", at=AT + timedelta(hours=1))  # shifts nothing
    assert (len(seen), len(set(seen)), after) == (23, 23, None)
    for nonsense in ("x", "é", "bnVsbA", "WyJhIiwgImIiXQ"):
        with pytest.raises(BadCursorError):
            await place.board.page(after=nonsense)


async def test_cards_are_found_by_what_they_say_whose_they_are_and_when_they_are_due(place: Place) -> None:
    for number, name in enumerate(("INTERESTED", "NEEDS_MORE_INFO", "NO_ACTIVE_PROFILE")):
        await place.judged(name, lead_id=f"lead-{number}", lead_name=f"Person {number}", campaign_id=f"c{number}")
    call, info, profile = sorted(await cards_of(place.pool), key=lambda card: card["lead_id"])
    await place.cards.assign(info["card_id"], "kim", "ann", AT)
    await place.cards.close(profile["card_id"], "rejected", "ann", AT)
    assert (call["due_at"], info["due_at"]) == (AT + timedelta(days=1), AT + timedelta(days=2))

    async def found(**wanted: Any) -> set[str]:
        return {card["lead_id"] for card in await cards_of(place.pool, **wanted)}

    assert await found(assigned_to="kim") == {"lead-1"}
    assert await found(assigned_to=NOBODY_HAS_IT) == {"lead-0", "lead-2"}
    assert await found(text="PERSON 1") == {"lead-1"}
    assert await found(text="100%_") == set()
    assert await found(due_before=AT + timedelta(days=1, seconds=1)) == {"lead-0"}  # the rejected one was due as well
    assert await found(priority="high", states=["suggested", "done"]) == {"lead-0"}
    assert await found(campaign_id="c1", type="reply_to_email", queue="account_manager") == {"lead-1"}
    counts = {(row["queue"], row["state"]): row["overdue"] for row in await place.board.counts(AT + timedelta(days=9))}
    assert counts == {("sales", "suggested"): 1, ("account_manager", "suggested"): 1, ("sales_admin", "rejected"): 0}


async def test_a_card_opens_with_the_reply_its_thread_and_where_it_may_go(place: Place) -> None:
    card = await place.board.card((await place.asked())["card_id"])
    assert card["moves"] == ["in_review", "rejected"]
    assert card["reply"]["body"].strip() == "When does the spa open?"
    assert [item["kind"] for item in card["thread"]] == ["reply"]
    await place.pool.execute("delete from replies")
    assert (await place.board.card(card["card_id"]))["thread"] is None


async def test_one_reply_and_type_is_one_card_because_the_database_says_so(place: Place) -> None:
    reply_id = await place.judged("INTERESTED")
    twin = "insert into cards select (jsonb_populate_record(c, jsonb_build_object('card_id', gen_random_uuid()))).* from cards c"
    with pytest.raises(asyncpg.UniqueViolationError):
        await place.pool.execute(twin)
    await place.pool.execute("drop index cards_reply_type")
    await place.pool.execute(twin)
    assert len(await cards_of(place.pool, reply_id=reply_id)) == 2  # which the index is there to keep out


async def test_an_approved_answer_is_noted_with_the_move_and_its_end_takes_the_card_on(place: Place) -> None:
    card = await place.asked()
    after = await place.cards.approve(card["card_id"], "kim", AT, version=1)
    assert (after["state"], after["approved_by"], after["version"]) == ("executing", "kim", 4)
    (told,) = await place.told()
    assert isinstance(told, AnswerReply)
    assert (told.body, told.approved_by, told.card_id) == (DRAFT, "kim", card["card_id"])
    again = await place.cards.approve(card["card_id"], "max", AT)
    assert (again["version"], len(await place.told())) == (4, 1)
    for state in ("rejected", "blocked"):
        with pytest.raises(CardRefusedError, match="on its way"):
            await place.cards.close(card["card_id"], state, "kim", AT)
    with pytest.raises(CardRefusedError, match="on its way"):
        await place.cards.move(card["card_id"], 4, "blocked", "kim", AT)
    await place.answered(card, "sent")
    await place.answered(card, "sent")
    done = await card_of(place.pool, card["card_id"])
    assert (done["state"], done["version"], done["executed_at"]) == ("done", 5, AT)
    assert [type(event) for event in await place.told()] == [AnswerReply, ReplyHandled]
    assert [event.state for event in await card_events(place.pool)][-2:] == ["executing", "done"]


async def test_an_answer_that_cannot_leave_blocks_its_card_which_may_be_approved_once_more(place: Place) -> None:
    card = await place.asked()
    await place.cards.approve(card["card_id"], "kim", AT)
    await place.answered(card, "failed", "5.1.1")
    blocked = await card_of(place.pool, card["card_id"])
    assert (blocked["state"], blocked["history"][-1]["code"]) == ("blocked", "5.1.1")
    await place.cards.approve(card["card_id"], "kim", AT, words="Dear Zoé, the spa opens at nine.")
    first, second = [event for event in await place.told() if isinstance(event, AnswerReply)]
    assert (first.event_id != second.event_id, second.body) == (True, "Dear Zoé, the spa opens at nine.")
    await place.answered(card, "failed", "5.1.1")  # the first end, told again
    assert (await card_of(place.pool, card["card_id"]))["state"] == "executing"


async def test_a_move_to_approved_sends_the_drafted_answer_too(place: Place) -> None:
    card = await place.asked()
    await place.cards.move(card["card_id"], 1, "in_review", "kim", AT)
    assert (await place.cards.move(card["card_id"], 2, "approved", "kim", AT))["state"] == "executing"
    assert len(await place.told()) == 1


async def test_two_people_who_approve_at_once_send_one_answer(place: Place) -> None:
    card = await place.asked()
    await asyncio.gather(*(place.cards.approve(card["card_id"], who, AT) for who in ("kim", "max", "ann")))
    assert len([event for event in await place.told() if isinstance(event, AnswerReply)]) == 1


async def test_a_campaign_says_who_may_change_the_words(place: Place) -> None:
    await place.review("review")
    card = await place.asked()
    with pytest.raises(CardRefusedError, match="reply_review of its campaign is review"):
        await place.cards.approve(card["card_id"], "kim", AT, words="Other words for Zoé.")
    with pytest.raises(CardRefusedError, match="reply_review of its campaign is review"):
        await place.cards.edit(card["card_id"], Changes(payload={"draft_reply": "Other words."}), "kim", AT)
    assert (await place.cards.approve(card["card_id"], "kim", AT))["state"] == "executing"


@pytest.mark.parametrize(
    ("more", "words", "why"),
    [
        ({}, "Hi {{ first_name }}", "unknown_variable"),
        ({"draft_faults": ["link_not_given:x.example"]}, None, "link_not_given"),
        ({"disposition": "INTERESTED"}, "Words.", "takes no words"),
    ],
)
async def test_words_that_cannot_go_out_leave_everything_as_it_was(
    place: Place, more: Any, words: Any, why: str
) -> None:
    card = await place.asked(**more)
    with pytest.raises(CardRefusedError, match=why):
        await place.cards.approve(card["card_id"], "kim", AT, words=words)
    assert (await card_of(place.pool, card["card_id"]))["version"] == 1
    assert await place.told() == []


async def test_a_reply_without_a_draft_takes_a_persons_words(place: Place) -> None:
    card = await place.asked(draft_reply=None)
    assert (await place.cards.approve(card["card_id"], "kim", AT, words="Dear Zoé, at eight."))["state"] == "executing"


async def test_in_bulk_only_goes_what_the_campaign_says_and_the_rest_is_named(place: Place) -> None:
    answer = await place.asked()
    await place.judged("INTERESTED")
    done = await place.approver.approve_all(Filter(campaign_id="q1"), "kim", AT)
    assert {one.card_id for one in done if one.refused} == {answer["card_id"]}
    assert [one.card["state"] for one in done if one.card] == ["approved"]
    await place.review("bulk")
    (one,) = await place.approver.approve_all(Filter(type="reply_to_email"), "kim", AT)
    assert one.card is not None
    assert one.card["state"] == "executing"


async def test_a_filter_reaches_every_card_however_many_are_refused_before_it(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.boarding.PAGE", 2)
    await place.judged("INTERESTED", at=AT - timedelta(hours=1))
    for number in range(3):
        await place.judged("NEEDS_MORE_INFO", lead_id=f"lead-{number}", draft_reply=DRAFT)
    done = await place.approver.approve_all(Filter(campaign_id="q1"), "kim", AT)
    assert [one.refused is None for one in done] == [False, False, False, True]


async def test_a_card_that_nobody_took_up_follows_a_new_judgement(place: Place) -> None:
    reply_id = await place.judged("INTERESTED")
    (before,) = await cards_of(place.pool, reply_id=reply_id)
    await place.judged("NEEDS_MORE_INFO", reply_id, revision=1, draft_reply=DRAFT)
    (after,) = await cards_of(place.pool, reply_id=reply_id)
    assert (after["card_id"], after["type"], after["queue"]) == (before["card_id"], "reply_to_email", "account_manager")
    assert after["action_payload"]["draft_reply"] == DRAFT
    await place.judged("INTERESTED", reply_id)  # the first judgement, told again
    await place.judged("NEEDS_MORE_INFO", reply_id, revision=1)
    assert (await cards_of(place.pool, reply_id=reply_id))[0]["version"] == 2
    await place.judged("INTERESTED", reply_id, revision=2)
    (back,) = await cards_of(place.pool, reply_id=reply_id)
    assert (back["type"], back["action_payload"]["draft_reply"], back["state"]) == ("schedule_call", None, "suggested")
    await place.judged("NOT_INTERESTED", reply_id, revision=3)
    assert [card["state"] for card in await cards_of(place.pool, reply_id=reply_id)] == ["rejected"]
    assert await place.told() == []  # the disposition itself tells leads


@pytest.mark.parametrize("state", [state for state in MOVES if state != "suggested"])
async def test_a_card_that_people_work_on_or_are_done_with_stays(place: Place, state: CardState) -> None:
    reply_id = await place.judged("INTERESTED")
    (card,) = await cards_of(place.pool, reply_id=reply_id)
    for step in way_to("suggested", state):
        await place.cards.move(card["card_id"], None, step, "kim", AT)
    before = await card_of(place.pool, card["card_id"])
    await place.judged("NO_ACTIVE_PROFILE", reply_id, revision=1)
    assert await card_of(place.pool, card["card_id"]) == before
    assert {card["type"] for card in await cards_of(place.pool, reply_id=reply_id)} == {"schedule_call", "create_task"}


async def test_the_view_for_other_boards_is_documented_and_says_what_the_board_says(place: Place) -> None:
    card = await place.asked()
    await place.cards.assign(card["card_id"], "kim", "ann", AT)
    row = await place.pool.fetchrow("select * from board_cards where is_open and card_id = $1", card["card_id"])
    assert row is not None
    assert (row["assigned_to"], row["changed_by"], row["version"], row["notes"]) == ("kim", "ann", 2, 0)
    assert (row["disposition"], row["draft_reply"]) == ("NEEDS_MORE_INFO", DRAFT)
    undocumented = await place.pool.fetch(
        "select attname from pg_attribute where attrelid = 'board_cards'::regclass and attnum > 0"
        " and col_description(attrelid, attnum) is null"
    )
    assert undocumented == []


async def test_a_move_that_is_not_legal_names_those_that_are(place: Place) -> None:
    card = await place.asked()
    with pytest.raises(IllegalCardMoveError, match="in_review, rejected"):
        await place.cards.move(card["card_id"], 1, "done", "kim", AT)
