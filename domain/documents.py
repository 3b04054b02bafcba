"""YAML documents (docs/behaviour.md 10) read with every mistake told at once, each with its path and its line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, NamedTuple, cast

import yaml
from pydantic import ValidationError

from schemas.definitions import CampaignDoc, Document, MailboxDoc, PoolDoc, ReplyRuleDoc, RoutingDoc, SmsSenderDoc

AnyDoc = PoolDoc | MailboxDoc | SmsSenderDoc | CampaignDoc | ReplyRuleDoc | RoutingDoc
Where = tuple[str | int, ...]
"""The way to a field: names and list positions."""

MAX_DOCUMENTS_BYTES = 5_000_000
MAX_DEPTH = 60
"""Levels of lists and mappings within one another."""
_HALVES = re.compile("[\ud800-\udfff]")
"""What no encoding can write: YAML has escapes for them."""
_MODELS: dict[str, type[Document]] = {
    "Pool": PoolDoc,
    "Mailbox": MailboxDoc,
    "SmsSender": SmsSenderDoc,
    "Campaign": CampaignDoc,
    "ReplyRule": ReplyRuleDoc,
    "Routing": RoutingDoc,
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a document: what a person needs to find and mend it."""

    path: str
    """Such as `steps[2].subject`; empty for the document itself."""
    code: str
    message: str
    document: str = ""
    """Such as `Campaign q1-brokers`."""
    line: int | None = None
    """In the text, from 1."""

    def __str__(self) -> str:
        place = f"line {self.line}" if self.line else ""
        return ": ".join(part for part in (place, self.document, self.path, self.message) if part)


class InvalidDefinitions(ValueError):
    """Documents that cannot be used; `problems` has every mistake in them, `loaded` those that could be read."""

    def __init__(self, problems: Sequence[Problem], loaded: Sequence[Loaded] = ()) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)
        self.loaded = tuple(loaded)


class Loaded(NamedTuple):
    """One document. `path` names it (`Campaign q1-brokers`); `node` remembers where its fields stand in the text."""

    path: str
    doc: AnyDoc
    node: yaml.Node | None = None

    def problem(self, where: Where, code: str, message: str) -> Problem:
        """A mistake at a field of this document."""
        return Problem(path_text(where), code, message, self.path, line_of(self.node, where))


def path_text(where: Where) -> str:
    """`("steps", 2, "subject")` as `steps[2].subject`."""
    text = ""
    for part in where:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def line_of(node: yaml.Node | None, where: Where) -> int | None:
    """The line (from 1) of the field, or of the nearest thing around it that is there."""
    if node is None:
        return None
    for part in where:
        found = _child(node, part)
        if found is None:
            break
        node = found
    return cast("int", node.start_mark.line) + 1


def _child(node: yaml.Node, part: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int):
        return node.value[part] if part < len(node.value) else None
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == part), None)
    return None


def load_documents(text: str) -> list[Loaded]:
    """The documents in a YAML text, each well formed. Raises InvalidDefinitions with every mistake in all of them."""
    if len(text) > MAX_DOCUMENTS_BYTES:
        raise InvalidDefinitions([Problem("", "too_large", f"more than {MAX_DOCUMENTS_BYTES:,} characters")])
    loaded: list[Loaded] = []
    problems: list[Problem] = []
    try:
        nodes = list(_compose(text))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        reason = getattr(error, "problem", None) or str(error)
        raise InvalidDefinitions([Problem("", "yaml", str(reason), "", mark.line + 1 if mark else None)]) from error
    for number, (loader, node) in enumerate(nodes):
        _load_one(number, loader, node, loaded, problems)
    if problems:
        raise InvalidDefinitions(problems, loaded)
    return loaded


class _Loader(yaml.SafeLoader):
    """A date that does not exist, or a number without end, stays the text it is: so it is told with its path."""


def _or_text(construct: Callable[[_Loader, yaml.ScalarNode], Any]) -> Callable[[_Loader, yaml.ScalarNode], Any]:
    def made(loader: _Loader, node: yaml.ScalarNode) -> Any:
        try:
            return construct(loader, node)
        except ValueError:
            return loader.construct_scalar(node)

    return made


_Loader.add_constructor("tag:yaml.org,2002:timestamp", _or_text(_Loader.construct_yaml_timestamp))
_Loader.add_constructor("tag:yaml.org,2002:int", _or_text(_Loader.construct_yaml_int))


