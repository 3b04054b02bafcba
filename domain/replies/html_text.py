"""The text that an HTML mail shows, its quoted history apart."""

from __future__ import annotations

import re
from collections.abc import Callable

from selectolax.lexbor import LexborHTMLParser, LexborNode

MAX_HTML = 200_000
MAX_SIBLINGS = 1000
MAX_STARTS = 3

INVISIBLE = (
    "head, script, style, template, noscript, title, svg, object, iframe, [hidden], [style*='display:none'], "
    "[style*='display: none'], [style*='mso-hide'], [style*='visibility:hidden']"
)
QUOTES = (
    "blockquote, .gmail_attr, .gmail_extra, .yahoo_quoted, .moz-cite-prefix, .moz-forward-container, .protonmail_quote, "
    ".tutanota_quote, .zmail_extra, #replySplit, .hs_reply, .front-blockquote, .quoted-text, div[name='quote']"
)
"""What mail programs wrap around the mail that is answered."""
GMAIL_QUOTE = ".gmail_quote"
"""Gmail's wrapper holds the quote alone, or answers between pieces of it."""
FROM_HERE_ON = (
    "#divRplyFwdMsg, #appendonsend, #x_appendonsend, #ms-outlook-mobile-signature + hr, div[id^='x_divRplyFwdMsg'], "
    "#mail-editor-reference-message-container, hr[data-marker='__DIVIDER__'], #zwchr, .OutlookMessageHeader"
)
"""Outlook puts no wrapper around the history: it begins at such a node and lasts to the end."""
SIGNATURES = (
    ".gmail_signature, .gmail_signature_prefix, .moz-signature, #Signature, #x_Signature, #AppleMailSignature, "
    ".protonmail_signature_block, #ymail_android_signature, #ymail_ios_signature, #ms-outlook-mobile-signature, "
    "#x_ms-outlook-mobile-signature, .tutanota_signature, #composer_signature"
)
BLOCKS = "br, p, div, tr, li, h1, h2, h3, h4, h5, h6, hr, table, ul, ol, pre, section, article, blockquote"
CELLS = "td, th"

_BREAK = "\ue000"
"""Stands for a block's edge: a line end of the source is a space."""
_SPACES = re.compile(r"[^\S\n]+")
_BLANK = re.compile(r"\n[ \n]*\n")


def html_to_text(markup: str) -> tuple[str, str]:
    """(what the writer wrote, what is quoted). Blocks become lines; links keep their words only."""
    tree = LexborHTMLParser(_with_preformatted(markup[:MAX_HTML].replace(_BREAK, "")))
    _cut_all(tree, INVISIBLE)
    for node in tree.css(BLOCKS):
        node.insert_before(_BREAK)
    for node in tree.css(CELLS):
        node.insert_before(" ")
    quoted: list[str] = []
    for _ in range(MAX_STARTS):
        start = tree.css_first(FROM_HERE_ON)
        quoted += [] if start is None else _cut_from(start)
    quoted += _cut_all(tree, GMAIL_QUOTE, _holds_no_answer)
    quoted += _cut_all(tree, QUOTES)
    signed = _cut_all(tree, SIGNATURES)
    body = tree.body
    text = "" if body is None else _lines(_text(body))
    if not text:  # some write into the block that was meant for the signature
        text, signed = _lines(_BREAK.join(signed)), []
    return text, _lines(_BREAK.join([*signed, *quoted]))


def _with_preformatted(markup: str) -> str:
    """Line ends inside <pre> as breaks."""
    pieces: list[str] = []
    at, low = 0, markup.lower()
    while (start := low.find("<pre", at)) >= 0 and (end := low.find("</pre", start)) >= 0:
        pieces += [markup[at:start], markup[start:end].replace("\n", "<br>")]
        at = end
    return "".join([*pieces, markup[at:]])


def _cut_all(tree: LexborHTMLParser, selector: str, when: Callable[[LexborNode], bool] = lambda _: True) -> list[str]:
    """Remove the nodes that are selected; their texts. A node inside another goes with it: it must not be touched again."""
    texts: list[str] = []
    gone: set[int] = set()
    for node in tree.css(selector):
        if node.mem_id not in gone and when(node):
            gone.update(inner.mem_id for inner in node.css(selector))
            texts.append(_cut(node))
    return texts


def _holds_no_answer(node: LexborNode) -> bool:
    return node.css_first("blockquote") is None or "---" in _text(node)[:300]


def _cut(node: LexborNode) -> str:
    text = _text(node)
    node.decompose()
    return text


def _cut_from(start: LexborNode) -> list[str]:
    """Remove a node and all later siblings of it; their texts."""
    texts: list[str] = []
    node: LexborNode | None = start
    while node is not None and len(texts) < MAX_SIBLINGS:
        following = node.next
        texts.append(_cut(node))
        node = following
    return texts


def _text(node: LexborNode) -> str:
    return node.text(deep=True, separator="", strip=False)


def _lines(text: str) -> str:
    flat = _SPACES.sub(" ", text.replace("\n", " ").replace("\r", " ").replace("\xa0", " ").replace(_BREAK, "\n"))
    lines = "\n".join(line.strip() for line in flat.split("\n"))
    return _BLANK.sub("\n\n", lines).strip()
