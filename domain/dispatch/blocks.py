"""Why a touch may not go yet: every block names itself and the instant it frees."""

from __future__ import annotations

from typing import NamedTuple

from domain.dispatch.instants import NEVER

CODES: dict[str, str] = {
    "stopped": "everything is stopped by the operator",
    "campaign_unknown": "no definition of the campaign has been seen",
    "campaign_draft": "the campaign is a draft",
    "campaign_scheduled": "the campaign waits for its start",
    "campaign_paused": "the campaign is paused",
    "campaign_completed": "the campaign is completed",
    "campaign_archived": "the campaign is archived",
    "campaign_not_started": "the campaign's start_at has not come",
    "campaign_ended": "the campaign's end_date is over",
    "campaign_hour": "send_rate_per_hour is used up (rolling 60 minutes)",
    "campaign_cycle": "send_batch_size is used up (rolling cycle)",
    "campaign_day": "daily_limit is used up (campaign's day)",
    "mailbox_unknown": "no definition of a mailbox that could send it has been seen",
    "mailbox_paused": "the mailbox is paused",
    "mailbox_open_grants": "the sender has not yet answered the mailbox's grants",
    "mailbox_hour": "the mailbox's hourly_limit is used up (rolling 60 minutes)",
    "mailbox_day": "the mailbox's daily_limit is used up (mailbox's day)",
    "mailbox_ramp": "the day's share of the mailbox's warm-up is used up (mailbox's day)",
    "mailbox_provider": "the provider's daily ceiling is used up (rolling 24 hours)",
    "mailbox_gap": "the pause between two mails of the mailbox",
    "workday_off": "outside the mailbox's workday",
    "workday_lunch": "the mailbox's lunch break",
    "workday_target": "the mailbox's mails of this workday are done",
    "workday_hour": "the mailbox's hourly ceiling of this workday is used up (rolling 60 minutes)",
    "domain_hour": "the recipient domain's hourly limit at the mailbox is used up (rolling 60 minutes)",
    "window_closed": "outside the send window in the lead's zone",
    "window_never_opens": "the send window has no hour left to open in",
    "ready": "nothing blocks it: it goes with the next decision",
    "granted": "granted: the sender has it",
}
"""Every code, in words (docs/behaviour.md 3)."""


class Block(NamedTuple):
    """A limit in the way. `frees_at` in microseconds since 1970; NEVER means an event frees it, not time.

    `or_event`: an event may free it earlier, because another mailbox waits for one.
    """

    code: str
    frees_at: int = NEVER
    or_event: bool = False

    @property
    def is_event(self) -> bool:
        """Whether no instant frees it."""
        return self.frees_at == NEVER


def later(one: Block | None, other: Block | None) -> Block | None:
    """Both must free: the one that frees last (the first of two equals)."""
    if one is None:
        return other
    if other is None or other.frees_at <= one.frees_at:
        return one
    return other


def sooner(one: Block | None, other: Block) -> Block:
    """Either may free: the one that frees first (the first of two equals). None stands for nothing seen so far."""
    return other if one is None or other.frees_at < one.frees_at else one
