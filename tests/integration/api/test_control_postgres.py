"""Control against a real database: gates before publishing, revisions, one publisher, imports that repeat."""

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from api.control import Control, Draft
from api.documents import InvalidFiles, read_files
from api.enrolling import Enroller
from api.errors import ConflictError, NotFoundError
from api.leads_file import LeadRow
from api.publisher import Outgoing
from api.steward import Steward
from domain.ids import enrollment_id
from domain.lifecycle import IllegalMoveError
from schemas.engagements import Engagement
from schemas.enrollments import LeadData
from schemas.examples import VALID
from schemas.tasks import TaskDue
from sinks.postgres.cards import CardChangedError, Cards
from sinks.postgres.control import ControlStore
from sinks.postgres.leases import PostgresGates
from sinks.postgres.read_models import Facts, ReadModels
from streams.clock import ManualClock
from streams.errors import Retryable

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


class Broker:
    """Keeps what is published, and what the gates said at that moment; `away` refuses."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self.away = False
        self.sent: list[Outgoing] = []
        self.gates: list[dict[str, bool]] = []
        self._pool = pool

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        if self.away:
            raise Retryable("no broker")
        self.sent += messages
        rows = await self._pool.fetch("SELECT scope, is_open FROM campaign_gates")
        self.gates.append({row["scope"]: row["is_open"] for row in rows})

    def statuses(self) -> list[Any]:
        return [item.message.status for item in self.sent if getattr(item.message, "kind", "") == "campaign"]  # type: ignore[attr-defined]


class World:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self.pool = pool
        self.clock = ManualClock(AT)
        self.broker = Broker(pool)
        self.store = ControlStore(pool)
        self.models = ReadModels(pool)
        self.control = Control(self.store, PostgresGates(pool), self.broker, self.clock)
        self.enroller = Enroller(self.store, self.broker, self.clock)
        self.steward = Steward(self.control, self.store, self.models, self.clock)


@pytest.fixture
def world(pool: asyncpg.Pool) -> World:
    return World(pool)


def campaign(campaign_id: str = "q1", name: str = "Q1 Brokers", **more: Any) -> Draft:
    return Draft(
        "campaign", campaign_id, {"kind": "Campaign", "id": campaign_id, "name": name, "pool": "main"} | more, "f"
    )


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


async def test_a_scheduled_campaign_starts_when_its_start_has_come(world: World) -> None:
    await world.control.apply([campaign(start_at=(AT + timedelta(hours=1)).isoformat())])
    launched = await world.control.launch("q1")
    assert launched.status == "scheduled"
    assert world.broker.gates[-1].get("campaign:q1") is False
    await world.steward.once()
    assert (await world.control.campaign("q1")).status == "scheduled"
    world.clock.advance(timedelta(hours=1))
    await world.steward.once()
    assert (await world.control.campaign("q1")).status == "active"
    assert world.broker.gates[-1]["campaign:q1"] is True


def told(kind: str, lead: str, **more: Any) -> Engagement:
    facts: dict[str, Any] = {
        "type": kind,
        "event_id": f"{kind}-{lead}",
        "lead_id": lead,
        "campaign_id": "q1",
        "enrollment_id": enrollment_id("q1", lead),
        "at": AT,
    }
    return Engagement(**(facts | more))


async def test_a_campaign_completes_when_all_asked_for_came_and_none_can_move(world: World) -> None:
    await world.control.apply([campaign()])
    await world.control.launch("q1")
    await world.enroller.enroll("q1", rows(2), added_by="import")
    first = [
        told("enrolled", "lead-0", status="enrolled"),
        told("completed", "lead-0", status="completed", previous_status="enrolled"),
    ]
    await world.models.record(Facts(engagements=first))
    await world.steward.once()
    assert (await world.control.campaign("q1")).status == "active"
    await world.models.record(Facts(engagements=[told("enrolled", "lead-1", status="enrolled")]))
    await world.steward.once()
    assert (await world.control.campaign("q1")).status == "active"
    end = told("exited", "lead-1", status="exited", previous_status="enrolled")
    await world.models.record(Facts(engagements=[end]))
    await world.steward.once()
    assert (await world.control.campaign("q1")).status == "completed"


@pytest.mark.parametrize(
    ("more", "status"), [({"evergreen": True}, "active"), ({"end_date": "2026-03-01"}, "completed")]
)
async def test_evergreen_never_completes_by_itself_and_an_end_date_does(world: World, more: Any, status: str) -> None:
    await world.control.apply([campaign(**more)])
    await world.control.launch("q1")
    facts = [
        told("enrolled", "a", status="enrolled"),
        told("completed", "a", status="completed", previous_status="enrolled"),
    ]
    await world.models.record(Facts(engagements=facts))
    await world.steward.once()
    assert (await world.control.campaign("q1")).status == status


def rows(count: int) -> list[LeadRow]:
    return [LeadRow(n + 2, f"lead-{n}", LeadData(email=f"l{n}@x.example")) for n in range(count)]


async def test_a_repeated_import_changes_nothing(world: World) -> None:
    await world.control.apply([campaign()])
    first = await world.enroller.enroll("q1", rows(3), added_by="import")
    sent = len(world.broker.sent)
    again = await world.enroller.enroll("q1", rows(4), added_by="import")
    assert (first.added, again.added, again.published) == (3, 1, 1)
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
    (card,) = await cards.board()
    results = await asyncio.gather(
        cards.move(card["card_id"], 1, "in_review", "ann", AT),
        cards.move(card["card_id"], 1, "rejected", "bob", AT),
        return_exceptions=True,
    )
    assert [type(result) for result in results].count(CardChangedError) == 1
    after = await cards.card(card["card_id"])
    assert (after["version"], len(after["history"])) == (2, 1)


EXAMPLE = """
kind: Pool
id: main
---
kind: Mailbox
id: anna
pool: main
from: Anna Berg <anna@sender.example>
postal_address: Storgatan 1, Stockholm
smtp: {host: 127.0.0.1, port: 2525, security: none}
---
kind: Campaign
id: q1
name: Q1 Brokers
pool: main
mailboxes: [anna]
steps:
  - {id: intro, kind: email, subject: "Hello", body: "Hi {{ first_name | default('there') }}"}