def _compose(text: str) -> Iterator[tuple[yaml.SafeLoader, yaml.Node]]:
    """The nodes of each document. Aliases are refused: they make small texts that are huge when read. So is nesting without
    end, which nothing that reads trees survives.
    """
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise yaml.MarkedYAMLError(problem="aliases (*name) are not allowed", problem_mark=event.start_mark)
        if isinstance(event, yaml.ScalarEvent) and _HALVES.search(event.value):
            raise yaml.MarkedYAMLError(
                problem="a text has half of a surrogate pair: write the character itself", problem_mark=event.start_mark
            )
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise yaml.MarkedYAMLError(
                    problem=f"nested deeper than {MAX_DEPTH} levels", problem_mark=event.start_mark
                )
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    loader = _Loader(text)
    while loader.check_node():
        node = loader.get_node()
        if node is not None and not (isinstance(node, yaml.ScalarNode) and node.value == ""):
            yield loader, node


def _load_one(
    number: int, loader: yaml.SafeLoader, node: yaml.Node, loaded: list[Loaded], problems: list[Problem]
) -> None:
    name = f"document {number + 1}"
    line = line_of(node, ())
    try:
        data = loader.construct_document(node)
    except (
        yaml.YAMLError,
        ValueError,
        LookupError,
        AttributeError,
        TypeError,
    ) as error:  # tags upon what they do not fit
        mark = getattr(error, "problem_mark", None)
        at = mark.line + 1 if mark is not None else line
        problems.append(Problem("", "yaml", getattr(error, "problem", None) or str(error), name, at))
        return
    if not isinstance(data, dict):
        problems.append(Problem("", "not_a_document", "a document is a list of names and values", name, line))
        return
    fields = cast("dict[str, Any]", data)
    model = _MODELS.get(str(fields.get("kind")))
    if model is None:
        known = ", ".join(_MODELS)
        problems.append(Problem("kind", "unknown_kind", f"expected one of {known}", name, line_of(node, ("kind",))))
        return
    name = f"{fields['kind']} {fields.get('id', f'({name})')}"
    found = [Problem(path_text(where), "duplicate_field", "given twice", name, at) for where, at in _repeated(node, ())]
    for where, why in _unstorable(fields, ()):
        found.append(Problem(path_text(where), "not_storable", why, name, line_of(node, where)))
    told = {problem.path for problem in found}
    try:
        doc = model.model_validate(_with_switches(fields))
    except ValidationError as error:
        for item in error.errors(include_url=False):
            where = _where(item["loc"], fields)
            message = item["msg"].removeprefix("Value error, ")
            if path_text(where) not in told:
                found.append(Problem(path_text(where), item["type"], message, name, line_of(node, where)))
    else:
        if not found:
            loaded.append(Loaded(name, cast("AnyDoc", doc), node))
    problems.extend(found)


def _with_switches(fields: dict[str, Any]) -> dict[str, Any]:
    """YAML reads a bare `off` as false: `limits: off` means what it says."""
    limits = fields.get("limits")
    return {**fields, "limits": "on" if limits else "off"} if isinstance(limits, bool) else fields


def _repeated(node: yaml.Node, where: Where) -> Iterator[tuple[Where, int]]:
    """Names that stand twice in one mapping: YAML would silently take the last."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            if name in seen:
                yield (*where, name), key.start_mark.line + 1
            seen.add(name)
            yield from _repeated(value, (*where, name))
    elif isinstance(node, yaml.SequenceNode):
        for position, value in enumerate(node.value):
            yield from _repeated(value, (*where, position))


def _unstorable(value: Any, where: Where) -> Iterator[tuple[Where, str]]:
    """What YAML can write and no database keeps: it would be refused, or be another value, when it is applied."""
    if isinstance(value, dict):
        for name, part in cast("dict[Any, Any]", value).items():
            yield from _unstorable(part, (*where, str(name)))
    elif isinstance(value, list):
        for position, part in enumerate(cast("list[Any]", value)):
            yield from _unstorable(part, (*where, position))
    elif isinstance(value, float) and not isfinite(value):
        yield where, f"{value} is no number that can be kept"
    elif isinstance(value, str) and "\x00" in value:
        yield where, "a text cannot have NUL characters"


def _where(location: Where, fields: dict[str, Any]) -> Where:
    """A validator's location without the names of the models and unions it passed through."""
    where: list[str | int] = []
    value: Any = fields
    for part in location:
        if isinstance(value, dict) and part in value:
            value = cast("dict[Any, Any]", value)[part]
        elif isinstance(value, list) and isinstance(part, int) and part < len(cast("list[Any]", value)):
            value = cast("list[Any]", value)[part]
        elif isinstance(part, str) and (part == _kind(value) or "[" in part or "," in part):
            continue
        else:
            value = None
        where.append(part)
    return tuple(where)


def _kind(value: Any) -> Any:
    return cast("dict[str, Any]", value).get("kind") if isinstance(value, dict) else None
