"""What this process holds: every touch from intake until its outcome is told.

A sweep takes from the ledger only what is in nobody's hands here, and a partition is settled up to the oldest of these.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from agents.sending import metrics
from sinks.ports import Claim, Lease


class Hands:
    """Claims by touch and grant."""

    def __init__(self) -> None:
        self._claims: dict[tuple[UUID, str], Claim] = {}
        self._newest: dict[int, datetime] = {}

    def __len__(self) -> int:
        return len(self._claims)

    def take(self, claims: Iterable[Claim]) -> list[Claim]:
        """Take these up; returns those that were not held already."""
        fresh: list[Claim] = []
        for claim in claims:
            key = (claim.grant.touch.send_id, claim.grant.grant_id)
            held = self._claims.get(key)
            if held is not None and held.lease == claim.lease:
                continue
            self._claims[key] = claim
            fresh.append(claim)
            partition = claim.lease.partition
            newest = self._newest.get(partition)
            if newest is None or claim.claimed_at > newest:
                self._newest[partition] = claim.claimed_at
        metrics.IN_HAND.set(len(self._claims))
        return fresh

    def put_down(self, claims: Iterable[Claim]) -> None:
        """Done with these: their outcome is told, or they are another owner's."""
        for claim in claims:
            key = (claim.grant.touch.send_id, claim.grant.grant_id)
            if self._claims.get(key) is claim:
                del self._claims[key]
        metrics.IN_HAND.set(len(self._claims))

    def keep_only(self, leases: frozenset[Lease]) -> None:
        """Put down everything that is not under one of these leases."""
        self.put_down([claim for claim in self._claims.values() if claim.lease not in leases])
        partitions = {lease.partition for lease in leases}
        self._newest = {number: at for number, at in self._newest.items() if number in partitions}

    def held(self, lease: Lease) -> frozenset[UUID]:
        """The touches in hand of a partition."""
        return frozenset(claim.grant.touch.send_id for claim in self._claims.values() if claim.lease == lease)

    def settled_at(self, lease: Lease) -> datetime | None:
        """Everything of the partition that was claimed before this instant is finished and told. None: nothing is known."""
        oldest = min((claim.claimed_at for claim in self._claims.values() if claim.lease == lease), default=None)
        return self._newest.get(lease.partition) if oldest is None else oldest
