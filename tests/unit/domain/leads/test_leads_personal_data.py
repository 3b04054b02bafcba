"""What leads tell for ever names nobody: no address, no name, no subject, no text (docs/behaviour.md 9.8)."""

from collections.abc import Iterator
from dataclasses import replace
from typing import get_args

from domain.campaign import Action, Arm, ProgressionRule
from domain.compile_sequence import DEFAULT_SCORING
from domain.predicates import Happened
from domain.templates import compile_template
from schemas.engagements import Engagement, EngagementType
from schemas.enrollments import Enroll, Exit, LeadData, Pause, Resume, UpdateLead
from tests.support.leads import (
    DAY,
    END_OF_JANUARY,
    HOUR,
    LEAD,
    Story,
    asks,
    campaign,
    condition,
    disposition,
    email,
    enroll,
    facts,
    hit,
    in_force,
    reply,
    result,
    task,
    tasks,
)

SECRET = "Zwirbeldorf"
"""Stands in everything that is personal, so that one look finds any of it."""

NOT_YET = {"disposition", "delivered", "task_done"}
"""Kinds of facts that leads do not tell, or that tests of texts and tasks look at."""

KEYS = {
    "added_by", "attempt", "by", "category", "cause", "change", "channel", "confidence", "disposition", "field", "from",
    "half_life_days", "hit_id", "kind", "points", "priority", "queue", "reply_id", "rule_id", "score", "sentiment", "tag",
    "task_kind", "to", "verdict",
}  # fmt: skip
"""What `data` may hold: ids, codes and numbers. A further key needs the same thought, and then a place here."""

PERSON = LeadData(
    email=f"{SECRET}@{SECRET}.example",
    first_name=SECRET,
    last_name=SECRET,
    full_name=SECRET,
    title=SECRET,
    company=SECRET,
    city=SECRET,
    country=SECRET,
    phone=SECRET,
    attributes={"note": SECRET, "tags": [SECRET]},
)

WORDS = Arm("a", 1, compile_template(f"{SECRET} {{{{ first_name }}}}"), compile_template(SECRET), is_html=False)
STEPS = (
    email("skipped", "intro", is_active=False),
    email("intro", "seen", arms=(WORDS,)),
    condition("seen", "call", "call", within=DAY),
    task("call", "last", title=f"{SECRET}: call {{{{ full_name }}}}"),
    email("last", arms=(WORDS,)),
)
NOTE = Action("update_field", {"field": "note", "value": SECRET})
WARM = ProgressionRule("warm", "new", "warm", (Happened("opened"),), (NOTE, Action("tag", {"tag": "warm"})))
DISPOSITIONS = (
    "INTERESTED", "NOT_INTERESTED", "OUT_OF_OFFICE", "AUTOMATED", "UNSUBSCRIBE", "COMPLAINT", "ESCALATE_UNCLEAR",
)  # fmt: skip


def enrolled(story: Story) -> Enroll:
    return enroll(lead=PERSON, notes=SECRET, event_id=f"e{len(story.effects)}")


def begun() -> tuple[Story, list[Engagement]]:
    """A story whose first touch is sent, and what was told until then."""
    story = Story(in_force(campaign(STEPS, on_ambiguous="hold", scoring=DEFAULT_SCORING, progression=(WARM,))))
    (ask,) = asks(story.event(enrolled(story)))
    told = result(
        ask, subject=f"{SECRET} {SECRET}", detail=SECRET, message_id=f"<{SECRET}@x.example>", code="250 2.0.0"
    )
    return story, facts(story.effects) + facts(story.event(told))


def stories() -> Iterator[list[Engagement]]:
    """Everything that can happen to a lead, as far as leads tell of it."""
    for outcome, code in (
        ("deferred", "451 4.3.0"), ("failed", "550 5.1.1"), ("failed", "552 5.2.2"), ("failed", "missing_variable:x"),
        ("ambiguous", "connection_lost"), ("expired", None), ("stopped", None), ("suppressed", "suppressed"),
        ("suppressed", "duplicate_address"),
    ):  # fmt: skip
        story = Story(in_force(campaign(STEPS, on_ambiguous="hold")))
        (ask,) = asks(story.event(enrolled(story)))
        story.event(result(ask, outcome, code=code, detail=SECRET, subject=SECRET))
        story.event(hit(url=f"https://{SECRET}.example/?q={SECRET}", user_agent=SECRET))
        yield facts(story.effects)
    for name in DISPOSITIONS:
        story, told = begun()
        story.event(reply())
        said = disposition(name)
        words = {"summary": SECRET, "draft_reply": SECRET, "lead_name": SECRET, "entities": {"address": [SECRET]}}
        story.event(said.model_copy(update=words))
        story.event(UpdateLead(event_id="u", lead_id=LEAD, lead=PERSON))
        yield told + facts(story.effects) + facts(story.after(30 * DAY))
    for kind in ("hard", "soft", "ours", "policy"):
        story, told = begun()
        yield told + facts(story.event(disposition("BOUNCE", bounce=(kind, "5.0.0"))))
    for kind in ("open", "click", "unsubscribe"):
        story, told = begun()
        personal = hit(kind, url=f"https://{SECRET}.example", user_agent=SECRET, at=story.now + HOUR)
        yield told + facts(story.event(personal)) + facts(story.after(3 * DAY))
    story, told = begun()
    for asked in (Pause, Resume, Exit):
        story.event(asked(event_id=asked.__name__, lead_id=LEAD, reason=f"{SECRET} asked for it"))
    story.event(enrolled(story))
    yield told + facts(story.effects)
    story, told = begun()
    story.define(replace(campaign(STEPS), end_date=END_OF_JANUARY))
    yield told + facts(story.after(60 * DAY))


def test_no_fact_carries_anything_personal() -> None:
    seen: set[str] = set()
    for told in stories():
        for fact in told:
            assert SECRET.lower() not in fact.write().decode().lower(), fact
            assert set(fact.data) <= KEYS, fact
            seen.add(fact.type)
    assert seen == set(get_args(EngagementType)) - NOT_YET


def test_what_has_to_be_done_is_told_in_words_on_a_topic_that_forgets() -> None:
    from streams.topology import DAY_MS, TOPICS

    story, _ = begun()
    story.after(3 * DAY)
    (given,) = tasks(story.effects)
    assert given.title == f"{SECRET}: call {SECRET}"
    assert 0 < TOPICS[given.TOPIC].retention_ms <= 30 * DAY_MS
