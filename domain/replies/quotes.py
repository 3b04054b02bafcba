"""The new text of an answer, apart from quoted history, signature and disclaimer, in the styles of mail programs, ticket
systems and people, in all languages of `languages.py`."""

from __future__ import annotations

import re
from functools import cache

from domain.replies.languages import LANGUAGES
from domain.replies.patterns import Pattern, fold, joined, pattern
from domain.replies.signatures import without_signature

MAX_LINES = 4000
MAX_ATTRIBUTION_LINES = 4
MAX_ATTRIBUTION = 400
MAX_SIGNED_LINE = 120
"""A mobile program's signature is one short line."""
HEADER_LINES = 7
"""A block of headers is looked for in so many lines."""

OTHER_FROM = ("fran", "fra", "od", "lahettaja", "от", "发件人", "差出人", "보낸 사람", "feladó", "kimden")
OTHER_HEADERS = (
    "skickat", "till", "amne", "datum", "sendt", "til", "emne", "dato", "kopia", "wyslano", "do", "temat", "data",
    "дата", "кому", "тема", "отправлено", "lahetetty", "vastaanottaja", "aihe",
    "发送时间", "收件人", "主题", "日期", "送信日時", "宛先", "件名",
)  # fmt: skip
OTHER_ATTRIBUTIONS = (
    r"den\b.{4,200}\bskrev\b.{0,120}:", r".{3,200}\bskrev(?: .{4,120})?\s*:", r".{4,200}\bnapisal(?:\(a\)|a)?\s*:",
    r".{4,200}写道\s*[:：]?", r".{4,200}\bkirjoitti\s*:",
    r".{4,200}(?:пишет|написал\(?а?\)?)\s*:",
)  # fmt: skip
"""Languages that the recognisers do not read have quotes all the same."""
OTHER_DIVIDERS = (
    "ursprungligt meddelande",
    "vidarebefordrat meddelande",
    "oprindelig meddelelse",
    "opprinnelig melding",
    "wiadomosc oryginalna",
    "исходное сообщение",
    "пересылаемое сообщение",
    "原始邮件",
    "original mail",
)

_ADDRESSED = re.compile(r"^.{0,200}<[^<>\s]+@[^<>\s]+>.{0,80}:$|^.{0,200}[<(\[][^<>\s]+@[^<>\s]+[>)\]].{0,40}:$")
_RULE = re.compile(r"^\s*(?:_{10,}|-{20,}|={20,}|\*{20,})\s*$")
_LEFT_OVER = re.compile(r"^\s*[-_=*]{5,}\s*$")
"""A rule that stood above what was cut."""
_DATED_LINE = re.compile(r"^.{4,80}\b20\d\d\b.{0,20}$")
_DASHES = re.compile(r"^\W*[-=_~]{3,}")
_MARKS = frozenset(">|}")


