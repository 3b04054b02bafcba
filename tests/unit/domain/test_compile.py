"""Documents become definitions, or every mistake in them is told at once with its path (behaviour 1, 3.1, 10)."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from domain.campaign import Campaign, ConditionStep, EmailStep, Mailbox, Ramp, TaskStep, WaitStep, WorkdayRanges
from domain.compile import (
    InvalidDefinitions,
    Problem,
    check_documents,
    compile_definition,
    compile_definitions,
    load_documents,
    read_documents,
    spec_of,
)
from domain.predicates import AllOf, Share
from schemas.definitions import CampaignDoc, Definition, MailboxDoc, PoolDoc

EXAMPLE = Path(__file__).parents[3] / "examples" / "campaign.yaml"
EVERYTHING = EXAMPLE.with_name("sequence.yaml")
POOL = {"kind": "Pool", "id": "main"}
MAILBOX: dict[str, Any] = {
    "kind": "Mailbox",
    "id": "anna",
    "pool": "main",
    "from": "Anna Berg <anna@sender.example>",
    "postal_address": "Storgatan 1",
    "smtp": {"host": "127.0.0.1", "port": 2525, "security": "none"},
}
EMAIL: dict[str, Any] = {"id": "intro", "kind": "email", "subject": "Hello", "body": "Hi {{ first_name }}"}
CAMPAIGN: dict[str, Any] = {
    "kind": "Campaign",
    "id": "q1",
    "name": "Q1 Outreach",
    "pool": "main",
    "mailboxes": ["anna"],
    "steps": [EMAIL],
}


class Dumper(yaml.SafeDumper):
    """Writes a value that stands twice twice, as a person would."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def written(*documents: dict[str, Any]) -> str:
    return yaml.dump_all(documents, Dumper=Dumper, sort_keys=False)


def problems(*documents: dict[str, Any]) -> dict[str, str]:
    """path -> code of every mistake."""
    try:
        read_documents(written(*documents))
    except InvalidDefinitions as error:
        return {problem.path: problem.code for problem in error.problems}
    return {}


def campaign_problems(**changes: Any) -> dict[str, str]:
    return problems(POOL, MAILBOX, CAMPAIGN | changes)


def step_problems(*steps: dict[str, Any], **changes: Any) -> dict[str, str]:
    return campaign_problems(steps=list(steps), **changes)


def definition(doc: CampaignDoc | MailboxDoc | PoolDoc, **facts: Any) -> Definition:
    kind = {"Campaign": "campaign", "Mailbox": "mailbox", "Pool": "pool"}[doc.kind]
    return Definition(kind=kind, id=doc.id, revision=3, spec=spec_of(doc), at=datetime.now(UTC), **facts)  # type: ignore[arg-type]


def compiled(**changes: Any) -> Campaign:
    (item,) = load_documents(written(CAMPAIGN | changes))
    assert isinstance(item.doc, CampaignDoc)
    campaign = compile_definition(definition(item.doc, status="active"))
    assert isinstance(campaign, Campaign)
    return campaign


def mailbox(**changes: Any) -> Mailbox:
    (item,) = load_documents(written(MAILBOX | changes))
    assert isinstance(item.doc, MailboxDoc)
    compiled = compile_definition(definition(item.doc))
    assert isinstance(compiled, Mailbox)
    return compiled


def test_the_example_is_valid_and_survives_the_way_through_a_definition() -> None:
    loaded = read_documents(EXAMPLE.read_text())
    found, mistakes = compile_definitions(
        definition(item.doc) for item in loaded if isinstance(item.doc, CampaignDoc | MailboxDoc | PoolDoc)
    )
    assert mistakes == []
    assert (found.pools, set(found.mailboxes), set(found.campaigns)) == ({"main"}, {"anna", "marc"}, {"spring-hotels"})
    campaign = found.campaigns["spring-hotels"]
    assert list(campaign.steps) == ["intro", "breathe", "nudge", "patience", "last"]
    assert (campaign.first_step_id, campaign.revision, campaign.status) == ("intro", 3, "draft")
    assert found.mailboxes["marc"].from_name == "Marc O'Neill"


