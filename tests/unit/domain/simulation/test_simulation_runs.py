"""A campaign over virtual weeks: the production decisions, and what is made up around them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.campaign import Definitions
from domain.compile import compile_definitions
from domain.simulation.people import Act, Correspond, Rates, people
from domain.simulation.run import Report, Run
from domain.windows import is_open, zone_of
from schemas.definitions import Definition
from schemas.enrollments import LeadData
from schemas.sending import DueSend

MONDAY = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
MAILBOX: dict[str, Any] = {
    "kind": "Mailbox",
    "id": "anna",
    "pool": "main",
    "from": "Anna Berg <anna@sender.example>",
    "postal_address": "Storgatan 1",
    "smtp": {"host": "127.0.0.1", "port": 2525, "security": "none"},
    "gap_seconds": 0,
}
INTRO: dict[str, Any] = {"id": "intro", "kind": "email", "subject": "Spring", "body": "Hello"}
CAMPAIGN: dict[str, Any] = {
    "kind": "Campaign",
    "id": "spring",
    "name": "Spring",
    "pool": "main",
    "mailboxes": ["anna"],
    "limits": "off",
    "steps": [INTRO],
}


def defined(*mailboxes: dict[str, Any], **campaign: Any) -> Definitions:
    specs = [{"kind": "Pool", "id": "main"}, *(mailboxes or (MAILBOX,)), {**CAMPAIGN, **campaign}]
    kinds = {"Pool": "pool", "Mailbox": "mailbox", "SmsSender": "sms_sender", "Campaign": "campaign"}
    made, problems = compile_definitions(
        Definition(kind=kinds[spec["kind"]], id=spec["id"], revision=1, spec=spec, at=MONDAY)  # type: ignore[arg-type]
        for spec in specs
    )
    assert problems == []
    return made


def person(number: int, **facts: Any) -> tuple[str, LeadData]:
    return f"lead-{number}", LeadData(email=f"guest-{number}@hotel-{number}.example", **facts)


def nobody(_: DueSend) -> tuple[Act, ...]:
    return ()


def simulated(
    definitions: Definitions,
    leads: list[tuple[str, LeadData]],
    correspond: Correspond = nobody,
    *,
    start: datetime = MONDAY,
    days: int = 60,
) -> Report:
    run = Run(definitions, "spring", leads, correspond, start=start, days=days)
    for _ in run:
        pass
    return run.report()


def who_opens(step_id: str, after: timedelta = timedelta(hours=1)) -> Callable[[DueSend], tuple[Act, ...]]:
    def acts(touch: DueSend) -> tuple[Act, ...]:
        return (Act("open", after),) if touch.step_id == step_id and touch.lead_id == "lead-0" else ()

    return acts


def steps_of(report: Report, lead_id: str) -> list[str]:
    return [sent.step_id for sent in report.sends if sent.lead_id == lead_id]


def test_the_standard_preset_sends_25_at_10_00_10_10_10_20_none_at_10_30_and_25_at_11_00() -> None:
    report = simulated(defined(limits="on", preset="standard"), [person(n) for n in range(110)])
    at = Counter(sent.at - MONDAY for sent in report.sends)
    assert at == {timedelta(minutes=minute): 25 for minute in (0, 10, 20, 60)} | {timedelta(minutes=70): 10}


def test_the_same_seed_gives_the_same_run_and_another_seed_another() -> None:
    definitions = defined(
        steps=[INTRO, {"id": "w", "kind": "wait", "duration": 1, "unit": "days"}, {**INTRO, "id": "b"}]
    )
    leads = [person(n) for n in range(60)]
    one, same, other = (simulated(definitions, leads, people(Rates(replies=0.5), seed)) for seed in (7, 7, 8))
    assert one == same
    assert steps_of(one, "lead-0") or one.sends
    assert other.sends != one.sends


def test_waits_windows_and_holidays_are_kept() -> None:
    wait = {"id": "w", "kind": "wait", "duration": 1, "unit": "business_days"}
    definitions = defined(steps=[INTRO, wait, {**INTRO, "id": "nudge"}], holidays=["2026-03-03"])
    report = simulated(definitions, [person(0)], start=MONDAY.replace(hour=18))
    assert [(sent.step_id, sent.at) for sent in report.sends] == [
        ("intro", datetime(2026, 3, 4, 9, tzinfo=UTC)),
        ("nudge", datetime(2026, 3, 5, 9, tzinfo=UTC)),
    ]
    assert report.finished_at == datetime(2026, 3, 5, 9, tzinfo=UTC)


def test_who_opens_goes_the_true_way_as_soon_as_it_opens_and_who_does_not_the_false_way_at_the_deadline() -> None:
    steps = [
        INTRO,
        {
            "id": "seen",
            "kind": "condition",
            "when": {"event": "opened", "step": "intro"},
            "within": {"days": 2},
            "true_next_step_id": "nudge",
            "false_next_step_id": "again",
        },
        {**INTRO, "id": "nudge", "next_step_id": "last"},
        {**INTRO, "id": "again"},
        {"id": "last", "kind": "wait", "duration": 1, "unit": "hours"},
    ]
    report = simulated(defined(steps=steps), [person(0), person(1)], who_opens("intro"))
    assert steps_of(report, "lead-0") == ["intro", "nudge"]
    assert steps_of(report, "lead-1") == ["intro", "again"]
    by_step = {sent.step_id: sent.at for sent in report.sends}
    assert by_step["nudge"] == MONDAY + timedelta(hours=1)
    assert by_step["again"] == MONDAY + timedelta(days=2)


def test_a_human_reply_ends_the_sequence_and_withdraws_what_was_asked_for() -> None:
    def answers(touch: DueSend) -> tuple[Act, ...]:
        return (Act("reply", timedelta(hours=2), "NOT_INTERESTED"),) if touch.lead_id == "lead-0" else ()

    steps = [INTRO, {"id": "w", "kind": "wait", "duration": 1, "unit": "days"}, {**INTRO, "id": "nudge"}]
    report = simulated(defined(steps=steps), [person(0), person(1)], answers)
    assert (steps_of(report, "lead-0"), steps_of(report, "lead-1")) == (["intro"], ["intro", "nudge"])
    assert report.statuses == {"replied": 1, "completed": 1}


def test_a_bounce_ends_the_sequence() -> None:
    def bounces(touch: DueSend) -> tuple[Act, ...]:
        return (Act("bounce", timedelta(minutes=1), "BOUNCE"),)

    steps = [INTRO, {"id": "w", "kind": "wait", "duration": 1, "unit": "days"}, {**INTRO, "id": "nudge"}]
    report = simulated(defined(steps=steps), [person(0)], bounces)
    assert report.statuses == {"bounced": 1}
    assert len(report.sends) == 1


def test_what_the_sender_would_refuse_is_refused_here_too() -> None:
    steps = [{**INTRO, "body": "Hi {{ first_name }}"}]
    twin = ("twin", LeadData(email="guest-1@hotel-1.example", first_name="Zoe"))
    report = simulated(defined(steps=steps), [person(0), person(1, first_name="Zoe"), twin])
    assert len(report.sends) == 1
    assert report.statuses == {"failed": 1, "completed": 1, "exited": 1}
    assert report.faults == {"missing_variable:first_name": 1}


def test_what_waits_is_counted_by_the_limit_it_waits_for() -> None:
    report = simulated(
        defined({**MAILBOX, "daily_limit": 1, "timezone": "UTC"}, send_days=["monday", "tuesday"]),
        [person(0), person(1)],
    )
    assert [sent.at.date() for sent in report.sends] == [date(2026, 3, 2), date(2026, 3, 3)]
    assert report.waiting_hours == {"mailbox_day": 14.0, "window_closed": 9.0}
    assert report.backlog[date(2026, 3, 2)] == {"mailbox_day": 14 / 24}
    assert report.caps == {date(2026, 3, 2): 1, date(2026, 3, 3): 1}
    assert report.mailboxes == {"anna": 2}


def test_a_run_that_is_cut_off_says_that_it_did_not_finish() -> None:
    report = simulated(defined({**MAILBOX, "daily_limit": 1}), [person(n) for n in range(9)], days=3)
    assert report.finished_at is None
    assert report.until == MONDAY + timedelta(days=3)
    assert [sent.at.day for sent in report.sends] == [2, 3, 4, 5]
    assert sum(report.waiting_hours.values()) == 8 * 23 + 7 * 24 + 6 * 24 + 5 * 1


def test_words_that_claude_writes_wait_for_a_person_unless_the_campaign_approves_by_itself() -> None:
    def written(review: str) -> datetime:
        step = {**INTRO, "use_ai_generation": True, "ai_prompt_context": "Say hello.", "ai_review": review}
        return simulated(defined(steps=[step]), [person(0)]).sends[0].at

    assert written("auto_approve") == MONDAY
    assert written("review") == MONDAY + timedelta(hours=4)


def test_a_draft_campaign_is_simulated_as_launched_and_one_that_starts_later_starts_then() -> None:
    later = MONDAY + timedelta(days=1)
    report = simulated(defined(start_at=later.isoformat()), [person(0)])
    assert [sent.at for sent in report.sends] == [later]


def test_smart_send_time_waits_for_the_hour_at_which_leads_opened_and_the_wait_is_counted() -> None:
    wait = {"id": "w", "kind": "wait", "duration": 1, "unit": "days"}
    definitions = defined(steps=[INTRO, wait, {**INTRO, "id": "nudge"}], smart_send_time=True)
    report = simulated(definitions, [person(0), person(1)], who_opens("intro", timedelta(hours=4)))
    nudges = {sent.lead_id: sent.at for sent in report.sends if sent.step_id == "nudge"}
    assert nudges == {f"lead-{n}": MONDAY.replace(hour=14) + timedelta(days=1) for n in range(2)}
    assert report.waiting_hours == {"better_hour": 8.0}


def test_fatigue_holds_the_fourth_touch_of_a_week_back() -> None:
    steps: list[dict[str, Any]] = []
    for number in range(4):
        steps += [
            {**INTRO, "id": f"mail-{number}"},
            {"id": f"w{number}", "kind": "wait", "duration": 1, "unit": "days"},
        ]
    report = simulated(defined(limits="on", steps=steps), [person(0)])
    assert [(sent.at - MONDAY).days for sent in report.sends] == [0, 1, 2, 7]
    assert report.waiting_hours == {"fatigue": 4 * 24.0}


caps = st.one_of(st.none(), st.integers(1, 5))


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    hour=caps,
    per_day=caps,
    hourly=caps,
    seed=st.integers(0, 99),
    count=st.integers(1, 15),
    gap=st.sampled_from([0, [60, 900]]),
)
def test_no_run_passes_a_cap_or_leaves_its_window(
    hour: int | None, per_day: int | None, hourly: int | None, seed: int, count: int, gap: Any
) -> None:
    mailbox = {**MAILBOX, "gap_seconds": gap, **({"hourly_limit": hourly} if hourly else {})}
    limits = {"send_rate_per_hour": hour or 75, "daily_limit": per_day or 50}
    steps = [INTRO, {"id": "w", "kind": "wait", "duration": 3, "unit": "hours"}, {**INTRO, "id": "nudge"}]
    definitions = defined(mailbox, limits="on", timezone="Europe/Paris", steps=steps, **limits)
    report = simulated(definitions, [person(n) for n in range(count)], people(Rates(replies=0.2), seed))
    at = sorted(sent.at for sent in report.sends)
    for number, first in enumerate(at):
        within = sum(1 for one in at[number:] if one - first < timedelta(hours=1))
        assert within <= min(hour or 75, hourly or 75)
    paris = zone_of("Europe/Paris", None, None)
    assert all(count_of <= (per_day or 50) for count_of in Counter(one.astimezone(paris).date() for one in at).values())
    assert all(is_open(definitions.campaigns["spring"].window, paris, one) for one in at)
    assert gap == 0 or all(later - one >= timedelta(seconds=60) for one, later in pairwise(at))
    assert report.finished_at is not None
    assert sum(report.per_day.values()) == sum(report.mailboxes.values()) == len(at)


def test_a_text_that_could_not_be_written_does_not_leave_and_the_sequence_goes_on() -> None:
    number = {
        "kind": "SmsSender",
        "id": "texts",
        "pool": "main",
        "from": "+46700000001",
        "provider": {"base_url": "https://sms.example", "account": "AC1", "token_ref": "env:T"},
    }
    ping = {"id": "ping", "kind": "sms", "body": "Hi {{ first_name }}"}
    made = defined(MAILBOX, number, sms_sender="texts", steps=[ping, INTRO])
    phone = "+46701234567"
    leads = [
        person(0, phone=phone),
        person(1, phone=f"{phone}1", first_name="Jane"),
        person(2, phone=f"{phone}2", first_name="J" * 1_600),
    ]
    report = simulated(made, leads)
    assert [steps_of(report, f"lead-{n}") for n in range(3)] == [["intro"], ["ping", "intro"], ["intro"]]
    assert report.faults == {"missing_variable:first_name": 1, "text_too_long": 1}
