"""Replies as people work with them: matched by hand, read with their thread, answered (docs/behaviour.md 7.2, 8.2, 8.3)."""

import json
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from domain.answering import answer_step
from domain.card_states import TO_EXECUTING
from domain.ids import enrollment_id
from domain.ids import send_id as id_of_send
from domain.replies.mime import parse_mail
from domain.tokens import address_key, lead_key
from schemas.engagements import Engagement
from schemas.enrollments import AnswerReply
from schemas.replies import Disposition, Reply
from sinks.ports import SendRow
from sinks.postgres.answers import AnswerRefusedError, answer_reply
from sinks.postgres.card_changes import move_cards
from sinks.postgres.read_models import Facts, ReadModels
from sinks.postgres.replies import NewReply, Replies
from sinks.postgres.reply_desk import NoMatchError, ReplyDesk
from sinks.postgres.threads import UnknownReplyError
from sinks.postgres.untold import note
from tests.support.mails import plain
from tests.support.replying import AT, CAMPAIGN, KEYS, touch

SECRET = KEYS.hash_secret
LEAD = "lead-1"


async def send(pool: asyncpg.Pool, row: SendRow, state: str = "sent") -> SendRow:
    await pool.execute(
        """
        insert into sends (send_id, enrollment_id, granted_at, expires_at, grant_order, pool_epoch, sender_epoch, campaign_version,
            entry_no, ask_no, attempt, pool_partition, sender_partition, owns_address, state, lead_key, address_key, lead_id,
            campaign_id, goal, step_id, variant, pool_id, mailbox_id, grant_id, message_id, timezone)
        values ($1, $2, $3, $3, 1, 1, 1, 1, 1, 1, 1, 0, 0, true, $11, $4, $5, $6, $7, 'acquisition', $8, 'b', $9, $10, '1-1',
            $12, 'Europe/Oslo')
        """,
        row.send_id, row.enrollment_id, row.granted_at, lead_key(SECRET, row.lead_id), address_key(SECRET, "per@corp.example"),
        row.lead_id, row.campaign_id, row.step_id, row.pool_id, row.mailbox_id, state, row.message_id,
    )  # fmt: skip
    return row


async def came(pool: asyncpg.Pool, raw: bytes, number: int = 1, **more: Any) -> UUID:
    """A mail that came in and answers nothing that is known."""
    reply_id = uuid4()
    mail = parse_mail(raw)
    row = NewReply(
        reply_id, mail.message_id or "none", more.pop("source", "generic"), AT, AT, AT.replace(minute=number), mail
    )
    await Replies(pool, uuid4()).insert([row])
    return reply_id


def question(**more: Any) -> bytes:
    known = {
        "In_Reply_To": "<0-ses@relay.example>",
        "References": "<0-ses@relay.example>",
        "Message_ID": "<q@corp.example>",
    }
    return plain("How many rooms?", subject="AW: Rooms", sender="Per <per@corp.example>", **(known | more))


async def events(pool: asyncpg.Pool, topic: str) -> list[str]:
    return [row["value"] for row in await pool.fetch("select value from untold_events where topic = $1", topic)]


# -- matched by hand


async def test_a_match_by_hand_stops_the_lead_and_tells_leads_in_one_transaction(pool: asyncpg.Pool) -> None:
    row = await send(pool, touch())
    reply_id, desk = await came(pool, question()), ReplyDesk(pool)
    assert [one["reply_id"] for one in await desk.replies(untracked=True)] == [reply_id]
    matched = await desk.match(reply_id, row.send_id, "kim")
    assert matched == {"lead_id": LEAD, "campaign_id": CAMPAIGN, "step_id": "intro", "send_id": row.send_id}
    assert await desk.replies(untracked=True) == []
    (flag,) = json.loads(
        await pool.fetchval("select active_stops from consents where key = $1", lead_key(SECRET, LEAD))
    )
    assert (flag["source_id"], flag["enrollment_id"]) == (f"reply:{reply_id}", None)
    (told,) = [Reply.read(event.encode()) for event in await events(pool, "replies")]
    assert (told.reply_id, told.lead_id, told.matched_by, told.confidence) == (reply_id, LEAD, "hand", 1.0)
    (judged,) = await Replies(pool, uuid4()).claim(("matched",), 10, 60)
    assert (judged.match.matched_by, judged.mailbox_id, judged.lead_timezone) == ("hand", "anna", "Europe/Oslo")


