"""What the SMTP sink answers instead of "250": rules by recipient, from a test or from a JSON file.

The file holds a list: `[{"to": "*@slow.example", "at": "rcpt", "reply": "450 4.2.0 busy", "times": 2}]`.
"""

import fnmatch
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

Stage = Literal["mail", "rcpt", "data", "body"]
"""mail: at MAIL FROM; rcpt: at RCPT TO; data: at DATA, before the body; body: after it, instead of accepting it."""

Drop = Literal["before", "after_accept"]
"""before: the connection is cut where the answer would stand, nothing is accepted. after_accept (stage body only): the
message is accepted and recorded, then the connection is cut before the 250: the case nobody can know."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One scripted answer. The first rule that fits counts.

    `to` is a pattern for the recipient (at stage mail: for the sender), case-insensitive, with `*`. `reply` is the
    whole SMTP answer; `drop` cuts the connection instead; `delay_s` (wall seconds) waits first, alone or with either.
    A `421` reply closes the connection. `times` limits how often it fits each address; None is for ever.
    """

    to: str
    at: Stage = "rcpt"
    reply: str | None = None
    drop: Drop | None = None
    delay_s: float = 0.0
    times: int | None = None

    def __post_init__(self) -> None:
        if self.at not in get_args(Stage):
            raise ValueError(f"a rule is at one of {', '.join(get_args(Stage))}, not {self.at!r}")
        if self.drop is not None and self.drop not in get_args(Drop):
            raise ValueError(f"a rule drops {' or '.join(get_args(Drop))}, not {self.drop!r}")
        if self.drop == "after_accept" and self.at != "body":
            raise ValueError("after_accept is for the stage body")
        if self.reply is not None and not (self.reply[:3].isdigit() and self.reply[:1] in "245"):
            raise ValueError(f"{self.reply!r} is no SMTP answer: three digits come first")

    def fits(self, at: Stage, address: str) -> bool:
        """Whether it speaks about this address at this stage."""
        return self.at == at and fnmatch.fnmatchcase(address.lower(), self.to.lower())


class Script:
    """Rules in order, and how often each was used for an address. A test may add rules while the sink runs."""

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self.rules = list(rules)
        self._used: Counter[tuple[Rule, str]] = Counter()

    def answer(self, at: Stage, address: str) -> Rule | None:
        """The rule that holds now, counted as used; None to go on normally."""
        for rule in self.rules:
            if rule.fits(at, address) and (rule.times is None or self._used[rule, address.lower()] < rule.times):
                self._used[rule, address.lower()] += 1
                return rule
        return None


class FileScript(Script):
    """Rules from a JSON file, read again whenever the file changes; no file, no rules."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._seen: tuple[int, int] | None = None

    def answer(self, at: Stage, address: str) -> Rule | None:
        """As in Script, by the file as it stands now. A file that is being written keeps the rules before it."""
        try:
            stat = self._path.stat()
        except FileNotFoundError:
            return super().answer(at, address)
        if self._seen != (stat.st_mtime_ns, stat.st_size):
            try:
                self.rules = read_rules(self._path)
            except json.JSONDecodeError:
                return super().answer(at, address)
            self._seen = (stat.st_mtime_ns, stat.st_size)
        return super().answer(at, address)


def read_rules(path: Path) -> list[Rule]:
    """The rules of a script file. Raises ValueError for a rule that cannot be."""
    values: list[dict[str, Any]] = json.loads(path.read_text())
    return [Rule(**value) for value in values]
