"""Regular expressions that a user writes: RE2, time linear in the text, bounded in memory, without regard to case."""

from __future__ import annotations

from typing import Any

import re2

MAX_PATTERN_MEMORY = 1 << 20
"""Bytes that one compiled pattern may take."""


class BadPattern(ValueError):
    """A regular expression that RE2 does not take; the message says why."""


def compile_pattern(source: str) -> Any:
    """The compiled pattern (the package ships no types). Raises BadPattern."""
    options = re2.Options()
    options.max_mem = MAX_PATTERN_MEMORY
    options.log_errors = False
    options.case_sensitive = False
    try:
        return re2.compile(source, options)
    except re2.error as error:
        reason = error.args[0] if error.args else error
        raise BadPattern(reason.decode() if isinstance(reason, bytes) else str(reason)) from error
