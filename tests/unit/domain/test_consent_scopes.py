"""Scopes, reasons and keys of suppressions: what may stand in a file, an option, a body (docs/behaviour.md 5.3)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.consent import (
    GOALS,
    PERSONAL,
    ScopeError,
    campaign_of,
    may_be_lifted,
    read_key,
    read_reason,
    read_scope,
    write_key,
)

SECRET, OTHER = b"a secret for the tests", b"another installation's"


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("all", "all"), ("", "all"), (" ALL ", "all"), ("global", "all"), ("campaign:q1", "campaign:q1"),
        ("Campaign: q1", "campaign:q1"), ("goal:nurture", "goal:nurture"), ("goal: Nurture", "goal:nurture"),
    ],
)  # fmt: skip
def test_a_scope_is_read_as_people_write_it(text: str, scope: str) -> None:
    assert read_scope(text) == scope


@pytest.mark.parametrize(
    "text", ["campaign:", "goal:spam", "goal", "q1", "campaign:a b", "everything:1", "campaign:a\x00"]
)
def test_a_scope_that_is_none_is_refused_with_what_may_stand_there(text: str) -> None:
    with pytest.raises(ScopeError, match=r"scope is all|there is no goal"):
        read_scope(text)


def test_the_campaign_of_a_scope() -> None:
    assert (campaign_of("campaign:q1"), campaign_of("all"), campaign_of("goal:nurture")) == ("q1", None, None)
    assert set(GOALS) == {"reactivation", "nurture", "acquisition", "education", "retention", "brand_awareness"}


@pytest.mark.parametrize(("text", "reason"), [("Asked by phone", "asked_by_phone"), ("unsubscribe", "unsubscribe")])
def test_a_reason_is_a_code(text: str, reason: str) -> None:
    assert read_reason(text) == reason


@pytest.mark.parametrize("text", ["", "zoe@example.com", "x" * 61, "Möller rief an", "1st", "a\nb"])
def test_a_reason_that_could_name_somebody_is_refused(text: str) -> None:
    with pytest.raises(ScopeError, match="names nobody"):
        read_reason(text)


def test_only_a_persons_own_wish_is_beyond_an_operator() -> None:
    assert {"unsubscribe", "complaint"} == PERSONAL
    assert not any(may_be_lifted(reason) for reason in PERSONAL)
    assert all(may_be_lifted(reason) for reason in ("bounce", "import", "operator", "action"))


@given(st.binary(min_size=16, max_size=16))
def test_a_key_is_read_back_by_whom_it_was_written_and_by_nobody_else(key: bytes) -> None:
    assert read_key(SECRET, write_key(SECRET, key).upper()) == key
    with pytest.raises(ScopeError, match="another hashing key"):
        read_key(OTHER, write_key(SECRET, key))


@pytest.mark.parametrize("text", ["", "abc", "0" * 32, "00000000:" + "0" * 31, "00000000:" + "g" * 32])
def test_what_no_export_writes_is_no_key(text: str) -> None:
    with pytest.raises(ScopeError, match="what an export writes"):
        read_key(SECRET, text)
