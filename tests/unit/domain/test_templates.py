"""Merge templates: what they say, what they refuse, and that nothing hostile grows (behaviour 1.4)."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.templates import (
    MAX_RENDERED,
    MAX_SOURCE,
    MissingVariable,
    RenderError,
    RenderTooLarge,
    TemplateError,
    compile_template,
)

VALUES = st.one_of(
    st.text(max_size=60), st.integers(), st.booleans(), st.none(), st.lists(st.text(max_size=10), max_size=4)
)


def text(source: str, **values: object) -> str:
    return compile_template(source).render(values, html=False)


def html(source: str, **values: object) -> str:
    return compile_template(source).render(values, html=True)


def test_a_value_stands_where_its_name_is() -> None:
    assert text("Hi {{ first_name }}, {{ rooms }} rooms", first_name="Åsa", rooms=60) == "Hi Åsa, 60 rooms"


@pytest.mark.parametrize("value", [None, "", "   ", "\n", []])
def test_an_empty_value_takes_the_default(value: object) -> None:
    assert text('Hi {{ first_name | default("there") }}', first_name=value) == "Hi there"


@pytest.mark.parametrize("value", [0, False])
def test_zero_and_false_are_values(value: object) -> None:
    assert text("{{ rooms | default('none') }}", rooms=value) == str(value)


@pytest.mark.parametrize(
    "source",
    [
        "Hi {{ first_name }}",
        "{{ first_name | upper }}",
        "{{ 'Hi ' ~ first_name }}",
        "{{ first_name[0] }}",
        "{% for name in first_name %}{{ name }}{% endfor %}",
        "{{ first_name | int }}",
        "{{ first_name | length }}",
        "{{ first_name | replace('a', 'b') }}",
        "{{ first_name < 3 }}",
        "{{ other | default(first_name) }}",
    ],
)
@pytest.mark.parametrize("as_html", [False, True])
def test_a_missing_variable_without_a_default_is_named(source: str, as_html: bool) -> None:
    with pytest.raises(MissingVariable) as caught:
        compile_template(source).render({"first_name": ""}, html=as_html)
    assert (caught.value.name, caught.value.code) == ("first_name", "missing_variable:first_name")


def test_a_missing_variable_may_be_asked_about() -> None:
    source = "{% if city %}in {{ city }}{% else %}near you{% endif %}{{ '!' if tier == 'gold' else '.' }}"
    assert text(source) == "near you."
    assert text(source, city="Oslo", tier="gold") == "in Oslo!"


def test_a_line_with_only_a_block_leaves_no_empty_line() -> None:
    assert text("a\n  {% if x %}\nb\n  {% endif %}\nc\n", x=1) == "a\nb\nc\n"


def test_a_list_is_shown_with_commas_and_may_be_looped_over() -> None:
    assert text("{{ tags }}", tags=["spa", "sea"]) == "spa, sea"
    assert text("{% for t in tags %}{{ loop.index }}{{ t }} {% endfor %}", tags=["spa", "sea"]) == "1spa 2sea "


def test_the_variables_of_a_template_are_known() -> None:
    source = "{{ a }}{% if b %}{{ c | default(d) }}{% endif %}{% for x in tags %}{{ x }}{% endfor %}"
    assert compile_template(source).variables == {"a", "b", "c", "d", "tags"}


def test_html_values_are_escaped_and_text_values_are_not() -> None:
    name = "<b>\"Riad\" & 'Co'</b>"
    assert text("{{ company }}", company=name) == name
    assert html("<i>{{ company }}</i>", company=name) == "<i>&lt;b&gt;&#34;Riad&#34; &amp; &#39;Co&#39;&lt;/b&gt;</i>"


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("{{ x", 1),
        ("a\nb {% if %}", 2),
        ("{% for t in tags %}", 1),
        ("{{ x.__class__ }}", 1),
        ("a\n{{ ''.__class__.__mro__ }}", 2),
        ("{{ x() }}", 1),
        ("{{ self }}{{ self.blocks }}", 1),
        ("{{ _private }}", 1),
        ("{{ x | safe }}", 1),
        ("{{ x | attr('y') }}", 1),
        ("{{ x | nofilter }}", 1),
        ("{{ '%s' | format(x) }}", 1),
        ("{{ 'a' * 1000000000 }}", 1),
        ("{{ 9 ** 999999999 }}", 1),
        ("{% set x = 'a' %}", 1),
        ("{% macro m() %}{% endmacro %}", 1),
        ("{% include 'x' %}", 1),
        ("{% import 'x' as y %}", 1),
        ("{% extends 'x' %}", 1),
        ("{% for a in range(10) %}{% endfor %}", 1),
        ("{% for a in x %}{% for b in x %}{% endfor %}{% endfor %}", 1),
        ("{{ x[y] }}", 1),
        ("{{ {'a': 1} }}", 1),
        ("{% filter upper %}a{% endfilter %}", 1),
        ("x" * (MAX_SOURCE + 1), 1),
        ("{{ " + "(" * 5000 + "x" + ")" * 5000 + " }}", 1),
    ],
)
def test_what_could_do_harm_does_not_compile_and_the_line_is_told(source: str, line: int) -> None:
    with pytest.raises(TemplateError) as caught:
        compile_template(source)
    assert caught.value.line == line
    assert str(caught.value).startswith(f"line {line}: ")


def test_a_rendering_that_grows_too_large_stops() -> None:
    began = time.process_time()
    with pytest.raises(RenderTooLarge):
        text("{% for t in tags %}" + "x" * 1000 + "{% endfor %}", tags=["t"] * 100_000)
    chain = "{{ x " + "| replace('a', 'aaaaaaaaaa') " * 12 + "}}"
    with pytest.raises(RenderTooLarge):
        text(chain, x="a" * 10)
    assert time.process_time() - began < 2


def test_a_template_that_fails_on_a_value_says_so_as_a_render_error() -> None:
    with pytest.raises(RenderError) as caught:
        text("{{ x < 3 }}", x="three")
    assert caught.value.code == "render_error"


def test_templates_with_one_source_are_equal() -> None:
    assert compile_template("{{ a }}") == compile_template("{{ a }}")
    assert len({compile_template("{{ a }}"), compile_template("{{ a }}"), compile_template("{{ b }}")}) == 2


@given(value=st.text(max_size=200))
def test_a_value_never_becomes_markup_or_template_code(value: str) -> None:
    source = "<p>{{ company | default('none') }}</p>"
    rendered = html(source, company=value)
    inside = rendered.removeprefix("<p>").removesuffix("</p>")
    assert not set(inside) & set("<>\"'")
    assert text("{{ x | default('none') }}", x="{{ 7 * 7 }}{% raw %}") == "{{ 7 * 7 }}{% raw %}"


@given(values=st.dictionaries(st.sampled_from(["a", "b", "c"]), VALUES))
def test_what_is_rendered_is_text_without_control_characters(values: dict[str, object]) -> None:
    rendered = text("{{ a | default('-') }}{{ b | default('-') }}{{ c | default('-') }}", **values)
    assert all(character == "\n" or character == "\t" or character >= " " for character in rendered)
    assert not set(rendered) & set("\x7f\x85\u2028\u2029")
    rendered.encode()
    assert len(rendered) <= MAX_RENDERED


PLAIN = st.lists(
    st.one_of(
        st.sampled_from(["{{ a }}", "{{ b | default('<none>') }}", '{{- c | d("?") -}}', "{{ a|default('x') }}"]),
        st.text(st.sampled_from("ab <>&\"'}%#$\n é"), max_size=12),
    ),
    max_size=8,
).map("".join)


@settings(deadline=None)
@given(source=PLAIN, values=st.dictionaries(st.sampled_from(["a", "b", "c"]), VALUES), as_html=st.booleans())
def test_what_is_filled_without_jinja_says_what_jinja_would_say(
    source: str, values: dict[str, object], as_html: bool
) -> None:
    def said(written: str) -> str:
        try:
            return compile_template(written).render(values, html=as_html)
        except RenderError as error:
            return error.code

    assert compile_template(source)._fields is not None
    by_jinja = compile_template(source + "{{ '' }}")
    assert by_jinja._fields is None
    assert said(source) == said(by_jinja.source)


@pytest.mark.parametrize(
    "source", ["{{ self }}", "{{ a | upper }}", "{{ a | default(b) }}", "{{ a | default }}", "{{ 'a' }}"]
)
def test_whatever_is_more_than_text_and_variables_is_left_to_jinja(source: str) -> None:
    assert compile_template(source)._fields is None


def test_values_that_stand_too_often_stop_a_plain_template_too() -> None:
    with pytest.raises(RenderTooLarge):
        text("{{ x }}" * 11, x="a" * 100_000)
