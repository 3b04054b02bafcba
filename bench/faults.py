"""`make faults`: a campaign while workers, broker and database are killed; judged by the mail server's own record.

    python -m bench.faults [--leads 2000] [--kills 30] [--seed 7] [--control-only | --no-control] [--keep DIR]

Prints one JSON object. Exit 1 when a promise is broken, or when the negative control (ledger switched off, a kill
between the server's 250 and the recorded outcome) is not found out. Every answer comes late, out of order and several times:
one card for each, and each stop is honoured.
"""

import argparse
import asyncio
import json
import random
import shutil
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import asyncpg

from api.demo.leads import EXAMPLES
from api.demo.rig import Options, Rig
from bench.chaos import Chaos, Plan
from bench.inbound import findings, repeated

PROCESSES = (
    "leads-1",
    "leads-2",
    "dispatch-1",
    "dispatch-2",
    "sender-1",
    "sender-2",
    "replies-1",
    "projector-1",
    "api",
)
LONGEST_S = 3600.0
QUIET_S = 10.0
CONTROL_S = 180.0
CONTROL_LEADS = 40
CONTROL_RATE = 7200.0
RECOVERED_P95_S = 30.0
NOUGHT = ("duplicates", "lost", "sent_after_stop", "over_cap", "cards_twice", "cards_missing", "stops_missed")
"""What must not be found even once."""


def say(text: str) -> None:
    """Progress, for people: standard error."""
    sys.stderr.write(f"[{time.strftime('%H:%M:%S')}] {text}\n")
    sys.stderr.flush()


async def settle(rig: Rig, deadline_s: float) -> bool:
    """Wait until nothing is still to come and has been so for a while."""
    deadline = time.monotonic() + deadline_s
    quiet_since: float | None = None
    told = 0.0
    while time.monotonic() < deadline:
        with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            now = time.monotonic()
            if not await rig.settled():
                quiet_since = None
            elif quiet_since is None:
                quiet_since = now
            elif now - quiet_since >= QUIET_S:
                return True
            if now - told > 15:
                told = now
                say(f"day {rig.campaign_days().days + 1}: {_brief(await rig.progress())}")
        await asyncio.sleep(1)
    return False


def _brief(progress: dict[str, int]) -> str:
    names = ("enrolled", "active", "completed", "exited", "emails_sent", "emails_replied", "ambiguous")
    return ", ".join(f"{name} {progress.get(name, 0)}" for name in names)


async def fault_run(directory: Path, options: Options, plan: Plan, seed: int) -> dict[str, Any]:
    """The run itself; the JSON object."""
    started = time.monotonic()
    async with Rig(directory, options) as rig:
        await rig.launch()
        say(f"{options.leads} leads launched")
        chaos = Chaos(rig, random.Random(seed), say)
        await chaos.run(plan)
        say("no more kills; waiting for the campaign to end")
        settled = await settle(rig, LONGEST_S - (time.monotonic() - started))
        verdict = await rig.verdict()
        ambiguous = await rig.ambiguous()
        over = verdict.over_cap(rig.campaign_cap(), rig.caps)
        damage = chaos.damage
        post = rig.correspondents
        inbound = findings(post.answered, await rig.reply_cards(), await rig.statuses(), rig.accepted())
        for name, found in asdict(inbound).items():
            for finding in found:
                say(f"{name}: {finding}")
        for name in ("duplicates", "lost", "sent_after_stop"):
            for finding in getattr(verdict, name):
                say(f"{name}: {finding}")
        return {
            "kills": damage.kills.total(),
            "duplicates": len(verdict.duplicates),
            "lost": len(verdict.lost),
            "ambiguous": len(ambiguous),
            "sent_after_stop": len(verdict.sent_after_stop),
            "over_cap": over,
            "recovered_p95_s": damage.recovered_p95_s,
            "in_the_air_at_a_stop": len(verdict.in_the_air),
            "cards_twice": len(inbound.cards_twice),
            "cards_missing": len(inbound.cards_missing),
            "stops_missed": len(inbound.stops_missed),
            "answers": len(post.answered),
            "repeats": post.done["repeats"],
            "leads": options.leads,
            "emails_accepted": verdict.accepted,
            "settled": settled,
            "kills_by_role": dict(sorted(damage.kills.items())),
            "freezes": damage.freezes,
            "broker_restarts": damage.broker_restarts,
            "postgres_restarts": damage.postgres_restarts,
            "wall_seconds": round(time.monotonic() - started, 1),
        }


