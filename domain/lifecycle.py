"""Which status a campaign may move to (docs/behaviour.md 1.1 and 1.8)."""

from collections.abc import Mapping
from datetime import datetime

from schemas.definitions import CampaignStatus

MOVES: Mapping[CampaignStatus, tuple[CampaignStatus, ...]] = {
    "draft": ("scheduled", "active"),
    "scheduled": ("active", "paused", "completed"),
    "active": ("paused", "completed"),
    "paused": ("active", "scheduled", "completed"),
    "completed": ("archived",),
    "archived": (),
}

CLOSED: frozenset[CampaignStatus] = frozenset({"completed", "archived"})
"""A campaign that takes no enrollments any more."""


class IllegalMoveError(ValueError):
    """A status that cannot follow the present one; the message lists those that can."""

    def __init__(self, campaign_id: str, status: CampaignStatus, wanted: CampaignStatus) -> None:
        legal = ", ".join(MOVES[status]) or "none: it is final"
        super().__init__(f"campaign {campaign_id!r} is {status} and cannot become {wanted}; legal moves: {legal}")
        self.campaign_id = campaign_id
        self.status = status
        self.wanted = wanted


class ClosedError(ValueError):
    """A campaign that is over was asked to take leads. `status` is what it is."""

    def __init__(self, campaign_id: str, status: CampaignStatus) -> None:
        super().__init__(f"campaign_closed: campaign {campaign_id!r} is {status} and takes no more leads")
        self.campaign_id = campaign_id
        self.status = status


def check_takes_leads(campaign_id: str, status: CampaignStatus | None) -> None:
    """Raise `ClosedError` for a campaign that takes no enrollments any more (docs/behaviour.md 1.7)."""
    if status in CLOSED:
        raise ClosedError(campaign_id, status)


def check_move(campaign_id: str, status: CampaignStatus, wanted: CampaignStatus) -> None:
    """Raise `IllegalMoveError` unless a campaign may go from `status` to `wanted`."""
    if wanted not in MOVES[status]:
        raise IllegalMoveError(campaign_id, status, wanted)


def opening_status(start_at: datetime | None, now: datetime) -> CampaignStatus:
    """What a launched or resumed campaign becomes at `now` (campaign time): scheduled until its start has come."""
    return "scheduled" if start_at is not None and start_at > now else "active"
