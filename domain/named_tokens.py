"""Bearer tokens with names: who did something is the name of the token that it was done with (docs/behaviour.md 8.1)."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,59}")
MIN_LENGTH = 8


def parse_named_tokens(text: str) -> dict[str, str]:
    """`NAME:TOKEN,NAME:TOKEN` -> token by name. Raises ValueError, which never quotes a token."""
    tokens: dict[str, str] = {}
    for number, part in enumerate(filter(None, (part.strip() for part in text.split(","))), 1):
        name, colon, token = part.partition(":")
        if not colon or _NAME.fullmatch(name) is None:
            raise ValueError(f"entry {number} is not NAME:TOKEN with a name of letters, digits and . _ @ + -")
        if len(token) < MIN_LENGTH or not token.isascii() or not token.isprintable() or " " in token:
            raise ValueError(f"the token of {name} needs {MIN_LENGTH} characters or more, without spaces")
        if name in tokens or token in tokens.values():
            raise ValueError(f"{name} or its token stands there twice")
        tokens[name] = token
    return tokens


def holder_of(given: str, tokens: Mapping[str, str]) -> str | None:
    """Whose token it is; None: nobody's. Every token is compared, each in constant time."""
    found = None
    for name, token in tokens.items():
        if hmac.compare_digest(given.encode("utf-8", "surrogateescape"), token.encode()):
            found = name
    return found


def acting(by: str | None, holder: str | None) -> str:
    """Who does it: the token's name, and before it whom a program with one token for several people says it acts for."""
    if holder is None:
        return by or "api"
    return holder if by is None or by == holder else f"{by} via {holder}"
