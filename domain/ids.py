"""Deterministic ids: whoever computes one, in whatever order, computes the same."""

import hashlib
from functools import lru_cache
from uuid import UUID, SafeUUID

NAMESPACE = UUID("6f1d3a52-6a0e-5a7c-9d5e-70756c736531")


_NAMESPACE_BYTES = NAMESPACE.bytes
_VARIANT = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))
"""A hex digit with its two highest bits set as RFC 9562 wants them."""


_set = object.__setattr__
_VERSION_AND_VARIANT = ~(0xF000 << 64 | 0xC000 << 48)
_FIVE = 5 << 76 | 0x8000 << 48


def _uuid5(namespace: bytes, name: str) -> UUID:
    """uuid.uuid5 of a namespace's bytes, made without the constructor's checks: a third of its cost."""
    digest = hashlib.sha1(namespace + name.encode(), usedforsecurity=False).digest()
    made = UUID.__new__(UUID)
    _set(made, "int", int.from_bytes(digest[:16], "big") & _VERSION_AND_VARIANT | _FIVE)
    _set(made, "is_safe", SafeUUID.unknown)
    return made


@lru_cache(maxsize=8192)
def enrollment_id(campaign_id: str, lead_id: str, entry_no: int = 1) -> UUID:
    """The id of a lead's `entry_no`-th entry (from 1) into a campaign."""
    return _uuid5(_NAMESPACE_BYTES, f"{campaign_id}\x00{lead_id}\x00{entry_no}")


@lru_cache(maxsize=8192)
def send_id(enrollment: UUID, step_id: str) -> UUID:
    """The id of one touch. Step graphs are acyclic, so an enrollment's step happens once."""
    return _uuid5(enrollment.bytes, step_id)


def event_id(*parts: object) -> str:
    """The id of an event, from the facts that make it the same event when it is told again."""
    # The text of uuid5(NAMESPACE, ...), without the UUID object: several of these are made for every email.
    name = "\x00".join(map(str, parts)).encode()
    text = hashlib.sha1(_NAMESPACE_BYTES + name, usedforsecurity=False).hexdigest()
    return f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{_VARIANT[text[16]]}{text[17:20]}-{text[20:32]}"


def draw(seed: UUID | str, purpose: str) -> float:
    """A number in [0, 1) that is the same for the same seed and purpose: how variants, gaps and shares are drawn."""
    digest = hashlib.blake2b(f"{seed}\x00{purpose}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


@lru_cache(maxsize=4096)
def _idna(host: str) -> str:
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        return host


def normalise_email(address: str) -> str:
    """One spelling for one address: trimmed, lower case, the domain in its ASCII form."""
    local, _, host = address.strip().lower().rpartition("@")
    return f"{local}@{_idna(host.rstrip('.'))}"


def email_domain(address: str) -> str:
    """The domain part of a normalised address."""
    return address.rpartition("@")[2]


def key_hash(secret: bytes, kind: str, value: str) -> bytes:
    """A keyed hash of an address or a lead id (16 bytes): a consent row survives the erasure of what it is about."""
    return hashlib.blake2b(f"{kind}\x00{value}".encode(), digest_size=16, key=secret[:64]).digest()
