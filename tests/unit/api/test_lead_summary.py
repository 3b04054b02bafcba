"""One line says where a lead stands."""

from api.commands.lead import summary

STANDING = {
    "lead_id": "l",
    "score": 50,
    "engagement_score": 31.5,
    "trend": "rising",
    "stage": "meeting",
    "last_positive_interaction_at": "2026-03-02T09:00:00+00:00",
    "replied_at": "2026-03-02T09:00:00+00:00",
    "disposition": "INTERESTED",
    "sentiment": 0.7,
}


def test_all_that_is_known_stands_in_one_line() -> None:
    assert summary(STANDING) == (
        "score 50 (worth 31.5 today), rising, stage meeting, last positive 2026-03-02, replied 2026-03-02 (INTERESTED), "
        "sentiment +0.7"
    )


def test_what_is_not_known_is_not_said() -> None:
    assert summary({"score": 0, "engagement_score": 0, "trend": "steady"}) == "score 0, steady"
