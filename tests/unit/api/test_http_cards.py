"""Cards by REST: read, moved, closed by the legal moves."""

from typing import Any
from uuid import uuid4

import pytest

from tests.unit.api.conftest import TOKEN

WITH_TOKEN = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def board(api: Any) -> Any:
    return api.services.cards


async def test_a_card_that_is_done_goes_all_the_legal_way(api: Any, board: Any) -> None:
    answer = await api.client.post(f"/api/cards/{board.card_id}/done", headers=WITH_TOKEN, json={"by": "kim"})
    body = await answer.json()
    assert (answer.status, body["state"], body["version"]) == (200, "done", 5)
    assert board.moves == [(state, "kim") for state in ("in_review", "approved", "executing", "done")]
    assert body["action_payload"] == {"task_kind": "schedule_call"}


async def test_done_again_changes_nothing(api: Any, board: Any) -> None:
    await api.client.post(f"/api/cards/{board.card_id}/done", headers=WITH_TOKEN)
    answer = await api.client.post(f"/api/cards/{board.card_id}/done", headers=WITH_TOKEN)
    assert (answer.status, (await answer.json())["version"]) == (200, 5)


async def test_a_card_that_is_done_cannot_be_rejected_and_the_answer_says_what_can_be(api: Any, board: Any) -> None:
    await api.client.post(f"/api/cards/{board.card_id}/done", headers=WITH_TOKEN)
    answer = await api.client.post(f"/api/cards/{board.card_id}/rejected", headers=WITH_TOKEN)
    assert answer.status == 409
    assert "final" in (await answer.json())["title"]


async def test_another_version_is_409(api: Any, board: Any) -> None:
    path = f"/api/cards/{board.card_id}/done"
    assert (await api.client.post(path, headers=WITH_TOKEN, json={"version": 7})).status == 409
    assert board.moves == []


async def test_one_move_needs_no_version(api: Any, board: Any) -> None:
    path = f"/api/cards/{board.card_id}/move/in_review"
    answer = await api.client.post(path, headers=WITH_TOKEN, json={"by": "kim"})
    assert (answer.status, (await answer.json())["state"]) == (200, "in_review")


async def test_the_board_is_filtered(api: Any, board: Any) -> None:
    answer = await api.client.get("/api/cards?queue=sales&state=suggested&limit=5", headers=WITH_TOKEN)
    assert answer.status == 200
    assert board.asked == {"queue": "sales", "state": "suggested", "campaign_id": None, "limit": 5}
    assert [card["title"] for card in (await answer.json())["cards"]] == ["Call Zoe"]


@pytest.mark.parametrize("path", ["/api/cards?state=lost", "/api/cards?limit=0", "/api/cards?limit=x"])
async def test_a_filter_that_means_nothing_is_400(api: Any, path: str) -> None:
    assert (await api.client.get(path, headers=WITH_TOKEN)).status == 400


async def test_unknown_cards_are_404_and_bad_bodies_400(api: Any, board: Any) -> None:
    assert (await api.client.get(f"/api/cards/{uuid4()}", headers=WITH_TOKEN)).status == 404
    assert (await api.client.post("/api/cards/x/done", headers=WITH_TOKEN)).status == 404
    path = f"/api/cards/{board.card_id}/done"
    assert (await api.client.post(path, headers=WITH_TOKEN, data=b"{")).status == 400
    assert (await api.client.post(path, headers=WITH_TOKEN, json={"who": "kim"})).status == 400
    assert board.moves == []


async def test_without_the_token_nobody_moves_a_card(api: Any, board: Any) -> None:
    assert (await api.client.post(f"/api/cards/{board.card_id}/done")).status == 401
    assert board.moves == []
