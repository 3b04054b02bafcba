"""The text that an HTML mail shows, its quoted history apart."""

from __future__ import annotations

import re

from selectolax.lexbor import LexborHTMLParser, LexborNode

MAX_HTML = 200_000
MAX_SIBLINGS = 1000

INVISIBLE = "head, script, style, template, noscript, title, svg, object, iframe"
QUOTES = (
    "blockquote, .gmail_quote, .gmail_attr, .yahoo_quoted, .moz-cite-prefix, .protonmail_quote, .tutanota_quote, "
    "#replySplit"
)
"""What mail programs wrap around the mail that is answered."""
FROM_HERE_ON = (
    "#divRplyFwdMsg, #appendonsend, #ms-outlook-mobile-signature + hr, div[id^='x_divRplyFwdMsg'], "
    "#mail-editor-reference-message-container"
)
"""Outlook puts no wrapper around the history: it begins at such a node and lasts to the end."""
BLOCKS = "br, p, div, tr, li, h1, h2, h3, h4, h5, h6, hr, table, ul, ol, pre, section, article"

_SPACES = re.compile(r"[^\S\n]+")
_BLANK = re.compile(r"\n[ \n]*\n")


def html_to_text(markup: str) -> tuple[str, str]:
    """(what the writer wrote, what is quoted). Blocks become lines; links keep their words only."""
    tree = LexborHTMLParser(markup[:MAX_HTML])
    for node in tree.css(INVISIBLE):
        node.decompose()
    for node in tree.css(BLOCKS):
        node.insert_before("\n")
    quoted: list[str] = []
    for start in tree.css(FROM_HERE_ON)[:3]:
        quoted += _cut_from(start)
    for node in tree.css(QUOTES)[:50]:
        quoted.append(_text(node))
        node.decompose()
    body = tree.body
    return ("" if body is None else _lines(_text(body))), _lines("\n".join(quoted))


def _cut_from(start: LexborNode) -> list[str]:
    """Remove a node and all later siblings of it; their texts."""
    texts: list[str] = []
    node: LexborNode | None = start
    while node is not None and len(texts) < MAX_SIBLINGS:
        following = node.next
        texts.append(_text(node))
        node.decompose()
        node = following
    return texts


def _text(node: LexborNode) -> str:
    return node.text(deep=True, separator="", strip=False)


def _lines(text: str) -> str:
    flat = _SPACES.sub(" ", text.replace("\r", "\n").replace("\xa0", " "))
    lines = "\n".join(line.strip() for line in flat.split("\n"))
    return _BLANK.sub("\n\n", lines).strip()
