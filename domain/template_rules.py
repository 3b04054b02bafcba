"""What may stand in a template: an allow list of Jinja2's syntax, filters and tests (docs/behaviour.md 1.4)."""

from __future__ import annotations

from collections.abc import Iterator

from jinja2 import nodes


class TemplateError(ValueError):
    """A template that cannot be compiled. `line` is where, from 1."""

    def __init__(self, reason: str, line: int) -> None:
        super().__init__(f"line {line}: {reason}")
        self.reason = reason
        self.line = line


FILTERS = frozenset(
    {"abs", "capitalize", "d", "default", "e", "escape", "first", "float", "int", "join", "last", "length", "lower"}
    | {"replace", "round", "string", "title", "trim", "truncate", "upper", "urlencode"}
)
TESTS = frozenset(
    {"defined", "undefined", "none", "string", "number", "true", "false", "in", "odd", "even"}
    | {"eq", "equalto", "==", "ne", "!=", "lt", "lessthan", "<", "le", "<=", "gt", "greaterthan", ">", "ge", ">="}
)
_LOOP_FIELDS = frozenset({"index", "index0", "first", "last", "length"})
_NODES = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Const,
    nodes.Filter,
    nodes.Test,
    nodes.If,
    nodes.For,
    nodes.CondExpr,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.Neg,
    nodes.Concat,
    nodes.Getattr,
    nodes.Getitem,
    nodes.Slice,
    nodes.List,
    nodes.Tuple,
    nodes.Keyword,
)


def check(tree: nodes.Template) -> None:
    """Refuse whatever is not on the allow list, with its line."""
    for node, inside_loop in _walk(tree, inside_loop=False):
        kind = type(node).__name__
        if not isinstance(node, _NODES):
            raise TemplateError(f"{kind} is not allowed in a template", node.lineno)
        if isinstance(node, nodes.Filter) and node.name not in FILTERS:
            raise TemplateError(f"unknown filter {node.name!r}; known: {', '.join(sorted(FILTERS))}", node.lineno)
        if isinstance(node, nodes.Test) and node.name not in TESTS:
            raise TemplateError(f"unknown test {node.name!r}", node.lineno)
        if isinstance(node, nodes.Name) and node.name.startswith("_"):
            raise TemplateError(f"the name {node.name!r} is not allowed", node.lineno)
        if isinstance(node, nodes.Getattr) and not _is_loop_field(node):
            raise TemplateError(f"the access .{node.attr} is not allowed", node.lineno)
        if isinstance(node, nodes.Getitem) and not isinstance(node.arg, nodes.Slice | nodes.Const | nodes.Neg):
            raise TemplateError("only a number or a range may stand in [ ]", node.lineno)
        if isinstance(node, nodes.For) and (inside_loop or node.recursive):
            raise TemplateError("a loop inside a loop is not allowed", node.lineno)


def _is_loop_field(node: nodes.Getattr) -> bool:
    return isinstance(node.node, nodes.Name) and node.node.name == "loop" and node.attr in _LOOP_FIELDS


def _walk(node: nodes.Node, *, inside_loop: bool) -> Iterator[tuple[nodes.Node, bool]]:
    yield node, inside_loop
    inside = inside_loop or isinstance(node, nodes.For)
    for child in node.iter_child_nodes():
        yield from _walk(child, inside_loop=inside)
