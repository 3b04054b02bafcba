"""Inbound mail as it comes on a bad day: every answer several times, late and out of order; and what must have come of it."""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from api.demo.judge import Accepted
from api.demo.personas import PERSONAS

LATE_HOURS = 6.0
"""Campaign hours by which an answer is late, at most: so answers overtake each other."""
AGAIN_HOURS = 72.0
"""Campaign hours after which the same answer may come once more."""
MOST_REPEATS = 3

CARD_OF: Mapping[str, str] = {
    "interested": "schedule_call",
    "colleague": "schedule_call",
    "question": "reply_to_email",
    "gibberish": "needs_human_response",
    "no_account": "create_task",
}
"""The card that a correspondent's answer must make, and no other."""

Ways = Callable[[bytes], list[tuple[float, bytes]]]


def repeated(rng: random.Random) -> Ways:
    """How a mail is brought: late, and once to three times more by other ways, which leave their marks in its header."""

    def ways(raw: bytes) -> list[tuple[float, bytes]]:
        first = rng.uniform(0, LATE_HOURS)
        again = [first + rng.uniform(0, AGAIN_HOURS) for _ in range(rng.randint(1, MOST_REPEATS))]
        return [(first, raw), *((hours, _by_another_way(raw, number)) for number, hours in enumerate(again, 1))]

    return ways


def _by_another_way(raw: bytes, number: int) -> bytes:
    trace = f"Received: from relay{number}.example by mx{number}.sender.example with ESMTP id {number:08x}\r\n"
    return trace.encode() + raw


STOPPED_WITHIN = timedelta(seconds=90)
"""Wall time after which an answer that was taken in must have stopped its sequence, whatever was killed."""
ENDED = frozenset({"replied", "unsubscribed", "bounced"})
"""Where an answer that ends the sequence leaves its lead."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What is wrong, each with whom it concerns."""

    cards_twice: list[str]
    cards_missing: list[str]
    stops_missed: list[str]


def findings(
    answered: Mapping[str, tuple[str, datetime]],
    cards: Iterable[tuple[str, str]],
    statuses: Mapping[str, str],
    accepted: Iterable[Accepted],
) -> Findings:
    """Hold cards and mail against who answered what.

    `answered`: recipient to the persona that answered (each answers one mail) and when its first copy was taken in (wall).
    `cards`: (recipient, type) of every card that a reply made. `statuses`: where each recipient's enrollment stands.
    """
    personas = {persona.name: persona for persona in PERSONAS}
    made = Counter(cards)
    wanted = {(who, CARD_OF[name]) for who, (name, _) in answered.items() if name in CARD_OF}
    ended = {who: at for who, (name, at) in answered.items() if personas[name].ends}
    after = {
        f"{m.recipient} {m.step}"
        for m in accepted
        if m.accepted_wall > ended.get(m.recipient, m.accepted_wall) + STOPPED_WITHIN
    }
    going_on = {f"{who} is {statuses.get(who)}" for who in ended if statuses.get(who) not in ENDED}
    return Findings(
        cards_twice=sorted(f"{who} {kind}" for (who, kind), n in made.items() if n > 1 or (who, kind) not in wanted),
        cards_missing=sorted(f"{who} {kind}" for who, kind in wanted - made.keys()),
        stops_missed=sorted(after | going_on),
    )