def separate(text: str) -> tuple[str, str]:
    """(new text, what was cut): the new text is what the writer typed now, in any place between quoted lines."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")[:MAX_LINES]
    kept: list[str] = []
    cut: list[str] = []
    index, ticket = _ticket_front(lines)
    cut += lines[:index]
    written = False
    while index < len(lines):
        line = lines[index].rstrip()
        bare = line.lstrip()
        if not bare:
            kept.append("")
            index += 1
            continue
        if bare[0] == ">":
            cut.append(line)
            index += 1
            continue
        if line == "--" or lines[index] == "-- ":
            end = _end_of_signature(lines, index + 1)
            cut += lines[index:end]
            index = end
            continue
        width, same_line = _attribution(lines, index, bare)
        if width and kept and _DATED_LINE.match(kept[-1]) and not any(kept[-2:-1]):
            cut.append(kept.pop())  # an attribution's first half, in a language that we do not read
        if width and not same_line and _quoted_below(lines, index + width):
            end = _end_of_quote(lines, index + width)
            cut += lines[index:end]
            index = end
        elif (
            width
            or _history_begins(lines, index, bare)
            or (ticket and written and _RULE.match(bare))
            or _is_disclaimer(bare)
        ):
            cut += lines[index:]
            break
        elif (ticket and _RULE.match(bare)) or _signs_for_a_program(bare):
            cut.append(line)
            index += 1
        else:
            kept.append(line)
            written = written or not ticket or "," not in bare
            index += 1
    kept, signature = without_signature(kept)
    return _tidy(kept), "\n".join([*signature, *cut])


def _ticket_front(lines: list[str]) -> tuple[int, bool]:
    """(how many lines to leave out, whether a ticket system wrote the mail): its mail begins with the line above which an
    answer goes, and its newest entry comes first."""
    for index, line in enumerate(lines[:5]):
        bare = line.strip()
        if bare:
            return (index + 1, True) if _says(_reply_above(), bare) else (0, False)
    return 0, False


def _attribution(lines: list[str], index: int, bare: str) -> tuple[int, bool]:
    """(how many lines from here introduce a quote ("On ... wrote:"), which mail programs wrap; whether the quote begins on
    the last of them). (0, False): none."""
    front = fold(bare[:6]).lower().lstrip(" -*>")
    likely = front.startswith(_fronts())
    if not likely and "@" not in bare and bare[-1] not in ":：" and not bare.endswith("--"):
        return 0, False
    joined_lines = bare[:MAX_ATTRIBUTION]
    for width in range(1, MAX_ATTRIBUTION_LINES + 1):
        folded = fold(joined_lines).strip(" *-_")
        ends = joined_lines[-1:] in ":：" or joined_lines.endswith("--")
        if ends and _introduces(folded):
            if _is_dated(folded) or _quoted_below(lines, index + width):
                return width, False
            return 0, False
        if likely and _begun().match(folded) is not None:
            return width, True
        if not (likely or "@" in joined_lines) or index + width >= len(lines) or not lines[index + width].strip():
            return 0, False
        joined_lines = f"{joined_lines} {lines[index + width].strip()}"[:MAX_ATTRIBUTION]
    return 0, False


def _introduces(folded: str) -> bool:
    line = folded if folded[-1:] in ":：" else f"{folded}:"
    return _attributions().fullmatch(line) is not None or (
        _ADDRESSED.match(line) is not None and any(c.isdigit() for c in line)
    )


def _is_dated(folded: str) -> bool:
    """Whether a line names an address or a day, as programs do: "as Tolstoy wrote:" is a person's."""
    return _dated().search(folded) is not None


def _quoted_below(lines: list[str], index: int) -> bool:
    """Whether the next line that is not empty is marked as quoted: then new text may come after it."""
    for line in lines[index : index + 4]:
        bare = line.lstrip()
        if bare:
            return bare[0] in _MARKS
    return False


def _end_of_quote(lines: list[str], index: int) -> int:
    """Past the empty lines and the lines with a quote's mark below an attribution."""
    while index < len(lines) and not lines[index].strip():
        index += 1
    while index < len(lines) and lines[index].lstrip()[:1] in _MARKS:
        index += 1
    return index


def _history_begins(lines: list[str], index: int, bare: str) -> bool:
    if not bare[0].isalnum():
        if _DASHES.match(bare) and _says(_dividers(), bare):
            return True
        if _RULE.match(bare):
            return any(_is_header_block(lines, below) for below in (index + 1, index + 2))
        if _says(_reply_above(), bare):
            return True
    elif _says(_forwards(), bare):
        return True
    return _is_header_block(lines, index)


def _is_header_block(lines: list[str], index: int) -> bool:
    """Whether "From: ... Sent: ... To: ..." stands here: who wrote, and two more, in any order."""
    front = lines[index].strip()[:200] if index < len(lines) else ""
    if not (":" in front[:40] or "：" in front[:40]) or _header().match(fold(front)) is None:
        return False
    found = [fold(line.strip()[:200]) for line in lines[index : index + HEADER_LINES]]
    named = {m.group(1).lower().strip() for m in map(_header().match, found) if m is not None}
    return bool(named & _from_names()) and len(named) >= 3