async def test_what_cannot_be_matched_says_why_and_stops_nobody(pool: asyncpg.Pool) -> None:
    row, failed = await send(pool, touch()), await send(pool, touch("lead-2", message_id="<2@x>"), "failed")
    reply_id, desk = await came(pool, question()), ReplyDesk(pool)
    with pytest.raises(UnknownReplyError):
        await desk.match(uuid4(), row.send_id, "kim")
    with pytest.raises(NoMatchError, match="no touch"):
        await desk.match(reply_id, uuid4(), "kim")
    with pytest.raises(NoMatchError, match="failed"):
        await desk.match(reply_id, failed.send_id, "kim")
    assert await pool.fetchval("select count(*) from stops") == 0
    await desk.match(reply_id, row.send_id, "kim")
    with pytest.raises(NoMatchError, match="matched already"):
        await desk.match(reply_id, row.send_id, "kim")


async def test_a_report_matched_by_hand_takes_no_hold(pool: asyncpg.Pool) -> None:
    from tests.support import mails

    row = await send(pool, touch(), "ambiguous")
    reply_id = await came(pool, mails.raw(mails.POSTFIX_BOUNCE, "made-up"))
    await ReplyDesk(pool).match(reply_id, row.send_id, "kim")
    assert await pool.fetchval("select count(*) from stops") == 0
    assert await events(pool, "replies") == []
    assert await pool.fetchval("select state from sends where send_id = $1", row.send_id) == "sent", (
        "it proves its touch"
    )


# -- answered


async def matched(pool: asyncpg.Pool, raw: bytes | None = None) -> tuple[UUID, SendRow]:
    row = await send(pool, touch())
    reply_id = await came(pool, raw or question())
    await ReplyDesk(pool).match(reply_id, row.send_id, "kim")
    return reply_id, row


async def approve(pool: asyncpg.Pool, reply_id: UUID, card_id: UUID, body: str = "It has 120.") -> AnswerReply:
    async with pool.acquire() as connection, connection.transaction():
        noted = await answer_reply(connection, reply_id, card_id, body, "kim", AT)
        await note(connection, [noted])
    return AnswerReply.read(noted.value.encode())


async def test_an_approval_knows_whom_to_answer_and_in_which_thread(pool: asyncpg.Pool) -> None:
    reply_id, row = await matched(pool)
    event = await approve(pool, reply_id, uuid4(), " It has 120.\r\nAnna ")
    assert (event.lead_id, event.enrollment_id, event.to, event.mailbox_id, event.timezone) == (
        LEAD,
        row.enrollment_id,
        "per@corp.example",
        "anna",
        "Europe/Oslo",
    )
    assert event.body == "It has 120.\nAnna"
    assert event.thread.subject == "Rooms"
    assert event.thread.message_ids == ["<0-ses@relay.example>", "<q@corp.example>"]


@pytest.mark.parametrize(
    "body", ["", "Hi {{ first_name }}", "Subject: hello\n\nHi", "a\u202eb" + "x" * 30, "x" * 5_001]
)
async def test_words_that_cannot_go_out_are_refused(pool: asyncpg.Pool, body: str) -> None:
    reply_id, _ = await matched(pool)
    with pytest.raises(AnswerRefusedError, match="body: "):
        await approve(pool, reply_id, uuid4(), body)


async def test_what_nobody_can_answer_is_refused(pool: asyncpg.Pool) -> None:
    with pytest.raises(AnswerRefusedError, match="not kept"):
        await approve(pool, uuid4(), uuid4())
    with pytest.raises(AnswerRefusedError, match="match it first"):
        await approve(pool, await came(pool, question()), uuid4())


def said(reply_id: UUID) -> Disposition:
    enrolled = enrollment_id(CAMPAIGN, LEAD)
    return Disposition(
        event_id="d", reply_id=reply_id, lead_id=LEAD, campaign_id=CAMPAIGN, enrollment_id=enrolled, step_id="intro",
        send_id=id_of_send(enrolled, "intro"), disposition="NEEDS_MORE_INFO", confidence=0.9, draft_reply="It has 120.",
        matched_by="hand", decided_by="model", at=AT,
    )  # fmt: skip


