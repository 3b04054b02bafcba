"""What the recognisers know of a language. A new language is a new value of `Language`, no new code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """How mail programs and people of a language set new text apart from what is not new. RE2, on folded lines."""

    attribution_fronts: tuple[str, ...]
    """Words that a line in front of a quote begins with ("On"), in lower case."""
    attributions: tuple[str, ...]
    """Whole lines in front of a quote ("On ... wrote:"), several lines joined."""
    dividers: tuple[str, ...]
    """Words between dashes above the mail that is answered ("Original Message")."""
    forwards: tuple[str, ...]
    """Whole lines above a mail that is passed on, without dashes ("Begin forwarded message:")."""
    from_words: tuple[str, ...]
    """Name of the first field in a block of headers ("From")."""
    header_words: tuple[str, ...]
    """Names of the fields that follow in it."""
    mobile: tuple[str, ...]
    """Fronts of the lines that programs sign with ("Sent from my")."""
    disclaimers: tuple[str, ...]
    """Fronts of paragraphs that lawyers add."""
    reply_above: tuple[str, ...]
    """What ticket systems write where the answer ends."""
    closings: tuple[str, ...]
    """Whole lines that end what a person says ("Kind regards"); the signature follows."""


@dataclass(frozen=True, slots=True, eq=False)
class Language:
    """Patterns are RE2, matched without case on folded text (no accents, `patterns.fold`) with single spaces.
    `{date}` stands for whatever a date may be."""

    code: str

    away_subjects: tuple[str, ...]
    """Subjects that automatic answers of absent people carry."""
    auto_subjects: tuple[str, ...]
    """Subjects that any automatic answer may carry: an absence only where the text does not say something else."""
    away_phrases: tuple[str, ...]
    """Sentences that say that the writer is away."""
    away_words: tuple[str, ...]
    """What says so in a machine's mail: a person may say it of somebody else."""
    left_phrases: tuple[str, ...]
    """Sentences that say that the person has left the company: never resumed."""
    back_cues: tuple[str, ...]
    """Words in front of the day of the return."""
    back_frames: tuple[str, ...]
    """Sentences around the day of the return, which `{back}` stands for ("from {back} I am in the office again")."""
    until_cues: tuple[str, ...]
    """Words in front of a day that is the return as well, but less surely."""
    last_day_cues: tuple[str, ...]
    """Words in front of the last day away: the return is the day after."""
    last_day_frames: tuple[str, ...]
    """Sentences around the last day away, which `{back}` stands for ("until {back} inclusive")."""
    engaging: tuple[str, ...]
    """What people say who answer us: then an absence is an aside, and somebody reads the mail."""

    ask_words: tuple[str, ...]
    """Stems, one of which stands in every request to be left alone: a cheap first look."""
    asks: tuple[str, ...]
    """Requests that speak of the writer ("remove me from your list"): the front of a clause, whatever follows."""
    bare: tuple[str, ...]
    """Requests so short that they must be a whole sentence ("stop")."""
    sure_words: tuple[str, ...]
    """Words in a bare request that mean nothing else: a reason may follow it."""
    openings: tuple[str, ...]
    """Greetings and courtesies in front of a request, taken off as often as they occur."""
    unless: tuple[str, ...]
    """Words that make a request conditional, or a wish for another way to talk, so that no rule may decide it."""
    harmless: tuple[str, ...]
    """Turns with a word of `unless` that take nothing back ("but thank you")."""
    joins: tuple[str, ...]
    """Words that begin a clause within a sentence."""

    receipt_subjects: tuple[str, ...]
    receipt_phrases: tuple[str, ...]
    calendar_subjects: tuple[str, ...]
    delay_subjects: tuple[str, ...]
    failure_subjects: tuple[str, ...]
    """Subjects of delivery reports."""
    challenge_phrases: tuple[str, ...]
    """Spam filters that want the sender to prove himself."""

    history: History

    months: Mapping[str, int] = field(default_factory=dict[str, int])
    weekdays: Mapping[str, int] = field(default_factory=dict[str, int])
    """Names and short forms in lower case, folded; Monday is 0."""
    ordinals: tuple[str, ...] = ()
    """Endings of a day's number: st, nd, ..."""
    of_words: tuple[str, ...] = ()
    """Words between day, month and year."""
    fillers: tuple[str, ...] = ()
    """Words that may stand in front of a date: on, the, from."""
    next_words: tuple[str, ...] = ()
    """Words beside a weekday that mean the coming one."""
    day_fronts: tuple[str, ...] = ()
    """Words in front of a day's number that stands alone ("the 9th")."""
    day_words: Mapping[str, int] = field(default_factory=dict[str, int])
    """Words for a day, as days from the day the mail came."""
    next_week: tuple[str, ...] = ()
    """Words for the next week; its Monday is meant."""
    day_first: str = ""
    """Marks between numbers that put the day first: 3.4. With any other mark both orders are written, so that a date
    with two readings is refused."""
