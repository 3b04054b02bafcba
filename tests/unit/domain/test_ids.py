"""Ids are those that anybody else computes from the same facts (RFC 9562, version 5)."""

from uuid import UUID, uuid5

from hypothesis import given
from hypothesis import strategies as st

from domain import ids

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(TEXT, TEXT, st.integers(1, 9))
def test_an_enrollments_id_is_a_name_based_uuid(campaign: str, lead: str, entry_no: int) -> None:
    made = ids.enrollment_id(campaign, lead, entry_no)
    assert made == uuid5(ids.NAMESPACE, f"{campaign}\x00{lead}\x00{entry_no}")
    assert (made.version, str(made), hash(made)) == (5, str(UUID(int=made.int)), hash(UUID(int=made.int)))


@given(st.uuids(), TEXT)
def test_a_touchs_id_is_named_within_its_enrollment(enrollment: UUID, step: str) -> None:
    assert ids.send_id(enrollment, step) == uuid5(enrollment, step)


@given(st.lists(TEXT, max_size=4))
def test_an_events_id_is_the_text_of_one(parts: list[str]) -> None:
    assert ids.event_id(*parts) == str(uuid5(ids.NAMESPACE, "\x00".join(parts)))
