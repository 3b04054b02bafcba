"""What ties a server to the process that started it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from api.local.child import Child, StackError, kill

TETHER = Path(__file__).resolve().parents[2] / "api" / "local" / "tether.py"
NOBODY = 65534


def run(parent: int, account: str, *command: str) -> subprocess.CompletedProcess[str]:
    arguments = [sys.executable, "-I", "-S", str(TETHER), str(parent), str(int(signal.SIGKILL)), account, *command]
    return subprocess.run(arguments, capture_output=True, text=True, timeout=30, check=False)


def test_the_command_takes_the_place_of_the_tether() -> None:
    child = subprocess.Popen(
        [sys.executable, "-I", "-S", str(TETHER), str(os.getpid()), "9", "-", "/bin/sh", "-c", "echo $$"],
        stdout=subprocess.PIPE,
        text=True,
    )
    output, _ = child.communicate(timeout=30)
    assert int(output) == child.pid


def test_a_command_whose_parent_is_already_gone_is_not_started() -> None:
    done = run(os.getpid() + 1_000_000, "-", "/bin/sh", "-c", "echo started")
    assert (done.returncode, done.stdout) == (1, "")


@pytest.mark.skipif(os.geteuid() != 0 or not sys.platform.startswith("linux"), reason="only root changes accounts")
def test_root_becomes_another_account_that_still_reaches_into_closed_directories(tmp_path: Path) -> None:
    """As PostgreSQL needs it when the program or the data lie below root's home: it asks access(2) first."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    (closed / "program").write_text("#!/bin/sh\nid -u\n")
    (closed / "program").chmod(0o755)
    reached = run(os.getpid(), str(NOBODY), "/bin/sh", "-c", f"test -x {closed}/program && {closed}/program")
    assert (reached.returncode, reached.stdout.strip()) == (0, str(NOBODY)), reached.stderr


async def test_a_server_that_ends_at_once_is_reported_with_the_end_of_its_log(tmp_path: Path) -> None:
    async def never() -> bool:
        return False

    child = Child("the server", tmp_path / "log", on_orphan=signal.SIGKILL)
    child.start(["/bin/sh", "-c", "echo no room; exit 3"], env={}, cwd=tmp_path)
    with pytest.raises(StackError, match=r"(?s)the server ended with code 3 before it was ready.*no room"):
        await child.ready(never, 30)


async def test_a_server_that_is_never_ready_is_given_up(tmp_path: Path) -> None:
    async def never() -> bool:
        return False

    child = Child("the server", tmp_path / "log", on_orphan=signal.SIGKILL)
    child.start(["/bin/sh", "-c", "exec sleep 60"], env={"PATH": os.environ["PATH"]}, cwd=tmp_path)
    with pytest.raises(StackError, match="was not ready within 0 s"):
        await child.ready(never, 0.1)
    child.kill()
    assert child.pid is None


def test_a_server_that_ignores_the_request_to_stop_is_killed_with_its_children(tmp_path: Path) -> None:
    child = Child("the server", tmp_path / "log", on_orphan=signal.SIGKILL)
    ready = tmp_path / "ready"
    os.mkfifo(ready)
    script = f"trap '' TERM; echo up > {ready}; while :; do sleep 0.05; done"
    child.start(["/bin/sh", "-c", script], env={"PATH": os.environ["PATH"]}, cwd=tmp_path)
    assert ready.read_text() == "up\n"
    child.stop(signal.SIGTERM, grace_s=0.1)
    assert child.pid is None


def test_a_process_that_ended_just_before_it_is_killed_is_no_error() -> None:
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    seen = psutil.Process(child.pid)
    child.wait()
    with pytest.raises(psutil.NoSuchProcess):
        seen.kill()
    kill(seen)
