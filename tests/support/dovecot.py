"""A real Dovecot on loopback, as the current user or as `nobody`, out of the system's packages or those of `.ci/dovecot`."""

import base64
import hmac
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from api.local.child import Child, free_ports, kill
from domain.senders import Imap
from tests.support.waiting import wait_for_sync

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "hunter2"
SECRET = b"a key that signs tokens in tests"
MODULES = Path("/tmp/touchline-dovecot/m")
"""Where a private Dovecot looks for its modules (`.ci/dovecot`)."""

CONFIG = """
base_dir = {run}
state_dir = {run}
libexec_dir = {lib}
mail_plugin_dir = {lib}/modules
login_plugin_dir = {lib}/modules/login
import_environment = TZ LD_LIBRARY_PATH={libraries}
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login xoauth2
auth_failure_delay = 0
mail_max_userip_connections = 50
log_path = {home}/log
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 1
mail_location = maildir:{home}/mail/%u
imap_idle_notify_interval = 10 s
passdb {{
  driver = passwd-file
  mechanisms = plain login
  args = scheme=PLAIN {home}/users
}}
passdb {{
  driver = oauth2
  mechanisms = xoauth2
  args = {home}/oauth2.conf
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={home}/home/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
"""

OAUTH2 = """
introspection_mode = local
local_validation_key_dict = fs:posix:prefix={home}/keys/
username_attribute = sub
"""


def token(user: str, secret: bytes = SECRET) -> str:
    """What Dovecot takes with XOAUTH2: a JSON Web Token (RFC 7519) signed with HS256."""
    now = int(time.time())
    parts = (
        {"alg": "HS256", "typ": "JWT", "kid": "default"},
        {"sub": user, "azp": "default", "iat": now, "exp": now + 600},
    )
    told = b".".join(_base64url(json.dumps(part).encode()) for part in parts)
    return (told + b"." + _base64url(hmac.digest(secret, told, "sha256"))).decode()


def _base64url(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def found() -> Path | None:
    """The root under which a Dovecot is installed; None where there is none."""
    private = ROOT / ".venv" / "dovecot"
    if (private / "usr/sbin/dovecot").exists():
        return private
    return Path("/") if Path("/usr/sbin/dovecot").exists() and Path("/usr/lib/dovecot/imap").exists() else None


class Dovecot:
    """A running server. Its mailboxes are directories: a file that is put there is a mail."""

    def __init__(self, home: Path, port: int, uid: int | None, command: list[str], environment: dict[str, str]) -> None:
        self.uid = uid
        self.home = home
        self.port = port
        self.command = command
        self.environment = environment
        self.child = Child("dovecot", home / "out", on_orphan=signal.SIGTERM)

    @property
    def box(self) -> Path:
        """Where the inbox stands on disk."""
        return self.home / "mail" / "anna"

    def empty(self) -> None:
        """No mail, no folder, no index. Nobody may be connected."""
        shutil.rmtree(self.box, ignore_errors=True)

    def deliver(self, raw: bytes) -> Path:
        """A mail comes in, as a delivery agent puts it there."""
        for folder in (self.box, *(self.box / name for name in ("tmp", "new", "cur"))):
            folder.mkdir(exist_ok=True)
            self._give(folder)
        path = self.box / "tmp" / f"{time.time_ns()}.mail"
        path.write_bytes(raw)
        self._give(path)
        return path.rename(self.box / "new" / path.name)

    def _give(self, path: Path) -> None:
        if self.uid is not None:
            os.chown(path, self.uid, self.uid)

    def lose_the_index(self) -> None:
        """Its mails get other UIDs, under another UIDVALIDITY. Nobody may be connected."""
        for path in self.box.glob("dovecot*"):
            path.unlink()

    def kept(self, folder: str = "") -> list[bytes]:
        """The mails in a folder (the inbox) as they stand on disk."""
        return sorted(path.read_bytes() for sub in ("new", "cur") for path in (self.box / folder / sub).glob("*"))

    def start(self) -> None:
        """Begin to listen."""
        self.child.start(self.command, env=self.environment, cwd=self.home)
        wait_for_sync(lambda: (self.home / "run" / "master.pid").exists() or self.child.pid is None, 10)
        assert self.child.pid is not None, self.child.tail()

    def stop(self) -> None:
        """End it, and every connection; asked in order, its processes take seconds."""
        if self.child.pid is not None:
            for process in psutil.Process(self.child.pid).children(recursive=True):
                kill(process)
        self.child.stop(signal.SIGTERM, 1.0)
        (self.home / "run" / "master.pid").unlink(missing_ok=True)

    def imap(self, **changes: object) -> Imap:
        """How it is reached."""
        known = {
            "host": "127.0.0.1", "port": self.port, "security": "none", "username": "anna",
            "password_ref": "env:INBOX_PASSWORD", "token_ref": None,
        }  # fmt: skip
        return Imap(**{**known, **changes})  # pyright: ignore[reportArgumentType]


@contextmanager
def dovecot(root: Path) -> Iterator[Dovecot]:
    """Start it, and end it with everything it wrote."""
    port = free_ports(1)[0]
    private = root != Path("/")
    lib = root / "usr/lib/dovecot"
    libraries = f"{lib}:{root}/usr/lib/x86_64-linux-gnu:{root}/usr/lib/aarch64-linux-gnu" if private else ""
    is_root = os.getuid() == 0
    uid, gid = (65534, 65534) if is_root else (os.getuid(), os.getgid())
    names = ("nobody", "nogroup") if is_root else (_name("-un"), _name("-gn"))
    if private:
        MODULES.parent.mkdir(exist_ok=True)
        if not MODULES.is_symlink() or MODULES.readlink() != lib / "modules":
            MODULES.unlink(missing_ok=True)
            MODULES.symlink_to(lib / "modules")
    home = Path(tempfile.mkdtemp(prefix="tl-dovecot-"))  # sockets have short names
    try:
        home.chmod(0o755)
        (home / "users").write_text(f"anna:{{PLAIN}}{PASSWORD}::::::\n")
        (home / "oauth2.conf").write_text(OAUTH2.format(home=home))
        for name in ("run", "mail", "home", "keys/default/HS256"):
            (home / name).mkdir(parents=True)
        (home / "keys/default/HS256/default").write_bytes(base64.b64encode(SECRET))
        config = home / "dovecot.conf"
        config.write_text(
            CONFIG.format(
                run=home / "run",
                lib=lib,
                libraries=libraries,
                home=home,
                user=names[0],
                group=names[1],
                uid=uid,
                gid=gid,
                port=port,
            )
        )
        if is_root:
            for path in (home, *home.rglob("*")):
                os.chown(path, uid, gid)
        doveconf, program = str(root / "usr/bin/doveconf"), str(root / "usr/sbin/dovecot")
        command = [doveconf, "-f", "service=master", "-c", str(config), "-m", "master"]
        command += ["-e", program, "-F", "-c", str(config)]
        environment = {"PATH": os.environ["PATH"], **({"LD_LIBRARY_PATH": libraries} if private else {})}
        server = Dovecot(home, port, uid if is_root else None, command, environment)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _name(which: str) -> str:
    return subprocess.run(["id", which], capture_output=True, text=True, check=True).stdout.strip()
