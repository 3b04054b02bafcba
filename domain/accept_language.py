"""Which of our languages a reader wants, by the header Accept-Language (RFC 9110, 12.5.4)."""

from __future__ import annotations

import re
from collections.abc import Sequence

MAX_LENGTH = 1000
MAX_RANGES = 50
_WEIGHT = re.compile(r"q\s*=\s*([01](?:\.\d{0,3})?)", re.ASCII | re.IGNORECASE)


def preferred(header: str, ours: Sequence[str]) -> str:
    """The one of `ours` (two-letter codes) that is wanted most; the first of them where none is, or nothing can be read.

    `de-AT` asks for `de`, `*` for the first, `q=0` for anything else. Of equal weights the earlier one counts.
    """
    best, weight_of_best = ours[0], 0.0
    for part in header[:MAX_LENGTH].split(",")[:MAX_RANGES]:
        name, *parameters = part.split(";")
        code = name.strip().lower().partition("-")[0]
        code = ours[0] if code == "*" else code
        weight = _weight(parameters)
        if code in ours and weight > weight_of_best:
            best, weight_of_best = code, weight
    return best


def _weight(parameters: Sequence[str]) -> float:
    """The quality of a range, 1 without one; what cannot be read counts nothing."""
    for parameter in parameters:
        told = _WEIGHT.fullmatch(parameter.strip())
        if told is not None:
            return min(1.0, float(told[1]))
        if parameter.strip().lower().startswith("q"):
            return 0.0
    return 1.0
