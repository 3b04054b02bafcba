"""Control against a real database: gates before publishing, revisions, one publisher, imports that repeat."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from api.documents import InvalidFiles, read_files
from api.errors import ConflictError, NotFoundError
from api.publisher import Outgoing
from domain.lifecycle import ClosedError, IllegalMoveError
from schemas.examples import VALID
from schemas.tasks import TaskDue
from sinks.postgres.cards import CardChangedError, Cards
from sinks.postgres.control import ControlStore
from sinks.postgres.read_models import Facts
from streams.errors import Retryable
from tests.support.cards import card_of, cards_of
from tests.support.control import AT, World, campaign, rows, told
from tests.support.documents import DOCUMENTS
from tests.support.waiting import wait_for


async def test_pausing_closes_the_gate_before_it_is_published(world: World) -> None:
    await world.control.apply([campaign()])
    await world.control.launch("q1")
    assert world.broker.gates[-1]["campaign:q1"] is True
    await world.control.pause("q1")
    assert world.broker.statuses() == ["draft", "active", "paused"]
    assert world.broker.gates[-1]["campaign:q1"] is False
    await world.control.resume("q1")
    assert world.broker.gates[-1]["campaign:q1"] is True


async def test_a_pause_holds_while_kafka_is_away_and_is_published_when_it_is_back(world: World) -> None:
    await world.control.apply([campaign()])
    await world.control.launch("q1")
    world.broker.away = True
    paused = await world.control.pause("q1")
    assert paused.status == "paused"
    assert await world.pool.fetchval("SELECT is_open FROM campaign_gates WHERE scope = 'campaign:q1'") is False
    assert await world.store.unpublished() == 1
    world.broker.away = False
    await world.steward.once()
    assert world.broker.statuses()[-1] == "paused"
    assert await world.store.unpublished() == 0


async def test_a_gate_left_behind_by_a_crash_is_put_right_before_anything_is_published(world: World) -> None:
    await world.control.apply([campaign()])
    world.broker.away = True
    await world.control.launch("q1")
    await world.pool.execute("UPDATE campaign_gates SET is_open = false WHERE scope = 'campaign:q1'")
    world.broker.away = False
    await world.steward.once()
    assert world.broker.gates[-1]["campaign:q1"] is True


async def test_stop_all_closes_the_one_gate_first_and_release_opens_it(world: World) -> None:
    await world.control.stop_all(stopped=True)
    assert world.broker.gates[-1]["*"] is False
    assert world.broker.sent[-1].key == "control:all"
    await world.control.stop_all(stopped=False)
    assert world.broker.gates[-1]["*"] is True
    assert [item.message.revision for item in world.broker.sent] == [1, 2]  # type: ignore[attr-defined]


async def test_unchanged_documents_make_no_revision_and_every_revision_stays_readable(world: World) -> None:
    await world.control.apply([campaign()])
    again = await world.control.apply([campaign()])
    assert again.unchanged == ["campaign:q1"]
    changed = await world.control.apply([campaign(description="new")])
    assert changed.changed == ["campaign:q1"]
    revisions = await world.store.revisions("campaign", "q1")
    assert [(r.revision, r.spec.get("description")) for r in revisions] == [(1, None), (2, "new")]
    assert len(world.broker.sent) == 2


async def test_nothing_is_applied_when_a_name_is_taken_or_a_pool_would_change(world: World) -> None:
    await world.control.apply([campaign()])
    with pytest.raises(ConflictError) as refused:
        await world.control.apply([campaign("q2", "q1 BROKERS"), campaign("q1", pool="other"), campaign("q3", "Fine")])
    assert len(refused.value.problems) == 2
    assert [head.id for head in await world.store.heads()] == ["q1"]


async def test_an_edit_of_a_live_campaign_keeps_its_status(world: World) -> None:
    await world.control.apply([campaign()])
    await world.control.launch("q1")
    await world.control.apply([campaign(description="edited")])
    head = await world.control.campaign("q1")
    assert (head.status, head.revision, head.spec["description"]) == ("active", 3, "edited")
    assert head.job_id is not None


async def test_illegal_moves_are_refused_with_the_legal_ones(world: World) -> None:
    await world.control.apply([campaign()])
    with pytest.raises(IllegalMoveError, match="scheduled, active"):
        await world.control.pause("q1")
    with pytest.raises(NotFoundError):
        await world.control.pause("q2")
    await world.control.launch("q1")
    await world.control.complete("q1")
    with pytest.raises(IllegalMoveError, match="archived"):
        await world.control.resume("q1")
    with pytest.raises(ConflictError, match="completed"):
        await world.control.apply([campaign(description="too late")])


async def test_deciders_at_the_same_time_leave_a_gate_that_agrees_with_the_status(world: World) -> None:
    await world.control.apply([campaign()])
    await world.control.launch("q1")
    other = World(world.pool)
    moves = [
        world.control.pause("q1"),
        other.control.pause("q1"),
        world.control.resume("q1"),
        other.control.resume("q1"),
    ]
    await asyncio.gather(*moves, return_exceptions=True)
    head = await world.control.campaign("q1")
    is_open = await world.pool.fetchval("SELECT is_open FROM campaign_gates WHERE scope = 'campaign:q1'")
    assert is_open is (head.status == "active")
    published = [item.message for item in [*world.broker.sent, *other.broker.sent] if item.key == "campaign:q1"]
    assert max(message.revision for message in published) == head.revision  # type: ignore[attr-defined]


async def test_a_repeated_import_changes_nothing(world: World) -> None:
    await world.control.apply([campaign()])
    first = await world.enroller.enroll("q1", rows(3), added_by="import")
    sent = len(world.broker.sent)
    again = await world.enroller.enroll("q1", rows(4), added_by="import")
    assert (first.added, again.added, len(again.published)) == (3, 1, 1)
    assert set(again.skipped.values()) == {"already_enrolled"}
    assert len(world.broker.sent) == sent + 1
    assert (await world.models.progress("q1"))["total_leads"] == 4


async def test_an_import_cut_off_is_finished_by_repeating_it_under_the_same_ids(world: World) -> None:
    await world.control.apply([campaign()])
    world.broker.away = True
    with pytest.raises(Retryable):
        await world.enroller.enroll("q1", rows(2), added_by="import")
    assert (await world.models.progress("q1"))["total_leads"] == 2
    world.broker.away = False
    await world.enroller.enroll("q1", rows(2), added_by="import")
    enrolled = [item for item in world.broker.sent if item.topic == "enrollments"]
    assert [item.key for item in enrolled] == ["lead-0", "lead-1"]
    assert (await world.models.progress("q1"))["total_leads"] == 2


async def test_a_closed_or_unknown_campaign_takes_no_leads(world: World) -> None:
    with pytest.raises(NotFoundError):
        await world.enroller.enroll("q1", rows(1), added_by="import")
    await world.control.apply([campaign()])
    await world.control.launch("q1")
    await world.control.complete("q1")
    with pytest.raises(ConflictError, match="campaign_closed"):
        await world.enroller.enroll("q1", rows(1), added_by="import")


async def test_a_webhook_call_is_taken_once(world: World) -> None:
    assert await world.store.take_call("generic", "1")
    assert await world.store.take_call("generic", "1")  # the broker had not acknowledged it: the retry is welcome
    await world.store.call_taken("generic", "1")
    assert not await world.store.take_call("generic", "1")
    assert await world.store.take_call("other", "1")


async def test_a_card_moves_once_for_two_who_saw_the_same_version(world: World) -> None:
    due = TaskDue.model_validate_json(json.dumps(VALID["tasks"].value))
    await world.models.record(Facts(tasks=[due]))
    cards = Cards(world.pool)
    (card,) = await cards_of(world.pool)
    results = await asyncio.gather(
        cards.move(card["card_id"], 1, "in_review", "ann", AT),
        cards.move(card["card_id"], 1, "rejected", "bob", AT),
        return_exceptions=True,
    )
    assert [type(result) for result in results].count(CardChangedError) == 1
    after = await card_of(world.pool, card["card_id"])
    assert (after["version"], len(after["history"])) == (2, 1)


async def test_files_are_applied_whole_or_not_at_all_with_every_problem_and_its_file(
    world: World, tmp_path: Path
) -> None:
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(DOCUMENTS)
    bad.write_text(
        "kind: Campaign\nid: q2\nname: q1 brokers\npool: main\nmailboxes: [bert]\nsend_time_start: 18\n"
        'steps:\n  - {id: a, kind: email, subject: "", body: x, next_step_id: z}\n'
    )
    with pytest.raises(InvalidFiles) as refused:
        read_files([good, bad, tmp_path / "none.yaml"])
    codes = {item.problem.code for item in refused.value.found}
    assert {"window_never_opens", "empty_subject", "file"} <= codes
    with pytest.raises(InvalidFiles) as refused:
        read_files([good, bad])
    found = {(Path(item.file).name, item.problem.code) for item in refused.value.found}
    assert {("bad.yaml", "unknown_mailbox"), ("bad.yaml", "name_taken"), ("bad.yaml", "unknown_target")} <= found
    assert "bad.yaml:6" in str(refused.value)

    await world.control.apply(read_files([good]))
    again = await world.control.apply(read_files([good], await world.store.heads()))
    assert len(again.unchanged) == 3


async def test_asking_waits_for_who_ends_the_campaign_and_then_notes_nobody(world: World) -> None:
    await world.control.apply([campaign()])
    await world.control.launch("q1")
    other = ControlStore(world.pool)
    async with other.changing():
        asking = asyncio.create_task(world.store.ask("q1", ["late"]))
        waiting = (
            "SELECT count(*) FROM pg_locks JOIN pg_database AS at ON at.oid = database "
            "WHERE locktype = 'advisory' AND NOT granted AND datname = current_database()"
        )
        await wait_for(lambda: world.pool.fetchval(waiting), 10)
        spec = "UPDATE definitions SET status = 'completed' WHERE kind = 'campaign'"
        await world.pool.execute(spec)
    with pytest.raises(ClosedError, match="campaign_closed"):
        await asking
    assert await world.pool.fetchval("SELECT count(*) FROM campaign_asks") == 0


async def test_an_import_whose_campaign_is_ended_in_the_middle_says_so(world: World) -> None:
    await world.control.apply([campaign()])
    await world.control.launch("q1")
    publish = world.broker.publish

    async def then_somebody_ends_it(messages: Sequence[Outgoing]) -> None:
        await publish(messages)
        if messages[0].topic == "enrollments":
            await world.control.complete("q1")

    world.broker.publish = then_somebody_ends_it  # type: ignore[method-assign]
    done = await world.enroller.enroll("q1", rows(2), added_by="import")
    assert (done.closed_as, done.published) == ("completed", ["lead-0", "lead-1"])
    facts = [
        told("enrolled", "lead-0", status="enrolled"),
        told("refused", "lead-0", event_id="again", code="already_enrolled", enrollment_id=None),
        told("refused", "lead-1", code="campaign_closed", enrollment_id=None),
    ]
    await world.models.record(Facts(engagements=facts))
    answers = await world.store.answers("q1", ["lead-0", "lead-1", "lead-2"])
    assert answers == {"lead-0": None, "lead-1": "campaign_closed"}


async def test_two_imports_of_the_same_leads_in_another_order_do_not_block_each_other(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sinks.postgres.control.ASKS_AT_ONCE", 1)
    await world.control.apply([campaign()])
    await world.control.launch("q1")
    leads = [f"lead-{number}" for number in range(40)]
    for _ in range(5):
        stores = ControlStore(world.pool), ControlStore(world.pool)
        await asyncio.gather(stores[0].ask("q1", leads), stores[1].ask("q1", leads[::-1]))
        await world.pool.execute("DELETE FROM campaign_asks")
