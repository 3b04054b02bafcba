"""Telephone numbers in one spelling: E.164, `+` and 8 to 15 digits (docs/behaviour.md 4.4)."""

from __future__ import annotations

import re

MAX_NUMBER = 64
"""Characters that are looked at: no number is longer, however it is written."""

_E164 = re.compile(r"\+[1-9]\d{7,14}", re.ASCII)
_INVISIBLE = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]+")
"""In which address books wrap what is copied from them."""
_FILLING = re.compile(r"[\s().\-/\u00a0\u2010-\u2015]+")
_TRUNK = re.compile(r"^([\s(]*(?:\+|00)[\d\s.\-)]*)\(0\)")
_TRUNK_AND_AREA = re.compile(r"\(0\d")
_ITALY = ("+39", "+378")
"""Whose numbers keep the zero that other countries' lose when they are dialled from abroad."""
_PLAIN = str.maketrans(
    {chr(base + digit): str(digit) for base in (0x660, 0x6F0, 0xFF10) for digit in range(10)} | {"\uff0b": "+"}
)
"""Arabic, Persian and full-width digits, and the full-width plus."""


def e164(text: str) -> str | None:
    """A number as the world knows it, or None where the text is none.

    It must say its country (`+46 70-123 45 67`, `0046...`): a national number could be anybody's, so it is never guessed.
    """
    if len(text) > MAX_NUMBER:
        return None
    written = _INVISIBLE.sub("", text).strip().translate(_PLAIN)
    written = written[4:] if written[:4].lower() == "tel:" else written
    digits = _FILLING.sub("", _TRUNK.sub(r"\1", written))
    if digits.startswith("00"):
        digits = f"+{digits[2:]}"
    if _TRUNK_AND_AREA.search(written) and not digits.startswith(_ITALY):
        return None  # `+44 (020) 7946 0958`: no number of the world's begins so
    return digits if is_number(digits) else None


def is_number(text: str) -> bool:
    """Whether this is a number in E.164."""
    return _E164.fullmatch(text) is not None
