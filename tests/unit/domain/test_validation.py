"""Every mistake in a sequence is told at once, each with its path (docs/behaviour.md 1.2, 1.3, 6.1, 6.2)."""

from typing import Any

import pytest
import yaml

from domain.compile import InvalidDefinitions, read_documents
from tests.support.documents import EMAIL, LAST, MAILBOX, NUMBER, POOL, of, problems

SWITCH = {"id": "which", "kind": "switch", "field": "country", "cases": [{"equals": "SE", "next_step_id": "last"}]}


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (SWITCH, {}),
        (SWITCH | {"otherwise": "nowhere"}, {"steps[1].otherwise": "unknown_target"}),
        (
            SWITCH | {"cases": [{"matches": "^s(e", "next_step_id": "last"}]},
            {"steps[1].cases[0].matches": "bad_pattern"},
        ),
        (
            SWITCH | {"cases": [{"equals": "x", "next_step_id": "gone"}]},
            {"steps[1].cases[0].next_step_id": "unknown_target"},
        ),
        (SWITCH | {"cases": [{"next_step_id": "last"}]}, {"steps[1].cases[0]": "switch_case"}),
        (
            SWITCH | {"cases": [{"equals": "SE", "next_step_id": "last"}, {"equals": "SE", "next_step_id": "last"}]},
            {"steps[1].cases[1]": "duplicate_case"},
        ),
        (
            SWITCH | {"cases": [{"equals": "SE", "next_step_id": "last"}, {"equals": "se ", "next_step_id": "last"}]},
            {"steps[1].cases[1]": "duplicate_case"},
        ),
        (SWITCH | {"cases": [{"equals": 1, "next_step_id": "last"}, {"equals": True, "next_step_id": "last"}]}, {}),
        (
            SWITCH | {"cases": [{"equals": " ", "next_step_id": "last"}]},
            {"steps[1].cases[0].equals": "missing_value"},
        ),
        (SWITCH | {"field": "contry"}, {"steps[1].field": "unknown_field"}),
        ({"id": "a", "kind": "action", "actions": [{"type": "tag", "params": {"tag": "hot"}}]}, {}),
        (
            {"id": "a", "kind": "action", "actions": [{"type": "tag"}]},
            {"steps[1].actions[0].params.tag": "missing"},
        ),
        (
            {"id": "a", "kind": "action", "actions": [{"type": "exit", "params": {"tag": "x"}}]},
            {"steps[1].actions[0].params.tag": "extra_forbidden"},
        ),
        (
            {"id": "a", "kind": "action", "actions": [{"type": "exit"}, {"type": "suppress"}]},
            {"steps[1].actions[1]": "never_done"},
        ),
        (
            {"id": "a", "kind": "action", "actions": [{"type": "create_task", "params": {"title": "{{", "due": -1}}]},
            {"steps[1].actions[0].params.title": "template", "steps[1].actions[0].params.due": "bad_value"},
        ),
        ({"id": "a", "kind": "action", "actions": [{"type": "fly"}]}, {"steps[1].actions[0].type": "literal_error"}),
        ({"id": "s", "kind": "sms", "body": " "}, {"steps[1].body": "empty_body"}),
        ({"id": "s", "kind": "sms", "body": "{{ frist_name }}"}, {"steps[1].body": "unknown_variable"}),
        ({"id": "c", "kind": "call", "title": " "}, {"steps[1].title": "empty_title"}),
        (
            {"id": "c", "kind": "condition", "when": {"what": 1}, "true_next_step_id": "last"},
            {"steps[1].when": "unknown_test"},
        ),
        (
            {"id": "c", "kind": "condition", "when": {"random": 101}},
            {"steps[1].when.random": "less_than_equal"},
        ),
        (
            {"id": "c", "kind": "condition", "when": {"operator": "equals", "value": 1}},
            {"steps[1].when.field": "missing"},
        ),
        (
            {"id": "c", "kind": "condition", "when": {"field": "rooms", "operator": "about", "value": 1}},
            {"steps[1].when.operator": "literal_error"},
        ),
        (
            {"id": "c", "kind": "condition", "when": {"field": "rooms", "operator": "equals"}},
            {"steps[1].when.value": "missing_value"},
        ),
        (
            {"id": "c", "kind": "condition", "when": {"field": "rooms", "operator": "exists", "value": 1}},
            {"steps[1].when.value": "needless_value"},
        ),
        (
            {"id": "c", "kind": "condition", "when": {"field": "score", "operator": "less_than", "value": "hot"}},
            {"steps[1].when.value": "bad_value"},
        ),
        (
            {"id": "c", "kind": "condition", "when": {"field": "rooms", "operator": "less_than", "value": [1]}},
            {"steps[1].when.value": "bad_value"},
        ),
        (
            {"id": "c", "kind": "condition", "when": {"field": "x", "operator": "equals", "value": {"a": 1}}},
            {"steps[1].when.value": "bad_value"},
        ),
        ({"id": "c", "kind": "condition", "when": {"disposition": "MAYBE"}}, {"steps[1].when.disposition[0]": "literal_error"}),
        (
            {
                "id": "c",
                "kind": "condition",
                "when": {
                    "all": [
                        {"event": "opened", "step": "no"},
                        {"not": {"any": [{"field": "email_open", "operator": "exists"}]}},
                    ]
                },
            },
            {"steps[1].when.all[0].step": "unknown_step", "steps[1].when.all[1].not.any[0].field": "unknown_field"},
        ),
        ({"id": "c", "kind": "condition", "when": {"all": []}}, {"steps[1].when.all": "too_short"}),
        (LAST | {"id": "x", "conditions": [{"event": "opened", "step": "which"}]}, {"steps[1].conditions[0].step": "unknown_step"}),
    ],
)  # fmt: skip
def test_a_step_that_means_nothing_is_refused_with_its_path(step: dict[str, Any], expected: dict[str, str]) -> None:
    assert of(EMAIL, step, LAST, sms_sender="mobile") == expected


