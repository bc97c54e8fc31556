"""What in a system prompt is meant for the agent and not for the caller."""

import re
from dataclasses import dataclass

_PEOPLE = (
    r"(?:callers?|customers?|users?|clients?|patients?|guests?|visitors?|people|them|someone|somebody|anyone|they)"
)
_VERBS = (
    "act|answer|apologi[sz]e|ask|assist|assume|avoid|be|begin|collect|confirm|decline|deflect|direct|do|encourage|end"
    "|ensure|escalate|explain|focus|follow|gather|give|greet|guide|handle|help|introduce|keep|let|limit|listen|maintain"
    "|make|mention|never|offer|pretend|provide|read|recommend|redirect|refer|refuse|remain|remember|repeat|reply"
    "|respond|route|say|show|sound|speak|start|stay|stick|suggest|summari[sz]e|take|talk|tell|thank|transfer|treat|try"
    "|wait"
)
_IMPERATIVE = rf"(?:please )?(?:always|never|politely|kindly|simply|just|only|first|then)?,? ?(?:{_VERBS})\b"
_NOT_FOR_THEM = r"(?!.*\b(?:us|our)\b)"
_ORDERS = (
    rf"{_NOT_FOR_THEM}{_IMPERATIVE}",
    r"(?:please )?(?:do not|don't|always|never|politely)\b(?! (?:open|free|available|closed)\b)",
    r"you(?:'re| are| work| help| answer| speak| act| only| handle| take| represent| know)\b(?! welcome\b)",
    r"you (?:have access|may only|never|always|receive)\b",
    r"you (?:can|may) (?:also )?(?:tell|say|offer|ask|answer|help|use|transfer|take|give|explain|mention)\b",
    r"your (?:job|role|task|goal|name|tone|purpose|mission|style|objective|answers|responses|replies|voice)\b",
    r"your (?:persona|personality|main|primary|responsibilit)",
    r"use (?:an?|short|simple|plain|natural|the (?:following|information|facts)|only|no|polite|friendly|everyday)\b",
    r"the (?:caller|user|conversation|call|assistant|agent)s?\b",
    r"only (?:answer|speak|discuss|talk|give|use|say|offer)\b",
    r"(?:under no|at no|in no|in case of doubt)\b",
    rf"(?:if|when|whenever|before|after|once|unless)\b[^,]*, *(?:then )?(?:{_IMPERATIVE}|you (?:should|must|can|will)\b"
    r"|do not|don't|politely)",
    r"(?:if|when|whenever) (?:asked|unsure|in doubt|you (?:don't|do not|can't|cannot|are (?:not|un)))",
    rf"(?:if|when|whenever) (?:the |an? |any )?{_PEOPLE} (?:asks?|wants?|says?|calls?|needs?|insists?|complains?)\b",
)
_ORDER = re.compile("|".join(_ORDERS), re.IGNORECASE)
_TO_WHOM = re.compile(
    r"you(?:'ll| will| must| should| have to| do not| don't| cannot| can't)\b(?! (?:\w+ )?find\b)", re.IGNORECASE
)
"""Under the heading of a fact such a sentence is for callers: `Age: you must be sixteen`."""
_ABOUT_ITSELF = re.compile(
    r"\b(?:ai|virtual|voice|phone|helpful|friendly) (?:assistant|agent|receptionist)\b|\b(?:this|the|system) prompt\b"
    r"|\bas an ai\b|\btool calls?\b",
    re.IGNORECASE,
)
_HEADING = re.compile(
    r"\b(?:role|personality|tone|style|instructions?|rules|guidelines?|guardrails?|goals?|objectives?|behaviou?r|tasks?"
    r"|identity|persona|conversation|constraints?|steps|workflow|responses?|do'?s|don'?ts|boundaries|language|system"
    r"|tools?|examples?|your name)\b",
    re.IGNORECASE,
)
_LABEL = re.compile(r"^[\"“]?([\w' ]{1,24}):\s")
_QUOTED = re.compile(
    rf"""^(?:if|when|whenever)\b.*?\b(?:asks?|asked|wants?\ to\ know|inquires?|enquires?)\ (?P<trigger>[^,]*),.*?
    \b(?:say|tell\ (?:{_PEOPLE}|the\ \w+)|answer|reply|respond|explain)(?:\ that|\ with)?\s*
    (?:[:,]?\s*["“](?P<quoted>[^"”]+)["”]|:\s*(?P<open>[^"“]+))""",
    re.IGNORECASE | re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Quoted:
    """An answer that an order quotes, and what callers ask to get it."""

    trigger: str
    answer: str


def is_order(sentence: str, *, headed: bool = False) -> bool:
    """True for a sentence that tells the agent what to be or to do. `headed`: it stands under the heading of facts."""
    bare = sentence.lstrip('"“ ')
    label = _LABEL.match(sentence)
    return bool(
        _ORDER.match(bare)
        or (not headed and _TO_WHOM.match(bare))
        or _ABOUT_ITSELF.search(sentence)
        or (label is not None and is_order_heading(label[1]))
    )


def is_order_heading(heading: str) -> bool:
    """True for a heading such as Role, Tone or Rules: what stands under it is for the agent."""
    return bool(_HEADING.search(heading)) and not re.search(
        r"\b(?:house|pool|our|return|pet)\b", heading, re.IGNORECASE
    )


def quoted_answer(sentence: str) -> Quoted | None:
    """`If someone asks about refunds, say "Refunds take five days."`: the quote, found under `about refunds`."""
    match = _QUOTED.match(sentence)
    return Quoted(match["trigger"], match["quoted"] or match["open"]) if match else None
