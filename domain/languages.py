"""Which language a text is in, from its small words: enough to see that a draft is in the wrong one."""

from __future__ import annotations

import re
from collections.abc import Mapping


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


SMALL_WORDS: Mapping[str, frozenset[str]] = {
    "en": _words("the and you your with that have this are our would from about what we is it to of"),
    "fr": _words("le les des une vous votre vos pour avec nous est sur dans ce qui et du je"),
    "de": _words("der die das und sie ihr ihre ihnen für mit wir ist nicht ein eine zu auf ich den"),
    "es": _words("el los las una usted su sus para con nos está por del y le en lo es"),
    "it": _words("il gli della lei suo vostra per con che noi è nel una di sono le e vi"),
    "pt": _words("os uma você seu sua para com nós é não do da em um o e ao"),
    "nl": _words("het een u uw voor met dat wij niet en van de op ik zijn is te"),
    "sv": _words("och att det som för med er ni vi är inte på ett jag en om av"),
}
"""Words that stand in nearly every text of a language."""

_NAMES = re.compile(
    r"\b(language|langue|sprache|idioma|lingua|taal|språk|english|french|german|spanish|italian|portuguese|dutch|swedish"
    r"|anglais|français|francais|englisch|französisch|deutsch|inglés|español|italiano|português|nederlands|svenska|engelska)\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]+")
LEAST = 4
"""Small words that a text must have for an opinion."""


def language_of(text: str) -> str | None:
    """The language's code where the text leaves little doubt, else None."""
    words = _WORD.findall(text.lower())
    counts = sorted(((sum(word in known for word in words), code) for code, known in SMALL_WORDS.items()), reverse=True)
    (most, code), (second, _) = counts[0], counts[1]
    return code if most >= LEAST and most >= 1.5 * second else None


def names_a_language(text: str) -> bool:
    """Whether a brief says something about the language: then the brief decides, not the template."""
    return _NAMES.search(text) is not None
