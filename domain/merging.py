"""What a lead is called by under each name of docs/behaviour.md 1.4: some values are made of others."""

from __future__ import annotations

from collections.abc import Mapping

from domain.templates import merge_values
from schemas.base import Scalar


def merge_variables(facts: Mapping[str, Scalar | list[Scalar]], names: frozenset[str]) -> dict[str, object]:
    """The values of `names` (docs/behaviour.md 1.4): a full name is made of its parts where it is not given, and
    `company_name` and `hotel_name` are the company where they are not given themselves.
    """
    values: Mapping[str, Scalar | list[Scalar]] = facts
    wanted = names & _DERIVED
    if wanted:
        made = dict(facts)
        if "full_name" in wanted and not made.get("full_name"):
            parts = (facts.get("first_name"), facts.get("last_name"))
            made["full_name"] = " ".join(str(part) for part in parts if part)
        for name in ("company_name", "hotel_name"):
            if name in wanted and not made.get(name):
                made[name] = facts.get("company")
        if "company" in wanted and not made.get("company"):
            made["company"] = facts.get("company_name")
        values = made
    return merge_values(values, names)


_DERIVED = frozenset({"full_name", "company_name", "hotel_name", "company"})


def field_value(facts: Mapping[str, Scalar | list[Scalar]], name: str) -> Scalar | list[Scalar]:
    """What a test finds under a field's name: the merge variable of this name, or None."""
    value = facts.get(name)
    if value is None and name in _DERIVED:
        return merge_variables(facts, frozenset({name})).get(name)  # pyright: ignore[reportReturnType]
    return value
