"""Leads from a CSV file: columns by header, every row's faults at once, nothing sent (docs/behaviour.md 10 and 2.3)."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from api.errors import UserError
from domain.ids import key_hash, normalise_email
from schemas.enrollments import LeadData

ALIASES: Mapping[str, tuple[str, ...]] = {
    "lead_id": ("lead_id", "id", "lead", "prospect_id", "contact_id"),
    "email": ("email", "e_mail", "mail", "email_address", "e_mail_address"),
    "first_name": ("first_name", "firstname", "given_name", "forename", "prenom"),
    "last_name": ("last_name", "lastname", "surname", "family_name", "nom"),
    "full_name": ("full_name", "fullname", "name", "contact_name"),
    "title": ("title", "job_title", "position", "role"),
    "company": ("company", "company_name", "organisation", "organization", "employer"),
    "city": ("city", "town", "ville", "ort"),
    "country": ("country", "country_name", "pays", "land"),
    "phone": ("phone", "phone_number", "telephone", "mobile"),
    "timezone": ("timezone", "time_zone", "tz"),
}
"""Field -> header names that mean it, after folding. Any other column is an attribute under its own name."""

_FIELD_OF = {alias: name for name, aliases in ALIASES.items() for alias in aliases}
_ADDRESS = re.compile(r"^[^\s@<>\"(),:;\[\]\\]{1,64}@(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z0-9-]*[a-z0-9]$")
MAX_ROWS = 5_000_000


@dataclass(frozen=True, slots=True)
class LeadRow:
    """A row that can be enrolled. `line` is the line of the file, the header's being 1."""

    line: int
    lead_id: str
    lead: LeadData


@dataclass(frozen=True, slots=True)
class RowFault:
    """Why a row was left out."""

    line: int
    code: str
    detail: str


@dataclass(slots=True)
class LeadsFile:
    """What a file holds: rows to enroll, rows left out, and which column was taken for what."""

    rows: list[LeadRow] = field(default_factory=list)
    faults: list[RowFault] = field(default_factory=list)
    columns: dict[str, str] = field(default_factory=dict)


def valid_address(address: str) -> bool:
    """Whether a normalised address can stand in an envelope: within the form and lengths of RFC 5321."""
    return len(address) <= 254 and address.isprintable() and _ADDRESS.fullmatch(address) is not None


def lead_id_of(secret: bytes, email: str) -> str:
    """The lead id of an address that came without one: a keyed hash, the same whenever it comes again."""
    return key_hash(secret, "lead-id", normalise_email(email)).hex()


def fold(header: str) -> str:
    """One spelling for one header: lower case, letters and digits, underscores between."""
    plain = header.strip().lower().translate(str.maketrans("éèêàçôü", "eeeacou"))
    return re.sub(r"[^\w]+", "_", plain).strip("_")


def read_leads(
    path: Path,
    hash_address: Callable[[str], str],
    mapping: Mapping[str, str] | None = None,
    *,
    needs_email: bool = True,
) -> LeadsFile:
    """Read a CSV file (comma, semicolon or tab; UTF-8). `mapping` names the field of a header that no alias knows.

    `hash_address` gives the lead id of a normalised address (or number) where the file has none. A campaign that sends no
    emails needs no addresses (`needs_email`), but something to know its leads by. Raises UserError when the file itself
    cannot be used; a bad row is a fault and costs only itself.
    """
    found = LeadsFile()
    seen: dict[str, int] = {}
    ids: dict[str, int] = {}
    known_by = ("email",) if needs_email else ("email", "phone", "lead_id")
    for line, cells in _rows(path, found, mapping or {}, known_by):
        taken = _row(line, cells, found.columns, hash_address, needs_email=needs_email)
        if isinstance(taken, RowFault):
            found.faults.append(taken)
            continue
        address = taken.lead.email
        first = seen.setdefault(address, line) if address is not None else line
        same_id = ids.setdefault(taken.lead_id, line)
        if first != line:
            found.faults.append(RowFault(line, "duplicate_address", f"the address already stands in line {first}"))
        elif same_id != line:
            found.faults.append(
                RowFault(line, "duplicate_lead", f"lead {taken.lead_id!r} already stands in line {same_id}")
            )
        else:
            found.rows.append(taken)
    return found


def _rows(
    path: Path, found: LeadsFile, mapping: Mapping[str, str], known_by: Sequence[str]
) -> Iterator[tuple[int, list[str] | None]]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 at byte {error.start}: save the file as UTF-8") from None
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}") from None
    header_line = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=header_line.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = next(reader, [])
        found.columns.update(_columns(path, header, mapping, known_by))
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            if not any(cell.strip() for cell in cells):
                continue
            if reader.line_num > MAX_ROWS:
                raise UserError(f"{path}: more than {MAX_ROWS} lines: split the file")
            yield reader.line_num, cells if len(cells) == len(header) else None
    except csv.Error as error:
        raise UserError(f"{path}:{reader.line_num}: not CSV: {error}") from None


def _columns(path: Path, header: list[str], mapping: Mapping[str, str], known_by: Sequence[str]) -> dict[str, str]:
    """Header -> field (or `attributes.NAME`), in the file's order."""
    columns: dict[str, str] = {}
    wanted = {fold(name): target for name, target in mapping.items()}
    for name in header:
        folded = fold(name)
        target = wanted.get(folded) or _FIELD_OF.get(folded)
        if not folded:
            raise UserError(f"{path}: column {len(columns) + 1} has no name")
        if target is not None and target not in ALIASES:
            target = f"attributes.{fold(target)}"
        elif target is None or target in columns.values():
            target = f"attributes.{folded}"
        if name in columns:
            raise UserError(f"{path}: two columns are named {name!r}")
        columns[name] = target
    if not any(name in columns.values() for name in known_by):
        what = "addresses" if len(known_by) == 1 else "addresses, phone numbers or lead ids"
        raise UserError(
            f"{path}: no column with {what}; the header has {', '.join(header) or 'nothing'}. "
            f"Name it {known_by[0]}, or say which one it is with --map 'COLUMN={known_by[0]}'"
        )
    return columns


def _row(
    line: int,
    cells: list[str] | None,
    columns: Mapping[str, str],
    hash_address: Callable[[str], str],
    *,
    needs_email: bool,
) -> LeadRow | RowFault:
    if cells is None:
        return RowFault(line, "columns", f"the row must have {len(columns)} columns like the header")
    values = dict(zip(columns.values(), (cell.strip() for cell in cells), strict=True))
    address = values.pop("email", "")
    if not address and needs_email:
        return RowFault(line, "no_email", "no address")
    email = normalise_email(address) if address else None
    if email is not None and not valid_address(email):
        return RowFault(line, "invalid_email", "not a valid address")
    given, known_by = values.pop("lead_id", ""), email or values.get("phone", "")
    if not given and not known_by:
        return RowFault(line, "no_lead_id", "neither a lead id nor an address nor a phone number")
    lead_id = given or hash_address(known_by)
    plain = {name: value for name, value in values.items() if value and not name.startswith("attributes.")}
    attributes = {
        name.removeprefix("attributes."): value
        for name, value in values.items()
        if value and name.startswith("attributes.")
    }
    try:
        lead = LeadData.model_validate({**({"email": email} if email else {}), **plain, "attributes": attributes})
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        return RowFault(line, "invalid", f"{'.'.join(map(str, first['loc']))}: {first['msg']}")
    if not 0 < len(lead_id) <= 200 or not lead_id.isprintable():
        return RowFault(line, "invalid_lead_id", "a lead id has 1 to 200 printable characters")
    return LeadRow(line, lead_id, lead)
