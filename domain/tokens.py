"""Tokens in mail and links: nobody can forge, enumerate or redirect one, and reading one needs no lookup.

Two kinds, both with the id of their key in front, so that an old key stays readable while a new one seals:
- a mail token stands in a local part (Message-ID, `reply+TOKEN@...`), which may have 64 octets and may be lower-cased
  on its way: the touch's send_id and a 64-bit MAC, in lower-case base32, 42 to 45 characters;
- a link token stands in a URL: AES-SIV (RFC 5297) over what the link is about. Equal links give equal tokens.

A third key, which is never rotated, hashes addresses and lead ids: a suppression outlives every key of the tokens.
"""

from __future__ import annotations

import binascii
import re
from base64 import b32decode, b32encode, urlsafe_b64encode
from dataclasses import dataclass
from hashlib import blake2b
from hmac import compare_digest
from typing import Literal, NamedTuple, Self, cast
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from domain.ids import key_hash, normalise_email
from domain.numbers import is_number

LinkKind = Literal["open", "click", "unsubscribe"]

_KINDS: tuple[LinkKind, ...] = ("open", "click", "unsubscribe")
_KEY_ID = re.compile(r"[a-z0-9]{2,5}")
_MAIL = re.compile(r"([a-z0-9]{2,5})-([a-z2-7]{39})", re.IGNORECASE | re.ASCII)
_HASH_ENTRY = "hash"
_MIN_KEY_BYTES = 32
_MAC_BYTES = 8
_MAX_LINK_TOKEN = 8192


class InvalidKeys(ValueError):
    """The token keys in the settings cannot be used. The message never contains a key."""


@dataclass(frozen=True, slots=True, repr=False)
class TokenKey:
    """One key, as the two keys derived from it."""

    key_id: str
    mail: bytes
    link: AESSIV


@dataclass(frozen=True, slots=True, repr=False)
class TokenKeys:
    """The live keys: the first seals, all read. `hash_secret` is for `address_key` and `lead_key`."""

    sealing: TokenKey
    by_id: dict[str, TokenKey]
    hash_secret: bytes

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `k1:BASE64,k2:BASE64` (32 bytes or more each; ids of 2 to 5 of a-z and 0-9). Raises InvalidKeys.

        The hashing key is the entry `hash:BASE64`; with a single key it may be left out and is then derived from that
        key. Before a second key is added, the first one's value must therefore be kept under `hash`.
        """
        entries: dict[str, bytes] = {}
        for number, entry in enumerate(filter(None, (part.strip() for part in text.split(","))), start=1):
            key_id, secret = _read_entry(entry, number)
            if key_id in entries:
                raise InvalidKeys(f"the token key {key_id!r} is given twice")
            entries[key_id] = secret
        hashing = entries.pop(_HASH_ENTRY, None)
        if not entries:
            raise InvalidKeys("no token key; expected k1:BASE64 with 32 random bytes")
        if hashing is None and len(entries) > 1:
            raise InvalidKeys(
                "with two token keys the hashing key must be named: add hash:VALUE, with the value of the key that was "
                "alone before, or no suppression would be found again"
            )
        keys = {key_id: _derive_key(key_id, secret) for key_id, secret in entries.items()}
        first = next(iter(keys))
        return cls(keys[first], keys, _derive(hashing or entries[first], b"hash", 32))


def _read_entry(entry: str, number: int) -> tuple[str, bytes]:
    key_id, found, encoded = entry.partition(":")
    if not found or _KEY_ID.fullmatch(key_id) is None:
        raise InvalidKeys(f"token key {number} is not ID:BASE64, with an id of 2 to 5 of a-z and 0-9")
    try:
        secret = binascii.a2b_base64(encoded, strict_mode=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidKeys(f"the token key {key_id!r} is not base64") from error
    if len(secret) < _MIN_KEY_BYTES:
        raise InvalidKeys(f"the token key {key_id!r} has {len(secret)} bytes; at least {_MIN_KEY_BYTES} are needed")
    return key_id, secret


def _derive(secret: bytes, purpose: bytes, size: int) -> bytes:
    return blake2b(
        purpose, key=blake2b(secret, digest_size=64).digest(), digest_size=size, person=b"touchline"
    ).digest()


def _derive_key(key_id: str, secret: bytes) -> TokenKey:
    return TokenKey(key_id, _derive(secret, b"mail", 32), AESSIV(_derive(secret, b"link", 64)))


def _mac(key: TokenKey, body: bytes) -> bytes:
    return blake2b(body, key=key.mail, digest_size=_MAC_BYTES).digest()


def mail_token(keys: TokenKeys, send_id: UUID) -> str:
    """The token of a touch for a local part: 42 to 45 characters of a-z, 0-9 and one hyphen."""
    key, body = keys.sealing, send_id.bytes
    return f"{key.key_id}-{b32encode(body + _mac(key, body)).decode()[:39].lower()}"


def read_mail_token(keys: TokenKeys, text: str) -> UUID | None:
    """The touch a mail token stands for, or None if it is none of ours. Upper and lower case are the same."""
    match = _MAIL.fullmatch(text)
    key = keys.by_id.get(match[1].lower()) if match else None
    if match is None or key is None:
        return None
    raw = b32decode(match[2].upper() + "=")
    body, mac = raw[:16], raw[16:]
    if not compare_digest(_mac(key, body), mac) or b32encode(raw)[:39].decode() != match[2].upper():
        return None
    return UUID(bytes=body)


class LinkToken(NamedTuple):
    """What a pixel, a click link or an unsubscribe link is about. `url` is a click's destination."""

    kind: LinkKind
    lead_id: str
    campaign_id: str
    step_id: str
    entry_no: int = 1
    url: str | None = None


