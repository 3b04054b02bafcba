"""The board as a page: nothing runs that was not sent from here, everything has a name, every call it makes has a route."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from api.http import cards
from api.http.board_page import FILES, FOLDER

PAGE = (FOLDER / "board.html").read_text("utf-8")
SCRIPT = (FOLDER / "board.js").read_text("utf-8")


class Read(HTMLParser):
    """The page's ids, its controls that stand in no label, and what would run without the policy's leave."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.names: set[str] = set()
        self.nameless: list[str] = []
        self.inline: list[str] = []
        self._labels = 0
        self.feed(PAGE)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        facts = dict(attrs)
        self.ids |= {facts["id"] or ""} if "id" in facts else set()
        self.names |= {facts["name"] or ""} if "name" in facts else set()
        self._labels += tag == "label"
        if tag in {"input", "select", "textarea"} and not self._labels:
            self.nameless.append(tag)
        if tag == "style" or (tag == "script" and "src" not in facts) or any(name.startswith("on") for name in facts):
            self.inline.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self._labels -= tag == "label"


@pytest.mark.parametrize("path", ["/board", *(f"/board/{name}" for name in FILES)])
async def test_the_page_is_served_and_runs_only_what_is_its_own(api: Any, path: str) -> None:
    answer = await api.client.get(path)
    assert answer.status == 200
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_nothing_on_the_page_needs_a_weaker_policy_and_every_control_has_a_label() -> None:
    page = Read()
    assert page.inline == []
    assert page.nameless == []


def test_words_of_strangers_are_never_made_markup() -> None:
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", SCRIPT)


def test_what_the_script_looks_for_is_on_the_page() -> None:
    page = Read()
    assert set(re.findall(r'by\("([\w-]+)"\)', SCRIPT)) <= page.ids
    assert set(re.findall(r"elements\.(\w+)", SCRIPT)) <= page.names


def test_every_call_of_the_script_has_its_route() -> None:
    paths = {getattr(route, "path", "").removeprefix("/api/cards/{card_id}") for route in cards.routes()}
    calls = set(re.findall(r'act\("(/\w+)"', SCRIPT))
    assert calls == {"/approve", "/assign", "/notes"}
    assert calls <= paths
    assert "/move/{state}" in paths
