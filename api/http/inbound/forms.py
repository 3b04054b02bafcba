"""A form out of a body that is held whole, byte for byte (RFC 7578, and `application/x-www-form-urlencoded`)."""

from __future__ import annotations

import re
from binascii import a2b_qp
from collections.abc import Iterator
from dataclasses import dataclass, field

from api.http.inbound.calls import Refused, octets

MAX_FIELDS = 1000
MAX_PART_HEADERS = 16 * 1024
MAX_NAME = 300
MAX_SHORT = 2000

_BOUNDARY = re.compile(r"boundary=(?:\"([^\"]{1,200})\"|([^\s;\"]{1,200}))", re.IGNORECASE)
_DISPOSITION = re.compile(rb"^content-disposition:[ \t]*form-data([^\r\n]*)", re.IGNORECASE | re.MULTILINE)
_PART_TYPE = re.compile(rb"^content-type:[ \t]*([^\r\n;]*)", re.IGNORECASE | re.MULTILINE)
_NAME = re.compile(rb";[ \t]*name=(?:\"([^\"]*)\"|([^\s;]*))", re.IGNORECASE)
_FILENAME = re.compile(rb";[ \t]*filename=(?:\"([^\"]*)\"|([^\s;]*))", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class File:
    """A file in a form: its field, its own name."""

    field: str
    name: str
    content_type: str
    data: bytes


@dataclass(slots=True)
class Form:
    """Fields by name, in any case (the first of a name counts), and files, in their order. Values stay as they came until
    somebody asks: undoing the escapes of 25 MB takes seconds, and nobody has shown yet who they are.
    """

    fields: dict[str, bytes] = field(default_factory=dict[str, bytes])
    files: list[File] = field(default_factory=list[File])
    is_quoted: bool = False
    """Whether `fields` are escaped, as in a urlencoded form."""

    def data(self, name: str) -> bytes | None:
        """A field's bytes; None where there is none."""
        value = self.fields.get(name.lower())
        return _unquoted(value) if value is not None and self.is_quoted else value

    def text(self, name: str) -> str:
        """A field as text; empty where there is none."""
        return (self.data(name) or b"").decode("utf-8", "replace")

    def short(self, name: str) -> str:
        """`text` of a field that has a line at most; empty where it has more."""
        return self.text(name) if len(self.fields.get(name.lower(), b"")) <= MAX_SHORT else ""


def read_form(content_type: str, body: bytes) -> Form:
    """Raises Refused (400) for a body that is no form."""
    kind = content_type.split(";", maxsplit=1)[0].strip().lower()
    form = Form()
    if kind == "multipart/form-data":
        for part in _parts(content_type, body):
            _add(form, part)
    elif kind == "application/x-www-form-urlencoded":
        form.is_quoted = True
        pairs = body.split(b"&", MAX_FIELDS)
        if len(pairs) > MAX_FIELDS:
            raise Refused(400, f"body: a form may have {MAX_FIELDS} fields")
        for pair in pairs:
            name, _, value = pair.partition(b"=")
            form.fields.setdefault(_unquoted(name[:MAX_NAME]).decode("utf-8", "replace").lower(), value)
    else:
        raise Refused(
            400, f"content-type: must be multipart/form-data or a urlencoded form, not {kind[:100] or 'nothing'}"
        )
    return form


def _unquoted(value: bytes) -> bytes:
    """`%2B` and `+` undone. Quoted-printable differs by its sign alone, and is undone by C: a large mail takes no seconds here."""
    return a2b_qp(value.replace(b"+", b" ").replace(b"=", b"=3D").replace(b"%", b"="))


def _parts(content_type: str, body: bytes) -> Iterator[bytes]:
    boundary = _BOUNDARY.search(content_type)
    if boundary is None:
        raise Refused(400, "content-type: multipart/form-data needs a boundary")
    parts = (b"\r\n" + body).split(b"\r\n--" + octets(boundary[1] or boundary[2]), MAX_FIELDS + 2)
    if len(parts) > MAX_FIELDS + 2 or not parts[-1].startswith(b"--"):
        raise Refused(400, f"body: is cut off, or has more than {MAX_FIELDS} fields")
    yield from parts[1:-1]


def _add(form: Form, part: bytes) -> None:
    """A part that is neither a field nor a file is left out."""
    end = part.find(b"\r\n\r\n", 0, MAX_PART_HEADERS)
    head = part[: max(end, 0)]
    disposition = _DISPOSITION.search(head)
    name = _NAME.search(disposition[1]) if disposition is not None else None
    if disposition is None or name is None:
        return
    data = part[end + 4 :]
    filename = _FILENAME.search(disposition[1])
    field_name = (name[1] if name[1] is not None else name[2]).decode("utf-8", "replace")
    if filename is None:
        form.fields.setdefault(field_name.lower(), data)
        return
    kind = _PART_TYPE.search(head)
    file_name = (filename[1] if filename[1] is not None else filename[2]).decode("utf-8", "replace")
    content_type = kind[1].strip().decode("latin-1") if kind else "application/octet-stream"
    form.files.append(File(field_name.lower(), file_name, content_type, data))
