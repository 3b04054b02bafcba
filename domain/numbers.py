"""Telephone numbers in one spelling: E.164, `+` and 8 to 15 digits (docs/behaviour.md 4.4)."""

from __future__ import annotations

import re

MAX_NUMBER = 64
"""Characters that are looked at: no number is longer, however it is written."""

_E164 = re.compile(r"\+[1-9]\d{7,14}", re.ASCII)
_FILLING = re.compile(r"[\s().\-/\u00a0\u2010-\u2015]+")
_TRUNK = re.compile(r"^(\s*(?:\+|00)[\d\s.\-]*)\(0\)")
_ZERO_TO_NINE = str.maketrans({chr(base + digit): str(digit) for base in (0x660, 0x6F0, 0xFF10) for digit in range(10)})
"""Arabic, Persian and full-width digits."""


def e164(text: str) -> str | None:
    """A number as the world knows it, or None where the text is none.

    It must say its country (`+46 70-123 45 67`, `0046...`): a national number could be anybody's, so it is never guessed.
    """
    if len(text) > MAX_NUMBER:
        return None
    digits = _FILLING.sub("", _TRUNK.sub(r"\1", text.removeprefix("tel:").translate(_ZERO_TO_NINE)))
    if digits.startswith("00"):
        digits = f"+{digits[2:]}"
    return digits if is_number(digits) else None


def is_number(text: str) -> bool:
    """Whether this is a number in E.164."""
    return _E164.fullmatch(text) is not None
