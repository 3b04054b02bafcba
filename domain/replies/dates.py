"""The day on which an absent person is back, read from what the absence says (docs/behaviour.md 7.8).

A date is refused rather than guessed: two readings (3/4), a weekday that contradicts it, a day in the past, or more
than a year ahead.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from domain.replies.language import Language
from domain.replies.patterns import Pattern, flat, joined, pattern

RETURN_HOUR = 9
"""Local hour at which a person who is back is taken to read mail."""
FARTHEST = timedelta(days=366)
LATELY = timedelta(days=120)
"""A day without a year that lies so far back at most is a stale answer; one that lies farther back means next year."""
MAX_TEXT = 3000
MAX_MATCHES = 20

_NUMBERS = re.compile(r"(?<![\d./-])(\d{1,2})([-/.]) ?(\d{1,2})(?!\d)")


@dataclass(frozen=True, slots=True)
class _Grammar:
    """A language's patterns of dates and of the words in front of them."""

    cues: tuple[tuple[Pattern, int], ...]
    """Pattern with a group `date`, and days to add; surest first."""
    forms: tuple[re.Pattern[str], ...]


@dataclass(frozen=True, slots=True)
class _Reader:
    """What a date is read with: the words of its language, the day of the mail, and the marks with which the text
    itself shows that the day comes first, or the month."""

    language: Language
    today: date
    day_first: str
    month_first: str


def return_at(text: str, language: Language, received_at: datetime, zone: ZoneInfo) -> datetime | None:
    """The instant of the return, 9:00 in `zone`; None where no date stands, or none that is sure. `received_at` is
    aware."""
    plain = flat(text, MAX_TEXT)
    reader = _reader(plain, language, received_at.astimezone(zone).date())
    grammar = _grammar(language)
    for cue, extra_days in grammar.cues:
        for number, found in enumerate(cue.finditer(plain)):
            if number >= MAX_MATCHES:
                break
            day = _resolve(found.group("date"), grammar, reader)
            if day is None:
                continue
            day += timedelta(days=extra_days)
            instant = datetime.combine(day, time(RETURN_HOUR), tzinfo=zone).astimezone(UTC)
            if received_at < instant <= received_at + FARTHEST:
                return instant
    return None


def _reader(text: str, language: Language, today: date) -> _Reader:
    """21/12 in the same text says how 3/1 is meant; where a text writes both orders, neither is proved."""
    day_first, month_first = set(language.day_first), set[str]()
    for one, mark, two in _NUMBERS.findall(text):
        if int(one) > 12 >= int(two):
            day_first.add(mark)
        elif int(two) > 12 >= int(one):
            month_first.add(mark)
    both = day_first & month_first
    return _Reader(language, today, "".join(day_first - both), "".join(month_first - both))


