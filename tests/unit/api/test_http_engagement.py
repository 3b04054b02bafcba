"""A lead's engagement history over HTTP (docs/behaviour.md 6.5)."""

from datetime import datetime
from typing import Any

from tests.unit.api.conftest import TOKEN

AUTH = {"Authorization": f"Bearer {TOKEN}"}


class FakeScores:
    """One lead that was scored once."""

    async def of_lead(self, lead_id: str, now: datetime) -> dict[str, Any]:
        return {"lead_id": lead_id, "score": 5, "engagement_score": 2.5, "trend": "rising", "replied_at": None}

    async def changes(self, lead_id: str) -> list[dict[str, Any]]:
        return [{"at": datetime.fromisoformat("2026-03-02T09:00:00+00:00"), "rule_id": "email_opened", "change": 5}]

    async def threads(self, lead_id: str) -> list[dict[str, Any]]:
        return []


async def timeline(lead_id: str) -> list[dict[str, Any]]:
    return [{"type": "opened", "data": '{"verdict":"human"}', "seq": 1}] if lead_id == "l1" else []


async def test_where_a_lead_stands_and_what_happened_to_it_is_one_document(api: Any) -> None:
    api.postgres.timeline, api.postgres.scores = timeline, FakeScores()
    answer = await api.client.get("/api/leads/l1/engagement-history", headers=AUTH)
    assert answer.status == 200
    assert await answer.json() == {
        "standing": {"lead_id": "l1", "score": 5, "engagement_score": 2.5, "trend": "rising"},
        "changes": [{"at": "2026-03-02T09:00:00+00:00", "rule_id": "email_opened", "change": 5}],
        "threads": [],
        "timeline": [{"type": "opened", "data": {"verdict": "human"}}],
    }


async def test_a_lead_that_nobody_knows_is_not_found(api: Any) -> None:
    api.postgres.timeline, api.postgres.scores = timeline, FakeScores()
    answer = await api.client.get("/api/leads/nobody/engagement-history", headers=AUTH)
    assert (answer.status, answer.content_type) == (404, "application/problem+json")
    assert (await api.client.get("/api/leads/l1/engagement-history")).status == 401
