"""`touchline doctor`: every check with its result, and the remedy of each that fails."""

from __future__ import annotations

import platform
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from pydantic import ValidationError

from agents.dispatch import GRANT_LIFE
from api.bootstrap import NoDatabase, dsn_of, keys_of
from api.inbound_state import EndedError, describe_inbound
from api.inboxes import faults, read_states
from api.lag import read_lag
from domain.compile import compile_definition
from domain.documents import InvalidDefinitions
from domain.replies.rules import BadRuleError, compile_rule
from domain.tokens import InvalidKeys
from schemas.definitions import Definition, ReplyRuleDoc
from sinks.postgres.control import ControlStore
from sinks.postgres.inbound import InboundStore, SubscriptionState
from sinks.postgres.migrate import migrations
from streams import dead_letters, kafka
from streams.access import connect
from streams.errors import Retryable
from streams.settings import Settings, SettingsError, env_name
from streams.ticks import MAX_AHEAD
from streams.topology import all_topics

MAX_SKEW_S = 5.0
SKEW_REMEDY = (
    "set this machine's clock and Postgres's by NTP, then restart the roles here: they go by the clock they began with"
)
MAX_LAG = 10_000
MEND = "mend the setting that is named"


@dataclass(frozen=True, slots=True)
class Check:
    """One check. `remedy` is empty where it passed."""

    name: str
    ok: bool
    found: str
    remedy: str = ""


class CheckFailed(Exception):
    """What is wrong, and what to do."""

    def __init__(self, found: str, remedy: str) -> None:
        super().__init__(found)
        self.found = found
        self.remedy = remedy


async def _python(settings: Settings) -> str:
    return f"Python {platform.python_version()}, partitions {settings.partitions}"


async def _keys(settings: Settings) -> str:
    try:
        return f"{len(keys_of(settings).by_id)} token keys"
    except (SettingsError, InvalidKeys) as error:
        remedy = f"set {env_name('token_keys')} to k1:BASE64 with 32 random bytes or more"
        raise CheckFailed(str(error), remedy) from None


async def _kafka(settings: Settings) -> str:
    try:
        admin = AIOKafkaAdminClient(**kafka.connection(settings), request_timeout_ms=5000)
    except SettingsError as error:
        raise CheckFailed(str(error), MEND) from None
    try:
        await connect(admin, settings)
        topics = set(await admin.list_topics())
    except (KafkaError, OSError) as error:
        remedy = f"start the broker, or point {env_name('kafka_bootstrap_servers')} at it"
        raise CheckFailed(f"no broker at {settings.kafka_bootstrap_servers}: {error!r}", remedy) from None
    except SettingsError as error:
        raise CheckFailed(str(error), MEND) from None
    finally:
        await admin.close()
    missing = sorted(set(all_topics(settings)) - topics)
    if missing:
        raise CheckFailed(f"{len(missing)} topics are missing: {', '.join(missing[:5])}", "run touchline topics")
    return f"{settings.kafka_bootstrap_servers}, all topics there"


