"""What a newcomer gets: a lock that pins everything, a set-up that explains itself, one tree of packages."""

import importlib
import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from api.local.jars import kafka_version, locked_jars

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ["api", "agents", "sinks", "streams", "domain", "schemas"]
LOCKS = [ROOT / "requirements" / "run.txt", ROOT / "requirements" / "dev.txt"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def locked(lock: Path) -> dict[str, str]:
    """Package -> version of a lock file."""
    found = re.findall(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", lock.read_text(), re.MULTILINE)
    return {canonicalize_name(name): version for name, version in found}


@pytest.mark.parametrize("package", PACKAGES)
def test_every_top_level_package_is_imported_from_this_repository(package: str) -> None:
    module = importlib.import_module(package)
    assert module.__file__ is not None
    assert Path(module.__file__).resolve().parent == ROOT / package


def test_the_wheel_holds_exactly_the_top_level_packages() -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert sorted(build["packages"]) == sorted(PACKAGES)


def test_the_seams_dependencies_are_pinned_exactly() -> None:
    """Upgrading one of them is a decision: the seam leans on their internals."""
    pinned = {"faust-streaming==0.15.3", "mode-streaming==0.7.1", "aiokafka==0.14.0"}
    assert pinned <= set(PROJECT["dependencies"])


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_every_locked_package_has_a_version_and_hashes(lock: Path) -> None:
    entries = re.split(r"^(?=[A-Za-z0-9])", lock.read_text(), flags=re.MULTILINE)[1:]
    assert len(entries) > 50
    for entry in entries:
        assert re.match(r"[A-Za-z0-9._\[\],-]+==\S+", entry), entry.splitlines()[0]
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry.splitlines()[0]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_a_lock_names_no_server_and_no_place_of_the_machine_that_made_it(lock: Path) -> None:
    text = lock.read_text()
    assert "://" not in text
    assert not re.search(r"--(index|extra-index|find-links|trusted)", text)
    assert not re.search(r"(^|\s)(/|file:)", text)


def test_both_locks_agree_on_what_they_share() -> None:
    run, dev = (locked(lock) for lock in LOCKS)
    assert {name: dev.get(name) for name in run} == run


@pytest.mark.parametrize(
    ("lock", "extras"), [(LOCKS[0], ["local"]), (LOCKS[1], ["local", "dev"])], ids=["run.txt", "dev.txt"]
)
def test_a_lock_satisfies_what_the_project_asks_for(lock: Path, extras: list[str]) -> None:
    """A dependency added without `make lock` is found here, not on a newcomer's machine."""
    versions = locked(lock)
    asked = [*PROJECT["dependencies"], *(one for extra in extras for one in PROJECT["optional-dependencies"][extra])]
    for requirement in map(Requirement, asked):
        name = canonicalize_name(requirement.name)
        if name == "touchline":
            continue
        assert name in versions, f"{name} is not locked: run `make lock`"
        assert requirement.specifier.contains(versions[name]), (
            f"{requirement} against {versions[name]}: run `make lock`"
        )


def test_every_jar_of_the_broker_is_locked_by_its_hash() -> None:
    jars = locked_jars()
    assert (jars[0].group, jars[0].artifact, kafka_version()) == ("org.apache.kafka", "kafka_2.13", "4.3.1")
    assert all(re.fullmatch(r"[0-9a-f]{64}", jar.sha256) for jar in jars)
    assert len({jar.file_name for jar in jars}) == len({jar.sha256 for jar in jars}) == len(jars) > 40


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What set-up reads, in a directory of its own."""
    (tmp_path / "requirements").mkdir()
    for name in ("pyproject.toml", "requirements/setup.sh", "requirements/dev.txt"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def programs(directory: Path, **scripts: str) -> str:
    """A PATH with the usual small tools and the given shell scripts, and nothing else."""
    directory.mkdir()
    for tool in ("sh", "cksum", "cat", "dirname", "rm", "mkdir", "chmod"):
        (directory / tool).symlink_to(shutil.which(tool) or tool)
    for name, body in scripts.items():
        script = directory / name
        script.write_text(f"#!/bin/sh\n{body}\n")
        script.chmod(0o755)
    return str(directory)


def set_up(clone: Path, path: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", "requirements/setup.sh"],
        cwd=clone,
        env={"PATH": path, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


OLD = 'if [ "$1" = --version ]; then echo Python 3.9.2; else exit 1; fi'
WITHOUT_VENV = 'case "$*" in *venv*) echo "ensurepip is not available" >&2; exit 1;; esac'
MAKES_VENV = """case "$*" in *venv*) mkdir -p .venv/bin; printf '#!/bin/sh\\necho "$*" >> calls\\n' > .venv/bin/python
chmod +x .venv/bin/python;; esac"""


def test_set_up_names_the_old_python_it_found_and_the_remedy(clone: Path) -> None:
    done = set_up(clone, programs(clone / "bin", python3=OLD))
    assert done.returncode == 1
    assert "Python 3.11 or newer is needed; found: Python 3.9.2" in done.stderr
    assert "apt install python3 python3-venv" in done.stderr


def test_set_up_says_so_when_there_is_no_python_at_all(clone: Path) -> None:
    done = set_up(clone, programs(clone / "bin"))
    assert done.returncode == 1
    assert "Python 3.11 or newer is needed" in done.stderr


def test_set_up_refuses_a_named_python_that_is_too_old(clone: Path) -> None:
    done = set_up(clone, programs(clone / "bin", old=OLD), PYTHON="old")
    assert done.returncode == 1
    assert "old is Python 3.9.2; Python 3.11 or newer is needed" in done.stderr


def test_set_up_says_which_package_brings_virtual_environments(clone: Path) -> None:
    done = set_up(clone, programs(clone / "bin", python3=WITHOUT_VENV))
    assert done.returncode == 1
    assert "ensurepip is not available" in done.stderr
    assert "apt install python3-venv" in done.stderr
    assert not (clone / ".venv").exists()


def test_set_up_passes_over_a_python_that_does_not_run(clone: Path) -> None:
    """Version managers leave names on the PATH that only print an error."""
    done = set_up(clone, programs(clone / "bin", **{"python3.13": "exit 127", "python3": MAKES_VENV}))
    assert (done.returncode, done.stdout) == (0, "")
    (told,) = done.stderr.splitlines()
    assert told.startswith("Setting up .venv ")


def test_set_up_installs_by_hash_once_and_again_only_when_the_lock_changes(clone: Path) -> None:
    path = programs(clone / "bin", python3=MAKES_VENV)
    assert set_up(clone, path).returncode == 0
    calls = (clone / "calls").read_text()
    assert "--require-hashes" in calls
    assert "--no-deps --no-build-isolation --editable ." in calls
    (clone / "calls").unlink()
    assert set_up(clone, path).returncode == 0
    assert "install" not in (clone / "calls").read_text()
    with (clone / "requirements" / "dev.txt").open("a") as lock:
        lock.write("# changed\n")
    assert set_up(clone, path).returncode == 0
    assert "install" in (clone / "calls").read_text()


def test_make_lists_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    listed = subprocess.run(
        ["make", "help"], cwd=ROOT, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=True
    ).stdout
    assert {"setup", "demo", "test", "check", "faults", "bench", "clean"} <= targets
    assert {line.split()[1] for line in listed.splitlines() if line} == targets
