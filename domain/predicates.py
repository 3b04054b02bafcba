"""Tests of a lead: events, fields with the eight operators, dispositions, random shares, and combinations.

One language for a condition, a step's `conditions`, a switch, a scoring rule and a progression rule
(docs/behaviour.md 1.2, 1.6, 6.1, 6.2). What a test is asked about is a `View`: leads, the simulator and the scores
each have one, so that all of them decide the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from math import isinf
from typing import Protocol

Value = str | int | float | bool | list[str | int | float | bool | None] | None
"""What a field may hold, and what it may be compared with. None is a missing field."""


@dataclass(frozen=True, slots=True)
class Happened:
    """The event happened to the named step's touch, or to any touch of the enrollment."""

    event: str
    of_step_id: str | None = None


@dataclass(frozen=True, slots=True)
class Compares:
    """The field compares so with the value."""

    field: str
    operator: str
    value: Value = None


@dataclass(frozen=True, slots=True)
class Answered:
    """The lead's latest reply was judged to be one of these."""

    dispositions: frozenset[str]


@dataclass(frozen=True, slots=True)
class Share:
    """True for `percent` of all enrollments; `purpose` keeps the draws of different tests apart."""

    percent: float
    purpose: str


@dataclass(frozen=True, slots=True)
class AllOf:
    parts: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    parts: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: Predicate


Predicate = Happened | Compares | Answered | Share | AllOf | AnyOf | Not


class View(Protocol):
    """What is known of a lead (in one enrollment, where there is one)."""

    def field(self, name: str) -> Value:
        """A field's value; None when it is missing. Blank text and an empty list count as missing."""
        ...

    def happened(self, event: str, step_id: str | None) -> bool:
        """Whether `event` happened to the touch of `step_id`, or (None) to any touch."""
        ...

    def disposition(self) -> str | None:
        """What the lead's latest reply was judged to be; None without one."""
        ...

    def draw(self, purpose: str) -> float:
        """A number in [0, 1) that is the same whenever it is asked for."""
        ...


def holds(predicate: Predicate, view: View) -> bool:
    """Whether the test is true of what the view knows now."""
    match predicate:
        case Happened(event, step_id):
            return view.happened(event, step_id)
        case Compares(name, operator, value):
            return compare(operator, view.field(name), value)
        case Answered(dispositions):
            return view.disposition() in dispositions
        case Share(percent, purpose):
            return view.draw(purpose) * 100 < percent
        case AllOf(parts):
            return all(holds(part, view) for part in parts)
        case AnyOf(parts):
            return any(holds(part, view) for part in parts)
        case Not(part):
            return not holds(part, view)


def all_hold(predicates: tuple[Predicate, ...], view: View) -> bool:
    """Whether every one of them is true: of none, yes."""
    return all(holds(predicate, view) for predicate in predicates)


# -- the eight operators -----------------------------------------------------------------------------------------------


def is_missing(value: Value) -> bool:
    """Nothing, blank text and an empty list are no value."""
    return value is None or value == [] or (isinstance(value, str) and not value.strip())


def compare(operator: str, have: Value, want: Value) -> bool:
    """Whether a field's value compares so with a rule's (docs/behaviour.md 6.1).

    Numbers compare as numbers, also when they are written as text ("84" is 84); dates and instants as instants (a date
    is its first moment, in UTC); text without regard to case. A list equals a value when one of its items does, and is
    greater or less when one of them is. Of a missing field only `not_equals`, `not_contains` and `not_exists` are true;
    values that cannot be ordered are neither greater nor less.
    """
    return OPERATORS[operator](have, want)


MAX_NUMBER = 64
"""Characters: what is longer is a text, whatever it looks like."""
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?:[Tt ]|$)", re.ASCII)


def number_of(value: Value) -> float | int | None:
    """The number that a value is or is written as. True and false are none."""
    if isinstance(value, bool) or value is None or isinstance(value, list):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return value if value == value else None  # noqa: PLR0124 - not a number is no number
    text = value.strip()
    if len(text) > MAX_NUMBER or _NUMBER.fullmatch(text) is None:
        return None
    if text.lstrip("+-").isdigit():
        return int(text)
    number = float(text)
    return None if isinf(number) else number