async def control_run(directory: Path, options: Options) -> int:
    """Negative control: without the ledger's key and gate, a kill after the 250 must show up as duplicates."""
    options.env = {"TOUCHLINE_UNSAFE_NO_LEDGER": "1", "TOUCHLINE_FAILPOINT": "after_smtp_before_record:5"}
    async with Rig(directory, options) as rig:
        await rig.launch()
        deadline = time.monotonic() + CONTROL_S
        while time.monotonic() < deadline:
            found = len((await rig.verdict()).duplicates)
            if found:
                return found
            await asyncio.sleep(1)
    return 0


def broken(result: dict[str, Any]) -> list[str]:
    """What must be nought and is not, and what is out of bounds."""
    faults = [name for name in NOUGHT if result.get(name)]
    if result.get("answers") and not result.get("repeats"):
        faults.append("repeats")  # nothing was proved of mail that comes again
    if result.get("recovered_p95_s", 0) > RECOVERED_P95_S:
        faults.append("recovered_p95_s")
    if result.get("settled") is False:
        faults.append("settled")
    if result.get("control_duplicates") == 0:
        faults.append("control_duplicates")
    return faults


async def main() -> int:
    parser = argparse.ArgumentParser(description="A campaign under faults, judged by the mail server.")
    parser.add_argument("--leads", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--freezes", type=int, default=1, help="senders frozen past their session and thawed")
    parser.add_argument("--broker-restarts", type=int, default=2)
    parser.add_argument("--postgres-restarts", type=int, default=1)
    parser.add_argument("--pause", type=float, default=6.0, help="longest pause between kills, seconds")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--rate", type=float, default=3600.0, help="campaign seconds a second")
    parser.add_argument("--campaign", type=Path, default=EXAMPLES / "campaign.yaml", help=argparse.SUPPRESS)
    parser.add_argument("--control-only", action="store_true")
    parser.add_argument("--no-control", action="store_true")
    parser.add_argument("--keep", type=Path, help="keep the run's directory (logs, record) here")
    given = parser.parse_args()
    plan = Plan(given.kills, given.freezes, given.broker_restarts, given.postgres_restarts, given.pause)
    return await _run(given, plan)


async def _run(given: argparse.Namespace, plan: Plan) -> int:
    result: dict[str, Any] = {}
    directory = Path(tempfile.mkdtemp(prefix="touchline-faults-"))
    try:
        if not given.control_only:
            options = Options(
                given.leads, given.rate, processes=PROCESSES, campaign=given.campaign, own_servers=True,
                ways=repeated(random.Random(given.seed)),
            )  # fmt: skip
            result = await fault_run(directory / "run", options, plan, given.seed)
        if not given.no_control:
            say("negative control: no ledger, kills after the 250")
            result["control_duplicates"] = await control_run(
                directory / "control", Options(CONTROL_LEADS, CONTROL_RATE)
            )
    finally:
        if given.keep:
            shutil.copytree(
                directory, given.keep, dirs_exist_ok=True, ignore=shutil.ignore_patterns("kafka", "postgres")
            )
        shutil.rmtree(directory, ignore_errors=True)
    sys.stdout.write(json.dumps(result) + "\n")
    faults = broken(result)
    if faults:
        say(f"broken: {', '.join(faults)}")
    return 1 if faults else 0


if __name__ == "__main__":
    try:
        raise SystemExit(asyncio.run(main()))
    except KeyboardInterrupt:
        say("stopped")
        raise SystemExit(130) from None
