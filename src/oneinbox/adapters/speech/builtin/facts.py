"""The facts of a system prompt: sentences and question-answer pairs that its owner wrote for callers."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from oneinbox.adapters.speech.builtin.orders import is_order, is_order_heading, quoted_answer

MAX_BLOCK = 8
"""More lines than this are not read out in one breath."""

_BULLET = re.compile(r"^\s*(?:[-*+•–]|\d{1,2}[.)])\s+")
_HASHES = re.compile(r"^#{1,6}\s*(.*?)\s*#*$")
_TAG = re.compile(r"^</?([A-Za-z][\w -]*)>$")
_MARKUP = re.compile(r"\*\*|__|`|(?<=\])\([^)]*\)|[\[\]]")
_ASKED = re.compile(r"^(?:q|question)\s*\d*\s*[:.)]\s*(.*)$", re.IGNORECASE)
_ANSWERED = re.compile(r"^(?:a|answer)\s*\d*\s*[:.)]\s*(.*)$", re.IGNORECASE)
_INLINE_ANSWER = re.compile(r"\s+(?:a|answer)\s*:\s*", re.IGNORECASE)
_LABELLED = re.compile(r"^([A-Z][\w'&/ ,-]{1,40}?)\s*(?::|\s[-–—]\s)\s+(\S.*)$")
_BOLD_LABEL = re.compile(r"^\s*\*\*([^*]{2,40}?)(?::\*\*|\*\*:)\s+(\S.*)$")
_ABBREVIATED = re.compile(r"\b(?:Mr|Mrs|Ms|Dr|St|Ave|Rd|Blvd|No|Apt|Inc|Ltd|Jr|Sr|vs|etc|approx|e\.g|i\.e|[A-Z])\.$")
_HALF_DAY = re.compile(r"\b[ap]\.m\.$", re.IGNORECASE)
_DAY = re.compile(r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|[ap]\.m\.|[A-Z][a-z]+ (?:to|through) ")
_BACK_REFERENCE = re.compile(r"^(?:it|they|that|those|these|both|he|she|this)\b", re.IGNORECASE)
_RULER = re.compile(r"^\s*\|[\s:|-]+$")
"""Of a table: the line above it names the columns."""
_ASKING = re.compile(
    r"(?:when|where|what|which|who|why|how|do|does|is|are|can|could|will|would|may|should)\b", re.IGNORECASE
)
_VERB = re.compile(
    r"\b(?:is|are|was|has|have|do|does|can|will|may|must|should|we|you|it|they|offers?|costs?|opens?|closes?|starts?)\b"
    r"|'(?:s|re|ll|ve)\b",
    re.IGNORECASE,
)


_GENERAL = re.compile(
    r"\b(?:faqs?|questions|facts|knowledge|info(?:rmation)?|about|context|background|overview|general|notes|details"
    r"|good to know|firm|company|business|more|other|misc)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Fact:
    """Something to say. `question` is the owner's own; `cues` are further texts under which it may be found."""

    answer: str
    question: str = ""
    heading: str = ""
    cues: tuple[str, ...] = ()
    block: bool = False
    """All lines under one heading, where each is a fact by itself too."""


@dataclass(slots=True)
class _Page:
    heading: str = ""
    hushed: bool = False
    passing: bool = False
    """The heading holds for one paragraph only."""
    empty: bool = True
    question: str = ""
    last: Fact | None = None
    unfinished: str = ""
    """The answer so far, while it ends within a sentence."""


def facts(system_prompt: str) -> tuple[Fact, ...]:
    """What may be said to callers, in the prompt's order. Orders to the agent and `# Role` blocks are left out."""
    page = _Page()
    found: list[Fact] = []
    for line in system_prompt.splitlines():
        if found and _RULER.match(line):
            found.pop()
        for fact in _line(line, page):
            if found and fact.question and found[-1].question == fact.question:
                found.pop()
            found.append(fact)
    found = list(dict.fromkeys(found))
    return tuple(found + list(_blocks(found)))


def sentences(text: str) -> list[str]:
    """The sentences of a paragraph, each with its final mark."""
    parts: list[str] = []
    begin = 0
    for match in re.finditer(r"[.!?]+[\"”')]*\s+(?=[\"“'(]?[A-Z0-9])", text):
        so_far = text[begin : match.end()].rstrip()
        if _ABBREVIATED.search(so_far) or (_HALF_DAY.search(so_far) and _DAY.match(text, match.end())):
            continue
        parts.append(so_far)
        begin = match.end()
    return [part for part in (*parts, text[begin:].strip()) if part]


