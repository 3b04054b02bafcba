"""The broker's jars: fetched once from Maven Central by `jgo`, checked against `kafka_jars.lock`, kept in a cache."""

import fcntl
import hashlib
import os
import pwd
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from api.local.child import StackError

LOCK_FILE = Path(__file__).with_name("kafka_jars.lock")
PARALLEL = 8
TRIES = 3
TIMEOUT_S = 60

Progress = Callable[[int, int], None]
"""Told (jars done, jars in all)."""


@dataclass(frozen=True, slots=True)
class Jar:
    """One line of the lock file."""

    sha256: str
    group: str
    artifact: str
    version: str

    @property
    def file_name(self) -> str:
        return f"{self.artifact}-{self.version}.jar"


def locked_jars() -> list[Jar]:
    """All jars of the broker, the broker's own first."""
    lines = [line.split() for line in LOCK_FILE.read_text().splitlines() if line and not line.startswith("#")]
    return [Jar(sha256, *coordinate.split(":")) for sha256, coordinate in lines]


def kafka_version() -> str:
    """Version of the local broker, from the lock file."""
    return locked_jars()[0].version


def cache_directory() -> Path:
    """Where downloads are kept: TOUCHLINE_CACHE_DIR, else below XDG_CACHE_HOME, ~/.cache or the temporary directory."""
    candidates = [
        os.environ.get("TOUCHLINE_CACHE_DIR", ""),
        _below(os.environ.get("XDG_CACHE_HOME", ""), "touchline"),
        _below(os.environ.get("HOME", "") or _account_home(), ".cache", "touchline"),
        _below(tempfile.gettempdir(), f"touchline-cache-{os.getuid()}"),
    ]
    failures: list[str] = []
    for candidate in filter(None, candidates):
        try:
            path = Path(candidate)
            path.mkdir(parents=True, exist_ok=True)
            if _is_ours(path):
                return path.resolve()
            failures.append(f"{path}: not ours to write")
        except OSError as error:
            failures.append(f"{candidate}: {error.strerror}")
    raise StackError(
        "no directory for downloads can be written to. Set TOUCHLINE_CACHE_DIR. Tried: " + "; ".join(failures)
    )


def _is_ours(path: Path) -> bool:
    """Whether we may write there, and nobody else could have prepared it: the temporary directory is everybody's."""
    shared = path.parent == Path(tempfile.gettempdir())
    return os.access(path, os.W_OK | os.X_OK) and (path.stat().st_uid == os.getuid() or not shared)


def _below(root: str, *parts: str) -> str:
    return str(Path(root, *parts)) if root else ""


def _account_home() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:
        return ""


def kafka_jars(cache: Path | None = None, progress: Progress | None = None) -> list[Path]:
    """Paths of all jars, downloading what is missing. Raises StackError when one can be neither found nor fetched.

    Several processes may call this at once: one downloads, the others wait for it. A jar stands under its name only
    when its SHA-256 is the locked one, so an interrupted download leaves nothing half done.
    """
    jars = locked_jars()
    directory = (cache or cache_directory()) / f"kafka-{jars[0].version}"
    directory.mkdir(parents=True, exist_ok=True)
    with _exclusive(directory / ".lock"):
        missing = [jar for jar in jars if not (directory / jar.file_name).exists()]
        if missing:
            _fetch(missing, directory, len(jars), progress)
    return [directory / jar.file_name for jar in jars]


def _fetch(missing: list[Jar], directory: Path, total: int, progress: Progress | None) -> None:
    """Download `missing` into `directory`, several at a time."""
    with tempfile.TemporaryDirectory(prefix=".part-", dir=directory) as part, _certificates():
        done = total - len(missing)
        with ThreadPoolExecutor(PARALLEL) as pool:
            fetched = pool.map(lambda jar: _fetch_one(jar, Path(part), directory), missing)
            for _ in _explained(fetched):
                done += 1
                if progress is not None:
                    progress(done, total)


def _fetch_one(jar: Jar, part: Path, directory: Path) -> None:
    # imported when something is to be fetched: the second start needs neither module
    from jgo.maven import MavenContext
    from requests import RequestException

    digest = ""
    for attempt in range(TRIES):
        repository = part / f"{jar.artifact}-{attempt}"
        try:
            context = MavenContext(repo_cache=repository, local_repos=[], timeout=TIMEOUT_S)
            found = context.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve()
        except (RequestException, OSError, RuntimeError):
            if attempt == TRIES - 1:
                raise
            continue
        digest = hashlib.sha256(found.read_bytes()).hexdigest()
        if digest == jar.sha256:
            shutil.move(found, directory / jar.file_name)
            return
    raise RuntimeError(f"{jar.file_name} arrived with SHA-256 {digest}, the lock file wants {jar.sha256}")


def _explained(fetched: Iterator[None]) -> Iterator[None]:
    try:
        yield from fetched
    except (OSError, RuntimeError) as error:  # requests' errors are OSErrors
        raise StackError(
            f"the Kafka broker's jars could not be fetched from Maven Central: {error}\n"
            "  What helps: a network that reaches Maven Central (HTTPS_PROXY is honoured, and REQUESTS_CA_BUNDLE or\n"
            "  SSL_CERT_FILE for a company certificate); or the jars of api/local/kafka_jars.lock in the directory\n"
            f"  $TOUCHLINE_CACHE_DIR/kafka-{kafka_version()}, named artifact-version.jar; or a broker of your own in\n"
            "  TOUCHLINE_KAFKA_BOOTSTRAP_SERVERS."
        ) from error


@contextmanager
def _exclusive(path: Path) -> Generator[None]:
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _certificates() -> Generator[None]:
    """`requests` reads REQUESTS_CA_BUNDLE only: let SSL_CERT_FILE, which Python and OpenSSL read, count too."""
    name, bundle = "REQUESTS_CA_BUNDLE", os.environ.get("SSL_CERT_FILE")
    if bundle is None or name in os.environ or "CURL_CA_BUNDLE" in os.environ:
        yield
        return
    os.environ[name] = bundle
    try:
        yield
    finally:
        del os.environ[name]
