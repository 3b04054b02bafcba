"""The judge: what really left the building, from the mail server's own record and nothing else.

Touchline's counters, topics and tables are not asked. The one thing the judge takes from elsewhere is when each stop was
committed, because the promise speaks of that instant.
"""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

ROLLING_HOUR = timedelta(minutes=60)
IN_THE_AIR = timedelta(seconds=2)
"""What passed the gate before a stop may arrive this much (wall time) after it: it is counted apart."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """One message that the server said 250 to. `date` is its Date header (campaign time, whole seconds)."""

    recipient: str
    step: str
    message_id: str
    mailbox: str
    date: datetime
    accepted_wall: datetime


@dataclass(frozen=True, slots=True)
class Stopped:
    """From the commit of a stop or suppression until its release (None: for good), wall instants."""

    from_wall: datetime
    until_wall: datetime | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the judge found. Every list names the recipients, so that a finding can be looked into."""

    accepted: int
    duplicates: list[str]
    lost: list[str]
    sent_after_stop: list[str]
    in_the_air: list[str]
    max_in_rolling_hour: int
    max_in_rolling_hour_by_mailbox: dict[str, int] = field(default_factory=dict[str, int])

    def over_cap(self, campaign_cap: int, mailbox_caps: Mapping[str, int]) -> int:
        """How many grants too many stood in the worst rolling hour of each scope."""
        by_mailbox = self.max_in_rolling_hour_by_mailbox
        excess = [max(0, found - mailbox_caps[box]) for box, found in by_mailbox.items() if box in mailbox_caps]
        return max(0, self.max_in_rolling_hour - campaign_cap) + sum(excess)


def max_in_rolling(instants: Iterable[datetime], span: timedelta = ROLLING_HOUR) -> int:
    """The most instants in any half-open (t - span, t]: one exactly `span` old no longer counts."""
    ordered = sorted(instants)
    return max((i - bisect_right(ordered, at - span) + 1 for i, at in enumerate(ordered)), default=0)


def judge(
    accepted: Sequence[Accepted],
    expected: Mapping[str, frozenset[str]],
    stops: Mapping[str, Sequence[Stopped]],
    ambiguous: frozenset[tuple[str, str]] = frozenset(),
) -> Verdict:
    """Hold the server's record against the promise.

    `expected`: recipient to the steps that must have arrived (it may have got more). `stops`: recipient to the
    spans in which a stop or suppression held. `ambiguous`: touches that Touchline named as unknowable.
    """
    by_touch = Counter((m.recipient, m.step) for m in accepted)
    by_message = Counter(m.message_id for m in accepted)
    twice = {touch for touch, n in by_touch.items() if n > 1}
    twice |= {(m.recipient, m.step) for m in accepted if by_message[m.message_id] > 1}
    missing = [
        f"{recipient} {step}"
        for recipient, steps in sorted(expected.items())
        for step in sorted(steps)
        if (recipient, step) not in by_touch and (recipient, step) not in ambiguous
    ]
    after, in_air = _after_stop(accepted, stops)
    by_mailbox: dict[str, list[datetime]] = defaultdict(list)
    for message in accepted:
        by_mailbox[message.mailbox].append(message.date)
    return Verdict(
        accepted=len(accepted),
        duplicates=[f"{recipient} {step}" for recipient, step in sorted(twice)],
        lost=missing,
        sent_after_stop=after,
        in_the_air=in_air,
        max_in_rolling_hour=max_in_rolling(m.date for m in accepted),
        max_in_rolling_hour_by_mailbox={box: max_in_rolling(dates) for box, dates in sorted(by_mailbox.items())},
    )


def _after_stop(accepted: Sequence[Accepted], stops: Mapping[str, Sequence[Stopped]]) -> tuple[list[str], list[str]]:
    """(accepted while stopped, accepted within two seconds of the stop: in the air at that instant)."""
    after: list[str] = []
    in_air: list[str] = []
    for message in accepted:
        for stop in stops.get(message.recipient, ()):
            arrived = message.accepted_wall
            if arrived <= stop.from_wall or (stop.until_wall is not None and arrived > stop.until_wall):
                continue
            late = in_air if arrived <= stop.from_wall + IN_THE_AIR else after
            late.append(f"{message.recipient} {message.step}")
            break
    return after, in_air
