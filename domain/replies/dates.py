"""The day on which an absent person is back, read from what the absence says (docs/behaviour.md 7.8).

A date is refused rather than guessed: two readings (3/4), a day in the past, or more than a year ahead.
"""

from __future__ import annotations

import re
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


@dataclass(frozen=True, slots=True)
class _Grammar:
    """A language's patterns of dates and of the words in front of them."""

    cues: tuple[tuple[Pattern, int], ...]
    """Pattern with a group `date`, and days to add; surest first."""
    forms: tuple[re.Pattern[str], ...]


def return_at(text: str, language: Language, received_at: datetime, zone: ZoneInfo) -> datetime | None:
    """The instant of the return, 9:00 in `zone`; None where no date stands, or none that is sure. `received_at` is
    aware."""
    today = received_at.astimezone(zone).date()
    plain = flat(text, MAX_TEXT)
    grammar = _grammar(language)
    for cue, extra_days in grammar.cues:
        for number, found in enumerate(cue.finditer(plain)):
            if number >= MAX_MATCHES:
                break
            day = _resolve(found.group("date"), grammar, language, today)
            if day is None:
                continue
            day += timedelta(days=extra_days)
            instant = datetime.combine(day, time(RETURN_HOUR), tzinfo=zone).astimezone(UTC)
            if received_at < instant <= received_at + FARTHEST:
                return instant
    return None


@cache
def _grammar(language: Language) -> _Grammar:
    month, weekday = joined(language.months), joined(language.weekdays)
    ordinal = f"(?:{joined(language.ordinals)})?" if language.ordinals else ""
    of = f"(?:{joined(language.of_words)} )?" if language.of_words else ""
    words = joined((*language.day_words, *language.next_week)) if language.day_words or language.next_week else "(?:x^)"
    on = f"(?:(?:next |this |coming )?{weekday}\\.?,? ?(?:the |on )?)?"
    day = rf"\d{{1,2}}{ordinal}"
    spoken = (
        rf"{on}(?:the )?{day}\.? ?-?{of}{month}\b\.?(?:,? ?-?\d{{4}}\b)?",
        rf"{on}{month}\.? ?(?:the )?{day}\b(?:,? ?\d{{4}}\b)?",
        r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}\b",
        rf"{on}\(?\d{{1,2}}[-/.]\d{{1,2}}(?:[-/.]\d{{4}}|[-/.]\d{{2}}\b|\.|\b)",
        rf"(?:next |this |coming )?{weekday}\b",
        rf"{words}\b",
    )
    any_date = "(?:" + "|".join(spoken) + ")"
    first_day = f"(?:{any_date}|{on}(?:the )?{day}|{on}{month} {day})"

    def cue(cues: tuple[str, ...]) -> Pattern:
        fronts = "|".join(c.replace("{date}", first_day) for c in cues)
        return pattern(rf"\b(?:{fronts})[ ,:(]{{0,3}}(?:on |from |the |about |around |early |of )*(?P<date>{any_date})")

    month_group, weekday_group = month.replace("(?:", "(?P<month>", 1), f"(?:.*?(?P<weekday>{weekday})\\b.*?)?"
    forms = (
        rf"{weekday_group}\b(?P<day>\d{{1,2}}){ordinal}\.? ?-?{of}{month_group}\b\.?(?:,? ?-?(?P<year>\d{{4}}))?",
        rf"{weekday_group}{month_group}\.? ?(?:the )?(?P<day>\d{{1,2}}){ordinal}(?:,? ?(?P<year>\d{{4}}))?",
        r"(?P<year>\d{4})[-/.](?P<month_no>\d{1,2})[-/.](?P<day>\d{1,2})",
        rf"{weekday_group}\(?(?P<one>\d{{1,2}})[-/.](?P<two>\d{{1,2}})(?:[-/.](?P<year>\d{{4}}|\d{{2}}))?\.?",
        rf"(?:\w+ )?(?P<weekday>{weekday})",
        rf"(?P<word>{words})",
    )
    return _Grammar(
        cues=((cue(language.back_cues), 0), (cue(language.last_day_cues), 1), (cue(language.until_cues), 0)),
        forms=tuple(re.compile(form, re.IGNORECASE) for form in forms),
    )


def _resolve(text: str, grammar: _Grammar, language: Language, today: date) -> date | None:
    """The one day that a written date means, seen from the day the mail came."""
    for form in grammar.forms:
        found = form.fullmatch(text.strip())
        if found is None:
            continue
        part = {name: value.lower() for name, value in found.groupdict().items() if value is not None}
        if "word" in part:
            return _by_word(part["word"], language, today)
        weekday = language.weekdays[part["weekday"]] if "weekday" in part else None
        if "one" in part:
            readings = _readings(int(part["one"]), int(part["two"]), language.day_first)
            return _sure({_day(day, month, part.get("year"), today) for day, month in readings}, weekday)
        if "day" not in part:
            return None if weekday is None else today + timedelta(days=(weekday - today.weekday() - 1) % 7 + 1)
        month = int(part["month_no"]) if "month_no" in part else language.months[part["month"]]
        return _day(int(part["day"]), month, part.get("year"), today)
    return None


def _by_word(word: str, language: Language, today: date) -> date:
    days = language.day_words.get(word)
    return today + timedelta(days=7 - today.weekday() if days is None else days)


def _readings(one: int, two: int, day_first: bool | None) -> tuple[tuple[int, int], ...]:
    """The (day, month) that 3/4 may be: two where the language does not say."""
    if day_first is None:
        return ((one, two), (two, one))
    return ((one, two),) if day_first else ((two, one),)


def _sure(readings: set[date | None], weekday: int | None) -> date | None:
    """The one reading that the calendar, and a weekday that stands beside it, leave."""
    days = {day for day in readings if day is not None}
    if len(days) > 1 and weekday is not None:
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