def test_every_mistake_is_told_at_once_with_its_path_and_line() -> None:
    wait = {"id": "w", "kind": "wait", "duration": 4000}
    text = written(
        POOL,
        MAILBOX | {"hourly_limit": 0, "colour": "red"},
        CAMPAIGN | {"send_time_start": 18, "steps": [EMAIL | {"body": "{{ x"}, wait]},
        {"kind": "Campain"},
    )
    with pytest.raises(InvalidDefinitions) as caught:
        read_documents(text)
    assert {(problem.document, problem.path): problem.code for problem in caught.value.problems} == {
        ("Mailbox anna", "hourly_limit"): "greater_than_equal",
        ("Mailbox anna", "colour"): "extra_forbidden",
        ("Campaign q1", "send_time_start"): "window_never_opens",
        ("Campaign q1", "steps[0].body"): "template",
        ("Campaign q1", "steps[1].duration"): "wait_too_long",
        ("document 4", "kind"): "unknown_kind",
    }
    lines = text.splitlines()
    for problem in caught.value.problems:
        assert problem.line is not None
        assert lines[problem.line - 1].strip().startswith(problem.path.rpartition(".")[2] + ":")


def test_a_problem_reads_as_one_line() -> None:
    problem = Problem("steps[2].subject", "empty_subject", "the subject is empty", "Campaign q1", 14)
    assert str(problem) == "line 14: Campaign q1: steps[2].subject: the subject is empty"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("kind: [", "yaml"),
        ("kind: Pool\nid: a\nid: b", "duplicate_field"),
        ("a: &x [1]\nb: *x", "yaml"),
        ("- 1", "not_a_document"),
        ("just text", "not_a_document"),
        ("kind: Pool\nid: a\nat: !!python/object:os.system x", "yaml"),
        ("kind: Pool\nid: 'no spaces here'", "string_pattern_mismatch"),
    ],
)
def test_a_text_that_is_no_document_is_a_problem_and_no_crash(text: str, code: str) -> None:
    with pytest.raises(InvalidDefinitions) as caught:
        load_documents(text)
    assert [problem.code for problem in caught.value.problems] == [code]
    assert caught.value.problems[0].line


def test_an_alias_bomb_is_refused_at_once() -> None:
    bomb = "a: &a [x, x]\n" + "".join(f"b{n}: &b{n} [*a, *a]\n" for n in range(30))
    with pytest.raises(InvalidDefinitions, match="aliases"):
        load_documents(bomb)


def test_empty_documents_between_others_are_skipped() -> None:
    assert [item.path for item in load_documents("---\n---\nkind: Pool\nid: a\n---\n")] == ["Pool a"]


WAIT = {"id": "pause", "kind": "wait", "duration": 3}
NUDGE = {"id": "nudge", "kind": "email", "body": "Again"}


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([EMAIL | {"subject": " "}], {"steps[0].subject": "empty_subject"}),
        ([EMAIL | {"body": " "}], {"steps[0].body": "empty_body"}),
        ([EMAIL | {"subject": None}], {"steps[0].subject": "first_subject"}),
        ([EMAIL | {"is_active": False}, NUDGE], {"steps[1].subject": "first_subject"}),
        ([WAIT, NUDGE], {"steps[1].subject": "first_subject"}),
        ([EMAIL, WAIT, NUDGE], {}),
        (
            [EMAIL | {"body": "<p>{% if x %}<b title='{% endif %}'>a</b></p>"}],
            {"steps[0].body": "other_part"},
        ),
        ([EMAIL | {"subject": "{{ x.y }}"}], {"steps[0].subject": "template"}),
        ([EMAIL | {"next_step_id": "nope"}], {"steps[0].next_step_id": "unknown_target"}),
        ([EMAIL, NUDGE | {"next_step_id": "intro"}], {"steps[0]": "cycle"}),
        ([EMAIL | {"next_step_id": "intro"}], {"steps[0]": "cycle"}),
        ([EMAIL | {"next_step_id": "nudge"}, WAIT, NUDGE], {"steps[1]": "unreachable"}),
        ([EMAIL, EMAIL], {"steps[1].id": "duplicate_step"}),
        ([EMAIL, WAIT | {"duration": 4000}], {"steps[1].duration": "wait_too_long"}),
        ([EMAIL, WAIT | {"duration": -1}], {"steps[1].duration": "greater_than_equal"}),
        ([EMAIL, WAIT | {"unit": "moons"}], {"steps[1].unit": "literal_error"}),
        ([EMAIL | {"variant_split": 101}], {"steps[0].variant_split": "less_than_equal"}),
        ([EMAIL | {"variant_b": {"subject": "B"}}], {"steps[0].variant_b": "variant_without_ab_testing"}),
        ([EMAIL | {"arms": [{"name": "a"}]}], {"steps[0].arms": "variant_without_ab_testing"}),
        ([EMAIL | {"kind": "fax"}], {"steps[0]": "union_tag_invalid"}),
        ([{"id": "c", "kind": "call", "title": "{{"}], {"steps[0].title": "template"}),
        ([], {"steps": "too_short"}),
    ],
)
def test_a_sequence_that_cannot_run_is_refused(steps: list[dict[str, Any]], expected: dict[str, str]) -> None:
    assert step_problems(*steps) == expected


