"""What a mailbox is remembered for beyond the grants of a day: pauses, the days of its warm-up, its bounces and complaints.

Grants of 26 hours are remembered by themselves (`grants`), so sends are written down here only now and then: what the
row lacks of today is counted again from them after a restart.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

from domain.senders import AutoPause

Trouble = Literal["bounce", "complaint"]
KINDS: tuple[Trouble, ...] = ("bounce", "complaint")
REASONS = frozenset(f"{kind}_rate" for kind in KINDS)
"""Codes of the pauses that `Health.verdict` asks for."""
KEPT_DAYS = 31
_MARK = 12
"""Hex digits of a send_id that stand for it among a month's bounces."""


def mark_of(send_id: bytes) -> str:
    """What stands for a touch among those that bounced or were complained about."""
    return send_id.hex()[:_MARK]


class Health:
    """A mailbox's sends, bounces and complaints by local day (an ordinal). A touch counts once for each kind."""

    __slots__ = ("_forgiven", "_seen", "_stored", "_trouble", "since")

    def __init__(self) -> None:
        self._stored: dict[int, int] = {}
        self._seen: dict[int, int] = {}
        self._trouble: dict[Trouble, dict[int, set[str]]] = {kind: {} for kind in KINDS}
        self._forgiven: dict[Trouble, dict[int, set[str]]] = {kind: {} for kind in KINDS}
        """What a person has looked at: it counts no more, also when it is told again."""
        self.since = 0
        """Nothing that was granted before counts (microseconds): a person has looked, and let it send again."""

    @property
    def has_trouble(self) -> bool:
        """Whether anything has bounced or was complained about."""
        return any(self._trouble.values())

    def sent(self, day: int, at: int) -> None:
        """Count a grant made at `at`, on that day."""
        if at >= self.since:
            self._seen[day] = self._seen.get(day, 0) + 1

    def unsent(self, day: int, at: int) -> None:
        """A grant was not used after all."""
        if at >= self.since:
            for counts in (self._seen, self._stored):
                if counts.get(day, 0) > 0:
                    counts[day] -= 1

    def note(self, kind: Trouble, day: int, mark: str) -> bool:
        """A touch bounced for good, or was complained about. False when that was known."""
        days = self._trouble[kind]
        if any(mark in marks for known in (days, self._forgiven[kind]) for marks in known.values()):
            return False
        days.setdefault(day, set()).add(mark)
        return True

    def verdict(self, rules: AutoPause, today: int) -> str | None:
        """Why the mailbox must rest, in words; None where its rates are below the limits, or sends too few to tell."""
        first = today - rules.days + 1
        sends = sum(self.sends_on(day) for day in self._seen.keys() | self._stored.keys() if first <= day)
        if sends < rules.min_sends:
            return None
        limits: tuple[tuple[Trouble, str, float], ...] = (
            ("complaint", "complaints", rules.complaint_percent),
            ("bounce", "bounces", rules.bounce_percent),
        )
        for kind, plural, percent in limits:
            count = sum(len(marks) for day, marks in self._trouble[kind].items() if first <= day)
            if count and count * 100_000 >= round(percent * 1000) * sends:
                return f"{kind}_rate: {count} {plural} of {sends} mails in {rules.days} days"
        return None

    def sends_on(self, day: int) -> int:
        """How many mails were granted on a day, and not given back."""
        return max(self._stored.get(day, 0), self._seen.get(day, 0))

    def start_anew(self, at: int) -> None:
        """Forget what was: from `at` on it is counted anew."""
        self._stored, self._seen = {}, {}
        for kind, days in self._trouble.items():
            for day, marks in days.items():
                self._forgiven[kind].setdefault(day, set()).update(marks)
        self._trouble = {kind: {} for kind in KINDS}
        self.since = at

    def write(self, today: int) -> dict[str, Any]:
        """What is worth remembering, without what is older than a month."""
        first = today - KEPT_DAYS
        for days in (self._stored, self._seen, *self._trouble.values(), *self._forgiven.values()):
            for day in [day for day in days if day < first]:
                del days[day]
        row: dict[str, Any] = {}
        sends = {str(day): self.sends_on(day) for day in sorted(self._seen.keys() | self._stored.keys())}
        if sends:
            row["sends"] = sends
        for kind, days in self._trouble.items():
            if days:
                row[kind] = {str(day): " ".join(sorted(marks)) for day, marks in sorted(days.items())}
        for kind, days in self._forgiven.items():
            if days:
                row[f"forgiven_{kind}"] = {str(day): " ".join(sorted(marks)) for day, marks in sorted(days.items())}
        if self.since:
            row["since"] = self.since
        return row

    def read(self, row: Mapping[str, Any]) -> None:
        """Take what `write` gave. Today's grants are counted again besides: the larger of the two holds."""
        self.since = row.get("since", 0)
        self._stored = {int(day): count for day, count in row.get("sends", {}).items()}
        for kind in KINDS:
            self._trouble[kind] = {int(day): set(marks.split()) for day, marks in row.get(kind, {}).items()}
            forgiven = row.get(f"forgiven_{kind}", {})
            self._forgiven[kind] = {int(day): set(marks.split()) for day, marks in forgiven.items()}


