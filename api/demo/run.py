"""`touchline demo`: the main job, start to end, on a local stack that is gone afterwards."""

import asyncio
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from api.demo.report import figures, is_clean, story
from api.demo.rig import Options, Rig
from api.errors import UserError

LONGEST_S = 900.0
QUIET_S = 2.0
"""How long everything must have been settled before the judge speaks: a mail too many would show by then."""
LOOK_S = 0.5


async def run_demo(options: Options, *, as_json: bool, keep: Path | None = None) -> tuple[dict[str, Any], bool]:
    """Run it; the JSON object and whether every promise held. Raises StackError, UserError (it did not settle).

    `keep` gets the mail server's record, the logs and the files that were applied; everything else is gone afterwards.
    """
    console = Console(stderr=as_json)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="touchline-demo-") as name:
        told = _Told(console, quiet=as_json)
        told.say("Starting Kafka, PostgreSQL, an SMTP server and Touchline's roles ...")
        async with Rig(Path(name), options, progress=told.fetching) as rig:
            await rig.launch()
            await _watch(rig, console, quiet=as_json)
            verdict = await rig.verdict()
            result = await figures(rig, verdict, time.monotonic() - started)
            if not as_json:
                await story(rig, console, result)
            for finding in (*verdict.duplicates, *verdict.lost, *verdict.sent_after_stop):
                sys.stderr.write(f"finding: {finding}\n")
    return result, is_clean(result)


class _Told:
    """What is said before the campaign runs."""

    def __init__(self, console: Console, *, quiet: bool) -> None:
        self._console = console
        self._quiet = quiet
        self._fetching = False

    def say(self, text: str) -> None:
        if not self._quiet:
            self._console.print(text, highlight=False)

    def fetching(self, done: int, total: int) -> None:
        """Called while the broker's jars are fetched, the first time only."""
        if not self._fetching:
            self._fetching = True
            self.say("Fetching the Kafka broker (once) ...")


async def _watch(rig: Rig, console: Console, *, quiet: bool) -> None:
    """Show how it goes until nothing is still to come."""
    deadline = time.monotonic() + LONGEST_S
    settled_since: float | None = None
    with Live(console=console, refresh_per_second=4, transient=True, auto_refresh=not quiet) as live:
        while True:
            if not quiet:
                live.update(await _view(rig))
            now = time.monotonic()
            if not await rig.settled():
                settled_since = None
            elif settled_since is None:
                settled_since = now
            elif now - settled_since >= QUIET_S:
                return
            if now > deadline:
                raise UserError(f"the demo did not settle within {LONGEST_S:.0f} s; progress: {await rig.progress()}")
            await asyncio.sleep(LOOK_S)


async def _view(rig: Rig) -> Group:
    figures_now = await rig.progress()
    days = rig.campaign_days()
    bar = Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    ended = figures_now.get("completed", 0) + figures_now.get("exited", 0)
    bar.add_task("leads that have finished", total=len(rig.leads), completed=ended)
    bar.add_task("leads enrolled         ", total=len(rig.leads), completed=figures_now.get("enrolled", 0))
    acts: Counter[str] = rig.correspondents.done
    table = Table.grid(padding=(0, 3))
    table.add_row(
        f"campaign time {rig.clock.now():%a %d %b %H:%M} (day {days.days + 1})",
        f"sent {figures_now.get('emails_sent', 0)}",
        f"opened {figures_now.get('emails_opened', 0)}",
        f"clicked {figures_now.get('emails_clicked', 0)}",
        f"replied {figures_now.get('emails_replied', 0)}",
        f"bounced {figures_now.get('bounced', 0)}",
    )
    done = ", ".join(f"{name} {count}" for name, count in sorted(acts.items()))
    return Group(table, bar, f"[dim]correspondents: {done or 'silent so far'}[/dim]")
