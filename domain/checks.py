"""What must hold within a document and between documents (docs/behaviour.md 1.2): every mistake at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from domain.check_campaign import check_campaign
from domain.check_routing import check_routing, check_routing_among
from domain.check_senders import check_mailbox, check_sms_sender
from domain.check_words import Found
from domain.documents import AnyDoc, Loaded, Problem
from domain.replies.rules import BadRuleError, check_names, compile_rule
from domain.routing import compile_routing
from schemas.definitions import CampaignDoc, MailboxDoc, ReplyRuleDoc, RoutingDoc, SmsSenderDoc


def check_documents(documents: Sequence[Loaded], known: Sequence[AnyDoc] = ()) -> list[Problem]:
    """Every mistake in `documents`, which are to replace or join the `known` ones in force."""
    before = {(doc.kind, doc.id): doc for doc in known}
    after = before | {(item.doc.kind, item.doc.id): item.doc for item in documents}
    problems: list[Problem] = []
    seen: set[tuple[str, str]] = set()
    for item in documents:
        key = (item.doc.kind, item.doc.id)
        if key in seen:
            problems.append(item.problem(("id",), "duplicate_id", f"{item.path} is given twice"))
        seen.add(key)
        problems += check_document(item)
        problems += [item.problem(*mistake) for mistake in _check_among(item.doc, before.get(key), after)]
    return problems


def check_document(item: Loaded) -> list[Problem]:
    """Every mistake in a document that can be seen without the others."""
    return [item.problem(*mistake) for mistake in _check_one(item.doc)]


def _check_one(doc: AnyDoc) -> Found:
    if isinstance(doc, MailboxDoc):
        yield from check_mailbox(doc)
    elif isinstance(doc, SmsSenderDoc):
        yield from check_sms_sender(doc)
    elif isinstance(doc, CampaignDoc):
        yield from check_campaign(doc)
    elif isinstance(doc, RoutingDoc):
        yield from check_routing(doc)
    elif isinstance(doc, ReplyRuleDoc):
        try:
            compile_rule(doc, None)
        except BadRuleError as error:
            yield (error.field,), "bad_rule", error.reason


def _check_among(doc: AnyDoc, before: AnyDoc | None, known: Mapping[tuple[str, str], AnyDoc]) -> Found:
    """What must hold with the other definitions."""
    routings = [other for other in known.values() if isinstance(other, RoutingDoc)]
    if isinstance(doc, RoutingDoc):
        yield from check_routing_among(doc, routings)
    elif isinstance(doc, ReplyRuleDoc):
        try:
            check_names(doc, compile_routing(routings))
        except BadRuleError as error:
            yield (error.field,), "bad_rule", error.reason
    if not isinstance(doc, MailboxDoc | SmsSenderDoc | CampaignDoc):
        return
    if ("Pool", doc.pool) not in known:
        yield ("pool",), "unknown_pool", f"there is no pool {doc.pool!r}"
    if isinstance(before, MailboxDoc | SmsSenderDoc | CampaignDoc) and before.pool != doc.pool:
        yield ("pool",), "pool_changed", f"a {WORDS[doc.kind]} never changes pool; it is in {before.pool!r}"
    if isinstance(doc, CampaignDoc):
        yield from _campaign_among(doc, known)
        return
    twin = "SmsSender" if isinstance(doc, MailboxDoc) else "Mailbox"
    if (twin, doc.id) in known:
        yield ("id",), "sender_taken", f"the {WORDS[twin]} {doc.id!r} has this id: no two senders share one"


WORDS: Mapping[str, str] = {"Campaign": "campaign", "Mailbox": "mailbox", "SmsSender": "SMS sender"}
"""How a kind is called in a message."""


def _campaign_among(doc: CampaignDoc, known: Mapping[tuple[str, str], AnyDoc]) -> Found:
    for position, mailbox_id in enumerate(doc.mailboxes):
        mailbox = known.get(("Mailbox", mailbox_id))
        if not isinstance(mailbox, MailboxDoc):
            yield ("mailboxes", position), "unknown_mailbox", f"there is no mailbox {mailbox_id!r}"
        elif mailbox.pool != doc.pool:
            yield (
                ("mailboxes", position),
                "mailbox_in_other_pool",
                f"the mailbox {mailbox_id!r} is in the pool {mailbox.pool!r}, the campaign in {doc.pool!r}",
            )
    if doc.sms_sender is not None:
        sender = known.get(("SmsSender", doc.sms_sender))
        if not isinstance(sender, SmsSenderDoc):
            yield ("sms_sender",), "unknown_sms_sender", f"there is no SMS sender {doc.sms_sender!r}"
        elif sender.pool != doc.pool:
            yield (
                ("sms_sender",),
                "sms_sender_in_other_pool",
                f"the SMS sender {doc.sms_sender!r} is in the pool {sender.pool!r}, the campaign in {doc.pool!r}",
            )
    name = doc.name.strip().casefold()
    for other in known.values():
        if isinstance(other, CampaignDoc) and other.id != doc.id and other.name.strip().casefold() == name:
            yield ("name",), "name_taken", f"the campaign {other.id!r} has this name (names differ by more than case)"
