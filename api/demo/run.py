"""`touchline demo`: the main job, start to end, on a local stack that is gone afterwards."""

import asyncio
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from api.demo.report import figures, is_clean, story
from api.demo.rig import Options, Rig
from api.demo.view import View
from api.errors import UserError

LONGEST_S = 900.0
QUIET_S = 2.0
"""How long everything must have been settled before the judge speaks: a mail too many would show by then."""
LOOK_S = 0.5


async def run_demo(options: Options, *, as_json: bool, keep: Path | None = None) -> tuple[dict[str, Any], bool]:
    """Run it; the JSON object and whether every promise held. Raises StackError, UserError (it did not settle).

    `keep` gets the mail server's record, the logs and the files that were applied. Nothing else is left.
    """
    console = Console(stderr=as_json)
    view = View(console, quiet=as_json and not console.is_terminal)
    started = time.monotonic()
    with _ended_by_signals(), tempfile.TemporaryDirectory(prefix="touchline-demo-") as name:
        directory = Path(name)
        view.say("Starting Kafka, PostgreSQL and an SMTP server ...")
        try:
            async with Rig(directory, options, progress=view.fetching, say=view.say) as rig:
                try:
                    await rig.launch()
                    await _watch(rig, view)
                except asyncio.CancelledError:
                    view.say("Stopping ...")
                    raise
                verdict = await rig.verdict()
                result = await figures(rig, verdict, time.monotonic() - started)
                if not as_json:
                    await story(rig, console, result)
                for finding in (*verdict.duplicates, *verdict.lost, *verdict.sent_after_stop):
                    sys.stderr.write(f"finding: {finding}\n")
        finally:
            if keep is not None:
                shutil.copytree(directory, keep, dirs_exist_ok=True, ignore=_servers_data)
    return result, is_clean(result)


def _servers_data(directory: str, names: list[str]) -> set[str]:
    return {"kafka", "postgres", "secrets.json"} & set(names)


@contextmanager
def _ended_by_signals() -> Generator[None]:
    """A closed terminal and SIGTERM end the demo as Ctrl-C does: in order, with nothing left behind."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, task.cancel)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.remove_signal_handler(number)


async def _watch(rig: Rig, view: View) -> None:
    """Show how it goes until nothing is still to come."""
    deadline = time.monotonic() + LONGEST_S
    settled_since: float | None = None
    with view.live():
        while True:
            await view.show(rig)
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
