"""What the leads role remembers of campaigns: who is parked for which, whom an edit concerns, and who has been shown it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from domain.campaign import Campaign
from domain.lifecycle import CLOSED
from domain.scoring import digest_of_all
from streams.tables import Table
from streams.work import Work

SLICE = 2_000
"""How many leads a sweep looks at a time."""


class Parking:
    """Leads that wait for a campaign to be defined or active: no tick looks at them until its definition changes."""

    def __init__(self) -> None:
        self._keys: dict[str, dict[int, set[bytes]]] = {}

    def __len__(self) -> int:
        return sum(len(keys) for by_partition in self._keys.values() for keys in by_partition.values())

    def add(self, campaign_id: str, partition: int, key: bytes) -> None:
        self._keys.setdefault(campaign_id, {}).setdefault(partition, set()).add(key)

    def take(self, campaign_ids: Iterable[str]) -> Iterable[tuple[int, bytes]]:
        """(partition, key) of everybody parked for these campaigns; they are parked no longer."""
        for campaign_id in campaign_ids:
            for partition, keys in self._keys.pop(campaign_id, {}).items():
                for key in keys:
                    yield partition, key

    def clear(self) -> None:
        self._keys.clear()


class Sweep:
    """A walk over all leads, a slice a tick, for those whom a campaign's new definition concerns.

    A lead is told from its bytes: those that name none of the campaigns are never parsed. `rollback` goes back to
    where the last committed slice ended.
    """

    def __init__(self, table: Table, campaign_ids: Collection[str]) -> None:
        self.campaign_ids = frozenset(campaign_ids)
        self._table = table
        self._marks = {campaign_id: f'"c":"{campaign_id}"'.encode() for campaign_id in campaign_ids}
        self._keys = [key for key, _, _ in table.entries()]
        self._at = self._committed = 0

    @property
    def is_over(self) -> bool:
        return self._committed >= len(self._keys)

    def slice(self) -> Iterable[tuple[bytes, int, str]]:
        """(key, partition, campaign) of the next leads concerned."""
        end = min(self._at + SLICE, len(self._keys))
        table = self._table
        for key in self._keys[self._at : end]:
            value, partition = table.get(key), table.partition(key)
            if value is None or partition is None:
                continue
            for campaign_id, mark in self._marks.items():
                if mark in value:
                    yield key, partition, campaign_id
        self._at = end

    def commit(self) -> None:
        self._committed = self._at

    def rollback(self) -> None:
        self._at = self._committed


def unseen(table: Table, partitions: Iterable[int], campaigns: Mapping[str, Campaign]) -> set[str]:
    """Campaigns of which the leads of one of these partitions have not taken the present revision into account.

    The table remembers it itself: a record a partition and campaign, under a key that no lead can have, written when
    every lead concerned has been shown the revision. So an edit reaches them also when nobody ran while it was made, or
    who ran died before the last of them was shown it, or handed the partition on. To keep the revision in each
    enrollment would cost bytes for every lead and a look at each after every start; to show all leads their campaigns
    after every start, minutes at a million. This costs a look-up a campaign.
    """
    return {
        campaign_id
        for campaign_id, campaign in campaigns.items()
        if any(table.get(_note_key(partition, campaign_id)) != _revision(campaign) for partition in partitions)
    }


def returned(
    table: Table, partitions: Iterable[int], old: Mapping[str, Campaign], new: Mapping[str, Campaign]
) -> set[str]:
    """Campaigns that were not in force for a while, and came back with another revision than their leads have seen."""
    back = {campaign_id: campaign for campaign_id, campaign in new.items() if campaign_id not in old}
    return {
        campaign_id
        for partition in partitions
        for campaign_id in unseen(table, (partition,), back)
        if table.get(_note_key(partition, campaign_id)) is not None
    }


def note(work: Work, table: Table, partition: int, campaigns: Iterable[Campaign]) -> None:
    """Remember that every lead of a partition has been shown these campaigns as they are defined now."""
    for campaign in campaigns:
        key, value = _note_key(partition, campaign.campaign_id), _revision(campaign)
        if work.get(table, key) != value:
            work.put(table, key, value, partition)


def _note_key(partition: int, campaign_id: str) -> bytes:
    """No lead id has control characters (`schemas.base.Identifier`)."""
    return f"\x00{partition}:{campaign_id}".encode()


def _revision(campaign: Campaign) -> bytes:
    closed = " closed" if campaign.status in CLOSED else ""
    return f"{campaign.revision}{closed} {digest_of_all(campaign.scoring)}".encode()


def scores_differ(table: Table, partition: int, campaign: Campaign) -> bool:
    """Whether a partition's leads may have been scored by other rules than the campaign has now: what an edit left as it is
    must not be counted again, because not all of a lead's story is remembered.
    """
    seen = table.get(_note_key(partition, campaign.campaign_id))
    return seen is None or seen.rpartition(b" ")[2] != digest_of_all(campaign.scoring).encode()


def awakened(old: Mapping[str, Campaign], new: Mapping[str, Campaign]) -> list[str]:
    """Campaigns for which those parked must be looked at again: defined, active, or closed since."""
    return [
        campaign_id
        for campaign_id, campaign in new.items()
        if (was := old.get(campaign_id)) is not campaign
        and (was is None or was.status != campaign.status or was.start_at != campaign.start_at)
    ]


def edited(old: Mapping[str, Campaign], new: Mapping[str, Campaign]) -> list[str]:
    """Campaigns whose new definition concerns leads: closed, another end, other steps, window, pace, scores."""
    return [
        campaign_id
        for campaign_id, campaign in new.items()
        if (was := old.get(campaign_id)) is not None
        and was is not campaign
        and (
            (campaign.status in CLOSED and was.status not in CLOSED)
            or was.end_date != campaign.end_date
            or was.window != campaign.window
            or was.fatigue != campaign.fatigue
            or was.smart_send_time != campaign.smart_send_time
            or was.steps != campaign.steps
            or was.scoring != campaign.scoring
        )
    ]
