"""The ledger's gate and the mail server, made up: what may leave leaves at once, and is accepted.

What the real gate and the real sender refuse by a rule is refused here by the same rule: a stop, a suppression, an
address that another lead owns, a message that cannot be written with this lead's values. Servers that defer, drop or
refuse are not made up.
"""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from domain.campaign import Campaign, EmailStep, Mailbox, Sender, SmsSender, SmsStep
from domain.message import CompiledMessage, InvalidAddress, NoSubject, RenderError, compile_message
from domain.templates import merge_values
from domain.texts import compile_text
from schemas.sending import DueSend, Outcome

_UNSUBSCRIBE = "https://unsubscribe.invalid/u"


class Passed(NamedTuple):
    """What became of a grant. `subject` as it was written, None where nothing was."""

    outcome: Outcome
    code: str | None = None
    subject: str | None = None


class Gate:
    """Stops, suppressions and owners of addresses, as the decisions of leads commit them."""

    def __init__(self) -> None:
        self._sent: set[UUID] = set()
        self._stops: dict[UUID, set[str]] = {}
        self._suppressed: set[str] = set()
        self._owners: dict[str, str] = {}
        self._messages: dict[tuple[str, str, str], tuple[Campaign, CompiledMessage]] = {}

    def stop(self, enrollment_id: UUID, source_id: str) -> None:
        """Nothing of the enrollment may leave until this source's stop is released."""
        self._stops.setdefault(enrollment_id, set()).add(source_id)

    def release(self, enrollment_id: UUID | None, source_id: str) -> None:
        """Release one's own stop (None: a lead-wide one, and those do not outlive the event that makes them here)."""
        if enrollment_id is not None:
            self._stops.get(enrollment_id, set()).discard(source_id)

    def suppress(self, email: str) -> None:
        """The address gets nothing any more."""
        self._suppressed.add(email)

    def judge(self, touch: DueSend, campaign: Campaign | None, sender: Sender | None) -> Passed:
        """What becomes of a touch whose grant has come."""
        if touch.send_id in self._sent:
            return Passed("stale")
        if self._stops.get(touch.enrollment_id):
            return Passed("stopped")
        if touch.email in self._suppressed:
            return Passed("suppressed", "suppressed")
        if self._owners.setdefault(touch.email, touch.lead_id) != touch.lead_id:
            return Passed("suppressed", "duplicate_address")
        step = campaign.steps.get(touch.step_id) if campaign is not None else None
        subject = None
        try:
            if isinstance(step, SmsStep) and isinstance(sender, SmsSender):
                compile_text(step, sender).render(touch, _UNSUBSCRIBE)
            elif isinstance(step, EmailStep) and isinstance(sender, Mailbox) and campaign is not None:
                subject = self._write(touch, campaign, step, sender) if touch.content is None else None
        except (RenderError, InvalidAddress) as error:
            return Passed("failed", getattr(error, "code", None) or "invalid_address")
        self._sent.add(touch.send_id)
        return Passed("sent", None, subject)

    def _write(self, touch: DueSend, campaign: Campaign, step: EmailStep, mailbox: Mailbox) -> str:
        """The message as far as it can fail: its subject and its text, with this lead's values."""
        message = self._message(touch, campaign, step, mailbox)
        values = merge_values(touch.merge, message.variables)
        if "email" in message.variables:
            values.setdefault("email", touch.email)
        values.update(message.sender)
        values["unsubscribe_url"] = _UNSUBSCRIBE
        if message.subject is not None:
            subject = message.subject.fill(values, html=False)
        elif touch.thread is not None:
            subject = touch.thread.subject
        else:
            raise NoSubject
        message.text.fill(values, html=False)
        return subject

    def _message(self, touch: DueSend, campaign: Campaign, step: EmailStep, mailbox: Mailbox) -> CompiledMessage:
        key = (touch.step_id, touch.variant, mailbox.mailbox_id)
        known = self._messages.get(key)
        if known is None or known[0] is not campaign:
            arm = next((arm for arm in step.arms if arm.name == touch.variant), step.arms[0])
            known = self._messages[key] = (campaign, compile_message(campaign, step, arm, mailbox))
        return known[1]
