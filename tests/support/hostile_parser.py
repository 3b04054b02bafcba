"""A parsing process that misbehaves on command, in the place of `sinks.mailparser_child`."""

import os
import sys
import time

from domain.replies.mail import Mail
from sinks import mailparser_child


def _parse(raw: bytes) -> Mail:
    if raw == b"hang":
        while True:
            pass
    if raw == b"sleep":
        time.sleep(3600)
    if raw == b"die":
        os._exit(1)
    if raw == b"eat":
        return Mail(text="x" * 1_000_000_000)
    if raw == b"shout":
        sys.stdout.write("noise on stdout")
        sys.stdout.flush()
    return Mail(text=raw.decode())


if __name__ == "__main__":
    mailparser_child.parse_mail = _parse
    mailparser_child.parse_headers = _parse
    sys.exit(mailparser_child.main())