def test_arms_that_cannot_be_drawn_are_refused() -> None:
    def arms(*arms: dict[str, Any], **step: Any) -> dict[str, str]:
        return step_problems(EMAIL | {"arms": list(arms)} | step, ab_testing_enabled=True)

    assert arms({"name": "a"}, {"name": "b", "body": "other"}) == {}
    assert arms({"name": "a"}, {"name": "a"}) == {"steps[0].arms[1].name": "duplicate_arm"}
    assert arms({"name": "a", "weight": 0}) == {"steps[0].arms": "no_active_arm"}
    assert arms({"name": "a", "is_active": False}) == {"steps[0].arms": "no_active_arm"}
    assert arms({"name": "a", "body": " "}) == {"steps[0].arms[0].body": "empty_body"}
    assert arms({"name": "a"}, variant_b={"subject": "B"}) == {"steps[0].arms": "arms_and_variant_b"}
    assert step_problems(EMAIL | {"variant_b": {"body": "{{"}}, ab_testing_enabled=True) == {
        "steps[0].variant_b.body": "template"
    }


def test_a_condition_is_about_an_email_of_the_campaign() -> None:
    def condition(step: str) -> dict[str, str]:
        return step_problems(
            EMAIL, {"id": "seen", "kind": "condition", "when": {"event": "opened", "step": step}}, NUDGE
        )

    assert condition("intro") == {}
    assert condition("nope") == {"steps[1].when.step": "unknown_step"}
    assert condition("seen") == {"steps[1].when.step": "not_an_email"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"send_time_start": 17, "send_time_end": 9}, {"send_time_start": "window_never_opens"}),
        ({"send_time_start": 9, "send_time_end": 9}, {"send_time_start": "window_never_opens"}),
        ({"send_days": []}, {"send_days": "too_short"}),
        ({"timezone": "Mars/Olympus"}, {"timezone": "value_error"}),
        ({"mailboxes": ["anna", "bob"]}, {"mailboxes[1]": "unknown_mailbox"}),
        ({"mailboxes": ["anna", "anna"]}, {"mailboxes[1]": "duplicate_mailbox"}),
        ({"pool": "other"}, {"pool": "unknown_pool", "mailboxes[0]": "mailbox_in_other_pool"}),
        ({"start_at": datetime(2026, 3, 2, tzinfo=UTC), "end_date": "2026-03-01"}, {"end_date": "ends_before_start"}),
        ({"send_cycle_minutes": 0}, {"send_cycle_minutes": "greater_than_equal"}),
    ],
)
def test_a_campaign_that_cannot_work_is_refused(changes: dict[str, Any], expected: dict[str, str]) -> None:
    assert campaign_problems(**changes) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"from": "nobody"}, {"from": "invalid_address"}),
        ({"from": "Anna <anna@sender.example>, Bo <bo@sender.example>"}, {"from": "invalid_address"}),
        ({"postal_address": " "}, {"postal_address": "empty_postal_address"}),
        ({"postal_address": None}, {"postal_address": "string_type"}),
        ({"reply_domain": "not a domain"}, {"reply_domain": "invalid_domain"}),
        ({"gap_seconds": [90, 30]}, {"gap_seconds": "gap_range"}),
        ({"pool": "other"}, {"pool": "unknown_pool"}),
        ({"smtp": {"host": "h", "username": "anna"}}, {"smtp.password_ref": "login_incomplete"}),
        ({"smtp": {"host": "h", "auth": "xoauth2"}}, {"smtp.username": "login_incomplete"}),
        (
            {"smtp": {"host": "h", "username": "a", "password_ref": "s3cret"}},
            {"smtp.password_ref": "string_pattern_mismatch"},
        ),
    ],
)
def test_a_mailbox_that_cannot_send_is_refused(changes: dict[str, Any], expected: dict[str, str]) -> None:
    assert problems(POOL, MAILBOX | changes) == expected


