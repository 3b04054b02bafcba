"""A campaign's figures, kept by adding: what each fact changes (docs/behaviour.md 6.4)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from schemas.engagements import Engagement

BUCKETS: Mapping[str, str] = {
    "enrolled": "active",
    "active": "active",
    "completed": "completed",
    "replied": "completed",
    "paused": "paused",
    "exited": "exited",
    "bounced": "exited",
    "unsubscribed": "exited",
    "failed": "exited",
}
"""Under which figure an enrollment's status counts: `enrolled` is the sum of these four, always."""

COUNTED: Mapping[str, str] = {
    "sent": "emails_sent",
    "deferred": "deferred",
    "failed": "failed",
    "ambiguous": "ambiguous",
    "complained": "complained",
    "unsubscribed": "unsubscribed",
    "step_skipped": "skipped",
    "task_due": "tasks_due",
    "task_done": "tasks_completed",
}
"""Facts that count each time they are told under a new id."""

BOUNCES: Mapping[str | None, tuple[str, ...]] = {
    None: ("bounced",),
    "hard": ("bounced", "undelivered"),
    "soft": ("soft_bounced", "undelivered"),
    "ours": ("undelivered",),
    "policy": ("undelivered",),
}
"""What a `bounced` fact counts as, by the kind of its report; without one the server refused the address at once."""

COUNTED_ONCE: Mapping[str, str] = {"opened": "emails_opened", "clicked": "emails_clicked", "replied": "emails_replied"}
"""Facts of which only a touch's first counts: unique opens never exceed sends."""

REPEATED_ASKS = frozenset({"already_enrolled", "still_enrolled"})
"""Refusals of a lead that is in the campaign: it is no further lead of it."""

Key = tuple[str, str, str, str]
"""campaign_id, step_id ("" for the campaign as a whole), variant ("" for all), figure."""


class UnknownStatusError(ValueError):
    """A status that counts nowhere would break the sum; the event that carries it is refused."""


def tally(facts: Iterable[Engagement]) -> dict[Key, int]:
    """What these facts add to the figures. Facts without a campaign add nothing.

    Raises `UnknownStatusError` for a status outside docs/behaviour.md 2.2.
    """
    sums: defaultdict[Key, int] = defaultdict(int)
    for fact in facts:
        campaign = fact.campaign_id
        if campaign is None:
            continue
        for figure, change in _changes(fact):
            sums[campaign, "", "", figure] += change
        if fact.step_id is not None:
            for figure in _figures(fact):
                sums[campaign, fact.step_id, fact.variant or "", figure] += 1
    return {key: change for key, change in sums.items() if change}


def _changes(fact: Engagement) -> list[tuple[str, int]]:
    changes: list[tuple[str, int]] = []
    kind = fact.type
    if kind == "enrolled":
        changes.append(("enrolled", 1))
        changes.append((_bucket(fact.status or "enrolled"), 1))
    elif fact.status is not None and fact.previous_status is not None and fact.status != fact.previous_status:
        changes.append((_bucket(fact.previous_status), -1))
        changes.append((_bucket(fact.status), 1))
    if kind == "refused" and fact.code not in REPEATED_ASKS:
        changes.append(("refused", 1))
    elif kind == "score_changed":
        change = fact.data.get("change")
        if isinstance(change, int):
            changes.append(("score", change))
    figures = _figures(fact)
    for figure in figures:
        changes.append((figure, 1))
        if figure == "tasks_completed" and fact.data.get("task_kind") in {"call", "schedule_call"}:
            changes.append(("calls_completed", 1))
    return changes


def _figures(fact: Engagement) -> tuple[str, ...]:
    kind = fact.type
    once = COUNTED_ONCE.get(kind)
    if once is not None:
        return (once,) if fact.first is not False else ()
    if kind == "bounced":
        return BOUNCES.get(fact.data.get("kind"), ("bounced",))
    counted = COUNTED.get(kind)
    return (counted,) if counted is not None else ()


def _bucket(status: str) -> str:
    try:
        return BUCKETS[status]
    except KeyError as error:
        raise UnknownStatusError(f"status {status!r} is none of {', '.join(BUCKETS)}") from error
