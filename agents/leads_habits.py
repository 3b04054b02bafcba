"""At which hours a campaign's leads open its mails: what a lead that never opened one is sent by (docs/behaviour.md 3.4).

Told from the leads of this worker's partitions, a share of all that hash to them by chance, and rebuilt from their own
records after a recovery. Only leads of campaigns that send at the hour that suits have such a record.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping, Sequence

from domain.campaign import Campaign
from domain.leads import codec
from domain.leads.state import Lead

KEPT = 500
"""Opens of a campaign that count: the latest, so that habits may change."""
_MARK = b'"H":['
_SLICE = 5_000


class Habits:
    """Campaign -> the local hours of its latest opens. `hours` goes into the policy of decisions."""

    def __init__(self) -> None:
        self._hours: dict[str, deque[int]] = {}
        self._wanted: frozenset[str] = frozenset()

    def hours(self, campaign_id: str) -> Sequence[int]:
        """The hours, oldest first."""
        return tuple(self._hours.get(campaign_id, ()))

    @property
    def is_wanted(self) -> bool:
        """Whether any campaign in force asks for them."""
        return bool(self._wanted)

    def follow(self, campaigns: Mapping[str, Campaign]) -> None:
        """Take the campaigns in force."""
        self._wanted = frozenset(one.campaign_id for one in campaigns.values() if one.smart_send_time)
        for campaign_id in self._hours.keys() - self._wanted:
            del self._hours[campaign_id]

    def saw(self, before: bytes | None, lead: Lead | None) -> None:
        """A lead has changed: count the hour that it added to its record."""
        if lead is not None and lead.hours and (before is None or lead.hours != _hours_in(before)):
            self._count(lead, lead.hours[-1:])

    async def rebuild(self, values: Iterable[bytes]) -> None:
        """Count anew from the records of all leads, in slices that yield."""
        self._hours = {}
        if not self._wanted:
            return
        for number, value in enumerate(values):
            if number % _SLICE == _SLICE - 1:
                await asyncio.sleep(0)
            if _MARK in value:
                lead = codec.decode(value)
                self._count(lead, lead.hours)

    def _count(self, lead: Lead, hours: Sequence[int]) -> None:
        for campaign_id in {e.campaign_id for e in lead.enrollments} & self._wanted:
            self._hours.setdefault(campaign_id, deque(maxlen=KEPT)).extend(hours)


def _hours_in(value: bytes) -> tuple[int, ...]:
    return codec.decode(value).hours if _MARK in value else ()
