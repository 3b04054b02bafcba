"""Waiting for the model, what it costs, and judging anew, against a real database."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from typer.testing import CliRunner

from api import logs
from api.classifying import knowledge_of
from api.cli import app
from api.reclassifying import Change, Reclassifier
from domain.claude_prices import Price, Usage
from domain.replies.mail import Mail
from domain.replies.verdict import Verdict, unclear
from schemas.definitions import Definition
from schemas.replies import Disposition
from sinks.claude import NoAnswer
from sinks.postgres.cards import Cards
from sinks.postgres.claude_spend import ClaudeSpend
from sinks.postgres.read_models import Facts, ReadModels
from sinks.postgres.rejudging import Rejudging
from sinks.postgres.replies import Match, NewReply, Replies
from sinks.postgres.stops import PostgresStops
from streams.clock import ManualClock
from tests.support.claude_server import ANSWER, judged
from tests.support.reading import claude
from tests.support.replying import AT, KEYS, touch


def stored(text: str, lead: str = "lead-1", **more: Any) -> NewReply:
    row = touch(lead)
    match = Match("in_reply_to", 1.0, row.send_id, row.enrollment_id, lead, row.campaign_id, row.step_id)
    mail = Mail(from_email=f"{lead}@corp.example", from_name="Per Berg", subject="Re: Question", text=text)
    return NewReply(
        uuid4(), f"{uuid4()}@corp.example", "test", AT, AT, AT, mail, True, match, "main", "anna", "UTC", row.address_key, **more
    )  # fmt: skip


# -- waiting


async def reading(pool: asyncpg.Pool, *texts: str) -> tuple[Replies, list[UUID]]:
    """Replies in the hands of one classifier, to be read."""
    store = Replies(pool, uuid4())
    rows = [stored(text) for text in texts]
    await store.insert(rows)
    ids = [row.reply_id for row in rows]
    await store.claim(("matched",), 10, 60)
    await store.hand_over(ids)
    assert len(await store.claim(("reading",), 10, 60)) == len(ids)
    return store, ids


async def test_a_reply_that_waits_is_free_again_after_its_pause_and_has_lost_no_attempt(pool: asyncpg.Pool) -> None:
    store, (one,) = await reading(pool, "Price?")
    assert await store.put_off([one], 3600, 7200) == {one}
    assert await store.claim(("reading",), 10, 60) == []
    await pool.execute("update replies set claimed_until = now() - interval '1 second'")
    (again,) = await store.claim(("reading",), 10, 60)
    assert (again.reply_id, again.attempts) == (one, 2)


async def test_the_wait_ends_when_the_patience_does_and_not_before(pool: asyncpg.Pool) -> None:
    store, (one, other) = await reading(pool, "Price?", "Cost?")
    assert await store.put_off([one], 3600, 10) == {one}
    left = await pool.fetchval("select claimed_until - now() from replies where reply_id = $1", one)
    assert left <= timedelta(seconds=10), "the pause does not outlast the patience"
    await pool.execute("update replies set reading_since = now() - interval '11 seconds' where reply_id = $1", other)
    assert await store.put_off([other], 1, 10) == frozenset()
    assert await store.put_off([other], 1, 12) == {other}


async def test_what_another_one_holds_is_not_put_off(pool: asyncpg.Pool) -> None:
    _, (one,) = await reading(pool, "Price?")
    assert await Replies(pool, uuid4()).put_off([one], 1, 100) == frozenset()


# -- the budget


async def test_all_processes_together_stay_within_the_days_budget(pool: asyncpg.Pool) -> None:
    desks = [ClaudeSpend(pool, 1.0) for _ in range(4)]
    granted = await asyncio.gather(*(desks[n % 4].reserve(0.125) for n in range(20)))
    assert sum(day is not None for day in granted) == 8
    (day,) = await desks[0].spent()
    assert (day["usd"], day["calls"]) == (1.0, 8)


async def test_what_a_call_did_cost_takes_the_place_of_what_was_set_aside(pool: asyncpg.Pool) -> None:
    spend = ClaudeSpend(pool, 1.0)
    day = await spend.reserve(0.9)
    assert day is not None
    assert await spend.reserve(0.2) is None
    await spend.settle(day, 0.9, Usage(1000, 200, 30, 4), 0.25)
    assert await ClaudeSpend(pool, 1.0).reserve(0.75) is not None, "it is counted here, not in a process"
    (row,) = await spend.spent()
    assert [row[name] for name in ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")] == [
        1000, 200, 30, 4,
    ]  # fmt: skip


async def test_the_first_call_of_a_day_is_held_to_the_budget_too_and_the_next_day_is_another(
    pool: asyncpg.Pool,
) -> None:
    spend = ClaudeSpend(pool, 0.1)
    assert await spend.reserve(0.2) is None
    assert await spend.reserve(0.1) is not None
    assert await spend.reserve(0.01) is None
    await pool.execute("update claude_spend set day = day - 1")
    assert await spend.reserve(0.1) is not None
    assert await ClaudeSpend(pool, None).reserve(1e9) is not None


async def test_a_call_beyond_the_budget_is_not_made(pool: asyncpg.Pool) -> None:
    price = Price(1, 5)
    async with claude(judged(ANSWER), meter=ClaudeSpend(pool, 0.012), price=price) as (client, server):
        mail = Mail(subject="Re: Question", text="Price?")
        first, second = [await client.classify(mail, AT) for _ in range(2)]
        assert not isinstance(first, NoAnswer)
        assert not isinstance(second, NoAnswer), "what was set aside for the first one was more than it cost"
        await pool.execute("update claude_spend set usd = 0.0119")
        assert await client.classify(mail, AT) == NoAnswer("no_budget")
    assert len(server.requests) == 2
    (row,) = await ClaudeSpend(pool, None).spent()
    assert (row["calls"], row["input_tokens"], row["output_tokens"]) == (2, 20, 20)


# -- judging anew


def rule(disposition: str, **more: Any) -> Definition:
    spec = {
        "kind": "ReplyRule",
        "id": "corp",
        "match": "sender_domain",
        "value": "corp.example",
        "disposition": disposition,
    }
    return Definition(kind="reply_rule", id="corp", revision=1, spec=spec | more, at=AT)


async def told(pool: asyncpg.Pool, text: str, verdict: Verdict, lead: str = "lead-1") -> Disposition:
    """A reply that was judged and told, with its card on the board."""
    from agents.replying.judging import judgement

    store, row = Replies(pool, uuid4()), stored(text, lead)
    await store.insert([row])
    (reply,) = await store.claim(("matched",), 10, 60)
    judged = judgement(reply, verdict, AT)
    await store.judge([judged])
    await store.told([reply.reply_id])
    await ReadModels(pool).record(Facts(dispositions=[judged.event]))
    return judged.event


async def reclassify(pool: asyncpg.Pool, *definitions: Definition, **options: Any) -> list[Change]:
    work = Reclassifier(
        Rejudging(pool), PostgresStops(pool, KEYS.hash_secret), knowledge_of(definitions),
        ManualClock(AT + timedelta(days=3)), **options,
    )  # fmt: skip
    return [change async for change in work.run(AT - timedelta(days=1))]


async def noted(pool: asyncpg.Pool) -> list[Disposition]:
    rows = await pool.fetch("select value from untold_events where topic = 'dispositions' order by noted_wall")
    return [Disposition.read(row["value"].encode()) for row in rows]


async def cards(pool: asyncpg.Pool) -> list[tuple[str, str]]:
    return [
        (row["type"], row["state"]) for row in await pool.fetch("select type, state from cards order by created_at")
    ]


async def test_a_reply_that_means_something_else_today_is_told_once_more_and_its_card_follows(
    pool: asyncpg.Pool,
) -> None:
    before = await told(pool, "Please call", unclear("no_key"))
    (change,) = await reclassify(pool, rule("INTERESTED"))
    (event,) = await noted(pool)
    assert event == change.now
    assert (event.disposition, event.decided_by, event.rule_id) == ("INTERESTED", "rule", "corp")
    assert (event.revision, event.replaces, event.reply_id) == (1, "ESCALATE_UNCLEAR", before.reply_id)
    assert event.event_id != before.event_id
    models = ReadModels(pool)
    await models.record(Facts(dispositions=[event]))
    await models.record(Facts(dispositions=[event]))
    assert await cards(pool) == [("schedule_call", "suggested")]
    assert await models.disposition_mix(event.campaign_id) == {"INTERESTED": 1}
    assert await pool.fetchval("select disposition from replies") == "INTERESTED"


async def test_a_rule_whose_disposition_is_no_more_holds_up_no_other_reply(pool: asyncpg.Pool) -> None:
    await told(pool, "Please call", unclear("no_key"))
    await told(pool, "Unsubscribe me, please", unclear("no_key"), "lead-2")
    gone = rule("REFERRAL", match="sender_email", value="lead-1@corp.example")
    assert [change.now.disposition for change in await reclassify(pool, gone)] == ["UNSUBSCRIBE"]


async def test_judged_anew_twice_nothing_happens_the_second_time(pool: asyncpg.Pool) -> None:
    await told(pool, "Please call", unclear("no_key"))
    assert len(await reclassify(pool, rule("INTERESTED"))) == 1
    assert await reclassify(pool, rule("INTERESTED")) == []
    assert len(await noted(pool)) == 1
    (back,) = await reclassify(pool, rule("NOT_INTERESTED"))
    assert (back.now.revision, back.was.disposition) == (2, "INTERESTED")


async def test_two_that_judge_at_once_tell_of_each_reply_once(pool: asyncpg.Pool) -> None:
    for number in range(20):
        await told(pool, "Please call", unclear("no_key"), f"lead-{number}")
    found = await asyncio.gather(*(reclassify(pool, rule("INTERESTED")) for _ in range(3)))
    assert sum(map(len, found)) == len(await noted(pool)) == 20


async def test_a_dry_run_shows_the_same_and_writes_nothing(pool: asyncpg.Pool) -> None:
    await told(pool, "Please unsubscribe me", unclear("no_key"))
    (shown,) = await reclassify(pool, dry_run=True)
    assert (shown.now.disposition, shown.suppresses) == ("UNSUBSCRIBE", True)
    assert await noted(pool) == []
    stops = PostgresStops(pool, KEYS.hash_secret)
    assert await stops.suppressed("lead-1@corp.example") == frozenset()
    assert await pool.fetchval("select revision from replies") == 0


async def test_a_suppression_is_added_before_it_is_told_and_none_is_taken_back(pool: asyncpg.Pool) -> None:
    await told(pool, "Please unsubscribe me", unclear("no_key"))
    await reclassify(pool)
    stops = PostgresStops(pool, KEYS.hash_secret)
    assert await stops.suppressed("lead-1@corp.example") == frozenset({"all"})
    (change,) = await reclassify(pool, rule("INTERESTED"))
    assert change.now.disposition == "INTERESTED"
    assert await stops.suppressed("lead-1@corp.example") == frozenset({"all"})


async def test_finished_cards_stay_as_they_are(pool: asyncpg.Pool) -> None:
    await told(pool, "Please call", unclear("no_key"))
    (card_id,) = [row["card_id"] for row in await pool.fetch("select card_id from cards")]
    await Cards(pool).close(card_id, "done", "eva", AT)
    (change,) = await reclassify(pool, rule("NOT_INTERESTED"))
    await ReadModels(pool).record(Facts(dispositions=[change.now]))
    assert await cards(pool) == [("needs_human_response", "done")]


async def test_what_needs_reading_keeps_its_verdict_without_the_model_and_is_read_with_it(pool: asyncpg.Pool) -> None:
    await told(pool, "Hm, well", Verdict("NOT_INTERESTED", 1.0, "rule", "user_rule", rule_id="gone"))
    assert await reclassify(pool) == []
    async with claude(judged(ANSWER)) as (client, _):
        (change,) = await reclassify(pool, model=client)
    assert (change.now.disposition, change.now.decided_by) == ("INTERESTED", "model")


async def test_a_soft_bounce_that_became_hard_as_the_third_stays_so(pool: asyncpg.Pool) -> None:
    hard = Verdict("BOUNCE", 1.0, "recogniser", "soft_in_a_row", bounce="hard", bounce_code="4.2.2", suppresses=True)
    await told(pool, "x", hard)
    assert await reclassify(pool, rule("BOUNCE")) == []


async def test_the_command_shows_what_differs_and_what_needs_reading(
    pool: asyncpg.Pool, postgres_dsn: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    await told(pool, "Please unsubscribe me", unclear("no_key"))
    await told(pool, "Hm, well", unclear("no_key"), "lead-2")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(logs, "configure_logs", lambda *_: None)  # it is for the whole process: here, for all tests
    monkeypatch.setenv("TOUCHLINE_POSTGRES_DSN", postgres_dsn)
    monkeypatch.setenv("TOUCHLINE_TOKEN_KEYS", "k1:" + "A" * 43 + "=")
    words = ["reclassify", "--since", "2026-03-01", "--dry-run"]
    shown = await asyncio.to_thread(CliRunner().invoke, app, words)
    assert shown.exit_code == 0, shown.output
    assert "UNSUBSCRIBE REMOVE" in shown.stdout
    assert "2 replies looked at, 1 would change\n1 need reading and keep their verdict" in shown.stdout
    machine = await asyncio.to_thread(CliRunner().invoke, app, [*words, "--json"])
    answer = json.loads(machine.stdout)
    assert answer["counts"] == {"looked_at": 2, "changed": 1, "unread": 1, "no_answer": 0, "overtaken": 0, "unfit": 0}
    assert [(c["was"]["disposition"], c["now"]["disposition"]) for c in answer["changes"]] == [
        ("ESCALATE_UNCLEAR", "UNSUBSCRIBE")
    ]


async def test_only_what_came_since_then_is_looked_at(pool: asyncpg.Pool) -> None:
    await told(pool, "Please call", unclear("no_key"))
    work = Reclassifier(
        Rejudging(pool), PostgresStops(pool, KEYS.hash_secret), knowledge_of([rule("INTERESTED")]), ManualClock(AT)
    )
    assert [change async for change in work.run(AT + timedelta(seconds=1))] == []
    assert [change async for change in work.run(AT, "another")] == []
    assert work.counts["looked_at"] == 0