@cache
def _grammar(language: Language) -> _Grammar:
    month, weekday = joined(language.months), joined(language.weekdays)
    ordinal = f"(?:{'|'.join(language.ordinals)})?"
    of = f"(?:{joined(language.of_words)} )?" if language.of_words else ""
    words = joined((*language.day_words, *language.next_week))
    hour = r"\d{1,2}(?:[:.h]\d\d)? ?(?:am|pm|a\.m|p\.m|h|uhr|uur|[:.h]\d\d)\b"
    filler = f"(?:{joined(language.fillers)} )*"
    on = rf"(?:(?:{joined(language.next_words)} )?{weekday}\b\.?,? ?\(?{filler})?"
    day = rf"\d{{1,2}}{ordinal}"
    year = rf"(?:,? ?-?{of}\d{{4}}\b)?"
    alone = rf"|{joined(language.day_fronts)} \d{{1,2}}{ordinal}\b"
    spoken = (
        rf"{on}{day}\.? ?-?{of}{month}\b\.?{year}",
        rf"{on}{month}\.? ?{filler}{day}\b(?:,? ?\d{{4}}\b)?",
        r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}\b",
        rf"{on}\(?\d{{1,2}}[-/.] ?\d{{1,2}}(?:[-/.] ?\d{{4}}|[-/.] ?\d{{2}}\b|\.|\b)",
        rf"{weekday}\b\.?,? {hour}",
        rf"{weekday}\b\.?,? {filler}\d{{1,2}}{ordinal}\b",
        rf"(?:{joined(language.next_words)} )?{weekday}\b",
        rf"{words}\b",
    )
    span = rf"{month}\.? \d{{1,2}}{ordinal} ?(?:-|to|through|thru) ?\d{{1,2}}{ordinal}\b(?:,? ?\d{{4}}\b)?"
    any_date = "(?:" + "|".join(spoken) + ")"
    first_day = f"(?:{any_date}|{on}{filler}{day}|{on}{month} {day})"
    last = f"(?P<date>{any_date}{alone})"

    def fronts(cues: Iterable[str]) -> Pattern:
        either = "|".join(c.replace("{date}", first_day) for c in cues)
        return pattern(rf"\b(?:{either})[ ,:(]{{0,3}}(?:(?:{joined(language.fillers)}) )*?{last}")

    def frames(sentences: Iterable[str], days: int) -> tuple[tuple[Pattern, int], ...]:
        return tuple((pattern(r"\b" + frame.replace("{back}", filler + last)), days) for frame in sentences)

    month_group, weekday_group = month.replace("(?:", "(?P<month>", 1), f"(?:.*?(?P<weekday>{weekday})\\b.*?)?"
    forms = (
        rf"{weekday_group}\b(?P<day>\d{{1,2}}){ordinal}\.? ?-?{of}{month_group}\b\.?(?:,? ?-?{of}(?P<year>\d{{4}}))?",
        rf"{weekday_group}{month_group}\.? ?{filler}(?P<day>\d{{1,2}}){ordinal}(?:,? ?(?P<year>\d{{4}}))?",
        r"(?P<year>\d{4})[-/.](?P<month_no>\d{1,2})[-/.](?P<day>\d{1,2})",
        rf"{weekday_group}\(?(?P<one>\d{{1,2}})(?P<mark>[-/.]) ?(?P<two>\d{{1,2}})(?:[-/.] ?(?P<year>\d{{4}}|\d{{2}}))?\.?",
        rf"(?:[\w.]+ )?(?P<weekday>{weekday})(?:\.?,? {hour})?",
        rf"(?P<weekday>{weekday})\.?,? {filler}(?P<alone>\d{{1,2}}){ordinal}",
        rf"{month_group}\.? \d{{1,2}}{ordinal} ?(?:-|to|through|thru) ?(?P<day>\d{{1,2}}){ordinal}(?:,? ?(?P<year>\d{{4}}))?",
        rf"(?P<word>{words})",
        rf"(?:{joined(language.day_fronts)}) (?P<alone>\d{{1,2}}){ordinal}",
    )
    return _Grammar(
        cues=(
            (fronts(language.back_cues), 0),
            *frames(language.back_frames, 0),
            *frames(language.last_day_frames, 1),
            (fronts(language.last_day_cues), 1),
            (pattern(rf"\b(?P<date>{span})"), 1),
            (fronts(language.until_cues), 0),
        ),
        forms=tuple(re.compile(form, re.IGNORECASE) for form in forms),
    )


def _resolve(text: str, grammar: _Grammar, reader: _Reader) -> date | None:
    """The one day that a written date means, seen from the day the mail came."""
    language, today = reader.language, reader.today
    for form in grammar.forms:
        found = form.fullmatch(text.strip())
        if found is None:
            continue
        part = {name: value.lower() for name, value in found.groupdict().items() if value is not None}
        if "word" in part:
            return _by_word(part["word"], language, today)
        weekday = language.weekdays[part["weekday"]] if "weekday" in part else None
        if "alone" in part:
            return _next_numbered(int(part["alone"]), today, weekday)
        if "one" in part:
            readings = _readings(int(part["one"]), int(part["two"]), part["mark"], reader)
            return _sure({_day(day, month, part.get("year"), today) for day, month in readings}, weekday)
        if "day" not in part:
            return None if weekday is None else today + timedelta(days=(weekday - today.weekday() - 1) % 7 + 1)
        month = int(part["month_no"]) if "month_no" in part else language.months[part["month"]]
        return _sure({_day(int(part["day"]), month, part.get("year"), today)}, weekday)
    return None


def _by_word(word: str, language: Language, today: date) -> date:
    days = language.day_words.get(word)
    return today + timedelta(days=7 - today.weekday() if days is None else days)


def _next_numbered(day: int, today: date, weekday: int | None) -> date | None:
    """The next day of that number: "the 9th"; "Tuesday 9", where a Tuesday has it within two months."""
    for ahead in range(1, 32 if weekday is None else 62):
        found = today + timedelta(days=ahead)
        if found.day == day and weekday in {None, found.weekday()}:
            return found
    return None


def _readings(one: int, two: int, mark: str, reader: _Reader) -> tuple[tuple[int, int], ...]:
    """The (day, month) that 3/4 may be: two where neither the language nor the text says which."""
    if mark in reader.day_first:
        return ((one, two),)
    return ((two, one),) if mark in reader.month_first else ((one, two), (two, one))


def _sure(readings: set[date | None], weekday: int | None) -> date | None:
    """The one reading that the calendar, and a weekday that stands beside it, leave."""
    days = {day for day in readings if day is not None}
    if weekday is not None:
        days = {day for day in days if day.weekday() == weekday}
    return days.pop() if len(days) == 1 else None


def _day(day: int, month: int, year: str | None, today: date) -> date | None:
    try:
        if year is not None:
            return date(int(year) + (2000 if len(year) == 2 else 0), month, day)
        this_year = date(today.year, month, day)
        return this_year if this_year >= today - LATELY else date(today.year + 1, month, day)
    except ValueError:
        return None