async def _postgres(settings: Settings) -> str:
    name = env_name("postgres_dsn")
    try:
        connection = await asyncpg.connect(dsn_of(settings), timeout=5)
    except SettingsError as error:
        raise CheckFailed(str(error), f"set {name}") from None
    except (OSError, TimeoutError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise CheckFailed(f"no answer ({type(error).__name__})", f"start PostgreSQL, or mend {name}") from None
    try:
        version = await connection.fetchval("SHOW server_version")
        if await connection.fetchval("SELECT to_regclass('schema_migrations')") is None:
            raise CheckFailed("the tables are missing", "run touchline migrate")
        applied = {row[0] for row in await connection.fetch("SELECT number FROM schema_migrations")}
        missing = [f"{step.number:03}_{step.name}" for step in migrations() if step.number not in applied]
        if missing:
            raise CheckFailed(f"migrations are missing: {', '.join(missing)}", "run touchline migrate")
    finally:
        await connection.close()
    return f"PostgreSQL {version}, migrated"


async def _clock(settings: Settings) -> str:
    try:
        connection = await asyncpg.connect(dsn_of(settings), timeout=5)
    except (SettingsError, OSError, TimeoutError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError):
        raise CheckFailed("cannot be compared", "see postgres above") from None
    try:
        ahead_s = await ahead_of(lambda: connection.fetchval("SELECT clock_timestamp()"), lambda: datetime.now(UTC))
    finally:
        await connection.close()
    return judged_skew(ahead_s)


async def ahead_of(there: Callable[[], Awaitable[datetime]], here: Callable[[], datetime]) -> float:
    """By how many seconds the clock `here` is ahead of the one `there` (negative: behind), as the fastest of three answers
    tells it: the other clock is taken to have been read half-way between question and answer.
    """
    found: list[tuple[float, float]] = []
    for _ in range(3):
        asked = here()
        read = await there()
        trip_s = (here() - asked).total_seconds()
        found.append((trip_s, (asked - read).total_seconds() + trip_s / 2))
    return min(found)[1]


def judged_skew(ahead_s: float) -> str:
    """What a machine's clock that is so far ahead of Postgres's (negative: behind) means. Raises CheckFailed beyond 5 s."""
    found = f"{abs(ahead_s):.1f} s {'ahead of' if ahead_s > 0 else 'behind'} Postgres's"
    if abs(ahead_s) <= MAX_SKEW_S:
        return found
    life_s = GRANT_LIFE.total_seconds()
    meaning = f"grants that dispatch makes here live {life_s + ahead_s:.0f} s instead of {life_s:.0f}"
    if ahead_s <= -life_s:
        meaning = f"grants that dispatch makes here live {life_s:.0f} s and have expired at the gate: nothing is sent"
    elif ahead_s > MAX_AHEAD.total_seconds():
        meaning = "ticks made here are refused: nothing falls due"
    raise CheckFailed(f"clock_skew: this machine's is {found}; {meaning}", SKEW_REMEDY)


async def _definitions(settings: Settings) -> str:
    try:
        async with asyncpg.create_pool(dsn_of(settings), min_size=1, max_size=1, timeout=5) as pool:
            heads = await ControlStore(pool).heads()
    except (SettingsError, Retryable, OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        raise CheckFailed("cannot be read", "see postgres above") from None
    broken = unusable(heads)
    if broken:
        remedy = "nothing happens for what they define until a corrected document is applied: touchline apply FILE"
        raise CheckFailed("; ".join(broken[:5]), remedy)
    return f"{len(heads)} in force"


def unusable(heads: Iterable[Definition]) -> list[str]:
    """The definitions in force that this version of the program cannot use, each with its first fault."""
    broken: list[str] = []
    for head in heads:
        try:
            if head.deleted or head.kind == "control":
                continue
            if head.kind == "reply_rule":
                compile_rule(ReplyRuleDoc.model_validate(head.spec, extra="ignore"), None)
            else:
                compile_definition(head)
        except (InvalidDefinitions, ValidationError, BadRuleError) as error:
            broken.append(f"{head.kind} {head.id}: {str(error).splitlines()[0]}")
    return broken


async def _inbound(settings: Settings) -> str:
    async def subscriptions() -> dict[str, SubscriptionState]:
        async with asyncpg.create_pool(dsn_of(settings), min_size=1, max_size=1, timeout=5) as pool:
            return await InboundStore(pool).subscriptions()

    try:
        return await describe_inbound(settings, subscriptions)
    except SettingsError as error:
        raise CheckFailed(str(error), MEND) from None
    except EndedError as ended:
        remedy = f"subscribe {settings.public_url}/webhooks/inbound/ses to the topic again"
        raise CheckFailed(str(ended), remedy) from None
    except (Retryable, OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        raise CheckFailed("cannot be read", "see postgres above") from None


async def _inboxes(settings: Settings) -> str:
    try:
        states = await read_states(settings)
    except (SettingsError, NoDatabase, Retryable, OSError, TimeoutError, asyncpg.PostgresError):
        raise CheckFailed("cannot be read", "see postgres above") from None
    found = faults(states, datetime.now(UTC))
    if found:
        raise CheckFailed("; ".join(what for what, _ in found[:5]), "; ".join(dict.fromkeys(do for _, do in found[:5])))
    return f"{len(states)} read by IMAP"


async def _lag(settings: Settings) -> str:
    try:
        found = await read_lag(settings)
    except (KafkaError, OSError, SettingsError) as error:
        raise CheckFailed(f"cannot be read: {error!r}", "see kafka above") from None
    reading = {item.group for item in found if item.committed is not None}
    silent = sorted({item.group for item in found if item.lag} - reading)
    behind = sum(item.lag for item in found)
    if silent:
        raise CheckFailed(f"groups that never read: {', '.join(silent)}", "start them: touchline worker ROLE, or up")
    if behind > MAX_LAG:
        raise CheckFailed(f"{behind} records behind", "touchline lag tells which role: start more of its workers")
    return f"{behind} records behind"


async def _letters(settings: Settings) -> str:
    try:
        count = 0
        async for _ in dead_letters.read(settings):
            count += 1
    except (KafkaError, OSError, SettingsError) as error:
        raise CheckFailed(f"cannot be read: {error!r}", "see kafka above") from None
    if count:
        raise CheckFailed(f"{count} dead letters", "touchline dlq list shows them, touchline dlq replay puts them back")
    return "none"


CHECKS: tuple[tuple[str, Callable[[Settings], Awaitable[str]]], ...] = (
    ("python", _python),
    ("token keys", _keys),
    ("kafka", _kafka),
    ("postgres", _postgres),
    ("clock", _clock),
    ("definitions", _definitions),
    ("inbound", _inbound),
    ("inboxes", _inboxes),
    ("lag", _lag),
    ("dead letters", _letters),
)


async def examine(settings: Settings) -> list[Check]:
    """Run every check; one that fails does not hold up the next."""
    found: list[Check] = []
    for name, check in CHECKS:
        try:
            found.append(Check(name, ok=True, found=await check(settings)))
        except CheckFailed as failed:
            found.append(Check(name, ok=False, found=failed.found, remedy=failed.remedy))
    return found
