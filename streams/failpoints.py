"""Places where a test may kill the process: `TOUCHLINE_FAILPOINT=after_outputs` or `after_outputs:3` (the third time)."""

import os

EXIT_CODE = 99
POINTS = ("after_limits", "after_outputs", "after_state")


class Failpoints:
    """Dies at the named point, without cleaning up anything, as a power cut would."""

    def __init__(self, spec: str | None = None) -> None:
        name, _, count = (spec if spec is not None else os.environ.get("TOUCHLINE_FAILPOINT", "")).partition(":")
        self._name = name
        self._left = int(count) if count else 1

    def hit(self, name: str) -> None:
        """Called by the code under test when it passes `name`."""
        if name != self._name:
            return
        self._left -= 1
        if self._left <= 0:
            os._exit(EXIT_CODE)
