"""Every valid graph, whatever is in it, walked to its end (docs/behaviour.md 1.2)."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.compile import compile_campaign
from schemas.definitions import CampaignDoc, Definition
from schemas.enrollments import LeadData, UpdateLead
from tests.support.leads import DAY, HOUR, LEAD, T0, Story, asks, enroll, hit, in_force, result


def person(**attributes: Any) -> LeadData:
    return LeadData(email="jane@example.com", first_name="Jane", attributes=attributes)


TESTS: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from(
        [
            {"event": "opened"},
            {"event": "bounced"},
            {"field": "rooms", "operator": "greater_than", "value": 50},
            {"field": "score", "operator": "less_than", "value": 3},
            {"random": 50},
            {"disposition": "AUTOMATED"},
        ]
    ),
    lambda inner: (
        st.builds(lambda parts: {"all": parts}, st.lists(inner, min_size=1, max_size=2))
        | st.builds(lambda part: {"not": part}, inner)
    ),
    max_leaves=4,
)
EMAIL = {"kind": "email", "subject": "Hello", "body": "Hi {{ first_name }}"}


@st.composite
def documents(draw: st.DrawFn) -> CampaignDoc:
    """A campaign without cycles: each step leads to later ones only, and what nothing leads to is left out."""
    count = draw(st.integers(1, 12))
    steps: list[dict[str, Any]] = []
    for number in range(count):
        later = st.sampled_from([f"s{to}" for to in range(number + 1, count)] + ["end"])
        base: dict[str, Any] = {"id": f"s{number}", "next_step_id": draw(later)}
        if draw(st.booleans()):
            base["conditions"] = draw(st.lists(TESTS, max_size=2))
        base["is_active"] = draw(st.integers(0, 9)) > 0
        kind = draw(st.sampled_from(["email", "wait", "condition", "switch", "action", "call"]))
        if kind == "email":
            base |= EMAIL | {"delay_days": draw(st.integers(0, 3))}
        elif kind == "wait":
            base |= {
                "kind": kind,
                "duration": draw(st.integers(0, 5)),
                "unit": draw(st.sampled_from(["hours", "business_days"])),
            }
        elif kind == "condition":
            base |= {
                "kind": kind,
                "when": draw(TESTS),
                "true_next_step_id": draw(later),
                "false_next_step_id": draw(later),
            }
            if draw(st.booleans()):
                base["within"] = {"days": draw(st.integers(0, 4))}
        elif kind == "switch":
            cases = [
                {"equals": value, "next_step_id": draw(later)}
                for value in draw(st.sampled_from([["SE"], ["FR", "SE"]]))
            ]
            base |= {"kind": kind, "field": "country", "cases": cases, "otherwise": draw(later)}
        elif kind == "action":
            base |= {"kind": kind, "actions": [{"type": "tag", "params": {"tag": f"t{number}"}}]}
        else:
            base |= {"kind": kind, "title": "Call", "due": {"hours": draw(st.integers(0, 30))}}
        if kind in ("condition", "switch"):
            del base["next_step_id"]  # both say where they lead themselves
        steps.append(base)
    steps.append({"id": "end", **EMAIL})
    reached, ways = {"s0"}, ["s0"]
    by_id = {step["id"]: step for step in steps}
    for here in ways:
        step = by_id[here]
        onward = [step.get(name) for name in ("next_step_id", "true_next_step_id", "false_next_step_id", "otherwise")]
        for to in [*onward, *(case["next_step_id"] for case in step.get("cases", []))]:
            if to is not None and to not in reached:
                reached.add(to)
                ways.append(to)
    kept = [step for step in steps if step["id"] in reached]
    return CampaignDoc.model_validate(
        {
            "kind": "Campaign",
            "id": "q1",
            "name": "Q",
            "pool": "main",
            "mailboxes": ["anna"],
            "limits": "off",
            "steps": kept,
        }
    )


@settings(deadline=None)
@given(documents(), st.lists(st.sampled_from(["open", "update", "soft", "nothing"]), max_size=6))
def test_every_valid_graph_comes_to_its_end_and_no_step_is_sent_twice(doc: CampaignDoc, events: list[str]) -> None:
    made = compile_campaign(
        doc, Definition(kind="campaign", id="q1", revision=1, spec={}, status="active", at=datetime.now(UTC))
    )
    told = Story(in_force(made))
    found = told.event(enroll(lead=person(country="SE", rooms=40)))
    sent: list[str] = []
    for turn in range(200):
        for ask in asks(found):
            sent.append(ask.step_id)
            found = told.event(result(ask, at=told.now, granted_at=told.now))
            break
        else:
            if not told.enrollment().is_open:
                break
            happens = events[turn % len(events)] if events else "nothing"
            if happens == "open" and sent:
                found = told.event(hit(step_id=sent[-1], at=told.now + HOUR, event_id=f"h{turn}"), told.now + HOUR)
                told.now += HOUR
            elif happens == "update":
                found = told.event(UpdateLead(event_id=f"u{turn}", lead_id=LEAD, lead=person(rooms=turn * 10)))
            else:
                found = []
            if not asks(found) and told.enrollment().is_open:
                assert told.last is not None
                assert told.last.wake_at is not None, "it stands with nothing to wait for"
                found = told.until(told.last.wake_at)
    assert told.enrollment().status == "completed"
    assert len(sent) == len(set(sent))
    assert told.now < T0 + 400 * DAY
