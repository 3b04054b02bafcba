"""A campaign's figures, kept by adding: what each fact changes (docs/behaviour.md 6.4)."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple
from uuid import UUID

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

NOT_OF_TEXTS = frozenset({"bounced", "soft_bounced", "undelivered"})
"""Figures about emails that a text which was not delivered must not change."""

TEXTS: Mapping[str, str] = {"emails_sent": "sms_sent", "emails_replied": "sms_replied"}
"""Under which figure that of an email counts for a text; one without such a figure counts for no text alone."""

COUNTED_ONCE: Mapping[str, str] = {"opened": "emails_opened", "clicked": "emails_clicked", "replied": "emails_replied"}
"""Facts of which only a touch's first counts: unique opens never exceed sends."""

REPEATED_ASKS = frozenset({"already_enrolled", "still_enrolled"})
"""Refusals of a lead that is in the campaign: it is no further lead of it."""

Key = tuple[str, str, str, str]
"""campaign_id, step_id ("" for the campaign as a whole), variant ("" for all), figure."""


class UnknownStatusError(ValueError):
    """A status that counts nowhere would break the sum; the event that carries it is refused."""


class Move(NamedTuple):
    """A `number` of enrollments of a campaign went from one status to another; `was` None: they are new."""

    campaign_id: str
    was: str | None
    status: str
    number: int


def places(facts: Iterable[Engagement]) -> dict[UUID, Engagement]:
    """Enrollment id -> the fact that says where it stands after these: the last one that changed its status.

    What the status was before is not believed: a crash may make leads tell again in another order, and then the facts
    that were new do not chain. Raises `UnknownStatusError` for a status outside docs/behaviour.md 2.2.
    """
    found: dict[UUID, Engagement] = {}
    for fact in facts:
        status, enrollment = fact.status, fact.enrollment_id
        if status is None or status == fact.previous_status or enrollment is None or fact.campaign_id is None:
            continue
        _bucket(status)
        found[enrollment] = fact
    return found


def tally(facts: Iterable[Engagement], moves: Iterable[Move] = ()) -> dict[Key, int]:
    """What these facts, and the moves of enrollments that came of them, add to the figures.

    Each enrollment counts once as `enrolled` and once under the figure of its status, so the sum always holds. Facts
    without a campaign add nothing.
    """
    sums: defaultdict[Key, int] = defaultdict(int)
    for campaign, was, status, number in moves:
        sums[campaign, "", "", "enrolled" if was is None else _bucket(was)] += number if was is None else -number
        sums[campaign, "", "", _bucket(status)] += number
    for fact in facts:
        campaign = fact.campaign_id
        if campaign is None:
            continue
        step_id, variant = fact.step_id, fact.variant or ""
        for figure in _figures(fact):
            sums[campaign, "", "", figure] += 1
            if step_id is not None:
                sums[campaign, step_id, variant, figure] += 1
        if fact.type in _OF_THE_WHOLE:
            for figure, change in _changes_of_the_whole(fact):
                sums[campaign, "", "", figure] += change
    return {key: change for key, change in sums.items() if change}


_OF_THE_WHOLE = frozenset({"refused", "task_done"})


def _changes_of_the_whole(fact: Engagement) -> Iterator[tuple[str, int]]:
    """What a refusal and a finished task change of the campaign's figures alone, and of no step's."""
    if fact.type == "refused":
        if fact.code not in REPEATED_ASKS:
            yield "refused", 1
    elif fact.code == "rejected":
        yield "tasks_due", -1  # it is done with, and was not done
    elif fact.data.get("task_kind") in {"call", "schedule_call"}:
        yield "calls_completed", 1


def _figures(fact: Engagement) -> tuple[str, ...]:
    figures = _figures_of(fact)
    if figures and fact.data and fact.data.get("channel") == "sms":
        return tuple(TEXTS.get(figure, figure) for figure in figures if figure not in NOT_OF_TEXTS)
    return figures


def _figures_of(fact: Engagement) -> tuple[str, ...]:
    kind = fact.type
    if kind == "task_done" and fact.code == "rejected":
        return ()
    once = COUNTED_ONCE.get(kind)
    if once is not None:
        return (once,) if fact.first is not False else ()
    if kind == "bounced":
        return _bounces(fact)
    counted = COUNTED.get(kind)
    return (counted,) if counted is not None else ()


def _bounces(fact: Engagement) -> tuple[str, ...]:
    """A further report about the same touch takes nothing more off the delivered ones; a hard one after a soft one still
    counts as bounced.
    """
    figures = BOUNCES.get(fact.data.get("kind"), ("bounced",))
    if fact.first is not False:
        return figures
    return tuple(figure for figure in figures if figure == "bounced" and fact.status != fact.previous_status)


def _bucket(status: str) -> str:
    try:
        return BUCKETS[status]
    except KeyError as error:
        raise UnknownStatusError(f"status {status!r} is none of {', '.join(BUCKETS)}") from error
