"""A user's own categories, dispositions and routes (docs/behaviour.md 7.5)."""

from typing import Any, get_args

import pytest

from domain.cards import ROUTING, cards_of_disposition
from domain.checks import check_documents
from domain.documents import Problem, load_documents
from domain.replies.verdict import ModelAnswer, Verdict, by_model, routed
from domain.routing import MODEL_DISPOSITIONS, NO_ROUTING, WITHOUT_CARD, compile_routing
from domain.windows import zone_of
from schemas.replies import DispositionName
from schemas.routing import RoutingDoc
from tests.support.leads import T0, disposition

UTC_ZONE = zone_of(None, None, None)


def doc(**fields: Any) -> RoutingDoc:
    return RoutingDoc.model_validate({"kind": "Routing", "id": "main", **fields})


WARRANTY = {"id": "WARRANTY", "description": "asks about a guarantee", "acts_as": "CASE"}
REFERRAL = {"id": "REFERRAL", "description": "names a colleague", "acts_as": "INTERESTED"}


def problems(text: str, known: str = "") -> list[Problem]:
    before = [item.doc for item in load_documents(known)] if known else []
    return check_documents(load_documents(text), before)


def test_the_dispositions_without_a_card_are_those_of_the_table() -> None:
    assert {name for name, route in ROUTING.items() if route is None} == WITHOUT_CARD
    assert set(MODEL_DISPOSITIONS) == set(get_args(DispositionName)) - {"BOUNCE", "COMPLAINT"}


def test_nothing_is_routed_where_nothing_is_defined() -> None:
    verdict = Verdict("INTERESTED", 1.0, "rule", "user_rule", category="CASE")
    assert routed(verdict, NO_ROUTING) == verdict


@pytest.mark.parametrize(
    ("said", "category", "queue"),
    [
        ("INTERESTED", "CASE", "both"),
        ("NEEDS_MORE_INFO", "CASE", "category"),
        ("INTERESTED", None, "disposition"),
        ("INTERESTED", "STATUS", "disposition"),
        ("REFERRAL", None, "disposition"),
        ("REFERRAL", "WARRANTY", "own"),
        ("NEEDS_MORE_INFO", None, None),
        ("AUTOMATED", "CASE", None),
        ("UNSUBSCRIBE", "CASE", None),
        ("NOT_INTERESTED", "CASE", "regrets"),
    ],
)
def test_the_most_particular_route_holds(said: str, category: str | None, queue: str | None) -> None:
    routing = compile_routing(
        [
            doc(
                categories=[WARRANTY],
                dispositions=[REFERRAL],
                routes=[
                    {"disposition": "INTERESTED", "queue": "disposition"},
                    {"category": "CASE", "queue": "category"},
                    {"disposition": "INTERESTED", "category": "CASE", "queue": "both"},
                    {"disposition": "REFERRAL", "category": "WARRANTY", "queue": "own"},
                    {"disposition": "NOT_INTERESTED", "queue": "regrets", "type": "research", "title": "Why not?"},
                ],
            )
        ]
    )
    route = routing.route(said, category)
    assert (None if route is None else route.queue) == queue


def test_a_users_names_stand_beside_the_built_in_ones_that_decide() -> None:
    routing = compile_routing([doc(categories=[WARRANTY], dispositions=[REFERRAL])])
    verdict = by_model(ModelAnswer("REFERRAL", 0.9, category="WARRANTY"), T0, UTC_ZONE, routing=routing)
    verdict = routed(verdict, routing)
    assert (verdict.disposition, verdict.own_disposition) == ("INTERESTED", "REFERRAL")
    assert (verdict.category, verdict.own_category) == ("CASE", "WARRANTY")


def test_an_unsure_answer_in_a_users_words_is_a_persons_like_any_other() -> None:
    routing = compile_routing([doc(dispositions=[REFERRAL])])
    verdict = by_model(ModelAnswer("REFERRAL", 0.6), T0, UTC_ZONE, routing=routing)
    assert (verdict.disposition, verdict.own_disposition) == ("ESCALATE_UNCLEAR", None)


def test_without_the_definition_a_users_name_is_nothing_that_a_model_may_say() -> None:
    verdict = by_model(ModelAnswer("REFERRAL", 0.99), T0, UTC_ZONE)
    assert (verdict.disposition, verdict.own_disposition) == ("ESCALATE_UNCLEAR", None)


def test_a_route_changes_the_card_and_what_it_leaves_out_stays() -> None:
    routing = compile_routing(
        [
            doc(
                routes=[
                    {
                        "disposition": "INTERESTED",
                        "queue": "hot",
                        "title": "Ring {name}",
                        "due": {"days": 1, "hours": 2},
                    }
                ]
            )
        ]
    )
    said = disposition("INTERESTED").model_copy(
        update={"lead_name": "Per {name.__class__}", "route": routing.route("INTERESTED", None)}
    )
    (card,) = cards_of_disposition(said)
    assert (card.queue, card.priority, card.type) == ("hot", "high", "schedule_call")
    assert card.title == "Ring Per {name.__class__}"
    assert card.due_at is not None
    assert (card.due_at - card.created_at).total_seconds() == 26 * 3600