def _line(raw: str, page: _Page) -> Iterator[Fact]:
    bullet = bool(_BULLET.match(raw))
    if match := _BOLD_LABEL.match(_BULLET.sub("", raw)):
        _open(match[1], page, passing=True)
        raw = match[2]
    text = _plain(raw)
    if not text:
        page.last, page.question = None, ""
        if page.passing and not page.empty:
            page.heading, page.hushed, page.passing = "", False, False
    elif (heading := _heading(raw.strip(), text, bullet)) is not None:
        _open(heading, page, passing=not raw.startswith(("#", "<")) or heading.lower() == "role")
    else:
        page.empty = False
        yield from _content(text, page, bullet=bullet)


def _open(heading: str, page: _Page, *, passing: bool) -> None:
    page.hushed, page.passing, page.empty = is_order_heading(heading), passing, True
    page.heading = "" if page.hushed or _GENERAL.search(heading) else heading
    page.last, page.question = None, ""


def _content(text: str, page: _Page, *, bullet: bool) -> Iterator[Fact]:
    if match := _ASKED.match(text):
        question, *answers = _INLINE_ANSWER.split(match[1], maxsplit=1)
        page.last, page.question = None, question.strip()
        yield from _answer(" ".join(answers), page)
    elif match := _ANSWERED.match(text):
        yield from _answer(match[1], page)
    elif page.question and not bullet and (page.last is None or page.unfinished):
        yield from _answer(text, page)
    else:
        yield from _prose(text, page, bullet=bullet)


def _plain(raw: str) -> str:
    text = _MARKUP.sub("", _BULLET.sub("", raw)).strip()
    if text.startswith("|"):
        text = ", ".join(cell.strip() for cell in text.strip("|").split("|"))
    return text if any(char.isalnum() for char in text) else ""


def _heading(raw: str, text: str, bullet: bool) -> str | None:
    if match := _HASHES.match(raw) or _TAG.match(raw):
        return "" if raw.startswith("</") else _plain(match[1]).rstrip(":")
    short = len(text.split()) <= 6
    bold = raw.startswith("**") and raw.rstrip(":").endswith("**")
    if short and not bullet and (bold or text.endswith(":") or (text.isupper() and len(text) > 3)):
        return text.rstrip(":").capitalize() if text.isupper() else text.rstrip(":")
    return None


def _answer(text: str, page: _Page) -> Iterator[Fact]:
    """An answer of the owner's is meant for callers, whatever it looks like."""
    if not text or not page.question:
        return
    text = f"{page.unfinished} {text}".strip() if page.last else text
    page.unfinished = "" if text.endswith((".", "!", "?", '"', "”")) else text
    page.last = Fact(_closed(text), page.question, page.heading)
    yield page.last


def _prose(text: str, page: _Page, *, bullet: bool) -> Iterator[Fact]:
    if page.question:
        page.last, page.question = None, ""
    parts = sentences(text)
    if parts[0].endswith("?") and not page.hushed and (_ASKING.match(parts[0]) or not is_order(parts[0])):
        page.last, page.question = None, parts[0]
        yield from _answer(" ".join(parts[1:]), page)
        return
    for part in parts:
        if said := quoted_answer(part):
            yield Fact(_closed(said.answer), heading=page.heading, cues=(said.trigger,))
        elif page.hushed or is_order(part, headed=bool(page.heading)) or part.endswith("?"):
            page.last = None
        else:
            page.last = _fact(part, page)
            yield page.last
    if bullet:
        page.last = None


def _fact(text: str, page: _Page) -> Fact:
    if page.last and _BACK_REFERENCE.match(text):
        return Fact(f"{page.last.answer} {_closed(text)}", heading=page.heading, cues=(text,))
    match = _LABELLED.match(text)
    return Fact(_closed(text), heading=page.heading, cues=(match[1],) if match else ())


def _closed(text: str) -> str:
    text = text.strip().strip('"“”').strip()
    return text if text.endswith((".", "!", "?")) else text.rstrip(",;:") + "."


def _blocks(found: Iterable[Fact]) -> Iterator[Fact]:
    """One fact more for every heading whose lines are fragments, such as the days of the opening hours."""
    under: dict[str, list[Fact]] = {}
    for fact in found:
        if fact.heading and not fact.question:
            under.setdefault(fact.heading, []).append(fact)
    for heading, lines in under.items():
        fragments = sum(_is_fragment(line) for line in lines)
        if 2 <= len(lines) <= MAX_BLOCK and fragments * 2 > len(lines):
            yield Fact(" ".join(line.answer for line in lines), heading=heading, cues=(heading,), block=True)


def _is_fragment(fact: Fact) -> bool:
    return bool(fact.cues) or not _VERB.search(fact.answer)
