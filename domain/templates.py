"""Merge templates: Jinja2 syntax, a small and bounded part of it, compiled once (docs/behaviour.md 1.4).

A template is written by an operator and filled with facts a producer sent: neither may run code, reach an attribute, or
make a message that grows without end. So the syntax is an allow list (no calls, no arithmetic, no macros, no nested
loops), the filters are listed here, and what is rendered is bounded. Values are text; an HTML body has them escaped.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, NoReturn

from jinja2 import StrictUndefined, TemplateSyntaxError, Undefined, nodes
from jinja2 import Template as JinjaTemplate
from jinja2.meta import find_undeclared_variables
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import escape

from domain.template_rules import FILTERS, TESTS, TemplateError, check

MAX_SOURCE = 200_000
MAX_RENDERED = 1_000_000
"""Characters a rendered template may have: far above any mail, far below what hurts."""

Merge = Mapping[str, object]
"""Merge values by variable name. None, blank text and an empty list count as missing."""

_Fill = Callable[[dict[str, object]], str]
"""From cleaned values to what a template says with them."""


class RenderError(Exception):
    """A template that cannot be rendered with these values. `code` is what the touch fails with.

    No ValueError: filters such as `int` take that for "use the default".
    """

    code = "render_error"


class MissingVariable(RenderError):
    """A merge variable without a value and without a default: the touch fails, it never says "Hi ,"."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the merge variable {name!r} has no value and no default")
        self.name = name
        self.code = f"missing_variable:{name}"[:200]


class RenderTooLarge(RenderError):
    """What was rendered outgrew `MAX_RENDERED`."""

    code = "render_too_large"

    def __init__(self) -> None:
        super().__init__(f"the rendered text is longer than {MAX_RENDERED:,} characters")


class _Missing(StrictUndefined):
    """A missing variable may be asked about (`if`, `==`, `default`) and nothing else."""

    __slots__ = ()

    def _fail(self, *_args: object, **_kwargs: object) -> NoReturn:
        raise MissingVariable(self._undefined_name or "?")

    def __bool__(self) -> bool:
        return False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Undefined)

    def __ne__(self, other: object) -> bool:
        return not isinstance(other, Undefined)

    __hash__ = Undefined.__hash__
    __iter__ = __str__ = __len__ = __contains__ = _fail  # pyright: ignore[reportAssignmentType]
    __lt__ = __le__ = __gt__ = __ge__ = __getitem__ = __int__ = __float__ = _fail  # pyright: ignore[reportAssignmentType]
    __add__ = __radd__ = __call__ = _fail  # pyright: ignore[reportAssignmentType]


_DIRTY = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def _plain(match: re.Match[str]) -> str:
    return "\n" if match[0] in "\r\x0b\x0c\x85\u2028\u2029" else "\ufffd" if match[0] >= "\ud800" else ""


def clean_text(text: str) -> str:
    """Text without control characters; every other kind of line separator becomes a newline."""
    return text if text.isprintable() else _DIRTY.sub(_plain, text.replace("\r\n", "\n"))


def _shown(value: object) -> object:
    """How a value is written out: a list with commas, everything else as text."""
    if isinstance(value, str) or value is None:
        return value
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value)  # pyright: ignore[reportUnknownVariableType]
    return value


def _replace(value: object, old: str, new: str) -> str:
    text = str(value)
    if len(text) + text.count(old) * len(new) > MAX_RENDERED:
        raise RenderTooLarge
    return text.replace(old, new)


def _environment(*, html: bool) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        autoescape=html,
        undefined=_Missing,
        finalize=_shown,
        cache_size=0,
        keep_trailing_newline=True,
        trim_blocks=True,  # a line that holds only a block leaves no empty line behind
        lstrip_blocks=True,
    )
    environment.globals.clear()
    environment.filters = {name: environment.filters[name] for name in FILTERS}
    environment.tests = {name: environment.tests[name] for name in TESTS}
    environment.filters["replace"] = _replace
    if not html:  # a plain text has nothing to escape
        environment.filters["e"] = environment.filters["escape"] = str
    return environment


_TEXT = _environment(html=False)
_HTML = _environment(html=True)


