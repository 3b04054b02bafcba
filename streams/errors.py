"""How things fail, classed by what the caller does next."""


class Retryable(Exception):
    """Infrastructure is away or in the way (deadlocks too): back off in place and try the same batch again."""


class Permanent(Exception):
    """It will never work: the caller turns it into a result event or a dead letter."""


class Poison(Exception):
    """This event's data is bad. `reason` is a code for people and metrics, `detail` says what exactly."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class FlushFailed(Exception):
    """The broker did not acknowledge a stage: what was written is unknown, so nothing may go on from here."""


class NotAlive(Retryable):
    """The group membership is not confirmed right now: write nothing, mail nothing, ask again later."""


class Evicted(NotAlive):
    """The group has moved on to another generation: what was in hand belongs to somebody else."""


_RETRYABLE_SQLSTATE_CLASSES = frozenset({"08", "40", "53", "55", "57"})
"""PostgreSQL: connection, rollback (deadlock, serialisation), resources, object in use, operator intervention."""


def is_infrastructure(error: BaseException) -> bool:
    """Whether the same work may succeed later: connection errors, timeouts, and what a database says of itself."""
    if isinstance(error, Retryable | ConnectionError | TimeoutError):
        return True
    sqlstate = getattr(error, "sqlstate", None)
    return isinstance(sqlstate, str) and sqlstate[:2] in _RETRYABLE_SQLSTATE_CLASSES