def test_a_reply_rule_with_a_bad_pattern_or_disposition_is_refused() -> None:
    rule = {"kind": "ReplyRule", "id": "r", "match": "subject_regex", "value": "unsub", "disposition": "UNSUBSCRIBE"}
    assert problems(rule) == {}
    assert problems(rule | {"value": "(?=x)"}) == {"value": "bad_rule"}
    assert problems(rule | {"disposition": "MAYBE"}) == {"disposition": "bad_rule"}


def test_documents_are_checked_with_those_in_force() -> None:
    known = [item.doc for item in load_documents(written(POOL, MAILBOX, CAMPAIGN))]

    def found(*documents: dict[str, Any]) -> dict[str, str]:
        return {p.path: p.code for p in check_documents(load_documents(written(*documents)), known)}

    assert found(CAMPAIGN) == {}
    assert found(CAMPAIGN | {"id": "q2"}) == {"name": "name_taken"}
    assert found(CAMPAIGN | {"id": "q2", "name": "q1 OUTREACH "}) == {"name": "name_taken"}
    assert found(CAMPAIGN | {"id": "q2", "name": "Q2"}) == {}
    assert found(POOL | {"id": "p2"}, MAILBOX | {"pool": "p2"}) == {"pool": "pool_changed"}
    assert found(CAMPAIGN, CAMPAIGN) == {"id": "duplicate_id"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, (75, 25, 50)),
        ({"preset": "conservative"}, (50, 10, None)),
        ({"preset": "standard"}, (75, 25, None)),
        ({"preset": "aggressive"}, (150, 50, None)),
        ({"preset": "standard", "daily_limit": 40, "send_rate_per_hour": 60}, (60, 25, 40)),
        ({"send_batch_size": 5}, (75, 5, 50)),
        ({"limits": "off", "daily_limit": 5}, (None, None, None)),
        ({"limits": False}, (None, None, None)),
    ],
)
def test_limits_come_from_the_preset_else_the_defaults_and_what_is_written_wins(
    changes: dict[str, Any], expected: tuple[int | None, ...]
) -> None:
    limits = compiled(**changes).limits
    assert (limits.per_hour, limits.batch_size, limits.per_day) == expected
    assert limits.cycle == timedelta(minutes=10)


def test_switching_limits_off_leaves_the_window() -> None:
    window = compiled(limits="off").window
    assert (window.days, window.start_hour, window.end_hour) == (frozenset(range(5)), 9, 17)


def test_steps_go_on_to_the_one_written_after_them_unless_they_say_otherwise() -> None:
    seen = {"id": "seen", "kind": "condition", "when": {"event": "opened", "step": "intro"}}
    branches = {"true_next_step_id": "nudge", "false_next_step_id": "again", "within": {"days": 2}}
    call = {"id": "call", "kind": "call", "title": "Call {{ full_name }}", "due": {"days": 2}}
    again = {"id": "again", "kind": "email", "subject": "S", "body": "B"}
    steps = compiled(steps=[EMAIL, WAIT, seen | branches, NUDGE | {"next_step_id": "call"}, again, call]).steps
    assert [step.next_id for step in steps.values()] == ["pause", "seen", "again", "call", "call", None]
    condition, task = steps["seen"], steps["call"]
    assert isinstance(condition, ConditionStep)
    assert (condition.true_id, condition.false_id, condition.within) == ("nudge", "again", timedelta(days=2))
    assert isinstance(task, TaskStep)
    assert (task.due_in, task.variables, task.task_kind) == (timedelta(days=2), {"full_name"}, "schedule_call")


def test_a_branch_that_is_not_named_goes_on_to_the_step_written_after() -> None:
    seen = {"id": "seen", "kind": "condition", "when": {"event": "opened"}, "true_next_step_id": "last"}
    steps = compiled(steps=[EMAIL, seen, NUDGE, {"id": "last", "kind": "email", "body": "B"}]).steps
    condition = steps["seen"]
    assert isinstance(condition, ConditionStep)
    assert (condition.true_id, condition.false_id) == ("last", "nudge")


