"""A message made of values that were checked before is the message that a check of them makes."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from schemas.engagements import Engagement

VALUES: dict[str, Any] = {
    "type": "sent",
    "event_id": "e-1",
    "lead_id": "lead-1",
    "send_id": UUID(int=7),
    "data": {"channel": "sms"},
    "at": datetime(2026, 3, 2, 9, 0, tzinfo=UTC),
}


def test_a_trusted_message_equals_the_checked_one_and_reads_back() -> None:
    trusted = Engagement.trusted(**VALUES)
    assert trusted == Engagement(**VALUES)
    assert Engagement.read(trusted.write()) == trusted


def test_a_copy_of_a_trusted_message_leaves_others_alone() -> None:
    trusted = Engagement.trusted(**VALUES)
    changed = trusted.model_copy(update={"code": "settled", "unheard_of": 1})
    assert changed.code == "settled"
    assert Engagement.trusted(**VALUES) == trusted
    assert "unheard_of" not in Engagement.trusted(**VALUES).model_fields_set


@pytest.mark.parametrize(
    "values", [{}, {**VALUES, "unheard_of": 1}, {"unheard_of": 1, "type": "sent", "event_id": "e"}]
)
def test_wrong_fields_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(TypeError, match="wrong fields"):
        Engagement.trusted(**values)
