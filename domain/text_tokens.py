"""Tokens in the addresses that an SMS provider calls: what became of a text, and answers to a number (docs/behaviour.md 4.4).

Nobody who has not been given such an address can make one up, and reading one needs no lookup.
"""

from __future__ import annotations

import re
from base64 import b32decode, b32encode
from hashlib import blake2b
from hmac import compare_digest
from uuid import UUID

from domain.tokens import TokenKey, TokenKeys

_MAC_BYTES = 10
_NOTICE = re.compile(r"([a-z0-9]{2,5})-([a-z2-7]{42})", re.ASCII)
_ANSWERS = re.compile(r"([a-z0-9]{2,5})-([a-z2-7]{16})", re.ASCII)


def notice_token(keys: TokenKeys, send_id: UUID) -> str:
    """The token of the address at which a provider tells what became of a text."""
    raw = send_id.bytes + _mac(keys.sealing, b"notice", send_id.bytes)
    return f"{keys.sealing.key_id}-{_text(raw)}"


def read_notice_token(keys: TokenKeys, text: str) -> UUID | None:
    """The touch that a notice is about, or None for a token that is none of ours."""
    match = _NOTICE.fullmatch(text)
    key = keys.by_id.get(match[1]) if match else None
    if match is None or key is None:
        return None
    raw = b32decode(match[2].upper() + "=" * (-len(match[2]) % 8))
    if not compare_digest(_mac(key, b"notice", raw[:16]), raw[16:]) or _text(raw) != match[2]:
        return None
    return UUID(bytes=raw[:16])


def answers_token(keys: TokenKeys, sender_id: str) -> str:
    """The token of the address at which a provider delivers the answers to a sender."""
    return f"{keys.sealing.key_id}-{_text(_mac(keys.sealing, b'answers', sender_id.encode()))}"


def is_answers_token(keys: TokenKeys, sender_id: str, text: str) -> bool:
    """Whether this is the sender's token, by any of the live keys."""
    match = _ANSWERS.fullmatch(text)
    key = keys.by_id.get(match[1]) if match else None
    if match is None or key is None:
        return False
    return compare_digest(_text(_mac(key, b"answers", sender_id.encode())), match[2])


def notice_path(keys: TokenKeys, send_id: UUID) -> str:
    """Below the public URL: where a provider tells what became of a text."""
    return f"/webhooks/sms/status/{notice_token(keys, send_id)}"


def answers_path(keys: TokenKeys, sender_id: str) -> str:
    """Below the public URL: where a provider delivers the answers to a sender (its console asks for this address)."""
    return f"/webhooks/sms/inbound/{sender_id}/{answers_token(keys, sender_id)}"


def _mac(key: TokenKey, purpose: bytes, body: bytes) -> bytes:
    return blake2b(body, key=key.mail, digest_size=_MAC_BYTES, person=purpose).digest()


def _text(raw: bytes) -> str:
    return b32encode(raw).decode().rstrip("=").lower()
