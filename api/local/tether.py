"""Run a server that dies with the process that started it: `python -I -S tether.py PARENT SIGNAL ACCOUNT COMMAND...`

PARENT is the process id to depend on, SIGNAL the number the kernel sends when it is gone, ACCOUNT a numeric user id
to run as, or `-` to stay. The command replaces this process, so its process id is the one the parent knows.
Only the standard library is used and nothing of this repository: it starts in a few milliseconds.

On Linux the tie is the kernel's (`prctl(PR_SET_PDEATHSIG)`), so it holds after a SIGKILL of the parent too. The kernel
counts the *thread* that started the child as its parent: start servers from a thread that lives as long as they do.
Elsewhere there is no such tie, and whoever starts on the same directory next ends what was left over.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_SET_SECUREBITS = 28
SECBIT_NO_SETUID_FIXUP = 4
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAP_DAC_OVERRIDE = 1
CAPABILITY_VERSION_3 = 0x20080522


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Set(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


def become(account: int) -> None:
    """Give up root for `account`, keeping only the right to walk through directories that root owns.

    PostgreSQL refuses to run as root, while root's home, and so the programs and the data below it, are often closed
    to everybody else. Where the kernel or the container does not grant that right, the server reports what it
    could not open.
    """
    libc = ctypes.CDLL(None)
    linux = sys.platform.startswith("linux")
    if linux:
        libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
        libc.prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0)  # else access(2) forgets the right
    os.setgroups([])
    os.setgid(account)
    os.setuid(account)
    if linux:
        sets = (_Set * 2)()
        sets[0] = _Set(1 << CAP_DAC_OVERRIDE, 1 << CAP_DAC_OVERRIDE, 1 << CAP_DAC_OVERRIDE)
        libc.capset(ctypes.byref(_Header(CAPABILITY_VERSION_3, 0)), sets)
        libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0)


def main(argv: list[str]) -> None:
    """Tie this process to its parent, change the account, and become the command."""
    parent, signal_number, account, *command = argv
    if account != "-":
        become(int(account))
    if sys.platform.startswith("linux"):  # after the account: the kernel forgets the tie when credentials change
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal_number), 0, 0, 0)
    if os.getppid() != int(parent):  # the parent was gone before the tie was made
        raise SystemExit(1)
    os.execv(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])