def test_the_short_form_puts_a_wait_before_each_delayed_step_on_every_way_to_it() -> None:
    seen = {"id": "seen", "kind": "condition", "when": {"event": "opened"}, "true_next_step_id": "nudge"}
    nudge = NUDGE | {"delay_days": 3, "delay_hours": 4}
    campaign = compiled(steps=[EMAIL | {"delay_hours": 1}, seen, NUDGE | {"id": "x"}, nudge])
    assert list(campaign.steps) == ["intro~hours", "intro", "seen", "x", "nudge~days", "nudge~hours", "nudge"]
    assert campaign.first_step_id == "intro~hours"
    days, hours, condition = campaign.steps["nudge~days"], campaign.steps["nudge~hours"], campaign.steps["seen"]
    assert isinstance(days, WaitStep)
    assert isinstance(hours, WaitStep)
    assert isinstance(condition, ConditionStep)
    assert (days.duration, days.unit, days.next_id) == (3, "days", "nudge~hours")
    assert (hours.duration, hours.unit, hours.next_id) == (4, "hours", "nudge")
    assert condition.true_id == campaign.steps["x"].next_id == "nudge~days"


def test_a_step_that_is_switched_off_stays_in_the_graph_without_its_wait() -> None:
    campaign = compiled(steps=[EMAIL, NUDGE | {"delay_days": 3, "is_active": False}])
    assert list(campaign.steps) == ["intro", "nudge"]
    assert not campaign.steps["nudge"].is_active


def test_variants_take_from_a_what_they_do_not_say() -> None:
    step = EMAIL | {"variant_b": {"subject": "B {{ city }}"}, "variant_split": 30}
    email = compiled(steps=[step], ab_testing_enabled=True).steps["intro"]
    assert isinstance(email, EmailStep)
    a, b = email.arms
    assert [(arm.name, arm.weight) for arm in email.arms] == [("a", 30), ("b", 70)]
    assert (a.subject and a.subject.source, b.subject and b.subject.source) == ("Hello", "B {{ city }}")
    assert a.body == b.body
    assert email.variables == {"first_name", "city"}


def test_the_senders_own_variables_are_not_asked_of_a_lead() -> None:
    body = "{{ sender_name }} {{ postal_address }} {{ unsubscribe_url }} {{ company }}"
    email = compiled(steps=[EMAIL | {"body": body}]).steps["intro"]
    assert isinstance(email, EmailStep)
    assert email.variables == {"company"}


@pytest.mark.parametrize(
    ("written_as", "name", "address"),
    [
        ("Anna Berg <anna@Sender.Example>", "Anna Berg", "anna@sender.example"),
        ('"Berg, Anna \\"A\\"" <anna@sender.example>', 'Berg, Anna "A"', "anna@sender.example"),
        ("anna@sender.example", "", "anna@sender.example"),
        ("<anna@sender.example>", "", "anna@sender.example"),
        ("Åsa <asa@bücher.example>", "Åsa", "asa@xn--bcher-kva.example"),
    ],
)
def test_a_sender_is_a_name_and_an_address(written_as: str, name: str, address: str) -> None:
    box = mailbox(**{"from": written_as})
    assert (box.from_name, box.from_email) == (name, address)


def test_a_gap_of_zero_is_no_gap() -> None:
    assert mailbox(gap_seconds=0).gap_s == (0.0, 0.0)
    assert mailbox().gap_s == (30.0, 90.0)


def test_a_definition_of_a_newer_version_is_read_without_what_is_unknown() -> None:
    (item,) = load_documents(written(POOL))
    assert isinstance(item.doc, PoolDoc)
    newer = definition(item.doc)
    assert compile_definition(newer.model_copy(update={"spec": newer.spec | {"colour": "red"}})) == "main"


def test_definitions_that_do_not_compile_are_left_out_and_told() -> None:
    bad = Definition(kind="mailbox", id="bad", revision=1, spec={"kind": "Mailbox", "id": "bad"}, at=datetime.now(UTC))
    stop = Definition(kind="control", id="global", revision=1, spec={"stopped": True}, at=datetime.now(UTC))
    pool = Definition(kind="pool", id="main", revision=1, spec=POOL, at=datetime.now(UTC))
    gone = pool.model_copy(update={"id": "gone", "spec": POOL | {"id": "gone"}, "deleted": True})
    found, mistakes = compile_definitions([bad, stop, pool, gone])
    assert (found.pools, found.mailboxes, found.stopped) == ({"main"}, {}, True)
    assert {problem.document for problem in mistakes} == {"mailbox bad"}


CALL = {"id": "call", "kind": "call", "title": "Call"}