class WarmUp:
    """On how many local days before its last one a mailbox has sent while it was ramped up."""

    __slots__ = ("_day", "_days", "_seen", "_stored")

    def __init__(self) -> None:
        self._days = self._day = self._seen = self._stored = 0

    def sent(self, day: int) -> None:
        """Count a grant of that day."""
        if day > self._day:
            self._days = self.days_before(day)
            self._day, self._seen, self._stored = day, 0, 0
        if day == self._day:
            self._seen += 1

    def unsent(self, day: int) -> None:
        """A grant was not used after all: a day on which nothing left does not count."""
        if day == self._day:
            self._seen, self._stored = max(0, self._seen - 1), max(0, self._stored - 1)

    def days_before(self, day: int) -> int:
        """On how many days before `day` something was sent."""
        return self._days + (1 if day > self._day and max(self._seen, self._stored) > 0 else 0)

    def write(self) -> list[int]:
        return [self._days, self._day, max(self._seen, self._stored)]

    def read(self, row: list[int]) -> None:
        """Take what `write` gave. That day's grants are counted again besides: the larger of the two holds."""
        self._days, self._day, self._stored = row


class Standing:
    """A mailbox's row in the `mailboxes` table."""

    __slots__ = ("health", "paused_until", "reason", "warm_up")

    def __init__(self) -> None:
        self.paused_until = 0
        self.reason = ""
        self.health = Health()
        self.warm_up = WarmUp()

    def pause(self, until: int, reason: str) -> None:
        """No grants before `until` (microseconds; NEVER: until resumed). The longer pause holds."""
        if until > self.paused_until:
            self.paused_until, self.reason = until, reason

    def resume(self, at: int) -> None:
        """It may send again. A person has looked at what made it rest: that counts no more."""
        if self.reason.partition(":")[0] in REASONS:
            self.health.start_anew(at)
        self.paused_until, self.reason = 0, ""

    def write(self, today: int) -> bytes | None:
        """The row; None when there is nothing to remember."""
        row: dict[str, Any] = {}
        if self.paused_until:
            row |= {"until": self.paused_until, "reason": self.reason}
        if any(warm := self.warm_up.write()):
            row["warm_up"] = warm
        row |= self.health.write(today)
        return json.dumps(row, separators=(",", ":")).encode() if row else None

    def read(self, value: bytes) -> None:
        """Take a row."""
        row = json.loads(value)
        self.paused_until, self.reason = row.get("until", 0), row.get("reason", "")
        if "warm_up" in row:
            self.warm_up.read(row["warm_up"])
        self.health.read(row)
