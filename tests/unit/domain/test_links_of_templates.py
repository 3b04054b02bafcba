"""Links of a template that are known before any value is: replaced once, as they would be in what was rendered."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.html import lift_links, rewrite_links
from domain.templates import compile_template

UNSUBSCRIBE = "https://t.example/u/k1.abc_-"
PIECES = st.sampled_from(
    [
        "<a ", "<a", "<A\n", "<", ">", "</a>", "<abbr ", 'title="', "href=", " HREF = ", '"', "'", " ", "x", "=", "&amp;",
        "https://a.example/?a=1&amp;b=2", "http://b.example", "mailto:a@b.example", "java\nscript:x()", "#",
        "{{ value }}", "{{unsubscribe_url}}", '"{{ unsubscribe_url }}"', '<a href="https://a.example">', "<a href='http://b'>",
        '<a href="{{ unsubscribe_url }}">', '<a href="{{ value }}">', '<a href="data:x">', '<img src="{{ value }}">',
    ]
)  # fmt: skip
VALUES = st.sampled_from(
    ["Anna", "a href=https://c.example x", "https://c.example", " href=javascript:x ", '"', ">", "b"]
)


def clicked(url: str) -> str:
    return f"https://t.example/t/c/{url.encode().hex()}"


@settings(deadline=None, max_examples=400)
@given(source=st.lists(PIECES, max_size=12).map("".join), value=VALUES, is_tracked=st.booleans())
def test_links_lifted_from_a_template_lead_where_those_of_the_rendered_text_do(
    source: str, value: str, is_tracked: bool
) -> None:
    values: dict[str, object] = {"value": value, "unsubscribe_url": UNSUBSCRIBE}
    lifted = lift_links(source, is_tracked=is_tracked)
    if lifted is None:
        return
    rendered = compile_template(source).render(values, html=True)
    once, addresses = lifted
    values |= {name: clicked(address) for name, address in addresses.items()}
    assert compile_template(once).render(values, html=True) == rewrite_links(
        rendered, UNSUBSCRIBE, clicked if is_tracked else None
    )


def test_the_usual_links_are_lifted() -> None:
    source = '<p><a class=x href="https://a.example/?a=1&amp;b=2">A</a> <a href="{{ unsubscribe_url }}">B</a> {{ value }}</p>'
    assert lift_links(source, is_tracked=True) == (
        '<p><a class=x href="{{ click_url_0 }}">A</a> <a href="{{ unsubscribe_url }}">B</a> {{ value }}</p>',
        {"click_url_0": "https://a.example/?a=1&b=2"},
    )
    assert lift_links(source, is_tracked=False) == (source, {})


@pytest.mark.parametrize(
    "source",
    [
        '<a href="{{ value }}">x</a>',
        '<a href="https://a.example/{{ value }}">x</a>',
        '<a title="{{ value }}" href="https://a.example">x</a>',
        '<a href="https://a.example/?a>b{{ value }}">x</a>',
        '<{{ value }} href="https://a.example">x</a>',
        '<a {% if value %}href="https://a.example"{% endif %}>x</a>',
        '<a href="https://a.example">{{ click_url_0 }}</a>',
        '<a href="https://a.example">\U000f0000</a>',
    ],
)
def test_where_values_may_make_links_only_the_rendered_text_tells(source: str) -> None:
    assert lift_links(source, is_tracked=True) is None