def test_a_text_needs_a_number_of_the_same_pool() -> None:
    text = {"id": "s", "kind": "sms", "body": "Hello"}
    assert of(EMAIL, text) == {"sms_sender": "missing"}
    assert of(EMAIL, text, sms_sender="nobody") == {"sms_sender": "unknown_sms_sender"}
    assert of(EMAIL, text, sms_sender="mobile") == {}
    assert of(text, sms_sender="mobile", mailboxes=[]) == {}
    assert of(EMAIL, text, sms_sender="mobile", mailboxes=[]) == {"mailboxes": "too_short"}
    assert of(
        {"id": "c", "kind": "condition", "when": {"event": "opened", "step": "s"}}, text, sms_sender="mobile"
    ) == {"steps[0].when.event": "not_an_email"}


def test_no_two_senders_have_one_id() -> None:
    with pytest.raises(InvalidDefinitions) as caught:
        read_documents(yaml.safe_dump_all([POOL, MAILBOX, NUMBER | {"id": "anna"}]))
    assert [(p.document, p.path, p.code) for p in caught.value.problems] == [
        ("Mailbox anna", "id", "sender_taken"),
        ("SmsSender anna", "id", "sender_taken"),
    ]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"from": "0701234567"}, {"from": "invalid_number"}),
        ({"from": 46701234567}, {}),
        ({"from": "Touchline"}, {}),
        ({"provider": {"account": "a", "token_ref": "env:T"}}, {"provider.base_url": "provider_url"}),
        (
            {"provider": {"base_url": "ftp://x", "account": "a", "token_ref": "env:T"}},
            {"provider.base_url": "string_pattern_mismatch"},
        ),
        (
            {"provider": {"base_url": "https://x", "account": "a", "token_ref": "secret"}},
            {"provider.token_ref": "string_pattern_mismatch"},
        ),
        ({"gap_seconds": [3, 1]}, {"gap_seconds": "gap_range"}),
    ],
)
def test_a_number_that_cannot_send_is_refused(changes: dict[str, Any], expected: dict[str, str]) -> None:
    assert problems(POOL, NUMBER | changes) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"ramp": {"start": 50, "increment": 5, "cap": 20}}, {"ramp.start": "ramp_range"}),
        ({"ramp": {"start": 5, "increment": -5, "cap": 20}}, {"ramp.increment": "greater_than_equal"}),
        ({"workday": {"start": ["08:30", "09:15"], "finish": ["16:00", "17:30"]}}, {}),
        ({"workday": {"start": ["09:15", "08:30"], "finish": ["16:00", "17:30"]}}, {"workday.start": "range"}),
        ({"workday": {"start": ["08:00", "17:00"], "finish": ["16:00", "18:00"]}}, {"workday.finish": "window_never_opens"}),
        ({"workday": {"start": ["25:00", "26:00"], "finish": [1050, "18:00"]}},
         {"workday.start[0]": "value_error", "workday.start[1]": "value_error"}),
        ({"auto_pause": False}, {}),
        ({"auto_pause": {"bounce_percent": 0}}, {"auto_pause.bounce_percent": "greater_than"}),
        ({"auto_pause": {"bounces": 1}}, {"auto_pause.bounces": "extra_forbidden"}),
        ({"provider": "hotmail"}, {"provider": "literal_error"}),
    ],
)  # fmt: skip
def test_a_mailbox_whose_limits_contradict_is_refused(changes: dict[str, Any], expected: dict[str, str]) -> None:
    assert problems(POOL, MAILBOX | changes) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"fatigue": False}, {}),
        ({"fatigue": {"touches": 0}}, {"fatigue.touches": "greater_than_equal"}),
        ({"promote_winner": {}}, {"promote_winner": "promotion_without_ab_testing"}),
        ({"promote_winner": {}, "ab_testing_enabled": True}, {"promote_winner": "nothing_to_promote"}),
        ({"promote_winner": {"min_sends": 29}}, {"promote_winner.min_sends": "greater_than_equal"}),
        (
            {"start_at": "2026-01-05T00:00:00Z", "end_date": "2026-01-09", "send_days": ["sunday"]},
            {},  # the fourth is a Sunday, and in some zone it still is when the campaign starts
        ),
        (
            {"start_at": "2026-01-06T00:00:00Z", "end_date": "2026-01-09", "send_days": ["sunday"]},
            {"end_date": "window_never_opens"},
        ),
        (
            {"start_at": "2026-01-06T00:00:00Z", "end_date": "2026-01-07", "holidays": ["2026-01-05", "2026-01-06", "2026-01-07"]},
            {"end_date": "window_never_opens"},
        ),
        (
            {"lead_scoring_rules": [{"id": "r", "condition": {"operator": "equals", "value": 1}, "score_change": 5}]},
            {"lead_scoring_rules[0].condition.field": "missing"},
        ),
        (
            {
                "attributes": ["rooms"],
                "lead_scoring_rules": [
                    {"id": "r", "condition": {"field": "stars", "operator": "exists"}, "score_change": 5},
                    {"id": "r", "condition": {"field": "rooms", "operator": "exists"}, "score_change": 5},
                ],
            },
            {"lead_scoring_rules[0].condition.field": "unknown_field", "lead_scoring_rules[1].id": "duplicate_rule"},
        ),
        (
            {"progression_rules": [{"id": "p", "from_status": "a", "to_status": "a", "conditions": [{"random": 5}]}]},
            {"progression_rules[0].to_status": "stage_unchanged"},
        ),
        (
            {
                "progression_rules": [
                    {"id": "p", "from_status": "a", "to_status": "b", "conditions": [{"random": 5}]},
                    {"id": "q", "from_status": "b", "to_status": "c", "conditions": [{"random": 5}, {"random": 9}]},
                    {"id": "r", "from_status": "c", "to_status": "a", "conditions": [{"random": 9}]},
                    {"id": "s", "from_status": "c", "to_status": "d", "conditions": [{"random": 7}]},
                ]
            },
            {"progression_rules[1]": "stages_go_round"},
        ),
        (
            {
                "progression_rules": [
                    {"id": "p", "to_status": "a", "conditions": [{"random": 5}]},
                    {"id": "q", "from_status": "a", "to_status": "b", "conditions": [{"random": 5}]},
                    {"id": "r", "from_status": "a", "to_status": "c", "conditions": [{"random": 7}]},
                ]
            },
            {"progression_rules[0]": "stages_go_round", "progression_rules[1]": "stages_go_round"},
        ),
        (
            {"progression_rules": [{"id": "p", "to_status": "a", "conditions": []}]},
            {"progression_rules[0].conditions": "too_short"},
        ),
    ],
)  # fmt: skip
def test_a_campaign_whose_rules_mean_nothing_is_refused(changes: dict[str, Any], expected: dict[str, str]) -> None:
    assert of(EMAIL, **changes) == expected


