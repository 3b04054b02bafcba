"""A claim as a finished letter or text: its compiled message, filled, with its tokens and links."""

from __future__ import annotations

from agents.sending.book import Book, NoSuchStep
from domain.campaign import Sender, SmsSender
from domain.message import Rendered, message_id_of, reply_address
from domain.text_tokens import notice_path
from domain.texts import text_id
from domain.tokens import LinkToken, TokenKeys, link_token
from schemas.sending import DueSend
from sinks.ports import Claim
from sinks.sms import form_of


class Letters:
    """Renders. `public_url` is where recipients reach pixel, click and unsubscribe (no slash at its end)."""

    def __init__(self, book: Book, keys: TokenKeys, public_url: str) -> None:
        self._book = book
        self._keys = keys
        self._url = public_url.rstrip("/")

    def message_id(self, touch: DueSend, mailbox: Sender) -> str:
        """The Message-ID of a touch, the same however often it is tried."""
        if isinstance(mailbox, SmsSender):
            return text_id(touch.send_id)
        return message_id_of(self._keys, touch.send_id, mailbox)

    def render(self, claim: Claim, mailbox: Sender) -> Rendered:
        """The bytes that leave. Raises RenderError, InvalidAddress (the touch has failed) and NoSuchStep."""
        touch = claim.grant.touch
        if (touch.channel == "sms") is not isinstance(mailbox, SmsSender):
            raise NoSuchStep(f"{touch.step_id} by {mailbox.mailbox_id}")
        if isinstance(mailbox, SmsSender):
            return self._text(claim, mailbox)
        message = self._book.message(touch, mailbox)
        unsubscribe = self._token(touch, "unsubscribe")
        pixel = f"{self._url}/t/o/{self._token(touch, 'open')}.gif" if message.track_opens else None

        def link(url: str) -> str:
            return f"{self._url}/t/c/{self._token(touch, 'click', url)}"

        return message.render(
            touch,
            granted_at=claim.grant.granted_at,
            message_id=claim.message_id,
            reply_to=reply_address(claim.message_id, mailbox),
            unsubscribe_url=f"{self._url}/u/{unsubscribe}",
            pixel_url=pixel,
            link=link,
        )

    def _text(self, claim: Claim, sender: SmsSender) -> Rendered:
        """A text as the form that its provider takes. It has no subject."""
        touch = claim.grant.touch
        words = self._book.text(touch, sender).render(touch, f"{self._url}/u/{self._token(touch, 'unsubscribe')}")
        status_url = f"{self._url}{notice_path(self._keys, touch.send_id)}" if sender.status_callback else None
        return Rendered(form_of(sender, touch.email, words, status_url), "", touch.email, claim.message_id)

    def _token(self, touch: DueSend, kind: str, url: str | None = None) -> str:
        return link_token(
            self._keys,
            LinkToken(kind, touch.lead_id, touch.campaign_id, touch.step_id, touch.entry_no, url),  # pyright: ignore[reportArgumentType]
        )
