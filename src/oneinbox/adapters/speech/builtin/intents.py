"""What a caller wants that no fact answers: to go, to hear it again, a person, a message taken; and yes and no."""

import re
from enum import StrEnum, auto
from functools import lru_cache
from pathlib import Path


class Intent(StrEnum):
    """Recognised before any fact is looked for."""

    GOODBYE = auto()
    REPEAT = auto()
    HUMAN = auto()
    MESSAGE = auto()
    CANCEL = auto()
    MACHINE = auto()
    HELP = auto()
    YES = auto()
    NO = auto()
    THANKS = auto()
    HELLO = auto()


_FILE = Path(__file__).parent / "data" / "brain" / "intents.txt"
_SOMEONE = (
    r"(?:an? |the |some|your |to )*(?:human(?: being)?|person|people|operator|agent|representative|receptionist|manager"
    r"|owner|boss|supervisor|colleague|staff|doctor|dentist|somebody|someone|(?:real|actual|live) \w+"
    r"|member of (?:the )?staff|team member|customer (?:service|support))\b"
)
_FILLER = (
    r"(?:um+|uh+|er+|hmm+|well|so|oh|ah|okay|ok|alright|all right|please|right|look|listen|now|just|actually|sorry)"
)
_LEADING = re.compile(rf"^(?:{_FILLER}\b(?!-)[\s,.!…]*)+", re.IGNORECASE)
_GREETING = re.compile(
    r"^(?:hello|hi|hey|good (?:morning|afternoon|evening|day)|greetings)(?: there)?\b[\s,.!-]*", re.IGNORECASE
)
_THANKING = re.compile(
    r"^(?:great|perfect|good|wonderful|excellent|lovely|awesome|cool|fine)?[\s,.!]*"
    r"(?:(?:many )?thanks|thank you|cheers)(?: (?:so|very) much| a lot| for (?:that|your help|the info\w*))?\b[\s,.!]*",
    re.IGNORECASE,
)
_OPENING = re.compile(r"^(?:yes|yeah|yep|sure|correct|right|no|nope|nah)\b[\s,.!;-]+(?=\S)", re.IGNORECASE)
_ASKING = (
    r"(?:when|where|what(?:'s)?|which|who(?:'s)?|why|how|do|does|did|is|are|can|could|will|would|may|should|has|have)"
)
_JOINT = re.compile(
    rf"\?+\s+|[,;.]*\s+(?:and|also|or|but|plus)(?:\s+(?:also|then|so|i'd like to know|i want to know|tell me))*\s+"
    rf"(?={_ASKING}\b\s+\S)|[,;.]\s+(?={_ASKING}\b\s+\S)",
    re.IGNORECASE,
)
_TWO_WORDS = re.compile(
    r"^(when|where|how much|how long|what time|who)\s+and\s+(when|where|how much|how long|what time|who)\b\s*(.+)$",
    re.IGNORECASE,
)
_FOLLOW_UP = re.compile(r"^(?:and|what about|how about|and what about|but what about|or|also)\s+(.+)$", re.IGNORECASE)


def tidy(text: str) -> str:
    """The caller's words without fillers at the front, a please at the end, doubled blanks and a final mark."""
    text = " ".join(text.replace("’", "'").split()).strip(" ,.!?…-")
    bare = re.sub(r"[\s,]+please$", "", _LEADING.sub("", text), flags=re.IGNORECASE)
    return bare.strip(" ,.!?…-") or text


def is_noise(text: str) -> bool:
    """True when nothing was said but fillers."""
    return not any(char.isalnum() for char in text) or (intent_of(text) is None and not _LEADING.sub("", f"{text} "))


def intent_of(text: str) -> Intent | None:
    """The intent of tidied words, None when they may be a question about facts."""
    return next((intent for intent, pattern in _patterns() if pattern.search(text)), None)


@lru_cache(maxsize=1)
def _patterns() -> tuple[tuple[Intent, re.Pattern[str]], ...]:
    lines: dict[Intent, dict[str, list[str]]] = {}
    marks: dict[str, list[str]] = {}
    for line in _FILE.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            marks = lines.setdefault(Intent(line.strip("[]")), {"~": [], "=": [], "+": []})
        elif line and not line.startswith("#"):
            marks[line[0]].append(line[2:].replace("{someone}", _SOMEONE))
    return tuple((intent, _pattern(marks)) for intent, marks in lines.items())


def _pattern(marks: dict[str, list[str]]) -> re.Pattern[str]:
    ways = [rf"\b(?:{way})(?!\w)" for way in marks["~"]] + [rf"^(?:{way})$" for way in marks["="]]
    if marks["+"]:
        ways.append(rf"^(?:(?:{'|'.join(marks['+'])})(?!\w)[\s,.!]*)+$")
    return re.compile("|".join(ways), re.IGNORECASE)


def without_courtesy(text: str) -> str:
    """`text` without a greeting or thanks in front of something else."""
    for pattern in (_GREETING, _THANKING, _GREETING):
        rest = tidy(pattern.sub("", text))
        text = rest if rest else text
    return re.sub(r"^and\s+", "", text, flags=re.IGNORECASE)


def opening(text: str) -> tuple[Intent | None, str]:
    """A yes or no in front of more words, and these words."""
    match = _OPENING.match(text)
    if not match:
        return None, text
    return (Intent.NO if match[0][:1].lower() == "n" else Intent.YES), tidy(text[match.end() :])


def questions(text: str) -> list[str]:
    """The questions in one turn: `when are you open and where are you` are two."""
    if match := _TWO_WORDS.match(text):
        return [f"{match[1]} {match[3]}", f"{match[2]} {match[3]}"]
    parts = [tidy(part) for part in _JOINT.split(text)]
    return [part for part in parts if len(part.split()) > 1] or [text]


def follow_up(text: str) -> str | None:
    """What `and on Saturday` or `what about Saturday` adds to the question before; None for a question of its own."""
    match = _FOLLOW_UP.match(text)
    if not match or re.match(rf"{_ASKING}\b", match[1], re.IGNORECASE) or len(match[1].split()) > 5:
        return None
    return match[1]
