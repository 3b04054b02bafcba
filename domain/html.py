"""From plain text to HTML, from HTML to plain text, and the links in between (docs/behaviour.md 1.3, 4.1).

Both conversions work on the source of a template, once: what Jinja reads ({{ ... }}, {% ... %}) is lifted out as single
private-use characters, the rest is converted, and the code is put back. So a value is never taken for markup or a link.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape, unescape
from html.parser import HTMLParser

from domain.templates import lex

_EXPRESSION = 0xF0000
_BLOCK = 0x100000
_PRIVATE = re.compile("[\U000f0000-\U0010fffd]")
_BLOCK_MARK = re.compile("[\U00100000-\U0010fffd]")
_BLOCKS_ONLY = re.compile("[\\s\U00100000-\U0010fffd]*")
_ENDS = {"variable_end": _EXPRESSION, "block_end": _BLOCK, "comment_end": None, "linecomment_end": None}
_OPENERS = re.compile("\\{(?=[{%#\U000f0000-\U0010fffd])")

_URL = re.compile("https?://[^\\s<>\"'`{}|\\\\^\U00100000-\U0010fffd]+", re.IGNORECASE)
_TRAILING = ".,;:!?)]*"
_UNSUBSCRIBE = re.compile(r"\{\{-?\s*unsubscribe_url\s*-?\}\}")

_TAG = re.compile(
    r"</?(html|body|p|div|br|a|table|tr|td|span|h[1-6]|ul|ol|li|strong|b|em|i|u|img|hr|blockquote|font|center|pre)"
    r"(\s[^<>]*)?/?>",
    re.IGNORECASE,
)
_HREF = re.compile(r"""(<a\b[^>]*?\shref\s*=\s*)("[^"]*"|'[^']*'|[^\s"'>]+)""", re.IGNORECASE)
_HARMFUL = re.compile(r"(javascript|data|vbscript|file):", re.IGNORECASE)
_BLANKS = re.compile(r"[\x00-\x20]+")


def is_html(body: str) -> bool:
    """Whether a body is written in HTML: it has at least one of the usual tags."""
    return _TAG.search(body) is not None


class _Protected:
    """A template's source with its code lifted out."""

    __slots__ = ("codes", "text")

    def __init__(self, source: str) -> None:
        self.codes: dict[str, str] = {}
        pieces: list[str] = []
        code = ""
        for _line, kind, value in lex(source):
            if kind == "data":
                pieces.append(_PRIVATE.sub("", value))
            elif kind not in {"raw_begin", "raw_end"}:
                code += value
                if kind in _ENDS:
                    pieces.append(self._mark(_ENDS[kind], code))
                    code = ""
        self.text = "".join(pieces)

    def _mark(self, base: int | None, code: str) -> str:
        if base is None:
            return ""
        mark = chr(base + len(self.codes))
        self.codes[mark] = code
        return mark

    def restore(self, text: str) -> str:
        """The converted text as a template again: literal braces that would open code are written as text."""
        text = _OPENERS.sub("{{ '{' }}", text)
        return _PRIVATE.sub(lambda match: self.codes.get(match[0], ""), text)


def text_to_html(source: str) -> str:
    """A plain-text template as an HTML one: paragraphs, line breaks, and the template's own links made links."""
    protected = _Protected(source)
    paragraphs = re.split(r"\n[ \t]*\n", protected.text.strip("\n"))
    return protected.restore("\n".join(_paragraph(paragraph, protected.codes) for paragraph in paragraphs))


def _paragraph(paragraph: str, codes: dict[str, str]) -> str:
    if _BLOCKS_ONLY.fullmatch(paragraph):
        return paragraph
    lines = [_linked(line, codes) for line in paragraph.strip("\n").split("\n")]
    pieces = [line if _BLOCKS_ONLY.fullmatch(line) else line + "<br>\n" for line in lines]
    return "<p>" + "".join(pieces).removesuffix("<br>\n") + "</p>"


