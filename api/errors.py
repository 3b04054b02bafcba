"""Errors for people: one clear message, no traceback, an exit code that means something."""

from collections.abc import Sequence

FAILED = 1
BAD_INPUT = 2


class UserError(Exception):
    """Something a person can put right. `problems` has one line each; `exit_code` is 1 (it failed) or 2 (bad input)."""

    def __init__(self, message: str, problems: Sequence[str] = (), *, exit_code: int = BAD_INPUT) -> None:
        super().__init__("\n".join([message, *problems]))
        self.message = message
        self.problems = list(problems)
        self.exit_code = exit_code


class NotFoundError(UserError):
    """What was named is not there."""


class ConflictError(UserError):
    """It cannot be done as things stand now."""
