"""Tests of a lead: the eight operators over every kind of value, and their combinations (docs/behaviour.md 1.6, 6.1)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.predicates import (
    OPERATORS,
    AllOf,
    Answered,
    AnyOf,
    Compares,
    Happened,
    Not,
    Predicate,
    Share,
    Value,
    compare,
    holds,
    instant_of,
    number_of,
    order,
)


@pytest.mark.parametrize(
    ("have", "operator", "want", "expected"),
    [
        (84, "equals", 84.0, True),
        ("84", "equals", 84, True),
        (" 84.50 ", "equals", 84.5, True),
        ("eighty", "equals", 84, False),
        (True, "equals", True, True),
        ("true", "equals", True, True),
        ("False", "equals", False, True),
        (1, "equals", True, False),
        ("Paris", "equals", "  paris", True),
        ("STRASSE", "equals", "straße", True),
        ("2026-01-05", "equals", "2026-01-05T00:00:00Z", True),
        ("2026-01-05T01:00:00+01:00", "equals", "2026-01-05", True),
        (["a", "b"], "equals", "B", True),
        (["a", "b"], "equals", ["b", "a"], True),
        (["a", "b"], "equals", ["a"], False),
        ("a", "equals", ["a", "b"], True),
        (None, "equals", "a", False),
        ("", "equals", "", False),
        (None, "not_equals", "a", True),
        ("a", "not_equals", "A", False),
        ("independent hotel", "contains", "HOTEL", True),
        ("independent hotel", "contains", "motel", False),
        (["independent", "coast"], "contains", "Coast", True),
        (["independent", "coast"], "contains", "ind", False),
        (["independent", "coast"], "contains", ["coast", "independent"], True),
        (1042, "contains", "04", True),
        (None, "contains", "a", False),
        (None, "not_contains", "a", True),
        (85, "greater_than", 84, True),
        (84, "greater_than", 84, False),
        ("9", "greater_than", "10", False),
        ("b", "greater_than", "a", True),
        ("2026-02-01", "greater_than", "2026-01-31T23:59:59Z", True),
        (["2026-01-01", "2026-03-01"], "greater_than", "2026-02-01", True),
        (5, "greater_than", "many", False),
        ("many", "greater_than", 5, False),
        (True, "greater_than", 0, False),
        (None, "greater_than", 0, False),
        (None, "less_than", 0, False),
        (3.5, "less_than", "4", True),
        ("2025-12-31", "less_than", "2026-01-01", True),
        (float("nan"), "less_than", 1, False),
        (0, "exists", None, True),
        (False, "exists", None, True),
        (" ", "exists", None, False),
        ([], "exists", None, False),
        (None, "not_exists", None, True),
        ("x", "not_exists", None, False),
    ],
)
def test_values_compare_by_what_they_mean(have: Any, operator: str, want: Any, expected: bool) -> None:
    assert compare(operator, have, want) is expected


SCALARS: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=30),
    st.dates().map(str),
    st.datetimes().map(str),
)
VALUES = SCALARS | st.lists(SCALARS, max_size=4)


@given(VALUES, VALUES)
def test_no_value_is_too_odd_to_compare_and_each_negation_is_the_opposite(have: Value, want: Value) -> None:
    said = {name: operator(have, want) for name, operator in OPERATORS.items()}
    assert said["equals"] is not said["not_equals"]
    assert said["contains"] is not said["not_contains"]
    assert said["exists"] is not said["not_exists"]
    if not isinstance(have, list):
        assert not (said["greater_than"] and said["less_than"])
        assert not (said["equals"] and (said["greater_than"] or said["less_than"]) and not isinstance(want, list))


@given(SCALARS, SCALARS, SCALARS)
def test_the_order_of_values_is_one(first: Value, second: Value, third: Value) -> None:
    forth, back = order(first, second), order(second, first)
    assert (forth is None) == (back is None)
    if forth is not None and back is not None:
        assert forth == -back
        if forth == 1 and order(second, third) == 1 and order(first, third) is not None:
            assert order(first, third) == 1


@pytest.mark.parametrize("text", ["", "12a", "1e999", "nan", "inf", "0x10", "٣", "1_000"])
def test_what_people_do_not_write_as_a_number_is_none(text: str) -> None:
    assert number_of(text) is None


@pytest.mark.parametrize("text", ["2026-13-01", "20260101", "2026-W01-1", "0001-01-01T00:00:00+23:59", "soon"])
def test_what_is_no_date_is_no_instant(text: str) -> None:
    assert instant_of(text) is None


class Known:
    """A view whose answers stand written."""

    def __init__(
        self,
        fields: dict[str, Value],
        events: frozenset[tuple[str, str | None]],
        said: str | None,
        draws: dict[str, float],
    ) -> None:
        self.fields, self.events, self.said, self.draws = fields, events, said, draws

    def field(self, name: str) -> Value:
        return self.fields.get(name)

    def happened(self, event: str, step_id: str | None) -> bool:
        return (event, step_id) in self.events

    def disposition(self) -> str | None:
        return self.said

    def draw(self, purpose: str) -> float:
        return self.draws[purpose]


OPENED, BIG = Happened("opened", "intro"), Compares("rooms", "greater_than", 50)


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        (OPENED, True),
        (Happened("opened"), False),
        (BIG, True),
        (Compares("stars", "exists"), False),
        (Answered(frozenset({"INTERESTED", "OUT_OF_OFFICE"})), True),
        (Answered(frozenset({"INTERESTED"})), False),
        (Share(30, "here"), True),
        (Share(29.9, "here"), False),
        (Share(0, "zero"), False),
        (Share(100, "one"), True),
        (AllOf((OPENED, BIG)), True),
        (AllOf((OPENED, Not(BIG))), False),
        (AnyOf((Not(OPENED), BIG)), True),
        (AnyOf((Not(OPENED), Not(BIG))), False),
        (Not(AllOf((OPENED, BIG))), False),
    ],
)
def test_a_test_asks_the_view_and_combinations_ask_their_parts(test: Predicate, expected: bool) -> None:
    known = Known(
        fields={"rooms": "84"},
        events=frozenset({("opened", "intro")}),
        said="OUT_OF_OFFICE",
        draws={"here": 0.2995, "zero": 0.0, "one": 0.999999},
    )
    assert holds(test, known) is expected