def ended(reply_id: UUID, card_id: UUID, kind: str, code: str | None, number: int = 1) -> Engagement:
    return Engagement(
        type=kind,  # pyright: ignore[reportArgumentType]
        event_id=str(UUID(int=number)), lead_id=LEAD, campaign_id=CAMPAIGN,
        enrollment_id=enrollment_id(CAMPAIGN, LEAD), entry_no=1, step_id=answer_step(reply_id), status="replied",
        previous_status="replied", code=code, at=AT,
        data={"answer": "approved", "reply_id": str(reply_id), "card_id": str(card_id)},
    )  # fmt: skip


async def executing(pool: asyncpg.Pool) -> tuple[UUID, UUID]:
    """A reply whose card was approved, with its answer on its way."""
    reply_id, _ = await matched(pool)
    await ReadModels(pool).record(Facts(dispositions=[said(reply_id)]))
    card_id = await pool.fetchval("select card_id from cards where reply_id = $1", reply_id)
    await approve(pool, reply_id, card_id)
    async with pool.acquire() as connection, connection.transaction():
        await move_cards(connection, [card_id], TO_EXECUTING, "kim", AT)
    return reply_id, card_id


async def test_an_answer_that_left_finishes_its_card_and_frees_what_the_reply_held(pool: asyncpg.Pool) -> None:
    reply_id, card_id = await executing(pool)
    await ReadModels(pool).record(Facts([ended(reply_id, card_id, "sent", None)]))
    assert await pool.fetchval("select state from cards where card_id = $1", card_id) == "done"
    assert any('"reply_handled"' in event for event in await events(pool, "enrollments"))
    with pytest.raises(AnswerRefusedError, match="answered already"):
        await approve(pool, reply_id, card_id)


async def test_an_answer_that_did_not_leave_blocks_its_card_with_the_reason_and_may_be_approved_again(
    pool: asyncpg.Pool,
) -> None:
    reply_id, card_id = await executing(pool)
    fact = ended(reply_id, card_id, "failed", "stopped:reply")
    await ReadModels(pool).record(Facts([fact]))
    await ReadModels(pool).record(Facts([fact]))
    assert await pool.fetchval("select state from cards where card_id = $1", card_id) == "blocked"
    assert await pool.fetchval("select code from reply_answers") == "stopped:reply"
    assert not any('"reply_handled"' in event for event in await events(pool, "enrollments"))
    first, second = (json.loads(e) for e in await events(pool, "enrollments")), await approve(pool, reply_id, card_id)
    assert second.event_id not in [event["event_id"] for event in first]


# -- threads


async def test_a_thread_tells_what_was_sent_and_what_came_back_in_order_with_its_words(pool: asyncpg.Pool) -> None:
    reply_id, row = await matched(pool)
    spec = {
        "steps": [
            {"id": "intro", "subject": "Rooms", "body": "A?", "variant_b": {"body": "B?"}},
            {"id": "nudge", "body": "C"},
        ]
    }
    await pool.execute(
        "insert into definitions (kind, id, revision, spec, status, at) values ('campaign', $1, 1, $2, 'active', now())",
        CAMPAIGN,
        json.dumps(spec),
    )
    await approve(pool, reply_id, uuid4())
    step = answer_step(reply_id)
    own = id_of_send(row.enrollment_id, step)
    await send(pool, touch(step_id=step, send_id=own, message_id="<3@x>", granted_at=AT.replace(hour=12)))
    stranger = touch("lead-2", message_id="<9@x>")
    await send(pool, stranger)
    found = await ReplyDesk(pool).thread(reply_id)
    assert [(item["kind"], item["body"], item.get("is_template")) for item in found["thread"]] == [
        ("touch", "B?", True),
        ("reply", "How many rooms?", None),
        ("touch", "It has 120.", False),
    ]
    assert found["thread"][0]["subject"] == "Rooms"
    assert found["thread"][2]["approved_by"] == "kim"
    assert (found["reply"]["from_email"], found["reply"]["matched_by"]) == ("per@corp.example", "hand")
    json.dumps(found, default=str)


async def test_a_reply_that_answers_nothing_stands_in_its_thread_alone(pool: asyncpg.Pool) -> None:
    reply_id = await came(pool, question())
    found = await ReplyDesk(pool).thread(reply_id)
    assert [item["reply_id"] for item in found["thread"]] == [reply_id]
    with pytest.raises(UnknownReplyError):
        await ReplyDesk(pool).thread(uuid4())
