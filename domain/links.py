"""Links in a text as a mail program would find them, also those that are not written out (docs/behaviour.md 1.4)."""

from __future__ import annotations

import re
import unicodedata

_SCHEME = re.compile(r"\b[a-z][a-z0-9+.-]{1,20}:(?://|\\\\)[^\s<>\"'`{}|^]+", re.IGNORECASE)
_RUNS = re.compile(r"\b(?:javascript|vbscript|data|file|mailto|tel|sms|callto|skype):[^\s<>\"'`{}|^]+", re.IGNORECASE)
_BARE = re.compile(
    r"(?<![\w@.-])(?<![^/]/)(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}(?::\d{1,5})?(?:[/?#][^\s<>\"'`{}|^]*)?(?![\w@])",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}")
_NUMERIC = re.compile(r"(?<![\w./-])\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?/[^\s]*")
_TRAILING = ".,;:!?)]*'\"”’»"
_DOTS = str.maketrans({"。": ".", "．": ".", "｡": ".", "․": "."})


def plain(text: str) -> str:
    """The text as a mail program reads it for links: compatibility forms, such as full-width letters, made plain."""
    return unicodedata.normalize("NFKC", text.translate(_DOTS))


def links_in(text: str) -> frozenset[str]:
    """Every link that is written out, and every mail address, in one spelling."""
    seen = plain(text)
    found = {spelt(match[0]) for pattern in (_SCHEME, _RUNS, _NUMERIC) for match in pattern.finditer(seen)}
    found |= {match[0].lower() for match in _ADDRESS.finditer(_SCHEME.sub(" ", seen))}
    return frozenset(found)


def bare_domains_in(text: str) -> frozenset[str]:
    """What looks like a domain without a scheme: mail programs make links of it, too."""
    rest = _ADDRESS.sub(" ", _RUNS.sub(" ", _SCHEME.sub(" ", plain(text))))
    return frozenset(match[0].rstrip(_TRAILING).lower() for match in _BARE.finditer(rest))


def spelt(link: str) -> str:
    """One spelling for one link: without what a sentence puts after it, scheme and host in lower case."""
    link = link.rstrip(_TRAILING)
    scheme, colon, rest = link.partition("://")
    if not colon:
        return link.lower()
    host, slash, path = rest.partition("/")
    return f"{scheme.lower()}://{host.lower()}{slash}{path}".rstrip("/")
