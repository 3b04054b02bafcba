"""Cards by REST: read, moved, approved, handed over, written on; who did it, and 409 with the card as it stands."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from aiohttp.test_utils import TestClient, TestServer

from api.http.app import make_app
from tests.support.fake_board import AT
from tests.unit.api.conftest import TOKEN

WITH_TOKEN = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def board(api: Any) -> Any:
    return api.services.cards


async def post(api: Any, path: str, expected: int = 200, **body: Any) -> dict[str, Any]:
    answer = await api.client.post(f"/api/cards/{path}", headers=WITH_TOKEN, json=body)
    assert answer.status == expected, await answer.text()
    return await answer.json()


async def test_a_card_that_is_done_goes_all_the_legal_way(api: Any, board: Any) -> None:
    body = await post(api, f"{board.card_id}/done", by="kim")
    assert (body["state"], body["version"]) == ("done", 5)
    assert board.moves == [(state, "kim") for state in ("in_review", "approved", "executing", "done")]
    assert body["action_payload"] == {"task_kind": "schedule_call"}


async def test_done_again_changes_nothing(api: Any, board: Any) -> None:
    await post(api, f"{board.card_id}/done")
    assert (await post(api, f"{board.card_id}/done"))["version"] == 5


async def test_a_card_that_is_done_cannot_be_rejected_and_the_answer_says_what_can_be(api: Any, board: Any) -> None:
    await post(api, f"{board.card_id}/done")
    assert "final" in (await post(api, f"{board.card_id}/rejected", 409))["title"]


async def test_another_version_is_409_with_the_card_as_it_stands(api: Any, board: Any) -> None:
    board.version = 3
    problem = await post(api, f"{board.card_id}/done", 409, version=2)
    assert (problem["card"]["version"], problem["card"]["state"]) == (3, "suggested")
    assert "read it again" in problem["title"]
    assert board.moves == []


async def test_one_move_needs_no_version(api: Any, board: Any) -> None:
    assert (await post(api, f"{board.card_id}/move/in_review", by="kim"))["state"] == "in_review"


async def test_the_board_is_filtered(api: Any, board: Any) -> None:
    asked = "queue=sales&state=suggested&state=in_review&priority=high&overdue=true&q=zoe&limit=5&after=here&unassigned=true"
    answer = await api.client.get(f"/api/cards?{asked}", headers=WITH_TOKEN)
    body = await answer.json()
    assert answer.status == 200, body
    wanted, limit, after = board.asked
    assert (wanted.queue, wanted.states, wanted.priority) == ("sales", ["suggested", "in_review"], "high")
    assert (wanted.text, wanted.assigned_to, wanted.due_before, limit, after) == ("zoe", "", AT, 5, "here")
    assert ([card["title"] for card in body["cards"]], body["next"]) == (["Call Zoe"], "next-page")


async def test_a_card_is_overdue_when_its_time_is_past_and_it_is_open(api: Any, board: Any) -> None:
    board.due_at = AT - timedelta(minutes=1)
    assert (await post(api, f"{board.card_id}/move/in_review"))["overdue"] is True
    assert (await post(api, f"{board.card_id}/done"))["overdue"] is False


@pytest.mark.parametrize(
    "query",
    ["state=lost", "limit=0", "limit=x", "priority=urgent", "due_before=2026-03-02T09:00:00", "colour=red",
     "unassigned=true&assigned_to=kim"],
)  # fmt: skip
async def test_a_filter_that_means_nothing_is_400(api: Any, query: str) -> None:
    assert (await api.client.get(f"/api/cards?{query}", headers=WITH_TOKEN)).status == 400


async def test_the_counts_are_by_queue_and_state(api: Any) -> None:
    answer = await api.client.get("/api/cards/counts", headers=WITH_TOKEN)
    assert await answer.json() == {"queues": {"sales": {"suggested": 1}}, "overdue": {"sales": 0}}


async def test_unknown_cards_are_404_and_bad_bodies_400(api: Any, board: Any) -> None:
    assert (await api.client.get(f"/api/cards/{uuid4()}", headers=WITH_TOKEN)).status == 404
    await post(api, "x/done", 404)
    path = f"/api/cards/{board.card_id}/done"
    assert (await api.client.post(path, headers=WITH_TOKEN, data=b"{")).status == 400
    await post(api, f"{board.card_id}/done", 400, who="kim")
    await post(api, f"{board.card_id}/done", 400, by="kim\nann")
    await post(api, f"{board.card_id}/edit", 400)
    await post(api, f"{board.card_id}/notes", 400)
    await post(api, "approve", 400)
    await post(api, "approve", 400, card_ids=[str(board.card_id)], queue="sales")
    assert board.moves == []


async def test_approving_a_drafted_answer_sends_it_or_other_words(api: Any, board: Any) -> None:
    board.type, board.reply_id, board.payload = "reply_to_email", uuid4(), {"draft_reply": "As it was drafted."}
    body = await post(api, f"{board.card_id}/approve", by="kim", body="Better words.")
    assert (body["state"], board.sent) == ("executing", ["Better words."])


async def test_cards_are_approved_by_name_and_one_that_is_refused_holds_up_no_other(api: Any, board: Any) -> None:
    unknown = uuid4()
    told = await post(api, "approve", card_ids=[str(unknown), str(board.card_id)])
    assert told["approved"] == [{"card_id": str(board.card_id), "state": "approved", "version": 3}]
    assert list(told["refused"]) == [str(unknown)]


async def test_a_card_is_handed_over_and_back(api: Any, board: Any) -> None:
    assert (await post(api, f"{board.card_id}/assign", to="kim"))["assigned_to"] == "kim"
    assert (await post(api, f"{board.card_id}/assign"))["assigned_to"] is None


async def test_a_note_names_its_author(api: Any, board: Any) -> None:
    await post(api, f"{board.card_id}/notes", 201, by="kim", body="Called, no answer.")
    assert board.notes == [("kim", "Called, no answer.")]


async def test_without_the_token_nobody_moves_a_card(api: Any, board: Any) -> None:
    assert (await api.client.post(f"/api/cards/{board.card_id}/done")).status == 401
    assert board.moves == []


async def test_a_named_token_says_who_does_it_whatever_the_body_says(api: Any, board: Any) -> None:
    services = replace(api.services, api_tokens={"ana": "a-word-of-ana", "crm": "a-word-of-crm"})
    async with TestClient(TestServer(make_app(services))) as client:

        async def move(token: str, state: str, **body: Any) -> int:
            path = f"/api/cards/{board.card_id}/move/{state}"
            return (await client.post(path, headers={"Authorization": f"Bearer {token}"}, json=body)).status

        assert await move("a-word-of-ana", "in_review") == 200
        assert await move("a-word-of-crm", "approved", by="kim") == 200
        assert await move(TOKEN, "executing", by="max") == 200
        assert await move("a-word-of-nobody", "done") == 401
    assert board.moves == [("in_review", "ana"), ("approved", "kim via crm"), ("executing", "max")]


async def test_a_due_date_is_set(api: Any, board: Any) -> None:
    body = await post(api, f"{board.card_id}/edit", due_at="2026-03-09T10:00:00+01:00")
    assert datetime.fromisoformat(body["due_at"]) == datetime(2026, 3, 9, 9, tzinfo=UTC)
