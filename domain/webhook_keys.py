"""Keys of inbound webhooks as a setting lists them: comma-separated, so that an old one and a new one stand side by side."""

from __future__ import annotations

import base64
import binascii

STANDARD_PREFIX = "whsec_"
MIN_KEY, MAX_KEY = 16, 512
REFERENCES = ("env:", "file:")
"""How a key is named that stands elsewhere (`sinks.smtp_connect.read_secret`)."""


def listed(value: str) -> list[str]:
    """The entries of a comma-separated setting. Raises ValueError where there is none."""
    entries = [entry.strip() for entry in value.split(",") if entry.strip()]
    if not entries:
        raise ValueError("has no entry")
    return entries


def is_reference(entry: str) -> bool:
    """Whether this names where a key stands."""
    return entry.startswith(REFERENCES)


def generic_keys(value: str) -> list[str]:
    """The generic provider's secrets: the whole setting, and, where each has 16 characters or more, its entries."""
    entries = [entry.strip() for entry in value.split(",") if entry.strip()]
    if entries and all(is_reference(entry) for entry in entries):
        return entries
    if len(entries) > 1 and all(len(entry) >= MIN_KEY or is_reference(entry) for entry in entries):
        return [value, *entries]
    return [value]  # one secret, maybe with a comma in it


def standard_key(secret: str) -> bytes:
    """The key in `whsec_BASE64`. Raises ValueError."""
    try:
        key = base64.b64decode(secret.removeprefix(STANDARD_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("a key is whsec_ and base64, as the sender shows it") from None
    if not MIN_KEY <= len(key) <= MAX_KEY:
        raise ValueError(f"a key has {MIN_KEY} to {MAX_KEY} bytes, in base64 after whsec_")
    return key