def link_token(keys: TokenKeys, link: LinkToken) -> str:
    """The token of a link, safe in a URL's path."""
    key = keys.sealing
    kind, lead_id, campaign_id, step_id, entry_no, url = link
    facts = f"{kind[0]}\x00{entry_no}\x00{lead_id}\x00{campaign_id}\x00{step_id}\x00{url or ''}"
    sealed = key.link.encrypt(facts.encode(), None)
    return f"{key.key_id}.{urlsafe_b64encode(sealed).rstrip(b'=').decode()}"


def read_link_token(keys: TokenKeys, text: str) -> LinkToken | None:
    """What a link token is about, or None if it was not sealed by one of the live keys."""
    key_id, found, encoded = text.partition(".")
    key = keys.by_id.get(key_id)
    if not found or key is None or len(text) > _MAX_LINK_TOKEN or not encoded.isascii():
        return None
    try:
        sealed = binascii.a2b_base64(encoded.translate(_STANDARD) + "=" * (-len(encoded) % 4), strict_mode=True)
        if urlsafe_b64encode(sealed).rstrip(b"=").decode() != encoded:
            return None  # bits that mean nothing: one token has one spelling
        facts = key.link.decrypt(sealed, None).decode()
        kind, entry_no, lead_id, campaign_id, step_id, url = facts.split("\x00", 5)
    except (InvalidTag, binascii.Error, ValueError):
        return None
    return LinkToken(_BY_LETTER[kind], lead_id, campaign_id, step_id, int(entry_no), url or None)


_STANDARD = str.maketrans("-_", "+/", "+/")
_BY_LETTER = cast("dict[str, LinkKind]", {kind[0]: kind for kind in _KINDS})


def address_key(secret: bytes, email: str) -> bytes:
    """The keyed hash under which the consent of an address, or of a number in E.164, stands: `secret` is
    `TokenKeys.hash_secret`.
    """
    if email[:1] == "+" and is_number(email):
        return key_hash(secret, "number", email)
    return key_hash(secret, "address", normalise_email(email))


def lead_key(secret: bytes, lead_id: str) -> bytes:
    """The keyed hash under which a lead's consent stands: `secret` is `TokenKeys.hash_secret`."""
    return key_hash(secret, "lead", lead_id)
