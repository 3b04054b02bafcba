"""Where steps lead: cycles, edits, nesting, and documents that nobody would write (docs/behaviour.md 1.2, 1.8)."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.check_edits import orphaned
from domain.check_graph import cycles
from domain.compile import InvalidDefinitions, read_documents
from schemas.definitions import CampaignDoc
from tests.support.documents import CAMPAIGN, EMAIL, LAST, MAILBOX, POOL, mistakes, of


def test_several_cycles_unknown_targets_and_unreachable_steps_are_told_together() -> None:
    def step(name: str, to: str) -> dict[str, Any]:
        return EMAIL | {"id": name, "next_step_id": to}

    steps = [step("a", "b"), step("b", "a"), step("c", "d"), step("d", "c")]
    assert mistakes(POOL, MAILBOX, CAMPAIGN | {"steps": steps}) == [
        ("steps[0]", "cycle"),
        ("steps[2]", "cycle"),
        ("steps[2]", "unreachable"),
        ("steps[3]", "unreachable"),
    ]
    assert of(step("a", "b"), step("b", "a"), step("c", "x")) == {
        "steps[0]": "cycle",
        "steps[2].next_step_id": "unknown_target",
    }


@given(st.dictionaries(st.sampled_from("abcdefgh"), st.lists(st.sampled_from("abcdefgh"), max_size=3), min_size=1))
def test_a_graph_has_a_cycle_exactly_when_a_walk_can_come_back(drawn: dict[str, list[str]]) -> None:
    edges = {name: tuple(to for to in onward if to in drawn) for name, onward in drawn.items()}
    found = list(cycles(edges))
    for cycle in found:
        assert all(after in edges[before] for before, after in zip(cycle, [*cycle[1:], cycle[0]], strict=True))
    left = dict(edges)  # take away what leads nowhere until nothing changes: what is left goes round
    while ends := [name for name, onward in left.items() if not any(to in left for to in onward)]:
        for name in ends:
            del left[name]
    assert bool(found) == bool(left)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["intro", "x", "email", "{{ a }}", "", "SE"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["id", "kind", "when", "event", "step", "all", "any", "not", "field", "operator", "value", "random", "cases",
             "actions", "type", "params", "conditions", "body", "subject", "next_step_id", "within", "disposition", "equals"]
        ),
        inner,
        max_size=5,
    ),
    max_leaves=20,
)  # fmt: skip
KINDS = st.sampled_from(["email", "sms", "wait", "condition", "switch", "action", "task", "call", "fax"])


@settings(deadline=None)
@given(st.lists(st.tuples(KINDS, st.dictionaries(st.text(max_size=5), JSON, max_size=2), JSON), max_size=4), JSON)
def test_no_document_crashes_the_validator(steps: list[tuple[str, dict[str, Any], Any]], rules: Any) -> None:
    drawn = [
        {"id": f"s{number}", "kind": kind, **more, **(rest if isinstance(rest, dict) else {"when": rest})}
        for number, (kind, more, rest) in enumerate(steps)
    ]
    given = {"steps": drawn, "lead_scoring_rules": rules, "cadence": rules, "fatigue": rules}
    assert ("", "no problem was told") not in mistakes(POOL, MAILBOX, CAMPAIGN | given)


@pytest.mark.parametrize("text", ["[" * 50_000, "a: " + "{not: " * 5_000 + "1" + "}" * 5_000, "- " * 20_000 + "x"])
def test_a_document_that_is_nested_without_end_is_a_problem_and_no_crash(text: str) -> None:
    with pytest.raises(InvalidDefinitions):
        read_documents(text)


def doc(*steps: dict[str, Any]) -> CampaignDoc:
    return CampaignDoc.model_validate({**CAMPAIGN, "steps": list(steps)})


def test_an_edit_orphans_leads_where_nothing_is_left_that_followed() -> None:
    wait = {"id": "pause", "kind": "wait", "duration": 3}
    before = doc(EMAIL, wait, LAST | {"delay_days": 2})
    assert orphaned(before, before) == ()
    assert orphaned(before, doc(EMAIL, LAST)) == ()
    assert orphaned(before, doc(LAST)) == ()
    assert orphaned(before, doc(EMAIL, wait)) == ("last",)
    assert orphaned(before, doc(EMAIL)) == ("pause", "last")
    assert orphaned(before, doc(EMAIL, wait, LAST | {"is_active": False})) == ()
    assert orphaned(before, doc(EMAIL | {"id": "other"})) == ("intro", "pause", "last")