"""


async def test_files_are_applied_whole_or_not_at_all_with_every_problem_and_its_file(
    world: World, tmp_path: Path
) -> None:
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(EXAMPLE)
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


@pytest.mark.parametrize("besides", ["refused", "enrolled again"])
async def test_a_lead_that_is_still_on_its_way_keeps_a_campaign_open_whatever_the_figures_add_up_to(
    world: World, besides: str
) -> None:
    await world.control.apply([campaign()])
    await world.control.launch("q1")
    await world.enroller.enroll("q1", rows(2), added_by="import")
    facts = [
        told("enrolled", "lead-0", status="enrolled"),
        told("completed", "lead-0", status="completed", previous_status="enrolled"),
    ]
    if besides == "refused":
        facts.append(told("refused", "stranger", code="no_email", enrollment_id=None))
    else:
        again: dict[str, Any] = {"entry_no": 2, "enrollment_id": enrollment_id("q1", "lead-0", 2)}
        facts.append(told("enrolled", "lead-0", event_id="enrolled-2", status="enrolled", **again))
        end = {"status": "completed", "previous_status": "enrolled"}
        facts.append(told("completed", "lead-0", event_id="completed-2", **end, **again))
    await world.models.record(Facts(engagements=facts))
    await world.steward.once()
    assert (await world.control.campaign("q1")).status == "active"
    await world.models.record(Facts(engagements=[told("refused", "lead-1", code="no_email", enrollment_id=None)]))
    await world.steward.once()
    assert (await world.control.campaign("q1")).status == "completed"