def test_categories_that_need_a_person_make_their_card_whatever_the_route() -> None:
    routing = compile_routing([doc(categories=[WARRANTY], routes=[{"category": "WARRANTY", "queue": "service"}])])
    verdict = routed(Verdict("INTERESTED", 0.9, "model", "model", category="WARRANTY"), routing)
    said = disposition("INTERESTED").model_copy(update={"category": verdict.category, "route": verdict.route})
    assert [(card.type, card.queue) for card in cards_of_disposition(said)] == [
        ("schedule_call", "service"),
        ("needs_human_response", "sales_manager"),
    ]


GOOD = """
kind: Routing
id: main
categories:
  - {id: WARRANTY, description: asks about a guarantee, acts_as: CASE}
dispositions:
  - {id: REFERRAL, description: names a colleague, acts_as: INTERESTED}
routes:
  - {disposition: REFERRAL, queue: partners}
  - {category: WARRANTY, queue: service, priority: high, title: "Warranty of {name}"}
"""


def test_a_sound_document_has_no_problems() -> None:
    assert problems(GOOD) == []


@pytest.mark.parametrize(
    ("routing", "path", "code"),
    [
        ("categories: [{id: CASE, description: x}]", "categories[0].id", "built_in"),
        ("categories: [{id: A1, description: x}, {id: A1, description: y}]", "categories[1].id", "duplicate_id"),
        ("categories: [{id: lower, description: x}]", "categories[0].id", "string_pattern_mismatch"),
        ("categories: [{id: A1}]", "categories[0].description", "missing"),
        ('categories: [{id: A1, description: "a\\nb"}]', "categories[0].description", "string_pattern_mismatch"),
        ("dispositions: [{id: BOUNCE, description: x, acts_as: AUTOMATED}]", "dispositions[0].id", "built_in"),
        ("dispositions: [{id: A1, description: x, acts_as: BOUNCE}]", "dispositions[0].acts_as", "literal_error"),
        ("routes: [{queue: x}]", "routes[0]", "route_for_nothing"),
        ("routes: [{disposition: INTERESTED}]", "routes[0]", "empty_route"),
        ("routes: [{disposition: MAYBE, queue: x}]", "routes[0].disposition", "unknown_disposition"),
        ("routes: [{category: MISC, queue: x}]", "routes[0].category", "unknown_category"),
        ("routes: [{category: CASE, queue: x}, {category: CASE, queue: y}]", "routes[1]", "duplicate_route"),
        ('routes: [{category: CASE, title: "{name.x}"}]', "routes[0].title", "bad_placeholder"),
        ('routes: [{category: CASE, title: "50 {"}]', "routes[0].title", "bad_placeholder"),
        ("routes: [{category: CASE, type: phone}]", "routes[0].type", "literal_error"),
        ("routes: [{disposition: AUTOMATED, type: research, title: x}]", "routes[0].queue", "incomplete_route"),
        ("rules: []", "rules", "extra_forbidden"),
    ],
)
def test_every_mistake_is_told_with_its_place(routing: str, path: str, code: str) -> None:
    text = f"kind: Routing\nid: main\n{routing}\n"
    try:
        found = problems(text)
    except ValueError as error:  # it cannot even be read
        found = list(getattr(error, "problems", ()))
    assert [(problem.path, problem.code) for problem in found] == [(path, code)]


RULE = "kind: ReplyRule\nid: vip\nmatch: sender_domain\nvalue: corp.example\ndisposition: {0}\ncategory: {1}\n"


def test_a_rule_may_speak_in_the_users_words_and_in_no_others() -> None:
    assert problems(RULE.format("REFERRAL", "WARRANTY"), GOOD) == []
    assert problems(RULE.format("REFERRAL", "WARRANTY") + "---" + GOOD) == []
    assert [p.path for p in problems(RULE.format("REFERRAL", "WARRANTY"))] == ["disposition"]
    assert [p.path for p in problems(RULE.format("INTERESTED", "WARANTY"), GOOD)] == ["category"]


def test_what_a_rule_says_in_the_users_words_does_what_the_built_in_one_does() -> None:
    gone = {"id": "GONE_FOR_GOOD", "description": "wants out", "acts_as": "UNSUBSCRIBE"}
    verdict = routed(Verdict("GONE_FOR_GOOD", 1.0, "rule", "user_rule"), compile_routing([doc(dispositions=[gone])]))
    assert (verdict.disposition, verdict.own_disposition, verdict.suppresses) == ("UNSUBSCRIBE", "GONE_FOR_GOOD", True)


def test_two_documents_do_not_define_the_same() -> None:
    other = GOOD.replace("id: main", "id: other")
    assert [(p.path, p.code) for p in problems(other, GOOD)] == [
        ("categories[0].id", "name_taken"),
        ("dispositions[0].id", "name_taken"),
        ("routes[0]", "duplicate_route"),
        ("routes[1]", "duplicate_route"),
    ]
    assert problems(GOOD, GOOD) == []


def test_a_card_that_nobody_could_judge_says_why() -> None:
    said = disposition("ESCALATE_UNCLEAR").model_copy(update={"decided_by": "default", "why": "overloaded"})
    (card,) = cards_of_disposition(said)
    assert card.rationale == "ESCALATE_UNCLEAR by default (overloaded), confidence 0.90"


def test_a_card_without_its_draft_says_what_was_wrong_with_it() -> None:
    said = disposition("NEEDS_MORE_INFO").model_copy(update={"draft_faults": ["markup"]})
    (card,) = cards_of_disposition(said)
    assert card.action_payload["draft_faults"] == ["markup"]
    assert "draft_reply" not in card.action_payload
