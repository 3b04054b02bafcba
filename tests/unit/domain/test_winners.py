"""A against B: named only when it is sure, and taken over without moving anybody (docs/behaviour.md 1.3)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.winners import Count, confidence, promoted, winner, winners, winners_of
from schemas.definitions import CampaignDoc


def test_the_confidence_is_that_of_the_two_proportion_test() -> None:
    # 25 of 100 against 12 of 100: z = 2.3676, p = 0.0179 (two-sided, pooled).
    assert confidence(Count("a", 100, 25), Count("b", 100, 12)) == pytest.approx(98.21, abs=0.01)
    assert confidence(Count("a", 100, 20), Count("b", 100, 20)) == 0
    assert confidence(Count("a", 100, 0), Count("b", 100, 0)) == 0
    assert confidence(Count("a", 0, 0), Count("b", 100, 10)) == 0


def test_nobody_wins_before_every_arm_has_thirty_sends() -> None:
    assert winner("intro", [Count("a", 29, 29), Count("b", 500, 0)], "replied") is None
    named = winner("intro", [Count("a", 30, 30), Count("b", 500, 0)], "replied")
    assert named is not None
    assert (named.variant, named.beaten) == ("a", ("b",))
    assert winner("intro", [Count("a", 30, 30), Count("b", 500, 0)], "replied", min_sends=31) is None


def test_nobody_wins_by_chance_or_alone() -> None:
    assert winner("intro", [Count("a", 100, 12), Count("b", 100, 10)], "replied") is None
    assert winner("intro", [Count("a", 1000, 900)], "replied") is None
    assert winner("intro", [Count("a", 100, 50), Count("b", 100, 50), Count("c", 100, 1)], "replied") is None


def test_with_more_arms_it_takes_more_to_be_sure() -> None:
    two = [Count("a", 100, 25), Count("b", 100, 12)]
    assert winner("intro", two, "replied") is not None
    assert winner("intro", [*two, Count("c", 100, 12), Count("d", 100, 12)], "replied") is None


@given(st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 3000)), min_size=2, max_size=6))
def test_a_winner_is_the_best_arm_and_its_confidence_a_share(figures: list[tuple[int, int]]) -> None:
    counts = [Count("abcdef"[n], max(pair), min(pair)) for n, pair in enumerate(figures)]
    named = winner("intro", counts, "clicked")
    if named is not None:
        assert 95 <= named.confidence <= 100
        assert all(count.sends >= 30 for count in counts)
        assert named.rate == max(count.rate for count in counts)
        assert len(named.beaten) == len(counts) - 1


EMAIL = {"id": "intro", "kind": "email", "subject": "A", "body": "Hi"}


def campaign(**more: Any) -> CampaignDoc:
    base = {"kind": "Campaign", "id": "q", "name": "Q", "pool": "p", "mailboxes": ["m"], "ab_testing_enabled": True}
    return CampaignDoc.model_validate({**base, **more})


def row(variant: str, sent: int, replied: int, **more: int) -> dict[str, Any]:
    return {"step_id": "intro", "variant": variant, "sent": sent, "replied": replied, "opened": 0, "clicked": 0, **more}


def test_a_campaign_says_by_what_and_how_sure() -> None:
    steps = [row("a", 100, 25, opened=10), row("b", 100, 12, opened=60)]
    split = campaign(steps=[EMAIL | {"variant_b": {"subject": "B"}}])
    assert [(one.step_id, one.variant) for one in winners(split, steps)] == [("intro", "a")]
    assert [one.variant for one in winners(split, steps, "opened")] == ["b"]
    strict = split.model_copy(
        update=campaign(steps=[EMAIL], promote_winner={"confidence": 99}).__dict__ | {"steps": split.steps}
    )
    assert winners(strict, steps) == []
    assert winners(campaign(steps=[EMAIL]), steps) == []
    assert winners_of({"kind": "Campaign", "steps": 1}, steps) == []


def test_promotion_switches_the_beaten_arms_off_and_is_done_once() -> None:
    steps = [row("a", 100, 12), row("b", 100, 25)]
    short = campaign(steps=[EMAIL | {"variant_b": {"subject": "B"}}]).model_dump(mode="json")
    after = promoted(short, winners_of(short, steps))
    assert after is not None
    assert after["steps"][0]["variant_split"] == 0
    assert promoted(after, winners_of(after, steps)) is None

    arms = [{"name": "a"}, {"name": "b", "body": "Hello"}, {"name": "c", "is_active": False}]
    long = campaign(steps=[EMAIL | {"arms": arms}]).model_dump(mode="json")
    after = promoted(long, winners_of(long, steps))
    assert after is not None
    assert [arm["is_active"] for arm in after["steps"][0]["arms"]] == [False, True, False]
    assert promoted(after, winners_of(after, steps)) is None
