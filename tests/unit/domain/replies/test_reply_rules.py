"""Users' rules, and what becomes of rules, recognisers and model together (docs/behaviour.md 7.6)."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from domain.replies.mail import Mail, RecipientStatus, Report
from domain.replies.rules import BadRuleError, Rule, compile_rule, first_match, in_order
from domain.replies.verdict import ModelAnswer, Verdict, by_model, by_rules, hardened, routed
from domain.routing import compile_routing
from schemas.definitions import ReplyRuleDoc
from schemas.routing import RoutingDoc

NOW = datetime(2026, 3, 3, 10, tzinfo=UTC)
UTC_ZONE = ZoneInfo("UTC")
MAIL = Mail(from_email="per@sales.corp.example", subject="Re: Offer 42 for Åre", text="call me")


def rule(match: str, value: str, disposition: str = "INTERESTED", **more: Any) -> Rule:
    return compile_rule(
        ReplyRuleDoc.model_validate(
            {"kind": "ReplyRule", "id": "r", "match": match, "value": value, "disposition": disposition, **more}
        )
    )


@pytest.mark.parametrize(
    ("match", "value", "matches"),
    [
        ("sender_email", " Per@Sales.Corp.example", True),
        ("sender_email", "er@sales.corp.example", False),
        ("sender_domain", "corp.example", True),
        ("sender_domain", "@sales.corp.example", True),
        ("sender_domain", "orp.example", False),
        ("subject_contains", "OFFER 42", True),
        ("subject_contains", "offer 43", False),
        ("subject_regex", r"offer \d+ for \p{L}+$", True),
        ("subject_regex", r"^offer", False),
    ],
)
def test_each_kind_of_rule_matches_what_it_says(match: str, value: str, *, matches: bool) -> None:
    assert rule(match, value).matches(MAIL) is matches


@pytest.mark.parametrize("value", ["(", "a(?=b)", r"(a)\1", "((a{100}){100}){100}"])
def test_a_bad_pattern_is_refused_with_the_reason(value: str) -> None:
    with pytest.raises(BadRuleError, match=r"^value: \w"):
        rule("subject_regex", value)


def test_unknown_dispositions_and_categories_are_refused() -> None:
    with pytest.raises(BadRuleError, match=r"^disposition: 'MAYBE'"):
        rule("subject_contains", "x", "MAYBE")
    with pytest.raises(BadRuleError, match=r"^category: 'MISC'"):
        rule("subject_contains", "x", category="MISC")


def test_the_lowest_priority_number_decides_then_the_id() -> None:
    rules = in_order(
        [
            rule("sender_domain", "corp.example", id="b"),
            rule("sender_domain", "corp.example", id="a"),
            rule("sender_domain", "corp.example", id="z", priority=1),
        ]
    )
    assert [r.rule_id for r in rules] == ["z", "a", "b"]
    assert first_match(rules, MAIL) is rules[0]
    assert first_match(rules, Mail()) is None


def test_a_rule_comes_before_the_recognisers_but_takes_no_consent_back() -> None:
    mail = Mail(from_email="per@corp.example", text="Please unsubscribe me")
    verdict = by_rules(mail, [rule("sender_domain", "corp.example", "NEEDS_MORE_INFO")], NOW, UTC_ZONE)
    assert verdict is not None
    assert (verdict.disposition, verdict.decided_by, verdict.rule_id, verdict.suppresses) == (
        "NEEDS_MORE_INFO",
        "rule",
        "r",
        True,
    )


def test_a_rule_for_absences_keeps_the_return_that_was_read() -> None:
    mail = Mail(subject="Automatic reply: x", text="back on 12 March", headers={"auto-submitted": "auto-replied"})
    verdict = by_rules(mail, [rule("subject_contains", "automatic", "OUT_OF_OFFICE")], NOW, UTC_ZONE)
    assert verdict is not None
    assert verdict.return_at == datetime(2026, 3, 12, 9, tzinfo=UTC)


@pytest.mark.parametrize(("acts_as", "back"), [("OUT_OF_OFFICE", 12), ("ESCALATE_UNCLEAR", None)])
def test_a_rule_for_absences_in_the_users_words_keeps_it_too(acts_as: str, back: int | None) -> None:
    own = {"id": "AWAY", "description": "away", "acts_as": acts_as}
    routing = compile_routing([RoutingDoc.model_validate({"kind": "Routing", "id": "main", "dispositions": [own]})])
    mail = Mail(subject="Automatic reply: x", text="back on 12 March", headers={"auto-submitted": "auto-replied"})
    verdict = by_rules(mail, [replace(rule("subject_contains", "automatic"), disposition="AWAY")], NOW, UTC_ZONE)
    assert verdict is not None
    told = routed(verdict, routing)
    assert (told.disposition, told.own_disposition) == (acts_as, "AWAY")
    assert (told.return_at and told.return_at.day) == back


def test_without_rule_or_recogniser_somebody_has_to_read() -> None:
    assert by_rules(MAIL, [], NOW, UTC_ZONE) is None


@pytest.mark.parametrize(("confidence", "disposition"), [(0.7, "INTERESTED"), (0.69, "ESCALATE_UNCLEAR")])
def test_an_unsure_model_is_not_believed(confidence: float, disposition: str) -> None:
    verdict = by_model(ModelAnswer("INTERESTED", confidence, summary="s", draft_reply="d"), NOW, UTC_ZONE)
    assert (verdict.disposition, verdict.summary, verdict.draft_reply) == (disposition, "s", None)


@pytest.mark.parametrize("name", ["BOUNCE", "COMPLAINT", "HIRED", ""])
def test_a_model_cannot_say_what_it_was_not_asked(name: str) -> None:
    verdict = by_model(ModelAnswer(name, 1.0), NOW, UTC_ZONE)
    assert (verdict.disposition, verdict.suppresses) == ("ESCALATE_UNCLEAR", False)


def test_a_models_unsubscribe_suppresses_and_its_question_has_a_draft() -> None:
    assert by_model(ModelAnswer("UNSUBSCRIBE", 0.9), NOW, UTC_ZONE).suppresses
    draft = "Thank you for asking. We will come back to you."
    assert by_model(ModelAnswer("NEEDS_MORE_INFO", 0.9, draft_reply=draft), NOW, UTC_ZONE).draft_reply == draft


@pytest.mark.parametrize(
    ("day", "back"),
    [(date(2026, 3, 9), datetime(2026, 3, 9, 9, tzinfo=UTC)), (date(2026, 3, 1), None), (date(2030, 1, 1), None)],
)
def test_a_models_return_date_must_lie_ahead(day: date, back: datetime | None) -> None:
    assert by_model(ModelAnswer("OUT_OF_OFFICE", 0.9, return_date=day), NOW, UTC_ZONE).return_at == back


def test_the_third_soft_bounce_in_a_row_is_hard() -> None:
    soft = Verdict("BOUNCE", 1.0, "recogniser", "delivery_report", bounce="soft")
    assert [hardened(soft, n).bounce for n in range(4)] == ["soft", "soft", "hard", "hard"]
    assert hardened(soft, 2).suppresses
    assert hardened(Verdict("BOUNCE", 1.0, "recogniser", "x", bounce="policy"), 9).bounce == "policy"


def test_no_rule_makes_a_bounce_without_a_kind() -> None:
    verdict = by_rules(MAIL, [rule("sender_domain", "corp.example", "BOUNCE")], NOW, UTC_ZONE)
    assert verdict is not None
    assert verdict.bounce == "soft"
    report = Mail(
        from_email="x@corp.example", report=Report("delivery", (RecipientStatus("a@b.example", "failed", "5.1.1"),))
    )
    verdict = by_rules(report, [rule("sender_domain", "corp.example", "BOUNCE")], NOW, UTC_ZONE)
    assert verdict is not None
    assert (verdict.bounce, verdict.suppresses) == ("hard", True)


@pytest.mark.parametrize("day", [date.min, date.max])
@pytest.mark.parametrize("zone", ["Pacific/Auckland", "Pacific/Honolulu"])
def test_a_model_may_name_any_day_there_is(day: date, zone: str) -> None:
    assert by_model(ModelAnswer("OUT_OF_OFFICE", 0.9, return_date=day), NOW, ZoneInfo(zone)).return_at is None
