"""The projector against a real database: repeats change nothing, figures stay exact, a bad row costs one event."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from agents.projector import Projector
from domain.ids import enrollment_id, event_id, send_id
from schemas.engagements import Engagement
from schemas.replies import Disposition
from schemas.tasks import TaskDue
from schemas.tracking import Hit
from sinks.postgres.board import Board
from sinks.postgres.connect import connect
from sinks.postgres.read_models import Facts, ReadModels
from streams.batches import BatchRunner
from streams.errors import Poison, Retryable
from streams.inbound import Inbound, Raw
from streams.work import Routing, Work
from tests.support.cards import cards_of

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
CAMPAIGN = "q1-brokers"


@pytest.fixture
def models(pool: asyncpg.Pool) -> ReadModels:
    return ReadModels(pool)


def engagement(lead: str, kind: str, number: int = 1, **more: Any) -> Engagement:
    entry = enrollment_id(CAMPAIGN, lead)
    defaults: dict[str, Any] = {
        "type": kind,
        "event_id": event_id(kind, lead, number),
        "lead_id": lead,
        "campaign_id": CAMPAIGN,
        "enrollment_id": entry,
        "at": AT + timedelta(minutes=number),
    }
    return Engagement(**(defaults | more))


def story(lead: str) -> list[Engagement]:
    """Enrolled, sent, opened twice, replied."""
    touch = {"step_id": "intro", "send_id": send_id(enrollment_id(CAMPAIGN, lead), "intro"), "variant": "a"}
    return [
        engagement(lead, "enrolled", status="enrolled"),
        engagement(lead, "sent", 2, status="active", previous_status="enrolled", **touch),
        engagement(lead, "opened", 3, first=True, status="active", previous_status="active", **touch),
        engagement(lead, "opened", 4, first=False, status="active", previous_status="active", **touch),
        engagement(lead, "replied", 5, status="replied", previous_status="active", **touch),
    ]


def disposition(name: str, reply: UUID, lead: str = "lead-1", **more: Any) -> Disposition:
    entry = enrollment_id(CAMPAIGN, lead)
    defaults: dict[str, Any] = {
        "event_id": event_id("disposition", reply),
        "reply_id": reply,
        "lead_id": lead,
        "campaign_id": CAMPAIGN,
        "enrollment_id": entry,
        "step_id": "intro",
        "send_id": send_id(entry, "intro"),
        "disposition": name,
        "confidence": 0.9,
        "matched_by": "in_reply_to",
        "decided_by": "model",
        "lead_name": "Zoé Martin",
        "at": AT,
    }
    return Disposition(**(defaults | more))


def as_batch(messages: Sequence[Any], first_offset: int) -> list[Inbound]:
    raw = Raw("engagements", 0, 0, b"k", b"{}")
    return [
        Inbound(message.TOPIC, 0, first_offset + n, message.lead_id, message, raw) for n, message in enumerate(messages)
    ]


async def test_repeats_under_new_offsets_change_nothing(models: ReadModels, pool: asyncpg.Pool) -> None:
    projector = Projector(models)
    reply = uuid4()
    messages = [*story("lead-1"), *story("lead-2"), disposition("INTERESTED", reply)]
    await projector.handle(Work(), as_batch(messages, 0))
    before = (await models.progress(CAMPAIGN), await models.steps(CAMPAIGN), await Board(pool).counts(AT))

    await projector.handle(Work(), as_batch(messages, 1_000))
    await projector.handle(Work(), as_batch([*messages[3:], *messages[:3]], 2_000))

    after = (await models.progress(CAMPAIGN), await models.steps(CAMPAIGN), await Board(pool).counts(AT))
    assert after == before
    assert before[0]["enrolled"] == 2
    assert before[0]["emails_sent"] == 2
    assert before[0]["emails_opened"] == 2
    assert before[2] == [{"queue": "sales", "state": "suggested", "n": 1, "overdue": 0}]


PARTS = ("active", "completed", "paused", "exited")


async def places(models: ReadModels) -> dict[str, int]:
    """The figures of 6.4 that must sum up to `enrolled`, which is checked."""
    figures = await models.progress(CAMPAIGN)
    parts = {name: figures[name] for name in PARTS}
    assert figures["enrolled"] == sum(parts.values())
    return {name: n for name, n in parts.items() if n}


async def test_facts_that_do_not_chain_still_leave_every_enrollment_in_one_place(models: ReadModels) -> None:
    """A crash between outputs and state makes leads tell again from another order: what was new of it need not chain."""
    await models.record(Facts(engagements=[engagement("lead-1", "enrolled", status="enrolled")]))
    await models.record(
        Facts(engagements=[engagement("lead-1", "paused", 2, status="paused", previous_status="enrolled")])
    )
    # Told again: the send came before the pause, and the pause (known under its id) says `active` was before.
    again = [
        engagement("lead-1", "sent", 3, status="active", previous_status="enrolled"),
        engagement("lead-1", "paused", 2, status="paused", previous_status="active"),
    ]
    await models.record(Facts(engagements=again))
    assert await places(models) == {"paused": 1}
    await models.record(
        Facts(engagements=[engagement("lead-1", "completed", 9, status="completed", previous_status="active")])
    )
    assert await places(models) == {"completed": 1}
    assert await models.open_leads(CAMPAIGN) == []


async def test_an_end_that_was_told_too_early_counts_when_it_is_told_again(models: ReadModels) -> None:
    """Its id is known, its instant is not: it happened after all, and later. A campaign must not wait for it for ever."""
    early = engagement("lead-1", "completed", 2, status="completed", previous_status="active")
    late = early.model_copy(update={"at": AT + timedelta(hours=3)})
    await models.record(Facts(engagements=[engagement("lead-1", "enrolled", status="enrolled"), early]))
    await models.record(
        Facts(engagements=[engagement("lead-1", "held", 3, status="paused", previous_status="enrolled")])
    )
    assert await models.open_leads(CAMPAIGN) == ["lead-1"]
    await models.record(Facts(engagements=[early]))
    assert await places(models) == {"paused": 1}, "a plain repeat says nothing"
    await models.record(Facts(engagements=[late]))
    assert await places(models) == {"completed": 1}
    assert (await models.progress(CAMPAIGN))["enrolled"] == 1


async def test_the_order_within_a_batch_counts(models: ReadModels) -> None:
    walk = [
        engagement("lead-1", "enrolled", status="enrolled"),
        engagement("lead-1", "paused", 2, status="paused", previous_status="enrolled"),
        engagement("lead-1", "resumed", 3, status="active", previous_status="paused"),
    ]
    await models.record(Facts(engagements=walk))
    assert await places(models) == {"active": 1}
    await models.record(
        Facts(
            engagements=[
                walk[0].model_copy(update={"lead_id": "lead-2", "event_id": str(uuid4()), "enrollment_id": uuid4()})
            ]
        )
    )
    assert await places(models) == {"active": 2}


async def test_a_repeat_inside_one_batch_counts_once(models: ReadModels) -> None:
    await models.record(Facts(engagements=[*story("lead-1"), *story("lead-1")]))
    figures = await models.progress(CAMPAIGN)
    assert (figures["enrolled"], figures["emails_sent"], figures["completed"]) == (1, 1, 1)


async def test_figures_equal_a_count_of_the_facts_and_enrolled_is_the_sum_of_the_four(
    models: ReadModels, pool: asyncpg.Pool
) -> None:
    facts = [
        *story("a"),
        *story("b")[:2],
        engagement("c", "enrolled", status="enrolled"),
        engagement("c", "paused", 2, status="paused", previous_status="enrolled"),
        engagement("d", "enrolled", status="enrolled"),
        engagement("d", "bounced", 2, status="bounced", previous_status="enrolled"),
        engagement("e", "enrolled", status="enrolled"),
        engagement("e", "paused", 2, status="paused", previous_status="enrolled"),
        engagement("e", "resumed", 3, status="enrolled", previous_status="paused"),
        engagement("e", "exited", 4, status="exited", previous_status="enrolled"),
    ]
    for fact in facts:
        await models.record(Facts(engagements=[fact]))
    figures = await models.progress(CAMPAIGN)
    parts = {name: figures[name] for name in ("active", "completed", "paused", "exited")}
    assert parts == {"active": 1, "completed": 1, "paused": 1, "exited": 2}
    assert figures["enrolled"] == sum(parts.values())
    latest = await pool.fetch(
        "SELECT DISTINCT ON (enrollment_id) status FROM engagements_log ORDER BY enrollment_id, seq DESC"
    )
    assert sorted(row["status"] for row in latest) == ["active", "bounced", "exited", "paused", "replied"]


async def test_a_nul_in_one_row_is_poison_and_leaves_nothing_of_its_batch(
    models: ReadModels, pool: asyncpg.Pool
) -> None:
    bad = disposition("INTERESTED", uuid4()).model_copy(update={"lead_name": "Zoé\x00"})
    with pytest.raises(Poison):
        await models.record(Facts(engagements=story("lead-1"), dispositions=[bad]))
    assert await pool.fetchval("SELECT count(*) FROM engagements_log") == 0
    assert (await models.progress(CAMPAIGN))["enrolled"] == 0


async def test_a_nul_costs_one_event_and_its_neighbours_go_on(models: ReadModels, pool: asyncpg.Pool) -> None:
    bad = engagement("lead-2", "sent", data={"note": "a\x00b"})
    messages = [*story("lead-1"), bad, *story("lead-3")]
    flushed: list[Work] = []

    class Flusher:
        async def flush(self, work: Work) -> None:
            flushed.append(work)

    def never(code: int, reason: str) -> None:
        raise AssertionError(reason)

    runner = BatchRunner(Projector(models), Flusher(), Routing("projector"), exit_process=never)
    raws = [
        Raw("engagements", 0, offset, message.lead_id.encode(), message.write())
        for offset, message in enumerate(messages)
    ]
    assert await runner.run(raws)
    assert [letter for work in flushed for letter in work.dead] == [("engagements", "database_refused")]
    assert (await models.progress(CAMPAIGN))["enrolled"] == 2
    assert await pool.fetchval("SELECT count(*) FROM engagements_log") == 10


async def test_a_status_that_counts_nowhere_is_refused(models: ReadModels) -> None:
    odd = engagement("lead-1", "paused", status="limbo", previous_status="active")
    with pytest.raises(Poison, match="limbo"):
        await models.record(Facts(engagements=[odd]))


async def test_ten_repeats_of_a_reply_make_one_card(models: ReadModels, pool: asyncpg.Pool) -> None:
    reply = uuid4()
    for number in range(10):
        said = disposition("NEEDS_MORE_INFO", reply, event_id=event_id("again", number), draft_reply="Dear Zoé, ...")
        await models.record(Facts(dispositions=[said]))
    (card,) = await cards_of(pool)
    assert card["queue"] == "account_manager"
    assert card["state"] == "suggested"
    assert card["title"] == "Follow up with Zoé Martin - more info requested"
    assert card["action_payload"]["draft_reply"] == "Dear Zoé, ..."


async def test_a_due_task_makes_one_card_however_often_it_is_told(models: ReadModels, pool: asyncpg.Pool) -> None:
    due = TaskDue(
        event_id=event_id("task", "lead-1"),
        lead_id="lead-1",
        campaign_id=CAMPAIGN,
        enrollment_id=enrollment_id(CAMPAIGN, "lead-1"),
        step_id="call",
        title="Call Zoé Martin",
        queue="sales",
        priority="high",
        task_kind="call",
        due_at=AT,
        at=AT,
    )
    fact = engagement("lead-1", "task_due", step_id="call", data={"task_kind": "call"})
    for offset in (0, 100):
        await Projector(models).handle(Work(), as_batch([fact, due], offset))
    (card,) = await cards_of(pool, queue="sales")
    assert (card["type"], card["title"], card["priority"], card["due_at"]) == (
        "schedule_call",
        "Call Zoé Martin",
        "high",
        AT,
    )
    assert "Zoé" not in await pool.fetchval("SELECT data::text FROM engagements_log")
    assert (await models.progress(CAMPAIGN))["tasks_pending"] == 1


async def test_every_raw_hit_is_kept_and_its_verdict_stands_beside_it(models: ReadModels, pool: asyncpg.Pool) -> None:
    entry = enrollment_id(CAMPAIGN, "lead-1")
    hit = Hit(
        type="open",
        event_id=str(uuid4()),
        lead_id="lead-1",
        campaign_id=CAMPAIGN,
        step_id="intro",
        send_id=send_id(entry, "intro"),
        at=AT,
        wall=AT,
    )
    again = hit.model_copy(update={"event_id": str(uuid4()), "method": "HEAD"})
    judged = engagement("lead-1", "opened", first=True, data={"hit_id": hit.event_id, "verdict": "human"})
    await models.record(Facts(hits=[hit, again], engagements=[judged]))
    await models.record(Facts(hits=[hit, again], engagements=[judged]))
    assert await pool.fetchval("SELECT count(*) FROM tracking_log") == 2
    verdicts = await pool.fetch("SELECT hit_id, verdict FROM hit_verdicts")
    assert [(str(row["hit_id"]), row["verdict"]) for row in verdicts] == [(hit.event_id, "human")]


async def test_a_database_that_is_away_is_retryable(postgres_dsn: str) -> None:
    away = await connect("postgresql://nobody@127.0.0.1:9/none", name="test", min_size=0)
    with pytest.raises(Retryable):
        await ReadModels(away).record(Facts(engagements=story("lead-1")))
    await away.close()


async def test_the_views_answer_by_their_names(models: ReadModels, pool: asyncpg.Pool) -> None:
    await models.record(Facts(engagements=story("lead-1"), dispositions=[disposition("INTERESTED", uuid4())]))
    contact = await pool.fetchrow("SELECT * FROM campaign_contact_status WHERE campaign_id = $1", CAMPAIGN)
    assert (contact["lead_id"], contact["status"], contact["last_event"]) == ("lead-1", "replied", "replied")
    task = await pool.fetchrow("SELECT * FROM job_tasks")
    assert (task["step_id"], task["last_event"], task["sent_at"]) == ("intro", "replied", AT + timedelta(minutes=2))
    kinds = [row["type"] for row in await models.timeline("lead-1")]
    assert kinds == ["enrolled", "sent", "opened", "opened", "replied"]
    assert await models.disposition_mix(CAMPAIGN) == {"INTERESTED": 1}
    assert await models.known_leads(["lead-1", "lead-2"]) == {"lead-1"}
    assert await models.open_leads(CAMPAIGN) == []
