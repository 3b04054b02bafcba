"""The new text of an answer, apart from quoted history, signature and disclaimer."""

from __future__ import annotations

import re

MAX_LINES = 4000

_ATTRIBUTION = re.compile(
    r"^\W{0,3}(?:on\b.{4,300}\b(?:wrote|writes)\s*:|.{0,200}<[^<>\s]+@[^<>\s]+>\s*(?:wrote|writes)?\s*:|"
    r"le\b.{4,300}\ba écrit\s*:|am\b.{4,300}\bschrieb.{0,120}:|el\b.{4,300}\bescribió\s*:|"
    r"il\b.{4,300}\bha scritto\s*:|em\b.{4,300}\bescreveu\s*:|op\b.{4,300}\bschreef.{0,120}:)\s*$",
    re.IGNORECASE,
)
_MAY_ATTRIBUTE = ("on ", "le ", "am ", "el ", "il ", "em ", "op ")
_DIVIDER = re.compile(
    r"^\W{0,3}(?:-{2,}\s*(?:original message|forwarded message|original appointment|message d'origine|"
    r"ursprüngliche nachricht|mensaje original|messaggio originale|mensagem original|oorspronkelijk bericht)\s*-{2,}|"
    r"begin forwarded message\s*:)\s*$",
    re.IGNORECASE,
)
_HEADER_FROM = re.compile(r"^\W{0,3}\*?(?:from|de|von|da|van)\s?:\*?\s\S", re.IGNORECASE)
_HEADER_NEXT = re.compile(
    r"^\W{0,3}\*?(?:sent|date|to|subject|envoyé|à|objet|gesendet|an|betreff|enviado(?: el)?|para|asunto|inviato|"
    r"oggetto|data|a|assunto|verzonden|aan|onderwerp)\s?:",
    re.IGNORECASE,
)
_MOBILE = re.compile(
    r"^(?:sent from (?:my|mail|outlook|yahoo|samsung|proton|a )|get outlook for |sent via |envoyé de mon |"
    r"von meinem .{1,40} gesendet)",
    re.IGNORECASE,
)
_DISCLAIMER = re.compile(
    r"^\W{0,4}(?:disclaimer\b|confidentiality (?:notice|note)\b|(?:this|the (?:information|contents?)) .{0,60}"
    r"(?:e-?mail|message|communication|transmission)\b.{0,120}"
    r"\b(?:confidential|privileged|intended (?:only|solely)))",
    re.IGNORECASE,
)
_RULE = re.compile(r"^\s*_{10,}\s*$")


def separate(text: str) -> tuple[str, str]:
    """(new text, what was cut): the new text is what the writer typed now, in any place between quoted lines."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")[:MAX_LINES]
    kept: list[str] = []
    cut: list[str] = []
    index = 0
    while index < len(lines):
        line = lines[index].rstrip()
        bare = line.lstrip()
        if not bare:
            kept.append("")
            index += 1
        elif bare[0] == ">":
            cut.append(line)
            index += 1
        elif line in {"--", "-- "} or lines[index] == "-- ":
            end = _end_of_signature(lines, index + 1)
            cut += lines[index:end]
            index = end
        else:
            width = _attribution(lines, index, bare)
            if width and _quote_follows(lines, index + width):
                cut += lines[index : index + width]
                index += width
            elif width or _history_begins(lines, index, bare) or _DISCLAIMER.match(bare[:400]):
                cut += lines[index:]
                break
            elif _MOBILE.match(bare) and len(bare) < 80:
                cut.append(line)
                index += 1
            else:
                kept.append(line)
                index += 1
    return _tidy(kept), "\n".join(cut)


def _attribution(lines: list[str], index: int, bare: str) -> int:
    """How many lines from here introduce a quote ("On ... wrote:"), which mail programs wrap over up
    to three; 0: none."""
    front = bare[:3].lower()
    joined = bare[:400]
    for width in (1, 2, 3):
        if joined.endswith(":") and (front in _MAY_ATTRIBUTE or "@" in joined) and _ATTRIBUTION.match(joined):
            return width
        if front not in _MAY_ATTRIBUTE or index + width >= len(lines):
            return 0
        joined = f"{joined} {lines[index + width].strip()}"[:400]
    return 0


def _quote_follows(lines: list[str], index: int) -> bool:
    """Whether the next line that is not empty is quoted with ">": then new text may come after it."""
    for line in lines[index : index + 4]:
        bare = line.lstrip()
        if bare:
            return bare[0] == ">"
    return False


def _history_begins(lines: list[str], index: int, bare: str) -> bool:
    if _DIVIDER.match(bare[:100]):
        return True
    if _RULE.match(bare):
        return any(_HEADER_FROM.match(line.strip()[:200]) for line in lines[index + 1 : index + 3])
    if _HEADER_FROM.match(bare[:200]):
        return sum(_HEADER_NEXT.match(line.strip()[:200]) is not None for line in lines[index + 1 : index + 6]) >= 2
    return False


def _end_of_signature(lines: list[str], index: int) -> int:
    """A signature lasts until a quoted line or an attribution: some answer below both."""
    while index < len(lines):
        bare = lines[index].strip()
        if bare.startswith(">") or (bare and (_attribution(lines, index, bare) or _history_begins(lines, index, bare))):
            return index
        index += 1
    return index


def _tidy(lines: list[str]) -> str:
    tidy: list[str] = []
    for line in lines:
        if line or (tidy and tidy[-1]):
            tidy.append(line)
    return "\n".join(tidy).strip()
