"""The lead as bytes: compact JSON with one-letter keys and without defaults, instants as microseconds of the epoch.

The instant at which it must be looked at stands first (`{"w":1767607200000000,`), so that the timers of a million leads
are rebuilt without parsing them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import starmap
from typing import Any, Literal, cast

from pydantic_core import from_json, to_json

from domain.leads.state import Answer, Draft, Enrollment, Hold, Lead, Parked, Phase, Status, Touch, TouchState
from domain.leads.tally import NO_TALLY, Tally, pack, unpack
from schemas.enrollments import Enroll
from schemas.sending import DueSend

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_WAKE = b'{"w":'

STATUS_CODES: Mapping[str, str] = {
    "enrolled": "e",
    "active": "a",
    "paused": "p",
    "completed": "c",
    "replied": "r",
    "bounced": "b",
    "unsubscribed": "u",
    "exited": "x",
    "failed": "f",
}
PHASE_CODES: Mapping[str, str] = {"arrive": "a", "wait": "w", "out": "o", "retry": "r"}
TOUCH_CODES: Mapping[str, str] = {"asked": "k", "sent": "s", "ambiguous": "m", "failed": "f", "task": "t", "done": "d"}
DRAFT_CODES: Mapping[str, str] = {"wanted": "w", "ready": "r", "template": "t"}
_DRAFT_STATES: dict[str, Literal["wanted", "ready", "template"]] = {"w": "wanted", "r": "ready", "t": "template"}
_STATUSES: dict[str, Status] = {code: cast("Status", name) for name, code in STATUS_CODES.items()}
_PHASES: dict[str, Phase] = {code: cast("Phase", name) for name, code in PHASE_CODES.items()}
_TOUCH_STATES: dict[str, TouchState] = {code: cast("TouchState", name) for name, code in TOUCH_CODES.items()}
_FLAGS: tuple[tuple[Literal["opened", "clicked", "replied", "bounced", "soft"], str], ...] = (
    ("opened", "o"),
    ("clicked", "c"),
    ("replied", "r"),
    ("bounced", "b"),
    ("soft", "l"),
)


def encode(lead: Lead) -> bytes:
    """The lead's bytes for the table."""
    raw: dict[str, Any] = {}
    wake_at = lead.wake_at
    if wake_at is not None:
        raw["w"] = _us(wake_at)
    if lead.facts:
        raw["f"] = lead.facts
    raw["e"] = [_enrollment(e) for e in lead.enrollments]
    if lead.seen:
        raw["s"] = lead.seen
    if lead.stops:
        raw["x"] = lead.stops
    if lead.disposition is not None:
        raw["d"] = lead.disposition
    if lead.tally != NO_TALLY:
        raw["t"] = pack(lead.tally, [(e.campaign_id, e.entry_no) for e in lead.enrollments])
    if lead.hours:
        raw["H"] = lead.hours
    if lead.replies:
        raw["R"] = lead.replies
    if lead.answers:
        raw["A"] = [_answer(answer) for answer in lead.answers]
    if lead.parked:
        raw["p"] = [[p.event.write().decode(), _us(p.until_at), p.offset, *p.pauses] for p in lead.parked]
    return to_json(raw)


def decode(value: bytes) -> Lead:
    """The lead that `encode` wrote."""
    raw = from_json(value)
    return Lead(
        raw.get("f") or {},
        tuple(map(_read_enrollment, raw["e"])),
        tuple(raw.get("s", ())),
        tuple(raw.get("x", ())),
        tuple(starmap(_read_parked, raw.get("p", ()))),
        raw.get("d"),
        _read_tally(raw),
        tuple(raw.get("H", ())),
        tuple(map(_read_answer, raw.get("A", ()))),
        tuple(raw.get("R", ())),
    )


def _read_tally(raw: dict[str, Any]) -> Tally:
    packed = raw.get("t")
    return NO_TALLY if packed is None else unpack(packed, [(e["c"], e.get("n", 1)) for e in raw["e"]])


def _read_parked(event: str, until: int, offset: int, *pauses: str) -> Parked:
    return Parked(Enroll.read(event.encode()), _at(until), offset, pauses)


def _answer(answer: Answer) -> list[Any]:
    """[ask, phase, when to look, reply, card or "", renewals, tries, since when]."""
    raw = [answer.due.write().decode(), PHASE_CODES[answer.phase], _us(answer.due_at), answer.reply_id]
    tried = [] if answer.tried_at is None else [_us(answer.tried_at)]
    return [*raw, answer.card_id or "", answer.renewals, answer.tries, *tried]


def _read_answer(raw: list[Any]) -> Answer:
    due, phase, due_at, reply_id, card_id, renewals, tries, *tried = raw
    return Answer(
        DueSend.read(due.encode()),
        "out" if phase == PHASE_CODES["out"] else "retry",
        _at(due_at),
        reply_id,
        card_id or None,
        renewals,
        tries,
        _at(tried[0]) if tried else None,
    )


