"""Connections to Postgres: how they plan, how their errors are classed, how a caller waits for a server that is away."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType, TracebackType
from typing import TypeVar

import asyncpg
import structlog
from asyncpg.protocol import protocol
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_random_exponential

from streams.errors import Poison, Retryable, is_infrastructure

LEDGER_PLAN: Mapping[str, str] = MappingProxyType(
    {
        # On fresh tables without statistics the planner hashes or scans whole tables for a batch of twenty. Every
        # statement of the ledger has an index for every row it touches, so the other ways are switched off.
        "enable_seqscan": "off",
        "enable_hashjoin": "off",
        "enable_mergejoin": "off",
        "enable_bitmapscan": "off",
        "jit": "off",
        # One plan a statement: planning anew for each batch costs more than running it.
        "plan_cache_mode": "force_generic_plan",
    }
)
"""Server settings of connections that run the ledger's statements."""

ARRAYS = (list, tuple, set, frozenset)
"""What may be given where a statement takes an array."""

log = structlog.get_logger("touchline.postgres")
T = TypeVar("T")


class NoDatabase(Exception):
    """Postgres cannot be used as configured. The message names the setting; it never holds the password."""


async def _keep_session(_: asyncpg.Connection) -> None:
    """Sessions are never changed after connecting, so a connection needs no reset when it goes back to the pool."""


async def connect(
    dsn: str,
    *,
    name: str,
    plan: Mapping[str, str] = MappingProxyType({}),
    min_size: int = 1,
    max_size: int = 4,
    command_timeout_s: float = 30.0,
) -> asyncpg.Pool:
    """A pool of connections. `name` shows in pg_stat_activity; `plan` are server settings such as `LEDGER_PLAN`.

    Raises Retryable while the server is away, NoDatabase when the DSN, user, password or database is wrong.
    """
    _know_arrays_by_class()
    settings = {"application_name": f"touchline {name}", "timezone": "UTC", **plan}
    try:
        pool = asyncpg.create_pool(
            dsn,
            min_size=min_size,
            max_size=max_size,
            command_timeout=command_timeout_s,
            max_inactive_connection_lifetime=0,
            server_settings=settings,
            reset=_keep_session,
        )
        return await pool
    except (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError) as error:
        raise NoDatabase(f"TOUCHLINE_POSTGRES_DSN: {error}") from error
    except ssl.SSLError as error:
        raise NoDatabase(f"TOUCHLINE_POSTGRES_DSN: TLS: {error}") from error
    except (asyncpg.exceptions.ClientConfigurationError, ValueError) as error:
        raise NoDatabase(f"TOUCHLINE_POSTGRES_DSN is not a Postgres DSN: {type(error).__name__}") from error
    except Exception as error:
        raise classify(error) from error


def _know_arrays_by_class() -> None:
    """Have asyncpg tell arrays by their class: a third of the cost of asking `collections.abc.Iterable`, and then `Sized`.

    It asks of each element of an array whether that is an array too, of some sixty for every email that leaves, and has no
    setting for it. (A test tells when it stops to look at this name.)
    """
    protocol.IterableABC = ARRAYS  # pyright: ignore[reportAttributeAccessIssue]


def classify(error: BaseException) -> BaseException:
    """The error as the caller must treat it: Retryable (the server), Poison (the data), or itself (a defect)."""
    if isinstance(error, Retryable | Poison):
        return error
    if is_infrastructure(error) or isinstance(error, OSError):
        return Retryable(f"{type(error).__name__}: {error}")
    if isinstance(error, asyncpg.InterfaceError) and not isinstance(error, asyncpg.exceptions.DataError):
        # The pool is closing, or the connection went away between two statements.
        return Retryable(f"{type(error).__name__}: {error}")
    if isinstance(error, asyncpg.InternalClientError):
        # A server that dies between two statements may leave the connection waiting for an answer nobody asked for.
        return Retryable(f"{type(error).__name__}: {error}")
    if isinstance(error, asyncpg.exceptions.DataError | asyncpg.IntegrityConstraintViolationError):
        return Poison("database_refused", f"{type(error).__name__}: {error}")
    sqlstate = getattr(error, "sqlstate", None)
    if isinstance(sqlstate, str) and sqlstate[:2] in {"22", "23"}:
        return Poison("database_refused", f"{type(error).__name__}: {error}")
    return error


class _Classified:
    """A context in which errors of Postgres come out classed. Stateless, so one object serves all."""

    __slots__ = ()

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if error is None or not isinstance(error, Exception):
            return
        classed = classify(error)
        if classed is not error:
            raise classed from error


classified = _Classified()


def _say(what: str) -> Callable[[RetryCallState], None]:
    def say(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        if state.attempt_number == 10 or state.attempt_number % 100 == 0:
            log.warning("waiting_for_postgres", what=what, attempt=state.attempt_number, error=type(error).__name__)

    return say


async def retrying(what: str, call: Callable[[], Awaitable[T]], *, longest_s: float = 5.0) -> T:
    """The result of `call`, tried again with jitter for as long as it raises Retryable; the loop stays alive."""
    try:
        return await call()  # without tenacity's bookkeeping, which costs as much as a statement
    except Retryable as error:
        log.warning("waiting_for_postgres", what=what, attempt=1, error=type(error).__name__)
    async for attempt in AsyncRetrying(
        retry=retry_if_exception_type(Retryable),
        wait=wait_random_exponential(multiplier=0.1, max=longest_s),
        before_sleep=_say(what),
        reraise=True,
    ):
        with attempt:
            return await call()
    raise AssertionError("unreachable: it retries for ever")
