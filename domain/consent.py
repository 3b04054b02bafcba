"""What a suppression may be about, and who may lift it (docs/behaviour.md 5.3)."""

from __future__ import annotations

import re
from typing import get_args

from domain.ids import key_hash
from schemas.definitions import Goal

ALL = "all"
GOALS: tuple[str, ...] = get_args(Goal)
PERSONAL = frozenset({"unsubscribe", "complaint"})
"""Reasons that are a person's own wish, whoever brought it. Only that person's own act releases them."""

_REASON = re.compile(r"[a-z][a-z0-9_.-]{0,59}", re.ASCII)
_CAMPAIGN_ID = re.compile(r"[^\s\x00-\x1f]{1,200}")
_KEY = re.compile(r"([0-9a-f]{8}):([0-9a-f]{32})", re.ASCII)


class ScopeError(ValueError):
    """A scope, a reason or a key that cannot be. The message says what is wrong and what may stand there."""


def campaign_scope(campaign_id: str) -> str:
    """The scope of one campaign."""
    return f"campaign:{campaign_id}"


def goal_scope(goal: str) -> str:
    """The scope of all campaigns with a goal."""
    return f"goal:{goal}"


def read_scope(text: str) -> str:
    """A scope as people write it: `all` (or nothing), `campaign:ID`, `goal:NAME`. Raises ScopeError."""
    told = text.strip()
    if told.lower() in {"", ALL, "global", "*"}:
        return ALL
    kind, found, name = told.partition(":")
    kind, name = kind.strip().lower(), name.strip()
    if found and kind == "campaign" and _CAMPAIGN_ID.fullmatch(name):
        return campaign_scope(name)
    if found and kind == "goal":
        if name.lower() not in GOALS:
            raise ScopeError(f"there is no goal {name!r}; there are {', '.join(GOALS)}")
        return goal_scope(name.lower())
    raise ScopeError(f"a scope is all, campaign:ID or goal:NAME, not {told[:60]!r}")


def campaign_of(scope: str) -> str | None:
    """The campaign that a scope names."""
    return scope.removeprefix("campaign:") if scope.startswith("campaign:") else None


def read_reason(text: str) -> str:
    """A reason: a code that names nobody, because it outlives the person's data. Raises ScopeError."""
    told = text.strip().lower().replace(" ", "_")
    if _REASON.fullmatch(told) is None:
        raise ScopeError("a reason is a code of at most 60 of a-z, 0-9, _, . and -, which names nobody")
    return told


def may_be_lifted(reason: str) -> bool:
    """Whether an operator may lift it. What a person asked for, only that person takes back."""
    return reason not in PERSONAL


def write_key(secret: bytes, key: bytes) -> str:
    """A keyed hash as it stands in files: in front of it, which hashing key made it. `secret`: `TokenKeys.hash_secret`."""
    return f"{_fingerprint(secret)}:{key.hex()}"


def read_key(secret: bytes, text: str) -> bytes:
    """A keyed hash from a file. Raises ScopeError where it is none, or was made with another hashing key: under ours the
    same address has another one, and nobody would be suppressed.
    """
    found = _KEY.fullmatch(text.strip().lower())
    if found is None:
        raise ScopeError("a key is what an export writes: 8 hexadecimal digits, a colon, 32 of them")
    if found[1] != _fingerprint(secret):
        raise ScopeError(
            "the key was made with another hashing key than this installation's: it stands for nobody here; bring addresses"
        )
    return bytes.fromhex(found[2])


def _fingerprint(secret: bytes) -> str:
    return key_hash(secret, "fingerprint", "")[:4].hex()