def test_a_cadence_puts_the_days_between_as_waits_before_each_step() -> None:
    made = compiled(steps=[EMAIL, NUDGE, CALL, NUDGE | {"id": "end"}], cadence="standard").steps
    assert list(made) == ["intro", "nudge~days", "nudge", "call~days", "call", "end~days", "end"]
    assert [step.duration for step in made.values() if isinstance(step, WaitStep)] == [4, 6, 11]
    same_day = compiled(steps=[EMAIL, NUDGE, CALL], cadence=[2, 2, 5]).steps
    assert list(same_day) == ["intro~days", "intro", "nudge", "call~days", "call"]
    assert compiled(steps=[EMAIL, NUDGE, CALL], cadence=[2, 2, 5]).first_step_id == "intro~days"


def test_what_a_campaign_does_not_say_about_fatigue_and_scores_has_its_default() -> None:
    plain = compiled()
    assert plain.fatigue is not None
    assert (plain.fatigue.touches, plain.fatigue.days) == (3, 7)
    assert [(rule.rule_id, rule.score_change) for rule in plain.scoring] == [
        ("email_opened", 5),
        ("email_clicked", 15),
        ("email_replied", 30),
    ]
    assert compiled(limits="off").fatigue is None
    assert compiled(fatigue=False).fatigue is None
    assert compiled(limits="off", fatigue={"touches": 1}).fatigue is not None
    assert compiled(lead_scoring_rules=[]).scoring == ()


def test_each_test_of_a_step_draws_its_own_share() -> None:
    halves = {"all": [{"random": 50}, {"random": 50}]}
    seen = {"id": "seen", "kind": "condition", "when": halves, "conditions": [{"random": 50}]}
    made = compiled(steps=[EMAIL, seen, NUDGE]).steps["seen"]
    assert isinstance(made, ConditionStep)
    assert made.conditions == (Share(50, "seen.conditions[0]"),)
    assert made.when == AllOf((Share(50, "seen.all[0]"), Share(50, "seen.all[1]")))


def test_a_mailbox_has_its_ramp_its_workday_and_its_providers_ceiling() -> None:
    workday = {
        "start": ["08:30", "9:15"],
        "finish": [1020, "17:30"],
        "lunch": {"start": ["11:45", "12:30"], "minutes": [30, 60]},
    }
    extra = {
        "provider": "gmail",
        "ramp": {"start": 5, "increment": 5, "cap": 40},
        "workday": workday,
        "auto_pause": False,
    }
    loaded = read_documents(written(POOL, MAILBOX | extra))
    found, problems_found = compile_definitions([definition(item.doc) for item in loaded])  # type: ignore[arg-type]
    assert problems_found == []
    anna = found.mailboxes["anna"]
    assert (anna.ramp, anna.provider_per_day, anna.auto_pause) == (Ramp(5, 5, 40), 500, None)
    assert anna.workday == WorkdayRanges((510, 555), (1020, 1050), (705, 750), (30, 60))


def test_a_number_is_a_sender_beside_the_mailboxes() -> None:
    number = {
        "kind": "SmsSender",
        "id": "mobile",
        "pool": "main",
        "from": "0046 70-123 45 67",
        "provider": {"url_ref": "env:SMS_URL", "account": "AC1", "token_ref": "env:SMS_TOKEN"},
        "hourly_limit": 60,
    }
    loaded = read_documents(written(POOL, MAILBOX, number))
    docs = [
        Definition(kind=kind, id=item.doc.id, revision=1, spec=spec_of(item.doc), at=datetime.now(UTC))  # type: ignore[arg-type]
        for kind, item in zip(("pool", "mailbox", "sms_sender"), loaded, strict=True)
    ]
    found, _ = compile_definitions(docs)
    sender = found.sender("mobile")
    assert sender is not None
    assert sender is found.sms_senders["mobile"]
    assert (found.sms_senders["mobile"].number, sender.per_hour) == ("+46701234567", 60)
    assert found.sender("anna") is found.mailboxes["anna"]
    assert found.sender("nobody") is None


def test_the_example_with_every_kind_of_step_holds_together() -> None:
    loaded = read_documents(EVERYTHING.read_text("utf-8"))
    doc = loaded[-1].doc
    assert isinstance(doc, CampaignDoc)
    made, problems_found = compile_definitions([definition(doc)])
    assert problems_found == []
    kinds = {step.kind for step in made.campaigns["summer-hotels"].steps.values()}
    assert kinds == {"email", "sms", "task", "wait", "condition", "switch", "action"}
