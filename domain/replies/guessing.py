"""How a mail would be matched, as far as it says so itself: for trying things out without a ledger (docs/behaviour.md 7.2)."""

from __future__ import annotations

from domain.ids import NAMESPACE
from domain.replies.mail import Mail
from domain.replies.matching import ReadToken, bare_subject, candidates, is_own_copy
from schemas.replies import MatchedBy


def likely_match(mail: Mail, read_token: ReadToken | None) -> MatchedBy | None:
    """Where a token of ours stands (without keys: what has a token's form); else the header that the ledger would be asked
    about; None: nothing speaks of an earlier mail."""
    read = read_token or (lambda _: NAMESPACE)
    if is_own_copy(mail, read):
        return None
    for candidate in candidates(mail, read):
        if candidate.send_id is not None:
            return candidate.matched_by
    if mail.in_reply_to:
        return "in_reply_to"
    if mail.references:
        return "references"
    if mail.report is not None:
        return "message_id" if mail.report.original_message_ids else None
    answers = bare_subject(mail.subject) not in {mail.subject.strip(), ""}
    return "sender_subject" if answers and mail.from_email is not None else None