def wake_s(value: bytes) -> float | None:
    """When the encoded lead must be looked at, seconds since the epoch, without parsing it."""
    if not value.startswith(_WAKE):
        return None
    return int(value[5 : value.index(b",", 5)]) / 1e6


def seconds(at: datetime) -> float:
    """An instant as the timers hold it: seconds since the epoch."""
    return at.timestamp()


def instant(at_s: float) -> datetime:
    """The instant that `seconds` gave, to the microsecond."""
    return _at(round(at_s * 1e6))


def _us(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND


def _at(us: int) -> datetime:
    return _EPOCH + us * _MICROSECOND


def _enrollment(e: Enrollment) -> dict[str, Any]:
    raw: dict[str, Any] = {"c": e.campaign_id, "k": e.cause, "s": STATUS_CODES[e.status]}
    if e.entry_no != 1:
        raw["n"] = e.entry_no
    if e.step_id is not None:
        raw["i"] = e.step_id
    if e.path:
        raw["p"] = e.path
    if e.phase != "arrive":
        raw["f"] = PHASE_CODES[e.phase]
    if e.due_at is not None:
        raw["d"] = _us(e.due_at)
    if e.wake_at != e.due_at:
        raw["w"] = _us(e.wake_at) if e.wake_at is not None else 0
    if e.base_at is not None:
        raw["b"] = _us(e.base_at)
    if e.ask_no:
        raw["a"] = e.ask_no
    if e.renewals:
        raw["r"] = e.renewals
    if e.tries:
        raw["t"] = e.tries
    if e.tried_at is not None:
        raw["u"] = _us(e.tried_at)
    if e.asked_variant != "random":
        raw["q"] = e.asked_variant
    if e.variant is not None:
        raw["v"] = e.variant
    if e.mailbox_id is not None:
        raw["m"] = e.mailbox_id
    if e.subject is not None:
        raw["j"] = e.subject
    if e.message_ids:
        raw["g"] = e.message_ids
    if e.touches:
        raw["o"] = [_touch(t) for t in e.touches]
    if e.holds:
        raw["h"] = [[h.source_id] if h.until is None else [h.source_id, _us(h.until)] for h in e.holds]
    if e.frozen_at is not None:
        raw["z"] = _us(e.frozen_at)
    if e.after_stops:
        raw["x"] = e.after_stops
    if e.place_at is not None:
        raw["y"] = _us(e.place_at)
    if e.draft is not None:
        raw["D"] = [e.draft.step_id, DRAFT_CODES[e.draft.state], *e.draft[2:]]
    return raw


def _read_enrollment(raw: dict[str, Any]) -> Enrollment:
    get = raw.get
    due, wake, base, tried, frozen, place = get("d"), get("w"), get("b"), get("u"), get("z"), get("y")
    due_at = _at(due) if due is not None else None
    return Enrollment(
        raw["c"],
        get("n", 1),
        raw["k"],
        _STATUSES[raw["s"]],
        get("i"),
        tuple(get("p", ())),
        _PHASES[get("f", "a")],
        due_at,
        due_at if wake is None else _at(wake) if wake else None,
        _at(base) if base is not None else None,
        get("a", 0),
        get("r", 0),
        get("t", 0),
        _at(tried) if tried is not None else None,
        get("q", "random"),
        get("v"),
        get("m"),
        get("j"),
        tuple(get("g", ())),
        tuple(map(_read_touch, get("o", ()))),
        tuple(map(_read_hold, get("h", ()))),
        _at(frozen) if frozen is not None else None,
        tuple(get("x", ())),
        _at(place) if place is not None else None,
        draft=_read_draft(get("D")),
    )


def _read_hold(raw: list[Any]) -> Hold:
    return Hold(raw[0], _at(raw[1]) if len(raw) > 1 else None)


def _read_draft(raw: list[Any] | None) -> Draft | None:
    return None if raw is None else Draft(raw[0], _DRAFT_STATES[raw[1]], *raw[2:])


def _touch(t: Touch) -> list[Any]:
    """[step, state and flags, granted, accepted minus granted], without what is missing at the end."""
    code = TOUCH_CODES[t.state]
    for name, flag in _FLAGS:
        if getattr(t, name):
            code += flag
    if t.granted_at is None:
        return [t.step_id, code]
    granted = _us(t.granted_at)
    if t.accepted_at is None:
        return [t.step_id, code, granted]
    return [t.step_id, code, granted, _us(t.accepted_at) - granted]


def _read_touch(raw: list[Any]) -> Touch:
    code: str = raw[1]
    granted_at = _at(raw[2]) if len(raw) > 2 else None
    accepted_at = granted_at + raw[3] * _MICROSECOND if granted_at is not None and len(raw) > 3 else None
    flags = code[1:]
    return Touch(
        raw[0],
        _TOUCH_STATES[code[0]],
        granted_at,
        accepted_at,
        "o" in flags,
        "c" in flags,
        "r" in flags,
        "b" in flags,
        "l" in flags,
    )
