"""What people do with what they are sent: drawn from a seed and the touch's id, never from chance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from math import log
from typing import Literal
from uuid import UUID

from domain.ids import draw
from schemas.replies import DispositionName
from schemas.sending import DueSend

ActKind = Literal["open", "click", "reply", "bounce"]

ANSWERS: tuple[tuple[DispositionName, float], ...] = (
    ("INTERESTED", 0.3),
    ("NEEDS_MORE_INFO", 0.3),
    ("NOT_INTERESTED", 0.3),
    ("UNSUBSCRIBE", 0.1),
)
"""How a human reply turns out: shares of all replies. Each of them ends the sequence it answers."""

SOONEST = timedelta(minutes=5)
OPENS_AFTER = timedelta(hours=5)
CLICKS_AFTER = timedelta(minutes=3)
REPLIES_AFTER = timedelta(hours=10)
REVIEWED_AFTER = timedelta(hours=4)
"""How long a person takes to approve the words that Claude wrote for a touch."""
DRAFTED = "(words of its own)"
LONGEST = timedelta(days=6)
"""A delay is drawn from an exponential distribution with that mean, between `SOONEST` and `LONGEST`."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Assumed shares, each 0 to 1, of all emails sent: opened, clicked (who clicks has opened), answered by a person."""

    opens: float = 0.4
    clicks: float = 0.05
    replies: float = 0.03


@dataclass(frozen=True, slots=True)
class Act:
    """Something that a correspondent does `after` the touch was sent. `disposition` is what a reply turns out to mean."""

    kind: ActKind
    after: timedelta
    disposition: DispositionName | None = None


Correspond = Callable[[DueSend], tuple[Act, ...]]
"""What the recipient of a sent touch will do."""


def people(rates: Rates, seed: int) -> Correspond:
    """Correspondents who open, click and answer at these rates, each touch by its own draw."""

    def acts(touch: DueSend) -> tuple[Act, ...]:
        return (
            () if touch.channel is not None else acts_on(touch.send_id, rates, seed)
        )  # a text tells nothing of its reader

    return acts


def acts_on(send_id: UUID, rates: Rates, seed: int) -> tuple[Act, ...]:
    """What one email's reader does, the same whenever it is asked."""
    of = f"{seed}\x00{send_id.hex}"
    interest = draw(of, "interest")
    found: list[Act] = []
    if interest < max(rates.opens, rates.clicks):
        opens = _delay(of, "open", OPENS_AFTER)
        found.append(Act("open", opens))
        if interest < rates.clicks:
            found.append(Act("click", opens + _delay(of, "click", CLICKS_AFTER)))
    if draw(of, "reply") < rates.replies:
        found.append(Act("reply", _delay(of, "reply after", REPLIES_AFTER), _answer(draw(of, "answer"))))
    return tuple(found)


def _delay(of: str, purpose: str, mean: timedelta) -> timedelta:
    seconds = round(-log(1.0 - draw(of, purpose)) * mean.total_seconds())
    return min(SOONEST + timedelta(seconds=seconds), LONGEST)


def _answer(share: float) -> DispositionName:
    for name, part in ANSWERS:
        share -= part
        if share < 0:
            return name
    return ANSWERS[-1][0]
