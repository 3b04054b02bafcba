"""Facts as columns: the id that each goes by, and columns without a value."""

from datetime import UTC, datetime
from uuid import NAMESPACE_DNS, UUID, uuid5

import pytest

from domain.ids import NAMESPACE
from schemas.engagements import Engagement
from sinks.postgres.fact_rows import engagement_columns, fact_id

ID = uuid5(NAMESPACE_DNS, "fact")
AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    "form", [str(ID), str(ID).upper(), ID.hex, f"{{{ID}}}", f"urn:uuid:{ID}", ID.urn.upper().replace("URN:UUID:", "")]
)
def test_an_id_in_any_form_of_a_uuid_is_that_uuid(form: str):
    assert fact_id(form) == ID == UUID(form)
    assert hash(fact_id(form)) == hash(ID)


@pytest.mark.parametrize("other", ["mail-17", "é" * 16, "x" * 32, "g" + ID.hex[1:], ID.hex + "0"])
def test_any_other_id_is_always_the_same_uuid(other: str):
    assert fact_id(other) == uuid5(NAMESPACE, other)


def fact(number: int, **more) -> Engagement:
    return Engagement(type="sent", event_id=f"fact-{number}", lead_id=f"lead-{number}", at=AT, **more)


def test_columns_stand_in_the_order_of_the_statement():
    first, second = fact(1, campaign_id="c", data={"opens": [1, None]}), fact(2, code="250", first=False, next_at=AT)
    columns = [list(column) for column in engagement_columns([first, second])]
    assert len(columns) == 18
    assert columns[:4] == [
        [fact_id("fact-1"), fact_id("fact-2")],
        ["sent", "sent"],
        ["lead-1", "lead-2"],
        ["c", None],
    ]
    assert columns[13:] == [[None, "250"], [None, False], [None, AT], ['{"opens":[1,null]}', None], [AT, AT]]


def test_a_column_without_a_value_is_left_to_the_database():
    columns = engagement_columns([fact(1), fact(2, step_id="intro")])
    assert [len(column) for column in columns] == [2, 2, 2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2]
