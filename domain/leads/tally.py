"""What the rules have made of a lead: its marks, the points they gave, its stage (docs/behaviour.md 6.1, 6.2).

Leads that nothing has happened to have none, and no byte of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from domain.scoring import Mark, Points

KIND_CODES: Mapping[str, str] = {
    "opened": "o",
    "clicked": "c",
    "replied": "r",
    "sms_replied": "s",
    "away": "a",
    "bounced": "b",
    "unsubscribed": "u",
    "complained": "x",
    "task": "t",
    "call": "l",
}
_KINDS = {code: kind for kind, code in KIND_CODES.items()}

Entry = tuple[str, int]
"""campaign_id, entry_no."""


class Tally(NamedTuple):
    """`visit` counts the stages that the lead has entered: what is done on a move is done once for each."""

    points: tuple[Points, ...] = ()
    marks: tuple[Mark, ...] = ()
    stage: str | None = None
    visit: int = 0


NO_TALLY = Tally()


def pack(tally: Tally, entries: Sequence[Entry]) -> dict[str, Any]:
    """The tally as JSON values. A campaign stands as the position of the lead's entry into it."""
    raw: dict[str, Any] = {}
    places: dict[Entry, int] = {}
    campaigns: dict[str, int] = {}
    for place, entry in enumerate(entries):
        places[entry] = place
        campaigns.setdefault(entry[0], place)
    if tally.points:
        raw["p"] = [_points(one, campaigns.get(one.campaign_id)) for one in tally.points]
    if tally.marks:
        raw["m"] = [_mark(one, places.get((one.campaign_id, one.entry_no))) for one in tally.marks]
    if tally.stage is not None:
        raw["s"] = tally.stage
    if tally.visit:
        raw["v"] = tally.visit
    return raw


def unpack(raw: Mapping[str, Any], entries: Sequence[Entry]) -> Tally:
    """The tally that `pack` made."""
    return Tally(
        tuple([_read_points(one, entries) for one in raw.get("p", ())]),
        tuple([_read_mark(one, entries) for one in raw.get("m", ())]),
        raw.get("s"),
        raw.get("v", 0),
    )


def _points(one: Points, place: int | None) -> list[Any]:
    head: list[Any] = [one.campaign_id if place is None else place, one.rule_id, one.times, one.points]
    if one.worth_at is not None:
        return [*head, one.digest, one.half_life_days, one.worth, int(one.worth_at.timestamp())]
    return [*head, one.digest, one.half_life_days, one.worth] if one[4:7] != ("", None, 0.0) else head


def _read_points(raw: list[Any], entries: Sequence[Entry]) -> Points:
    place, rule_id, times, points, *more = raw
    campaign_id = place if isinstance(place, str) else entries[place][0]
    if len(more) > 3:
        more[3] = _instant(more[3])
    return Points(campaign_id, rule_id, times, points, *more)


def _mark(one: Mark, place: int | None) -> list[Any]:
    where: int | list[Any] = [one.campaign_id, one.entry_no] if place is None else place
    head = [KIND_CODES[one.kind], where, one.step_id, int(one.at.timestamp())]
    if one.sentiment is not None:
        return [*head, one.disposition, one.sentiment]
    return [*head, one.disposition] if one.disposition is not None else head


def _read_mark(raw: list[Any], entries: Sequence[Entry]) -> Mark:
    code, where, step_id, at, *more = raw
    campaign_id, entry_no = entries[where] if isinstance(where, int) else where
    return Mark(campaign_id, entry_no, _KINDS[code], step_id, _instant(at), *more)


def _instant(at_s: int) -> datetime:
    return datetime.fromtimestamp(at_s, UTC)
