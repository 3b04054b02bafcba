"""Replies against a real database: stops stand before rows, rows are unique, claims are exclusive, repeats change nothing."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from agents.replies import Replies as ReplyRole
from agents.replying.knowledge import Knowledge
from domain.replies.mail import Mail
from domain.tokens import address_key, lead_key
from schemas.replies import Disposition, Reply
from sinks.mailparser import MailParser
from sinks.ports import SendRow
from sinks.postgres.ledger import PostgresLedger
from sinks.postgres.replies import SQL, Judgement, NewReply, Replies
from sinks.postgres.stops import PostgresStops
from streams.clock import ManualClock
from streams.errors import Poison
from streams.work import Work
from tests.support import mails
from tests.support.replying import AT, KEYS, World, emitted, inbound, read_token, token, touch
from tests.support.waiting import wait_for

SECRET = KEYS.hash_secret


async def send(pool: asyncpg.Pool, row: SendRow, email: str = "gone@corp.example") -> SendRow:
    """A touch that the ledger holds as sent."""
    await pool.execute(
        """
        insert into sends (send_id, enrollment_id, granted_at, expires_at, grant_order, pool_epoch, sender_epoch, campaign_version,
            entry_no, ask_no, attempt, pool_partition, sender_partition, owns_address, state, lead_key, address_key, lead_id,
            campaign_id, goal, step_id, variant, pool_id, mailbox_id, grant_id, message_id)
        values ($1, $2, $3, $3, 1, 1, 1, 1, 1, 1, 1, 0, 0, true, 'sent', $4, $5, $6, $7, 'acquisition', $8, 'a', $9, $10, '1-1', $11)
        """,
        row.send_id, row.enrollment_id, row.granted_at, lead_key(SECRET, row.lead_id), address_key(SECRET, email), row.lead_id,
        row.campaign_id, row.step_id, row.pool_id, row.mailbox_id, row.message_id,
    )  # fmt: skip
    return row


@dataclass
class Role:
    """The role on a real database, with a broker in memory."""

    handler: ReplyRole
    broker: World
    store: Replies

    async def take(self, *raws: bytes) -> list[Reply]:
        work = Work()
        await self.handler.handle(work, [inbound(raw, n) for n, raw in enumerate(raws)])
        work.apply()
        return emitted(work, "replies", Reply)

    def dispositions(self) -> list[Disposition]:
        return [event for work in self.broker.published for event in emitted(work, "dispositions", Disposition)]


def role(pool: asyncpg.Pool) -> Role:
    broker, store = World(), Replies(pool, uuid4())
    handler = ReplyRole(
        parser=MailParser(),
        store=store,
        touches=PostgresLedger(pool, SECRET),
        stops=PostgresStops(pool, SECRET),
        publisher=broker,
        knowledge=Knowledge(),
        read_token=read_token,
        clock=ManualClock(AT),
        model=None,
    )
    return Role(handler, broker, store)


@pytest.fixture
async def replies(pool: asyncpg.Pool) -> AsyncIterator[Role]:
    running = role(pool)
    await running.handler.start()
    yield running
    await running.handler.stop()


async def stops(pool: asyncpg.Pool) -> list[tuple[str, bool]]:
    return [(row["source_id"], row["released_at"] is not None) for row in await pool.fetch("select * from stops")]


async def test_a_reply_goes_from_raw_mail_to_its_disposition(pool: asyncpg.Pool, replies: Role) -> None:
    row = await send(pool, touch())
    raw = mails.raw(mails.GMAIL_ANSWER, token(row), to=f"reply+{token(row)}@mail.example", body="Please unsubscribe me")
    (reply,) = await replies.take(raw)
    assert (reply.lead_id, reply.matched_by, reply.send_id) == ("lead-1", "recipient_token", row.send_id)
    assert await stops(pool) == [(f"reply:{reply.reply_id}", False)]
    (event,) = await wait_for(replies.dispositions)
    assert (event.disposition, event.lead_name, event.reply_id) == ("UNSUBSCRIBE", "Jörg Müller", reply.reply_id)
    for email in ("gone@corp.example", "joerg.mueller@corp.example"):
        assert await PostgresStops(pool, SECRET).suppressed(email) == frozenset({"all"})
    await wait_for(lambda: pool.fetchval("select state = 'told' and event is not null from replies"))


async def test_a_redelivered_mail_changes_nothing_and_revives_no_released_stop(
    pool: asyncpg.Pool, replies: Role
) -> None:
    row = await send(pool, touch())
    raw = mails.raw(mails.EXCHANGE_AWAY, token(row))
    (reply,) = await replies.take(raw)
    await wait_for(lambda: pool.fetchval("select state = 'told' from replies"))
    before = await pool.fetch("select * from replies")
    source = f"reply:{reply.reply_id}"
    await PostgresStops(pool, SECRET).release([("lead-1", None, source)])
    assert await replies.take(raw, raw) == [reply]
    assert await stops(pool) == [(source, True)]
    assert await pool.fetchval("select active_stops from consents where key = $1", lead_key(SECRET, "lead-1")) == "[]"
    assert await pool.fetch("select * from replies") == before


async def test_a_crash_between_stop_and_row_is_healed_by_the_redelivery(pool: asyncpg.Pool, replies: Role) -> None:
    row = await send(pool, touch())
    raw = mails.raw(mails.GMAIL_ANSWER, token(row))
    (reply,) = await replies.take(raw)
    await wait_for(lambda: pool.fetchval("select state = 'told' from replies"))
    await pool.execute("delete from replies")  # as if the worker had died before the insert
    assert await replies.take(raw) == [reply]
    assert await stops(pool) == [(f"reply:{reply.reply_id}", False)]


async def test_a_known_message_id_and_the_thread_match_where_tokens_were_lost(
    pool: asyncpg.Pool, replies: Role
) -> None:
    await send(pool, touch(message_id="<ses-1@email.example>"))
    (reply,) = await replies.take(mails.plain("Yes", In_Reply_To="<ses-1@email.example>"))
    assert (reply.matched_by, reply.confidence) == ("message_id", 0.95)


async def test_a_hard_bounce_suppresses_without_any_hold(pool: asyncpg.Pool, replies: Role) -> None:
    row = await send(pool, touch())
    assert await replies.take(mails.raw(mails.POSTFIX_BOUNCE, token(row))) == []
    (event,) = await wait_for(replies.dispositions)
    assert event.bounce is not None
    assert (event.disposition, event.bounce.kind) == ("BOUNCE", "hard")
    assert await stops(pool) == []
    assert await PostgresStops(pool, SECRET).suppressed("gone@corp.example") == frozenset({"all"})


async def soft(pool: asyncpg.Pool, replies: Role, number: int) -> str:
    """A report that a mailbox is full, about the `number`-th mail to it; what is made of it."""
    known = len(replies.dispositions())
    row = touch(
        send_id=UUID(int=number), message_id=f"<s{number}@x.example>", granted_at=AT + timedelta(days=number - 9)
    )
    if await pool.fetchval("select count(*) from sends where send_id = $1", row.send_id) == 0:
        await send(pool, row)
    raw = mails.raw(mails.POSTFIX_BOUNCE, token(row), status="4.2.2", diagnostic="452 4.2.2 full")
    await replies.take(raw.replace(b"bounce1@", b"bounce%d@" % number))
    event = (await wait_for(_at_least(replies.dispositions, known + 1)))[-1]
    assert event.bounce is not None
    return event.bounce.kind


async def test_soft_bounces_harden_at_the_third_and_an_answer_between_starts_anew(
    pool: asyncpg.Pool, replies: Role
) -> None:
    assert [await soft(pool, replies, n) for n in (1, 2, 3)] == ["soft", "soft", "hard"]
    await pool.execute("update replies set held = true where send_id = $1", UUID(int=3))
    await pool.execute("update replies set at = $2 where send_id = $1", UUID(int=3), AT - timedelta(days=5.5))
    assert [await soft(pool, replies, n) for n in (4, 5)] == ["soft", "soft"]


async def test_reports_that_come_in_another_order_than_their_mails_harden_at_the_third(
    pool: asyncpg.Pool, replies: Role
) -> None:
    assert [await soft(pool, replies, n) for n in (3, 1, 2)] == ["soft", "soft", "hard"]


async def test_a_mail_that_arrived_between_breaks_the_row(pool: asyncpg.Pool, replies: Role) -> None:
    await send(pool, touch(send_id=UUID(int=2), message_id="<ok@x.example>", granted_at=AT + timedelta(days=2 - 9)))
    assert [await soft(pool, replies, n) for n in (1, 3, 4)] == ["soft", "soft", "soft"]


async def test_what_a_server_itself_refused_as_full_stands_in_the_row(pool: asyncpg.Pool, replies: Role) -> None:
    for number, code in ((1, "552 5.2.2"), (2, "552 5.2.2")):
        row = touch(send_id=UUID(int=number), message_id=f"<{number}@x>", granted_at=AT + timedelta(days=number - 9))
        await send(pool, row)
        await pool.execute("update sends set state = 'failed', code = $2 where send_id = $1", row.send_id, code)
    assert await soft(pool, replies, 3) == "hard"


def _at_least(values: Callable[[], list[Disposition]], count: int) -> Callable[[], list[Disposition]]:
    return lambda: found if len(found := values()) >= count else []


async def test_one_classifier_holds_a_row_at_a_time(pool: asyncpg.Pool) -> None:
    row = await send(pool, touch())
    one = role(pool)
    await one.take(
        *(mails.plain(f"{n}", In_Reply_To=f"<{token(row)}@s.example>", Message_ID=f"<{n}@x>") for n in range(40))
    )
    stores = [Replies(pool, uuid4()) for _ in range(4)]
    claimed = await asyncio.gather(*(store.claim(("matched",), 10, 60) for store in stores))
    ids = [reply.reply_id for batch in claimed for reply in batch]
    assert len(ids) == len(set(ids))
    assert len(ids) + len(await stores[0].claim(("matched",), 100, 60)) == 40
    await one.handler.stop()


async def test_a_verdict_of_a_row_that_somebody_else_holds_by_now_does_not_count(pool: asyncpg.Pool) -> None:
    row = await send(pool, touch())
    one = role(pool)
    await one.take(mails.plain("hm", In_Reply_To=f"<{token(row)}@s.example>"))
    slow, quick = Replies(pool, uuid4()), Replies(pool, uuid4())
    (stale,) = await slow.claim(("matched",), 1, 0)
    (held,) = await wait_for(lambda: quick.claim(("matched",), 1, 60))
    assert (stale.reply_id, held.attempts) == (held.reply_id, 2)
    assert await slow.judge([_judgement(stale.reply_id, row)]) == frozenset()
    assert await quick.judge([_judgement(held.reply_id, row)]) == frozenset({held.reply_id})
    assert await quick.judge([_judgement(held.reply_id, row)]) == frozenset()
    await slow.told([])
    await quick.let_go()
    (again,) = await slow.claim(("judged",), 1, 60)
    assert again.event == _judgement(held.reply_id, row).event
    await one.handler.stop()


def _judgement(reply_id: UUID, row: SendRow) -> Judgement:
    event = Disposition(
        event_id="d", reply_id=reply_id, lead_id=row.lead_id, campaign_id=row.campaign_id, enrollment_id=row.enrollment_id,
        step_id=row.step_id, send_id=row.send_id, disposition="INTERESTED", confidence=0.9, matched_by="in_reply_to",
        decided_by="model", at=AT,
    )  # fmt: skip
    return Judgement(event, "model")


async def test_policy_refusals_are_counted_by_domain_within_the_hour(pool: asyncpg.Pool) -> None:
    one, row = role(pool), await send(pool, touch())
    for number, domain in enumerate(("a.example", "b.example", "b.example", "c.example")):
        await one.take(mails.plain("x", In_Reply_To=f"<{token(row)}@s.example>", Message_ID=f"<{number}@x>"))
        await pool.execute(
            "update replies set bounce_kind = 'policy', bounced_domain = $1, at = $2 where bounced_domain is null",
            domain,
            AT - timedelta(minutes=20 * number),
        )
    assert await one.store.refusing_domains("anna", AT - timedelta(hours=1), "a.example") == 1
    assert await one.store.refusing_domains("anna", AT - timedelta(hours=2), "z.example") == 3
    await one.handler.stop()


def _untracked(reply_id: UUID, subject: str) -> NewReply:
    return NewReply(reply_id, "m", "s", AT, AT, AT, Mail(subject=subject))


async def test_a_bad_row_is_the_datas_fault(pool: asyncpg.Pool) -> None:
    with pytest.raises(Poison):
        await Replies(pool, uuid4()).insert([_untracked(uuid4(), "a\x00b")])


async def test_storing_a_mail_again_changes_nothing_and_says_so(pool: asyncpg.Pool) -> None:
    store, reply_id = Replies(pool, uuid4()), uuid4()
    assert await store.insert([_untracked(reply_id, "first")]) == frozenset({reply_id})
    assert await store.insert([_untracked(reply_id, "second")]) == frozenset()
    assert await pool.fetchval("select subject from replies") == "first"


async def test_claims_use_the_index_of_open_rows(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as connection:
        await connection.execute("set enable_seqscan = off")
        await connection.execute("prepare c as " + SQL["claim"])
        plan = await connection.fetch("explain execute c('00000000-0000-0000-0000-000000000000', 20, '{matched}', 10)")
        assert any("replies_open" in row[0] for row in plan)