def _is_disclaimer(bare: str) -> bool:
    return len(bare) > 9 and _disclaimers().match(fold(bare[:400]).lstrip(" *_-[(")) is not None


def _signs_for_a_program(bare: str) -> bool:
    """ "Sent from my iPhone", and the banner that a company's server puts over mail from outside."""
    if len(bare) > MAX_SIGNED_LINE:
        return False
    plain = fold(bare).lstrip(" *_-[(<")
    return _mobile().match(plain) is not None


def _end_of_signature(lines: list[str], index: int) -> int:
    """A signature lasts until a quoted line or an attribution: some answer below both."""
    while index < len(lines):
        bare = lines[index].strip()
        if bare and (bare[0] == ">" or _attribution(lines, index, bare)[0] or _history_begins(lines, index, bare)):
            return index
        index += 1
    return index


def _tidy(lines: list[str]) -> str:
    tidy: list[str] = []
    for line in lines:
        if line or (tidy and tidy[-1]):
            tidy.append(line)
    while tidy and (not tidy[-1] or _LEFT_OVER.match(tidy[-1])):
        tidy.pop()
    return "\n".join(tidy).strip()


def _says(words: Pattern, bare: str) -> bool:
    return words.search(fold(bare[:200])) is not None


@cache
def _fronts() -> tuple[str, ...]:
    return tuple({front for language in LANGUAGES for front in language.history.attribution_fronts} | {"den "})


@cache
def _attributions() -> Pattern:
    return pattern(*(a for language in LANGUAGES for a in language.history.attributions), *OTHER_ATTRIBUTIONS)


@cache
def _dated() -> Pattern:
    return pattern(rf"[\d@]|\b{joined({day for language in LANGUAGES for day in language.weekdays if len(day) > 2})}\b")


@cache
def _begun() -> Pattern:
    """An attribution with the quote on the same line: only with an address in it, so that no sentence is taken for one."""
    return pattern(
        r".{4,200}\d.{0,120}<[^<>\s]+@[^<>\s]+>,? (?:wrote|schrieb|a ecrit|escribio|ha scritto|escreveu|schreef) ?:.+"
    )


@cache
def _dividers() -> Pattern:
    words = joined((*(d for language in LANGUAGES for d in language.history.dividers), *OTHER_DIVIDERS))
    return pattern(rf"^\W*[-=_~]{{3,}}\s*{words}")


@cache
def _forwards() -> Pattern:
    return pattern(*(rf"^\W*{f}" for language in LANGUAGES for f in language.history.forwards))


@cache
def _reply_above() -> Pattern:
    return pattern(
        *(rf"^[^\w]*(?:\w+ ){{0,3}}?{line}" for language in LANGUAGES for line in language.history.reply_above)
    )


@cache
def _header() -> Pattern:
    names = {name for language in LANGUAGES for name in (*language.history.from_words, *language.history.header_words)}
    return pattern(
        rf"^[ *>|]{{0,4}}({joined({*names, *map(fold, (*OTHER_FROM, *OTHER_HEADERS))})}) ?\*?[:：]\*?(?:\s|$|\S)"
    )


@cache
def _from_names() -> frozenset[str]:
    return frozenset(
        {name for language in LANGUAGES for name in language.history.from_words} | set(map(fold, OTHER_FROM))
    )


@cache
def _disclaimers() -> Pattern:
    return pattern(*(d for language in LANGUAGES for d in language.history.disclaimers))


@cache
def _mobile() -> Pattern:
    return pattern(
        *(m for language in LANGUAGES for m in language.history.mobile),
        r"skickat fran min", r"sendt fra min", r"отправлено (?:с|из)", r"wyslano z", r"发自我的",
        r"(?:caution|warning|external)\b.{0,20}(?:this (?:e-?mail|message|sender)|external|e-?mail) .{0,20}(?:originat|outside)",
        r"you don'?t often get email from", r"external (?:e-?mail|sender|message)\b",
    )  # fmt: skip
