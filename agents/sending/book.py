"""The definitions as the sender uses them: compiled once, and each email once a step, arm and mailbox."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from domain.answering import compile_answer, compile_auto_answer, is_answer
from domain.campaign import Campaign, EmailStep, Mailbox, Sender, SmsSender, SmsStep
from domain.compile import Compiled, compile_definition
from domain.documents import InvalidDefinitions
from domain.message import CompiledMessage, compile_message
from domain.texts import CompiledText, compile_text
from domain.writing import written_arm
from schemas.definitions import Definition
from schemas.sending import Content, DueSend

log = structlog.get_logger("touchline.sender")


class NoSuchStep(Exception):
    """The touch's step or variant is not in its campaign any more: whoever asked must ask anew."""

    code = "unknown_step"


class Book:
    """Follows the broadcast: register `learn` with `Definitions.on_change`."""

    def __init__(self) -> None:
        self._campaigns: dict[str, Campaign] = {}
        self._mailboxes: dict[str, Sender] = {}
        self._texts: dict[tuple[str, str, str], CompiledText] = {}
        self._messages: dict[tuple[str, str, str, str], CompiledMessage] = {}
        self._changed = asyncio.Event()
        self._listeners: list[Callable[[str], None]] = []

    def on_mailbox(self, listener: Callable[[str], None]) -> None:
        """Call with the id of every sender that has changed."""
        self._listeners.append(listener)

    def learn(self, key: tuple[str, str], definition: Definition | None) -> None:
        """A definition has changed; None: it was deleted. One that does not compile leaves the last good one in force."""
        kind, name = key
        if kind not in {"campaign", "mailbox", "sms_sender"}:
            return
        compiled = None
        if definition is not None:
            try:
                compiled = compile_definition(definition)
            except InvalidDefinitions as error:
                log.error("definition_skipped", kind=kind, id=name, revision=definition.revision, error=str(error))
                return
        self._put(kind, name, compiled)
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def _put(self, kind: str, name: str, compiled: Compiled | None) -> None:
        self._texts.clear()
        if kind == "campaign":
            self._campaigns.pop(name, None)
            if isinstance(compiled, Campaign):
                self._campaigns[name] = compiled
            self._messages = {key: message for key, message in self._messages.items() if key[0] != name}
            return
        self._mailboxes.pop(name, None)
        if isinstance(compiled, Mailbox | SmsSender):
            self._mailboxes[name] = compiled
        self._messages = {key: message for key, message in self._messages.items() if key[3] != name}
        for listener in self._listeners:
            listener(name)

    def campaign(self, campaign_id: str) -> Campaign | None:
        return self._campaigns.get(campaign_id)

    def mailbox(self, mailbox_id: str) -> Sender | None:
        """The mailbox or the SMS number of this id."""
        return self._mailboxes.get(mailbox_id)

    def knows(self, touch: DueSend, mailbox_id: str) -> bool:
        """Whether the touch's campaign, at its version or a later one, and its mailbox have been read."""
        campaign = self._campaigns.get(touch.campaign_id)
        return campaign is not None and campaign.revision >= touch.campaign_version and mailbox_id in self._mailboxes

    async def wait_for(self, campaigns: set[str], mailboxes: set[str], seconds: float) -> None:
        """Return when all of these are known, or after `seconds`: what was granted a moment ago may be read in a moment."""
        try:
            async with asyncio.timeout(seconds):
                while not (campaigns <= self._campaigns.keys() and mailboxes <= self._mailboxes.keys()):
                    await self._changed.wait()
        except TimeoutError:
            return

    def message(self, touch: DueSend, mailbox: Mailbox) -> CompiledMessage:
        """The compiled email of a touch. Raises NoSuchStep."""
        if is_answer(touch.step_id):
            return self._answer(touch, mailbox)
        if touch.content is not None:
            return self._written(touch, touch.content, mailbox)
        key = (touch.campaign_id, touch.step_id, touch.variant, mailbox.mailbox_id)
        message = self._messages.get(key)
        if message is None:
            campaign = self._campaigns.get(touch.campaign_id)
            step = campaign.steps.get(touch.step_id) if campaign else None
            if campaign is None or not isinstance(step, EmailStep):
                raise NoSuchStep(touch.step_id)
            arm = next((arm for arm in step.arms if arm.name == touch.variant), None)
            if arm is None:
                raise NoSuchStep(f"{touch.step_id} {touch.variant}")
            message = self._messages[key] = compile_message(campaign, step, arm, mailbox)
        return message

    def _written(self, touch: DueSend, content: Content, mailbox: Mailbox) -> CompiledMessage:
        """A touch that has words of its own: made for it alone, like any other in all else."""
        campaign = self._campaigns.get(touch.campaign_id)
        step = campaign.steps.get(touch.step_id) if campaign else None
        if campaign is None or not isinstance(step, EmailStep):
            raise NoSuchStep(touch.step_id)
        return compile_message(campaign, step, written_arm(content, touch.variant), mailbox)

    def _answer(self, touch: DueSend, mailbox: Mailbox) -> CompiledMessage:
        """An answer to a reply: the words that were approved, or the campaign's own for the reply's category."""
        campaign = self._campaigns.get(touch.campaign_id)
        if campaign is None:
            raise NoSuchStep(touch.step_id)
        if touch.content is not None:
            return compile_answer(campaign, touch.content, mailbox)
        words = campaign.auto_replies.get(touch.variant)
        if words is None:  # switched off since
            raise NoSuchStep(f"{touch.step_id} {touch.variant}")
        return compile_auto_answer(campaign, words, mailbox)

    def text(self, touch: DueSend, sender: SmsSender) -> CompiledText:
        """The compiled text of a touch. Raises NoSuchStep."""
        key = (touch.campaign_id, touch.step_id, sender.mailbox_id)
        text = self._texts.get(key)
        if text is None:
            campaign = self._campaigns.get(touch.campaign_id)
            step = campaign.steps.get(touch.step_id) if campaign else None
            if not isinstance(step, SmsStep):
                raise NoSuchStep(touch.step_id)
            text = self._texts[key] = compile_text(step, sender)
        return text