def test_the_example_of_the_rules_is_taken() -> None:
    actions = [{"type": "create_task", "params": {"title": "Call", "task_type": "call", "priority": "high"}}]
    assert (
        of(
            EMAIL,
            lead_scoring_rules=[
                {
                    "id": "opened",
                    "condition": {"field": "email_opened", "operator": "equals", "value": True},
                    "score_change": 5,
                }
            ],
            progression_rules=[
                {
                    "id": "hot",
                    "from_status": "nouveau",
                    "to_status": "qualifie",
                    "conditions": [{"field": "score", "operator": "greater_than", "value": 40}],
                    "actions": actions,
                }
            ],
        )
        == {}
    )


@pytest.mark.parametrize(
    "name",
    ["frist_name", "FirstName", "firstname", "fist_name", "compagny", "companyname", "hotelname", "Email", "sender_nmae",
     "unsubscribe_link"],
)  # fmt: skip
def test_a_mistyped_variable_is_refused(name: str) -> None:
    assert of(EMAIL | {"body": f"Hi {{{{ {name} }}}}"}) == {"steps[0].body": "unknown_variable"}
    assert of(EMAIL | {"body": f"Hi {{{{ {name} }}}}"}, attributes=[name]) == {}


@pytest.mark.parametrize("name", ["rooms", "county", "company_id", "phone2", "cities", "last_order_date", "industry"])
def test_any_other_name_may_be_an_attribute_until_the_campaign_lists_them(name: str) -> None:
    step = EMAIL | {"body": f"Hi {{{{ {name} }}}}"}
    assert of(step) == {}
    assert of(step, attributes=["stars"]) == {"steps[0].body": "unknown_variable"}


