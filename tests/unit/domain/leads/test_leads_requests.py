"""Enrolling, updating, pausing, resuming, leaving (docs/behaviour.md 1.1, 1.3, 1.8, 2.1)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain import ids
from domain.leads.effects import Ignored, SetAside
from domain.leads.state import MOVES, OPEN
from schemas.enrollments import Exit, LeadData, Pause, Resume, UpdateLead
from tests.support.leads import (
    DAY,
    HOUR,
    LEAD,
    MINUTE,
    SEQUENCE,
    T0,
    Story,
    asks,
    campaign,
    email,
    enroll,
    enrollment_id,
    facts,
    in_force,
    kinds,
    releases,
    result,
    stops,
    task,
    wait,
    withdrawals,
)


def test_an_enrollment_in_an_active_campaign_asks_for_its_first_touch_at_once() -> None:
    effects = Story(in_force(campaign())).event(enroll())
    assert kinds(effects) == ["enrolled"]
    (ask,) = asks(effects)
    assert (ask.step_id, ask.ask_no, ask.priority, ask.at) == ("intro", 1, 1, T0)
    assert (ask.email, ask.domain, ask.merge) == ("jane.doe@example.com", "example.com", {"first_name": "Jane"})


@pytest.mark.parametrize("status", ["draft", "scheduled", "paused"])
def test_an_enrollment_in_a_campaign_that_is_not_active_is_accepted_and_waits(status: str) -> None:
    story = Story(in_force(campaign(status=status)))
    effects = story.event(enroll())
    assert kinds(effects) == ["enrolled"]
    assert asks(effects) == []
    assert story.last is not None
    assert story.last.parked_for == ("q1",)
    story.now = T0 + DAY
    (ask,) = asks(story.define(campaign()))
    assert ask.at == T0 + DAY


@pytest.mark.parametrize("status", ["completed", "archived"])
def test_an_enrollment_in_a_closed_campaign_is_refused(status: str) -> None:
    story = Story(in_force(campaign(status=status)))
    (fact,) = facts(story.event(enroll()))
    assert (fact.type, fact.code) == ("refused", "campaign_closed")
    assert story.lead is None


def test_an_active_campaign_asks_for_nothing_before_its_start() -> None:
    story = Story(in_force(campaign(start_at=T0 + DAY)))
    assert asks(story.event(enroll())) == []
    ask = story.next_ask()
    assert ask.at == T0 + DAY


def test_a_second_enrollment_in_the_same_campaign_is_refused() -> None:
    story = Story(in_force(campaign()))
    story.event(enroll())
    (fact,) = facts(story.event(enroll(event_id="enroll-2")))
    assert (fact.type, fact.code) == ("refused", "already_enrolled")


def test_the_same_enrollment_event_again_does_nothing() -> None:
    story = Story(in_force(campaign()))
    story.event(enroll())
    before = story.value
    assert story.event(enroll()) == [Ignored("repeat")]
    assert story.value == before


def test_a_finished_lead_still_refuses_a_second_enrollment_and_keeps_nothing_personal() -> None:
    story = Story(in_force(campaign([email("intro")])))
    (ask,) = asks(story.event(enroll()))
    story.event(result(ask))
    assert story.enrollment().status == "completed"
    assert story.value is not None
    assert b"Jane" not in story.value
    assert b"example.com" not in story.value
    assert [fact.code for fact in facts(story.event(enroll(event_id="enroll-2")))] == ["already_enrolled"]


def test_a_re_entry_must_be_asked_for_and_is_a_new_numbered_enrollment_with_new_touches() -> None:
    story = Story(in_force(campaign([email("intro")])))
    (first,) = asks(story.event(enroll()))
    again = enroll(event_id="enroll-2", re_enter=True)
    assert [fact.code for fact in facts(story.event(again))] == ["still_enrolled"]
    story.event(result(first))
    (second,) = asks(story.event(again))
    assert second.entry_no == 2
    assert second.enrollment_id == enrollment_id(entry_no=2)
    assert second.send_id != first.send_id
    assert story.event(again) == [Ignored("repeat")]


def test_an_enrollment_for_an_unknown_campaign_waits_ten_minutes_for_its_definition() -> None:
    story = Story(in_force())
    assert story.event(enroll()) == []
    story.after(9 * MINUTE)
    effects = story.define(campaign())
    assert kinds(effects) == ["enrolled"]
    assert len(asks(effects)) == 1


def test_an_enrollment_whose_campaign_never_appears_is_set_aside_and_forgotten() -> None:
    story = Story(in_force())
    story.event(enroll())
    (effect,) = story.after(10 * MINUTE)
    assert isinstance(effect, SetAside)
    assert (effect.parked.event, effect.reason) == (enroll(), "unknown_campaign")
    assert story.value is None


def test_a_mailbox_that_is_not_the_campaigns_is_refused() -> None:
    effects = Story(in_force(campaign())).event(enroll(mailbox_id="nobody"))
    assert [fact.code for fact in facts(effects)] == ["unknown_mailbox"]


def test_an_update_is_used_by_the_touches_that_are_not_yet_due() -> None:
    story = Story(in_force(campaign()))
    (first,) = asks(story.event(enroll()))
    story.event(result(first))
    story.event(UpdateLead(event_id="u", lead_id=LEAD, lead=LeadData(first_name="Janet")))
    second = story.next_ask()
    assert second.merge == {"first_name": "Janet"}


def test_a_lead_without_an_address_is_refused_where_the_campaign_writes() -> None:
    story = Story(in_force(campaign()))
    effects = story.event(enroll(lead=LeadData(first_name="Jane")))
    assert [(fact.type, fact.code) for fact in facts(effects)] == [("refused", "no_email")]
    assert story.lead is None


def test_a_lead_without_an_address_may_be_called() -> None:
    story = Story(in_force(campaign([task("call")])))
    assert kinds(story.event(enroll(lead=LeadData(full_name="Jane Doe")))) == ["enrolled", "task_due"]


def test_what_is_no_address_fails_its_touch_with_the_reason() -> None:
    story = Story(in_force(campaign()))
    effects = story.event(enroll(lead=LeadData(email="jane", first_name="Jane")))
    assert asks(effects) == []
    assert [(fact.type, fact.status, fact.code) for fact in facts(effects)][1:] == [
        ("failed", "failed", "missing_variable:email")
    ]


def test_enrolling_a_known_lead_by_its_id_uses_what_is_known_of_it() -> None:
    """docs/behaviour.md 2.1: `prospectIds`."""
    story = Story(in_force(campaign(), campaign(campaign_id="q2")))
    story.event(enroll())
    (ask,) = asks(story.event(enroll("q2", "enroll-2", lead=LeadData())))
    assert (ask.campaign_id, ask.email, ask.merge) == ("q2", "jane.doe@example.com", {"first_name": "Jane"})
    assert story.lead is not None
    assert (story.lead.facts["email"], story.lead.facts["company"]) == ("Jane.Doe@Example.com", "Acme")


def test_a_lead_that_is_done_keeps_no_address_to_be_enrolled_with() -> None:
    story = Story(in_force(campaign([email("intro")]), campaign(campaign_id="q2")))
    (ask,) = asks(story.event(enroll()))
    story.event(result(ask))
    assert story.lead is not None
    assert story.lead.is_done
    effects = story.event(enroll("q2", "enroll-2", lead=LeadData()))
    assert [(fact.type, fact.code) for fact in facts(effects)] == [("refused", "no_email")]


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("campaign_cancelled", "campaign_cancelled"),
        ("Jane Doe asked us to", "other"),
        ("x" * 41, "other"),
        ("", "other"),
    ],
)
def test_a_producers_reason_is_told_where_it_is_a_code(reason: str, told: str) -> None:
    for number, asked in enumerate((Pause, Exit)):
        story = Story(in_force(campaign()))
        story.event(enroll())
        (fact,) = facts(story.event(asked(event_id=f"r{number}", lead_id=LEAD, reason=reason)))
        assert fact.code == told


def test_a_pause_stops_and_withdraws_and_its_resume_asks_again_with_a_higher_number() -> None:
    story = Story(in_force(campaign()))
    (first,) = asks(story.event(enroll()))
    paused = story.event(Pause(event_id="p1", lead_id=LEAD, campaign_id="q1"))
    assert [(stop.enrollment_id, stop.source_id) for stop in stops(paused)] == [(enrollment_id(), "pause:q1:p1")]
    taken_back = {w.send_id: w.ask_no for w in withdrawals(paused)}
    assert taken_back[first.send_id] > first.ask_no
    assert story.enrollment().status == "paused"
    assert asks(story.after(30 * DAY)) == []
    resumed = story.event(Resume(event_id="r1", lead_id=LEAD, campaign_id="q1"))
    assert [r.source_id for r in releases(resumed)] == ["pause:q1:p1"]
    (again,) = asks(resumed)
    assert again.send_id == first.send_id
    assert again.ask_no > taken_back[first.send_id]
    assert story.enrollment().status == "enrolled"


def test_a_pause_does_not_use_up_the_wait() -> None:
    story = Story(in_force(campaign()))
    (first,) = asks(story.event(enroll()))
    story.event(result(first))
    story.after(DAY)
    story.event(Pause(event_id="p1", lead_id=LEAD))
    story.after(10 * DAY)
    assert asks(story.event(Resume(event_id="r1", lead_id=LEAD))) == []
    ask = story.next_ask()
    assert ask.at == T0 + 13 * DAY


def test_a_resume_of_another_scope_or_a_late_repeat_of_a_pause_changes_nothing() -> None:
    story = Story(in_force(campaign()))
    story.event(enroll())
    pause = Pause(event_id="p1", lead_id=LEAD, campaign_id="q1")
    story.event(pause)
    assert releases(story.event(Resume(event_id="r0", lead_id=LEAD))) == []
    assert story.enrollment().status == "paused"
    story.event(Resume(event_id="r1", lead_id=LEAD, campaign_id="q1"))
    assert story.event(pause) == [Ignored("repeat")]
    assert story.enrollment().status == "enrolled"


def test_two_pauses_need_two_resumes_of_their_own_scope() -> None:
    story = Story(in_force(campaign()))
    story.event(enroll())
    story.event(Pause(event_id="p1", lead_id=LEAD, campaign_id="q1"))
    story.event(Pause(event_id="p2", lead_id=LEAD))
    assert asks(story.event(Resume(event_id="r1", lead_id=LEAD, campaign_id="q1"))) == []
    assert len(asks(story.event(Resume(event_id="r2", lead_id=LEAD)))) == 1


def test_an_exit_ends_every_enrollment_in_its_scope_and_nothing_is_asked_for_again() -> None:
    story = Story(in_force(campaign(), campaign(campaign_id="q2")))
    story.event(enroll())
    story.event(enroll("q2", "enroll-2"))
    effects = story.event(Exit(event_id="x1", lead_id=LEAD, reason="left the company"))
    assert {stop.enrollment_id for stop in stops(effects)} == {enrollment_id(), enrollment_id("q2")}
    assert [(f.type, f.previous_status, f.status) for f in facts(effects)] == [("exited", "enrolled", "exited")] * 2
    assert asks(story.after(60 * DAY)) == []


def test_a_stop_withdraws_every_step_possibly_out_flagged_or_not() -> None:
    steps = (
        email("intro", "pause"),
        wait("pause", "nudge"),
        email("nudge", "later"),
        wait("later", "last"),
        email("last"),
    )
    story = Story(in_force(campaign(steps)))
    (first,) = asks(story.event(enroll()))
    # The state says that `intro` is out. A crash may have taken away the state of a batch that went on to `nudge`.
    flagged = withdrawals(story.event(Exit(event_id="x1", lead_id=LEAD)))
    assert len({w.event_id for w in flagged}) == 2
    assert [w.send_id for w in flagged] == [first.send_id, _send_id("nudge")]

    story = Story(in_force(campaign(steps)))
    (first,) = asks(story.event(enroll()))
    story.event(result(first))
    # The state says that nothing is out. The ask for `nudge` may have been written without its state.
    unflagged = withdrawals(story.event(Exit(event_id="x1", lead_id=LEAD)))
    assert [(w.send_id, w.ask_no) for w in unflagged] == [(_send_id("nudge"), 2)]


def _send_id(step_id: str) -> object:
    return ids.send_id(enrollment_id(), step_id)


def test_the_variant_is_drawn_from_the_enrollment_alone_and_locked_by_the_first_send() -> None:
    arm = email("x").arms[0]
    arms = (replace(arm, name="a", weight=50), replace(arm, name="b", weight=50))
    steps = (email("intro", "pause", arms=arms), wait("pause", "nudge"), email("nudge", arms=arms))
    story = Story(in_force(campaign(steps)))
    (first,) = asks(story.event(enroll()))
    other = "b" if first.variant == "a" else "a"
    story.event(result(first, variant=other))
    second = story.next_ask()
    assert second.variant == other


def test_an_email_that_has_one_arm_locks_nobody_out_of_the_arms_of_the_next() -> None:
    arm = email("x").arms[0]
    arms = (replace(arm, name="a", weight=0), replace(arm, name="b", weight=100))
    story = Story(in_force(campaign([email("intro", "nudge"), email("nudge", "last", arms=arms), email("last")])))
    (first,) = asks(story.event(enroll()))
    effects = story.event(result(first))
    (second,) = asks(effects)
    assert (first.variant, second.variant) == ("a", "b")
    assert [fact.variant for fact in facts(effects) if fact.type == "sent"] == ["a"]
    effects = story.event(result(second))
    (last,) = asks(effects)
    assert [fact.variant for fact in facts(effects) if fact.type == "sent"] == ["b"]
    told = facts(story.event(result(last)))
    assert (last.variant, told[0].variant, story.enrollment().variant) == ("a", "a", "b")


@pytest.mark.parametrize(("weights", "variant"), [((100, 0), "a"), ((0, 100), "b")])
def test_a_split_of_everything_draws_nobody_into_the_other_arm(weights: tuple[int, int], variant: str) -> None:
    arm = email("x").arms[0]
    arms = tuple(replace(arm, name=name, weight=weight) for name, weight in zip("ab", weights, strict=True))
    story = Story(in_force(campaign([email("intro", arms=arms)])))
    (ask,) = asks(story.event(enroll()))
    assert ask.variant == variant


def test_an_asked_for_variant_is_used() -> None:
    arm = email("x").arms[0]
    arms = (replace(arm, name="a", weight=100), replace(arm, name="b", weight=1))
    story = Story(in_force(campaign([email("intro", arms=arms)])))
    (ask,) = asks(story.event(enroll(variant="b")))
    assert ask.variant == "b"


def test_every_terminal_status_is_left_only_towards_another_terminal_one() -> None:
    for status, following in MOVES.items():
        if status not in OPEN:
            assert following.isdisjoint(OPEN)


def test_an_edit_lets_a_lead_on_a_removed_step_go_on_at_its_successor() -> None:
    story = Story(in_force(campaign()))
    (first,) = asks(story.event(enroll()))
    story.event(result(first))
    assert story.enrollment().step_id == "pause"
    without = campaign([step for step in SEQUENCE if step.step_id != "pause"], revision=2)
    (ask,) = asks(story.define(without))
    assert (ask.step_id, ask.campaign_version) == ("nudge", 2)


def test_an_edit_that_removes_the_touch_that_is_out_withdraws_it() -> None:
    story = Story(in_force(campaign()))
    (first,) = asks(story.event(enroll()))
    story.now += HOUR / 2
    effects = story.define(campaign(SEQUENCE[1:], revision=2))
    assert first.send_id in {w.send_id for w in withdrawals(effects)}
    assert story.enrollment().step_id == "pause"


def test_an_edit_of_a_wait_counts_it_again_from_the_same_instant() -> None:
    story = Story(in_force(campaign()))
    (first,) = asks(story.event(enroll()))
    story.event(result(first))
    longer = (SEQUENCE[0], wait("pause", "nudge", days=5), SEQUENCE[2])
    story.define(campaign(longer, revision=2))
    ask = story.next_ask()
    assert ask.at == T0 + 5 * DAY


@pytest.mark.parametrize("status", ["completed", "archived"])
def test_the_end_of_a_campaign_ends_its_enrollments_and_takes_back_what_is_out(status: str) -> None:
    story = Story(in_force(campaign()))
    story.event(enroll())
    effects = story.define(campaign(status=status))
    assert story.enrollment().status == "completed"
    assert len(stops(effects)) == 1
    assert len(withdrawals(effects)) == 2


def test_nothing_is_asked_for_after_the_end_date_and_the_enrollment_completes_when_it_is_over() -> None:
    story = Story(in_force(campaign(end_date=(T0 + DAY).date())))
    (first,) = asks(story.event(enroll()))
    story.event(result(first))
    effects = story.after(10 * DAY)
    assert asks(effects) == []
    (fact,) = facts(effects)
    assert (fact.type, fact.code, fact.at) == ("completed", "end_date", (T0 + 2 * DAY).replace(hour=0))


def test_a_paused_campaign_lets_its_waits_pass_and_goes_on_when_it_is_active() -> None:
    story = Story(in_force(campaign()))
    (first,) = asks(story.event(enroll()))
    story.event(result(first))
    story.define(campaign(status="paused"))
    assert asks(story.after(5 * DAY)) == []
    (ask,) = asks(story.define(campaign()))
    assert ask.at == T0 + 5 * DAY


def test_a_wait_counts_from_the_grant_of_the_touch_before_it() -> None:
    story = Story(in_force(campaign()))
    (first,) = asks(story.event(enroll()))
    story.event(result(first, granted_at=T0 + 2 * HOUR, at=T0 + 3 * HOUR))
    second = story.next_ask()
    assert second.at - (T0 + 2 * HOUR) == timedelta(days=3)