def instant_of(value: Value) -> datetime | None:
    """The instant that a text in ISO 8601 form names: a date is its first moment; without an offset it is UTC."""
    if not isinstance(value, str) or len(value) > MAX_NUMBER:
        return None
    text = value.strip()
    if _DATE.match(text) is None:
        return None
    try:
        if len(text) == 10:
            day = date.fromisoformat(text)
            return datetime(day.year, day.month, day.day, tzinfo=UTC)
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _flag_of(value: Value) -> bool | None:
    if isinstance(value, bool):
        return value
    return _FLAGS.get(value.strip().casefold()) if isinstance(value, str) else None


_FLAGS = {"true": True, "false": False}


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).strip().casefold()


def _same(have: Value, want: Value) -> bool:
    """Two single values: as numbers where both are, as instants, as yes or no, else as text."""
    if isinstance(have, bool) or isinstance(want, bool):
        left_flag, right_flag = _flag_of(have), _flag_of(want)
        return left_flag is not None and left_flag is right_flag
    left, right = number_of(have), number_of(want)
    if left is not None and right is not None:
        return left == right
    left_at, right_at = instant_of(have), instant_of(want)
    if left_at is not None and right_at is not None:
        return left_at == right_at
    return _text(have) == _text(want)


def _items(value: Value) -> list[Value]:
    return [item for item in value if not is_missing(item)] if isinstance(value, list) else [value]


def _equals(have: Value, want: Value) -> bool:
    if is_missing(have) or is_missing(want):
        return False
    wanted = _items(want)
    if isinstance(have, list) and isinstance(want, list):
        found = _items(have)
        return all(any(_same(item, one) for one in wanted) for item in found) and all(
            any(_same(item, one) for item in found) for one in wanted
        )
    return any(_same(item, one) for item in _items(have) for one in wanted)


def _contains(have: Value, want: Value) -> bool:
    """A list has the value (all values of a list) among its items; a text has it somewhere in it."""
    if is_missing(have) or is_missing(want):
        return False
    if isinstance(have, list):
        found = _items(have)
        return all(any(_same(item, one) for item in found) for one in _items(want))
    return all(_text(one) in _text(have) for one in _items(want))


def order(have: Value, want: Value) -> int | None:
    """-1, 0 or 1 as `have` comes before, with or after `want`: two numbers, two instants or two texts. None otherwise."""
    if isinstance(have, list | bool) or isinstance(want, list | bool) or is_missing(have) or is_missing(want):
        return None
    left, right = number_of(have), number_of(want)
    if left is not None and right is not None:
        return (left > right) - (left < right)
    left_at, right_at = instant_of(have), instant_of(want)
    if left_at is not None and right_at is not None:
        return (left_at > right_at) - (left_at < right_at)
    if left is not None or right is not None or left_at is not None or right_at is not None:
        return None  # a number and a word have no order
    first, second = _text(have), _text(want)
    return (first > second) - (first < second)


def _is_greater(have: Value, want: Value) -> bool:
    return any(order(item, want) == 1 for item in _items(have))


def _is_less(have: Value, want: Value) -> bool:
    return any(order(item, want) == -1 for item in _items(have))


OPERATORS: Mapping[str, Callable[[Value, Value], bool]] = {
    "equals": _equals,
    "not_equals": lambda have, want: not _equals(have, want),
    "contains": _contains,
    "not_contains": lambda have, want: not _contains(have, want),
    "greater_than": _is_greater,
    "less_than": _is_less,
    "exists": lambda have, want: not is_missing(have),
    "not_exists": lambda have, want: is_missing(have),
}
"""Every operator of docs/behaviour.md 6.1."""

NEEDS_VALUE: frozenset[str] = frozenset(OPERATORS) - {"exists", "not_exists"}
"""Operators that mean nothing without a value."""