class Template:
    """A compiled template. Two templates with one source are equal."""

    __slots__ = ("_fields", "_html", "_text", "source", "variables")

    def __init__(self, source: str) -> None:
        if len(source) > MAX_SOURCE:
            raise TemplateError(f"longer than {MAX_SOURCE:,} characters", 1)
        self.source = source
        try:
            tree = _TEXT.parse(source)
            check(tree)
            self.variables: frozenset[str] = frozenset(find_undeclared_variables(tree))
            self._fields = _plain_fields(tree)
            self._text: _Fill = self._compiled(html=False)
        except TemplateSyntaxError as error:
            raise TemplateError(error.message or "syntax error", error.lineno) from error
        except RecursionError as error:
            raise TemplateError("nested too deeply", 1) from error
        self._html: _Fill | None = None

    def render(self, values: Merge, *, html: bool) -> str:
        """The text with `values` filled in, escaped when `html`. Raises RenderError, such as MissingVariable."""
        return self.fill(merge_values(values, self.variables), html=html)

    def fill(self, values: dict[str, object], *, html: bool) -> str:
        """`render` for values that `merge_values` has already cleaned."""
        fill = self._html if html else self._text
        if fill is None:
            fill = self._html = self._compiled(html=True)
        try:
            return fill(values)
        except RenderError:
            raise
        except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
            raise RenderError(f"{type(error).__name__}: {error}"[:300]) from error

    def _compiled(self, *, html: bool) -> _Fill:
        if self._fields is None:
            return _filled_by_jinja(_HTML if html else _TEXT, self.source)
        return _filled(self._fields, escape if html else str)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Template) and other.source == self.source

    def __hash__(self) -> int:
        return hash(self.source)

    def __repr__(self) -> str:
        return f"Template({self.source[:60]!r})"


def compile_template(source: str) -> Template:
    """Compile a template, or raise TemplateError with the line and the reason."""
    return Template(source)


def lex(source: str) -> Iterator[tuple[int, str, str]]:
    """The pieces of a source in order: line, kind (`data`, `variable_begin`, ...) and text."""
    return _TEXT.lex(source)


def merge_values(values: Merge, names: frozenset[str]) -> dict[str, object]:
    """The values of `names` as a template may use them: cleaned, and without those that count as missing."""
    known: dict[str, object] = {}
    for name in names:
        value = values.get(name)
        if isinstance(value, str):
            if value and not value.isspace():
                known[name] = value if value.isprintable() else clean_text(value)
        elif isinstance(value, list | tuple):
            items = [clean_text(item) if isinstance(item, str) else item for item in value]  # pyright: ignore[reportUnknownVariableType]
            items = [item for item in items if item not in {None, ""}]
            if items:
                known[name] = items
        elif value is not None:
            known[name] = value
    return known


class _Field(NamedTuple):
    """A variable, and the text before it. The last of a template is its end: text alone."""

    before: str
    name: str | None
    default: str | None = None


def _plain_fields(tree: nodes.Template) -> list[_Field] | None:
    """A template of text and variables only, each with at most a text as its default; None for any other.

    These, which most are, are filled without Jinja: the same text for a quarter of the cost.
    """
    fields: list[_Field] = []
    before = ""
    for output in tree.body:
        if not isinstance(output, nodes.Output):
            return None
        for node in output.nodes:
            match node:
                case nodes.TemplateData(data=data):
                    before += data
                    continue
                case nodes.Name(name=name):
                    default = None
                case nodes.Filter(
                    name="d" | "default",
                    node=nodes.Name(name=name),
                    args=[nodes.Const(value=str(default))],
                    kwargs=[],
                    dyn_args=None,
                    dyn_kwargs=None,
                ):
                    pass
                case _:
                    return None
            if name == "self":  # Jinja's own
                return None
            fields.append(_Field(before, name, default))
            before = ""
    return [*fields, _Field(before, None)]


def _filled(fields: list[_Field], written: Callable[[object], str]) -> _Fill:
    def fill(values: dict[str, object]) -> str:
        pieces: list[str] = []
        size = 0
        for before, name, default in fields:
            pieces.append(before)
            size += len(before)
            if name is not None:
                value = values.get(name, default)
                if value is None:
                    raise MissingVariable(name)
                piece = written(value if type(value) is str else _shown(value))
                pieces.append(piece)
                size += len(piece)
            if size > MAX_RENDERED:
                raise RenderTooLarge
        return "".join(pieces)

    return fill


def _filled_by_jinja(environment: ImmutableSandboxedEnvironment, source: str) -> _Fill:
    template: JinjaTemplate = environment.from_string(source)
    root: Callable[[Any], Iterator[str]] = template.root_render_func
    context, blocks = environment.context_class, template.blocks

    def fill(values: dict[str, object]) -> str:
        pieces: list[str] = []
        size = 0
        for piece in root(context(environment, values, None, blocks)):  # `new_context` looks for globals first
            pieces.append(piece)
            size += len(piece)
            if size > MAX_RENDERED:
                raise RenderTooLarge
        return "".join(pieces)

    return fill
