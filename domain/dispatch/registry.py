"""The campaigns, mailboxes and lanes of a partition, made as they are met, and bound to the definitions in force."""

from __future__ import annotations

from domain.campaign import Definitions
from domain.dispatch.grants import Slot
from domain.dispatch.instants import HOUR
from domain.dispatch.lanes import Lane
from domain.dispatch.limits import CampaignMeter, MailboxMeter


class Registry:
    """What a partition counts by: a meter a campaign, a meter a mailbox, a lane a campaign and mailbox."""

    def __init__(self) -> None:
        self.definitions = Definitions({}, {})
        self.lanes: dict[tuple[str, str | None, bool], Lane] = {}
        self._campaigns: dict[str, CampaignMeter] = {}
        self._mailboxes: dict[str, MailboxMeter] = {}
        self._to_write: dict[str, int] = {}

    def define(self, definitions: Definitions) -> None:
        """Take the definitions in force."""
        self.definitions = definitions
        for campaign in self._campaigns.values():
            campaign.define(definitions.campaigns.get(campaign.campaign_id))
        for mailbox in self._mailboxes.values():
            mailbox.define(definitions.sender(mailbox.mailbox_id))
            mailbox.lanes = []
        for lane in self.lanes.values():
            self._connect(lane)

    def campaign(self, campaign_id: str) -> CampaignMeter:
        """The campaign's meter."""
        campaign = self._campaigns.get(campaign_id)
        if campaign is None:
            campaign = self._campaigns[campaign_id] = CampaignMeter(campaign_id)
            campaign.define(self.definitions.campaigns.get(campaign_id))
        return campaign

    def mailbox(self, mailbox_id: str) -> MailboxMeter:
        """The mailbox's meter."""
        mailbox = self._mailboxes.get(mailbox_id)
        if mailbox is None:
            mailbox = self._mailboxes[mailbox_id] = MailboxMeter(mailbox_id)
            mailbox.define(self.definitions.sender(mailbox_id))
        return mailbox

    def lane(self, campaign_id: str, mailbox_id: str | None, *, answers: bool = False) -> Lane:
        """The lane of a campaign's touches (or its answers to replies) that go from one mailbox, or (None) from any."""
        key = (campaign_id, mailbox_id, answers)
        lane = self.lanes.get(key)
        if lane is None:
            campaign = self.campaign(campaign_id)
            lane = self.lanes[key] = Lane(len(self.lanes), campaign, mailbox_id, answers=answers)
            campaign.lanes.append(lane)
            self._connect(lane)
        return lane

    def count(self, slot: Slot) -> None:
        """Count a grant that is open or used in every limit it takes a slot of."""
        mailbox = self.mailbox(slot.mailbox_id)
        mailbox.add(slot.send_id, slot.domain, slot.at)
        mailbox.open += slot.state == "open"
        if mailbox.tracks and slot.mailbox_id not in self._to_write:
            self._to_write[slot.mailbox_id] = slot.at + HOUR
        self.campaign(slot.campaign_id).grants.add(slot.at)

    def uncount(self, slot: Slot) -> None:
        """A grant was not used: its slots are free again."""
        mailbox = self.mailbox(slot.mailbox_id)
        mailbox.remove(slot.domain, slot.at)
        if mailbox.tracks:
            self.soon(mailbox, 0)
        self.campaign(slot.campaign_id).grants.remove(slot.at)

    def soon(self, mailbox: MailboxMeter, at: int) -> None:
        """Have the mailbox's row written at `at` (0: with the next rows)."""
        self._to_write[mailbox.mailbox_id] = at

    def rows(self, now: int) -> list[tuple[str, bytes | None]]:
        """Rows that are due to be written. Sends alone make one an hour: grants are remembered by themselves for longer."""
        due = [mailbox_id for mailbox_id, at in self._to_write.items() if at <= now]
        for mailbox_id in due:
            del self._to_write[mailbox_id]
        return [(mailbox_id, self._mailboxes[mailbox_id].row(now)) for mailbox_id in due]

    def _connect(self, lane: Lane) -> None:
        """A touch whose mailbox is settled stays with it; any other may go from each of the campaign's. A text goes from the
        number that the campaign has now.
        """
        campaign = lane.campaign.campaign
        number = campaign.sms_sender_id if campaign is not None else None
        if lane.mailbox_id is None:
            chosen: tuple[str, ...] = campaign.mailbox_ids if campaign is not None else ()
        elif number is not None and lane.mailbox_id in self.definitions.sms_senders:
            chosen = (number,)
        else:
            chosen = (lane.mailbox_id,)
        lane.mailboxes = [self.mailbox(mailbox_id) for mailbox_id in chosen]
        lane.mailbox_zones = frozenset(mailbox.zone for mailbox in lane.mailboxes)
        lane.caps_domains = any(mailbox.caps_domains for mailbox in lane.mailboxes)
        for mailbox in lane.mailboxes:
            mailbox.lanes.append(lane)
