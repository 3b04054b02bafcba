"""Where an enrollment's walk through its steps stands, while it is decided how far it goes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from domain.campaign import Campaign, EmailStep, SmsStep
from domain.leads import asking
from domain.leads.effects import Ask
from domain.leads.state import Enrollment, Phase
from domain.leads.turn import Turn


@dataclass(slots=True)
class Walk:
    """Where the walk stands. `ended` is set when a step ended the enrollment."""

    e: Enrollment
    step_id: str | None
    phase: Phase
    due_at: datetime | None
    base_at: datetime
    ask_no: int
    renewals: int
    place_at: datetime | None
    ended: bool = False

    def go(self, step_id: str | None, base_at: datetime | None = None) -> bool:
        """On to another step; True: walk on."""
        self.step_id, self.phase, self.due_at, self.place_at = step_id, "arrive", None, None
        if base_at is not None:
            self.base_at = base_at
        return True

    def rest(self, phase: Phase, due_at: datetime) -> bool:
        """Stay at this step; False: the walk is over."""
        self.phase, self.due_at = phase, due_at
        return False

    def ask(self, turn: Turn, campaign: Campaign, step: EmailStep | SmsStep, to: str) -> bool:
        """Ask dispatch for the step's touch and rest until it answers. False: it carries more than a touch may."""
        due_at = self.due_at or turn.now
        due = asking.due_send(
            turn.lead_id, turn.facts, self.e, self.e.id_for(turn.lead_id), campaign, step, to, self.ask_no + 1, due_at, turn.now,
        )  # fmt: skip
        if asking.too_large(due.merge):
            return False
        turn.effects.append(Ask(due))
        self.ask_no = due.ask_no
        self.place_at = due_at if due_at != turn.now else None
        self.rest("out", turn.now + asking.silence(turn.policy, self.renewals))
        return True
