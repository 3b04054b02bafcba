"""Control by REST: the token, the answers of docs/behaviour.md 2.1, problems as documents."""

from typing import Any

import pytest

from schemas.enrollments import LeadData
from tests.unit.api.conftest import TOKEN

AUTH = {"Authorization": f"Bearer {TOKEN}"}
LEADS = "/api/campaigns/q1/leads"


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN[:-1]}])
async def test_without_the_token_nothing_under_api_answers(api: Any, headers: dict[str, str]) -> None:
    for path in (LEADS, "/api/campaigns/q1/pause"):
        assert (await api.client.post(path, json={}, headers=headers)).status == 401
    assert api.control.moves == []


async def test_leads_are_enrolled_and_each_one_skipped_has_its_reason(api: Any) -> None:
    api.postgres.known = frozenset({"known"})
    body = {
        "prospectIds": ["known", "stranger"],
        "leads": [
            {"lead_id": "l1", "email": "Ann@X.example", "first_name": "Ann"},
            {"lead_id": "l2", "email": "ann@x.example"},
            {"lead_id": "l3", "email": "no"},
            {"lead_id": "l4"},
            {"email": "eve@x.example", "attributes": {"rooms": 3}},
        ],
        "mailboxId": "anna",
        "variant": "b",
    }
    answer = await api.client.post(LEADS, json=body, headers=AUTH)
    told = await answer.json()
    assert (answer.status, told["success"], told["added"]) == (200, True, 3)
    assert {item["lead_id"]: item["reason"] for item in told["skipped"]} == {
        "stranger": "unknown_lead",
        "l2": "duplicate_address",
        "l3": "invalid_email",
        "l4": "no_email",
    }
    events = {item.key: item.message for item in api.kafka.sent}
    assert set(events) >= {"known", "l1"}
    assert (events["l1"].lead.email, events["l1"].variant, events["l1"].mailbox_id) == ("ann@x.example", "b", "anna")
    assert events["l1"].added_by == "api"
    assert events["known"].lead == LeadData(), "what is known of it must not be overwritten"

    again = await (await api.client.post(LEADS, json=body, headers=AUTH)).json()
    assert again["added"] == 0
    assert {"lead_id": "l1", "reason": "already_enrolled"} in again["skipped"]
    assert len(api.kafka.sent) == 3


async def test_a_campaign_without_emails_takes_leads_that_have_only_a_number(api: Any) -> None:
    api.postgres.campaigns["q1"].spec["steps"] = [{"id": "text", "kind": "sms", "body": "Hello"}]
    body = {"leads": [{"phone": "+4917012345"}, {"lead_id": "l2"}, {"first_name": "Nobody"}]}
    told = await (await api.client.post(LEADS, json=body, headers=AUTH)).json()
    assert (told["added"], told["skipped"]) == (2, [{"lead_id": "leads[2]", "reason": "no_lead_id"}])
    assert {item.message.lead.phone for item in api.kafka.sent} == {"+4917012345", None}


async def test_a_body_with_an_unknown_field_is_refused_with_its_path(api: Any) -> None:
    answer = await api.client.post(LEADS, json={"prospect_ids": ["a"]}, headers=AUTH)
    told = await answer.json()
    assert (answer.status, answer.content_type) == (400, "application/problem+json")
    assert told["problems"][0]["path"] == "prospect_ids"


async def test_an_unknown_campaign_is_404_and_a_closed_one_409(api: Any) -> None:
    assert (await api.client.post("/api/campaigns/none/leads", json={}, headers=AUTH)).status == 404
    closed = api.postgres.campaigns["q1"].model_copy(update={"status": "completed"})
    api.postgres.campaigns["q1"] = closed
    answer = await api.client.post(LEADS, json={}, headers=AUTH)
    assert answer.status == 409
    assert "campaign_closed" in (await answer.json())["title"]


async def test_while_a_server_is_away_the_answer_is_503(api: Any) -> None:
    api.kafka.away = True
    body = {"leads": [{"lead_id": "l1", "email": "a@x.example"}]}
    assert (await api.client.post(LEADS, json=body, headers=AUTH)).status == 503
    api.kafka.away = False
    assert (await (await api.client.post(LEADS, json=body, headers=AUTH)).json())["success"] is True
    assert [item.key for item in api.kafka.sent] == ["l1"]


async def test_commands_move_the_campaign(api: Any) -> None:
    answer = await api.client.post("/api/campaigns/q1/pause", headers=AUTH)
    assert ((await answer.json())["status"], api.control.moves) == ("paused", [("pause", "q1")])


async def test_progress_tells_status_and_figures(api: Any) -> None:
    told = await (await api.client.get("/api/campaigns/q1", headers=AUTH)).json()
    assert (told["status"], told["progress"]["enrolled"]) == ("active", 0)


async def test_health_ready_and_metrics_need_no_token(api: Any) -> None:
    assert (await api.client.get("/health")).status == 200
    assert (await api.client.get("/ready")).status == 200
    text = await (await api.client.get("/metrics")).text()
    assert "touchline_hits_waiting" in text
