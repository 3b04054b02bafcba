"""The text of a rich text document, as winmail.dat carries it: also where it wraps HTML (MS-OXRTFEX)."""

from __future__ import annotations

import re

MAX_TOKENS = 200_000
MAX_DEPTH = 100

_TOKEN = re.compile(
    rb"\\([a-z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\([^a-z'])|([{}])|[\r\n]+|([^\\{}\r\n]+)|(\\)"
)
_HIDDEN = frozenset(
    {
        b"fonttbl",
        b"colortbl",
        b"stylesheet",
        b"info",
        b"pict",
        b"object",
        b"header",
        b"footer",
        b"generator",
        b"themedata",
        b"listtable",
    }
)
_BREAKS = {b"par": "\n", b"line": "\n", b"row": "\n", b"sect": "\n", b"tab": " ", b"cell": " "}
_BREAKING_TAG = re.compile(rb"<(?:/?(?:p|div|tr|li|h[1-6]|ul|ol|table|blockquote)\b|br\b|hr\b)", re.IGNORECASE)


def rtf_to_text(data: bytes) -> str:
    """Plain text, a line a paragraph. Never raises on its contents."""
    from_html = b"\\fromhtml" in data[:500]
    codec = "cp1252"
    out: list[str] = []
    hidden: list[bool] = [False]
    tag: list[bool] = [False]
    skipping, skip_characters, starred = False, 0, False
    for count, found in enumerate(_TOKEN.finditer(data)):
        if count >= MAX_TOKENS:
            break
        word, number, code, symbol, brace, text, _ = found.groups()
        if brace == b"{":
            if len(hidden) > MAX_DEPTH:
                break
            hidden.append(hidden[-1])
            tag.append(False)
            starred = False
        elif brace == b"}":
            if len(hidden) > 1:
                hidden.pop()
                tag.pop()
        elif symbol == b"*":
            starred = True
        elif word is not None:
            if word == b"htmltag":
                hidden[-1], tag[-1] = True, True
            elif word in _HIDDEN or starred:
                hidden[-1] = True
            elif word == b"htmlrtf":
                skipping = number != b"0"
            elif word == b"ansicpg" and number:
                codec = f"cp{int(number)}"
            elif hidden[-1] or skipping:
                pass
            elif word == b"u" and number:
                out.append(chr(int(number) % 65536))
                skip_characters = 1
            elif word in _BREAKS and not (from_html and word == b"tab"):
                out.append(_BREAKS[word])
            starred = False
        elif text is not None and tag[-1] and _BREAKING_TAG.search(text):
            out.append("\n")
        elif hidden[-1] or skipping:
            pass
        elif code is not None:
            if skip_characters:
                skip_characters = 0
            else:
                out.append(_character(code, codec))
        elif symbol is not None:
            out.append({b"~": " ", b"_": "-", b"{": "{", b"}": "}", b"\\": "\\"}.get(symbol, ""))
        elif text is not None:
            plain = text.decode("latin-1")
            out.append(plain[1:] if skip_characters else plain)
            skip_characters = 0
    return "".join(out).encode("utf-16", "surrogatepass").decode("utf-16", "replace").strip()


def _character(code: bytes, codec: str) -> str:
    try:
        return bytes([int(code, 16)]).decode(codec, "replace")
    except LookupError:
        return bytes([int(code, 16)]).decode("cp1252", "replace")
