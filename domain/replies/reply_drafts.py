"""Whether a reply that Claude drafted may be shown to a person (docs/behaviour.md 7.6): held to what a written touch is."""

from __future__ import annotations

from domain.draft_checks import faults
from domain.languages import language_of
from domain.writing import Assignment, Words, tidy, without_open_variables

MAX_REPLY = 2_000


def checked_draft(draft: str | None, answered: str) -> tuple[str | None, tuple[str, ...]]:
    """The draft, tidied, or None with the codes of its faults. `answered`: the new text of the mail that it answers.

    No link, domain or address may stand in it (what the mail itself names was written by a stranger), and no placeholder.
    """
    if draft is None or not draft.strip():
        return None, ()
    words = tidy(Words(None, draft), has_subject=False)
    found = list(faults(words, Assignment({}, frozenset(), "", language_of(answered), has_subject=False)))
    if len(words.body) > MAX_REPLY:
        found.append("body_too_long")
    if without_open_variables(words.body) != words.body:
        found.append("unknown_variable:open")
    return (None, tuple(dict.fromkeys(found))) if found else (words.body, ())
