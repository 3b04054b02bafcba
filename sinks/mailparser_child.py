"""The process that parses mail: nothing but the parser, little memory, and no harm done when it is killed.

Frames on stdin and stdout are a 4-byte length (big endian) and as many bytes: a mail in, JSON out (null: out of
memory). An empty frame goes out once, when it is ready.
"""

from __future__ import annotations

import json
import os
import struct
import sys
from typing import BinaryIO

from domain.replies.mime import parse_headers, parse_mail

_LENGTH = struct.Struct(">I")
MEMORY_VARIABLE = "TOUCHLINE_PARSER_MEMORY"


def serve(inbound: BinaryIO, outbound: BinaryIO) -> None:
    """Answer each mail with its parse, in order, until the input ends or memory ran out."""
    outbound.write(_LENGTH.pack(0))
    outbound.flush()
    while True:
        front = inbound.read(_LENGTH.size)
        if len(front) < _LENGTH.size:
            return
        (size,) = _LENGTH.unpack(front)
        answer = _answer(inbound, size)
        outbound.write(_LENGTH.pack(len(answer)))
        outbound.write(answer)
        outbound.flush()
        if answer == b"null":
            return  # a heap that was once full is not trusted again


def _answer(inbound: BinaryIO, size: int) -> bytes:
    try:
        raw = inbound.read(size)
        try:
            mail = parse_mail(raw)
        except MemoryError:
            mail = parse_headers(raw)
        return json.dumps(mail.to_json(), ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    except MemoryError:
        return b"null"


def _limit_memory(size: int) -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (size, size))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    """Serve on a copy of stdout, so that nothing a library prints gets between the frames."""
    sys.setrecursionlimit(400)
    memory = int(os.environ.get(MEMORY_VARIABLE, "0"))
    if memory and sys.platform != "win32":
        _limit_memory(memory)
    outbound = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(sys.stdin.buffer, outbound)


if __name__ == "__main__":
    main()
