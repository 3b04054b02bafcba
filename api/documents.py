"""Definition files on their way to `Control.apply`: every problem of every file at once, or sound drafts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from api.control import Draft
from api.errors import UserError
from domain.checks import check_documents
from domain.documents import AnyDoc, InvalidDefinitions, Loaded, Problem, load_documents
from schemas.definitions import AnyDocument, Definition, DefinitionKind

KINDS: Mapping[str, DefinitionKind] = {
    "Pool": "pool",
    "Mailbox": "mailbox",
    "SmsSender": "sms_sender",
    "Campaign": "campaign",
    "ReplyRule": "reply_rule",
    "Routing": "routing",
}
"""A document's kind -> the definition's."""

_DOCUMENT: TypeAdapter[Any] = TypeAdapter(AnyDocument)


@dataclass(frozen=True, slots=True)
class FileProblem:
    """A problem and the file it stands in."""

    file: str
    problem: Problem

    def __str__(self) -> str:
        place = f"{self.file}:{self.problem.line}" if self.problem.line else self.file
        said = (self.problem.document, self.problem.path, self.problem.message)
        return ": ".join(part for part in (place, *said) if part)

    def as_json(self) -> dict[str, Any]:
        """`{file, path, code, message, document, line}`."""
        return {"file": self.file, **asdict(self.problem)}


class InvalidFiles(UserError):
    """Files that cannot be applied, with every problem in them."""

    def __init__(self, found: Sequence[FileProblem]) -> None:
        super().__init__("nothing was applied", [str(item) for item in found])
        self.found = list(found)


def read_files(paths: Sequence[Path], known: Iterable[Definition] = ()) -> list[Draft]:
    """The documents of all files, checked by themselves and against those in force. Raises InvalidFiles."""
    found: list[FileProblem] = []
    loaded: list[tuple[str, Loaded]] = []
    for path in paths:
        name = str(path)
        try:
            loaded += [(name, item) for item in load_documents(_text(path))]
        except InvalidDefinitions as error:
            found += [FileProblem(name, problem) for problem in error.problems]
            loaded += [(name, item) for item in error.loaded]
    unreadable = bool(found)
    file_of: dict[str, str] = {}
    for name, item in loaded:
        file_of.setdefault(item.path, name)
    for problem in check_documents([item for _, item in loaded], documents_of(known)):
        # What a document says about one that could not be read is no mistake of its own.
        if not (unreadable and problem.code.startswith("unknown_")):
            found.append(FileProblem(file_of.get(problem.document, str(paths[0])), problem))
    if found:
        raise InvalidFiles(found)
    return [
        Draft(
            KINDS[item.doc.kind],
            item.doc.id,
            item.doc.model_dump(mode="json", by_alias=True, exclude_none=True),
            f"{name}: {item.path}",
        )
        for name, item in loaded
    ]


def documents_of(known: Iterable[Definition]) -> list[AnyDoc]:
    """The documents behind definitions in force, without any that only an older version could read."""
    documents: list[AnyDoc] = []
    for definition in known:
        if definition.deleted or definition.kind not in KINDS.values():
            continue
        try:
            documents.append(_DOCUMENT.validate_python(definition.spec, extra="ignore"))
        except ValidationError:
            continue
    return documents


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidDefinitions([Problem("", "encoding", f"not UTF-8: {error.reason}")]) from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise InvalidDefinitions([Problem("", "file", f"cannot be read: {reason}")]) from None
