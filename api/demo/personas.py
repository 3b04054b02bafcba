"""Who the demo's correspondents are: what each does with which touch, drawn from the address and so the same in every run."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.ids import draw

STEPS = ("intro", "nudge", "last")


@dataclass(frozen=True, slots=True)
class Persona:
    """A way to answer. `share` of the leads have it; `ends` says whether the answer ends the sequence.

    `texts` are what a reply may say; `on_touch` the touch (from 1) it answers; `after_hours` how long it takes (campaign time).
    """

    name: str
    share: float
    opens: bool = False
    clicks: bool = False
    texts: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    subject: str = ""
    ends: bool = False
    on_touch: int = 1
    after_hours: float = 2.0
    from_colleague: bool = False
    bounces: str = ""
    one_click: bool = False
    away_days: int = 0


SILENT = Persona("silent", 0.30)
PERSONAS: tuple[Persona, ...] = (
    Persona("opens", 0.18, opens=True),
    Persona("clicks", 0.12, opens=True, clicks=True),
    Persona(
        "interested",
        0.08,
        opens=True,
        clicks=True,
        ends=True,
        texts=(
            "Yes, this sounds great. Could we talk on Thursday?",
            "We are interested! Please call me next week, mornings are best.",
            "Très bien, oui, I would like to set up a call.",
        ),
    ),
    Persona(
        "question",
        0.06,
        opens=True,
        ends=True,
        texts=(
            "Could you send more information about the commission and the contract length?",
            "How much would that cost for a house of 24 rooms? More details, please.",
        ),
    ),
    Persona(
        "not_now",
        0.06,
        opens=True,
        ends=True,
        on_touch=2,
        texts=("Thank you, but we are not interested.", "No thanks, this is not for us."),
    ),
    Persona(
        "out_of_office",
        0.05,
        texts=(
            "I am out of the office and will be back on {return_date}. I have limited access to my mail until then.",
        ),
        headers=(("Auto-Submitted", "auto-replied"),),
        subject="Automatic reply: ",
        after_hours=0.1,
        away_days=9,
    ),
    Persona(
        "unsubscribe_reply", 0.03, ends=True, texts=("Please unsubscribe me.", "Remove me from your list, thank you.")
    ),
    Persona("one_click", 0.03, opens=True, ends=True, one_click=True, on_touch=2),
    Persona("gibberish", 0.03, ends=True, texts=("asdf qwpoeiru zxmcnv 88", "¿¿¿ ok 👍 mañana quizá azul")),
    Persona(
        "colleague",
        0.02,
        ends=True,
        from_colleague=True,
        on_touch=2,
        texts=("I handle this for my colleague: yes, we would like to talk, please call me.",),
    ),
    Persona("no_account", 0.01, ends=True, texts=("We have no account with you yet, how do we register?",)),
    Persona("bounce_at_once", 0.02, bounces="rcpt", ends=True),
    Persona("bounce_later", 0.01, bounces="report", ends=True, after_hours=0.3),
)


def persona_of(address: str) -> Persona:
    """The persona behind an address (normalised, lower case)."""
    share = draw(address, "persona")
    for persona in PERSONAS:
        if share < persona.share:
            return persona
        share -= persona.share
    return SILENT


def expected_steps(persona: Persona, steps: Sequence[str] = STEPS) -> frozenset[str]:
    """The touches that a correspondent must get: all of them, or those up to the answer that ends the sequence."""
    if persona.bounces == "rcpt":
        return frozenset()
    return frozenset(steps[: persona.on_touch] if persona.ends else steps)


def return_date(persona: Persona, now: datetime) -> str:
    """The day an absent correspondent comes back, in words (an unambiguous date)."""
    back = now + timedelta(days=persona.away_days)
    return f"{back.day} {back:%B %Y}"