def _linked(line: str, codes: dict[str, str]) -> str:
    pieces: list[str] = []
    position = 0
    for match in _URL.finditer(line):
        url = match[0].rstrip(_TRAILING)
        pieces += [_inline(line[position : match.start()], codes), f'<a href="{escape(url)}">{escape(url)}</a>']
        position = match.start() + len(url)
    return "".join([*pieces, _inline(line[position:], codes)])


def _inline(text: str, codes: dict[str, str]) -> str:
    """Escaped text, with an expression that is the unsubscribe link made one."""
    escaped = escape(text, quote=False)
    return _PRIVATE.sub(
        lambda match: f'<a href="{match[0]}">{match[0]}</a>' if _UNSUBSCRIBE.fullmatch(codes[match[0]]) else match[0],
        escaped,
    )


_SKIPPED = frozenset({"script", "style", "head", "title", "template"})
_LINE_TAGS = frozenset({"br", "tr", "div", "li", "dt", "dd", "section", "article", "header", "footer"})
_PARAGRAPH_TAGS = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table", "blockquote", "pre", "hr"})


class _TextMaker(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._skipping = 0
        self._href: str | None = None
        self._link_from = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        if tag in _SKIPPED:
            self._skipping += 1
        self._break(tag)
        if tag == "li":
            self.pieces.append("- ")
        elif tag == "img" and known.get("alt"):
            self.pieces.append(known["alt"] or "")
        elif tag == "a":
            self._href, self._link_from = known.get("href"), len(self.pieces)

    def handle_endtag(self, tag: str) -> None:
        if tag in _SKIPPED:
            self._skipping = max(0, self._skipping - 1)
        if tag == "a" and self._href:
            shown = "".join(self.pieces[self._link_from :]).strip()
            href = self._href.strip().removeprefix("mailto:")
            if href != shown and not href.startswith("#"):
                self.pieces.append(f" ({href})" if shown else href)
            self._href = None
        if tag != "br":
            self._break(tag)

    def handle_data(self, data: str) -> None:
        if not self._skipping:
            self.pieces.append(re.sub(r"[ \t\r\n]+", " ", data))

    def handle_comment(self, data: str) -> None:
        self.pieces.extend(_BLOCK_MARK.findall(data))  # what begins in a comment may end outside of it

    def _break(self, tag: str) -> None:
        if tag in _PARAGRAPH_TAGS:
            self.pieces.append("\n\n")
        elif tag in _LINE_TAGS:
            self.pieces.append("\n")


def _plain(markup: str) -> str:
    maker = _TextMaker()
    maker.feed(markup)
    maker.close()
    lines = [line.strip() for line in "".join(maker.pieces).replace("\xa0", " ").split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n") + "\n"


def html_to_text(source: str) -> str:
    """An HTML template as a plain-text one: its words, a link's address after its words."""
    protected = _Protected(source)
    return protected.restore(_plain(protected.text))


def has_links(source: str) -> bool:
    """Whether an HTML template has a link at all."""
    return _HREF.search(source) is not None


def rewrite_links(markup: str, untouched: str, link: Callable[[str], str] | None) -> str:
    """`markup` with the address of each http or https link replaced by `link(address)`.

    `untouched` (the unsubscribe link), mailto, tel and anchors stay; an address that would run code becomes `#`. With
    `link` None only the last is done.
    """

    def replace(match: re.Match[str]) -> str:
        quoted = match[2]
        url = unescape(quoted[1:-1] if quoted[0] in "\"'" else quoted).strip()
        if url[:8].lower().startswith(("http://", "https://")):
            return match[0] if link is None or url == untouched else f'{match[1]}"{escape(link(url))}"'
        return f'{match[1]}"#"' if _HARMFUL.match(_BLANKS.sub("", url)) else match[0]

    return _HREF.sub(replace, markup)


def before_end(markup: str, addition: str) -> str:
    """`markup` with `addition` as the last thing of its body."""
    at = markup.lower().rfind("</body")
    return markup + addition if at < 0 else markup[:at] + addition + markup[at:]