def test_a_cadence_gives_every_step_its_day() -> None:
    steps = [
        EMAIL,
        LAST,
        {"id": "call", "kind": "call", "title": "Call"},
        {"id": "end", "kind": "email", "body": "Bye"},
    ]
    assert of(*steps, cadence=[0, 4, 10, 21]) == {}
    assert of(*steps, cadence="standard") == {}
    assert of(*steps, cadence=[0, 4, 10]) == {"cadence": "cadence_length"}
    assert of(*steps, cadence=[0, 4, 3, 21]) == {"cadence[2]": "cadence_order"}
    assert of(*steps, cadence=[0, -4, 3, 21]) == {"cadence[1]": "greater_than_equal"}
    assert of(*steps, cadence="weekly") == {"cadence": "literal_error"}
    assert of(EMAIL, LAST | {"delay_days": 2}, cadence=[0, 4]) == {"steps[1].delay_days": "cadence_and_delay"}
    assert of(EMAIL, {"id": "w", "kind": "wait", "duration": 1}, cadence=[0, 4]) == {
        "steps[1].kind": "cadence_and_graph"
    }


@pytest.mark.parametrize("text", ['!!timestamp "x"', '!!bool "x"', '!!int ""'])
def test_a_yaml_tag_on_a_word_that_it_does_not_fit_is_an_error_of_the_document(text: str) -> None:
    with pytest.raises(InvalidDefinitions) as refused:
        read_documents(f"kind: Pool\nid: {text}\n")
    assert [problem.code for problem in refused.value.problems] == ["yaml"]


def test_a_priority_that_is_no_word_is_refused_with_its_path() -> None:
    params = {"title": "Call", "priority": []}
    step = {"id": "a", "kind": "action", "actions": [{"type": "create_task", "params": params}]}
    assert list(of(EMAIL, step, LAST)) == ["steps[1].actions[0].params.priority"]


@pytest.mark.parametrize(
    ("dates", "expected"),
    [
        ({"start_at": "0001-01-01T00:00:00Z", "end_date": "2026-01-01"}, {}),
        ({"start_at": "9999-12-30T00:00:00Z", "end_date": "9999-12-31"}, {}),
        (
            {"start_at": "9999-12-30T00:00:00Z", "end_date": "9999-12-31", "send_days": ["monday"]},
            {"end_date": "window_never_opens"},
        ),
    ],
)
def test_the_first_and_the_last_day_of_the_calendar_are_days(dates: dict[str, Any], expected: dict[str, str]) -> None:
    assert of(EMAIL, **dates) == expected


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ("start_at: 2026-13-45", "start_at"),
        ("end_date: 2026-02-30", "end_date"),
        ("holidays: [2026-12-24, 2026-02-30]", "holidays[1]"),
        (f"send_time_start: {'9' * 5000}", "send_time_start"),
    ],
)
def test_a_date_that_does_not_exist_is_told_with_its_path_beside_everything_else(line: str, path: str) -> None:
    with pytest.raises(InvalidDefinitions) as refused:
        read_documents(f"kind: Campaign\nid: q1\n{line}\nname: Q1\n")
    found = {problem.path: problem.line for problem in refused.value.problems}
    assert (found[path], found.keys() >= {"pool", "steps"}) == (3, True)


@pytest.mark.parametrize(
    ("step", "path"),
    [
        ({"id": "a", "kind": "email", "subject": "Hi", "body": "Hi\0there"}, "steps[1].body"),
        (
            {"id": "a", "kind": "switch", "field": "x", "cases": [{"equals": float("inf"), "next_step_id": "last"}]},
            "steps[1].cases[0].equals",
        ),
        (
            {"id": "a", "kind": "action", "actions": [{"type": "tag", "params": {"tag": "hot\0"}}]},
            "steps[1].actions[0].params.tag",
        ),
    ],
)
def test_what_no_database_keeps_is_refused_with_its_path(step: dict[str, Any], path: str) -> None:
    assert of(EMAIL, step, LAST) == {path: "not_storable"}


def test_half_of_a_character_is_refused_where_it_stands() -> None:
    with pytest.raises(InvalidDefinitions) as refused:
        read_documents('kind: Pool\nid: main\n"\\udc00x": "\\ud800"\n')
    assert [(problem.code, problem.line) for problem in refused.value.problems] == [("yaml", 3)]
