"""What the recognisers know of a language. A new language is a new value of `Language`, no new code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, eq=False)
class Language:
    """Patterns are RE2, matched without case on text with single spaces. `{date}` stands for whatever a date may be."""

    code: str

    away_subjects: tuple[str, ...]
    """Subjects that automatic answers of absent people carry."""
    away_phrases: tuple[str, ...]
    """Sentences that say that the writer is away."""
    left_phrases: tuple[str, ...]
    """Sentences that say that the person has left the company: never resumed."""
    back_cues: tuple[str, ...]
    """Words in front of the day of the return."""
    until_cues: tuple[str, ...]
    """Words in front of a day that is the return as well, but less surely."""
    last_day_cues: tuple[str, ...]
    """Words in front of the last day away: the return is the day after."""

    unsubscribe: tuple[str, ...]
    """Whole sentences that ask to be left alone, after `openings` were taken off their front."""
    openings: tuple[str, ...]
    """Greetings and courtesies in front of a request, taken off as often as they occur."""
    unless: tuple[str, ...]
    """Words that make a request conditional, so that no rule may decide it."""

    receipt_subjects: tuple[str, ...]
    receipt_phrases: tuple[str, ...]
    calendar_subjects: tuple[str, ...]
    delay_subjects: tuple[str, ...]
    challenge_phrases: tuple[str, ...]
    """Spam filters that want the sender to prove himself."""

    months: Mapping[str, int] = field(default_factory=dict[str, int])
    weekdays: Mapping[str, int] = field(default_factory=dict[str, int])
    """Names and short forms in lower case; Monday is 0."""
    ordinals: tuple[str, ...] = ()
    """Endings of a day's number: st, nd, ..."""
    of_words: tuple[str, ...] = ()
    """Words between day and month."""
    day_words: Mapping[str, int] = field(default_factory=dict[str, int])
    """Words for a day, as days from the day the mail came."""
    next_week: tuple[str, ...] = ()
    """Words for the next week; its Monday is meant."""
    day_first: bool | None = None
    """Whether 3/4 is the third of April. None: both are written, so such a date is refused."""
