"""What callers ask for and what a sentence holds: kinds of answers, and the topics of every business."""

import re
from dataclasses import dataclass
from enum import StrEnum, auto


class Kind(StrEnum):
    """What an answer must hold to be one."""

    TIME = auto()
    PLACE = auto()
    MONEY = auto()
    PERSON = auto()
    PHONE = auto()
    EMAIL = auto()
    DURATION = auto()


@dataclass(frozen=True, slots=True)
class Topic:
    """A thing that owners state and callers ask for in many words. `label` finishes "Do you mean …?"."""

    label: str
    stated: re.Pattern[str]
    questions: tuple[str, ...]
    kind: Kind | None = None
    """What an answer about it holds, if that is always the same."""


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?:{pattern})", re.IGNORECASE)


_COUNT = (
    r"(?:\d[\d,.]*|an?|half an?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty"
    r"|forty|forty[- ]five|fifty|sixty|ninety|(?:a |one |two |three )?hundred)"
)
_CLOCK = r"(?:\d{1,2}(?::\d\d)?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|noon|midnight)"
_DAYS = r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b|\bweek(?:ends?|days?)\b|\b(?:daily|every ?day|24/7)\b"
_TIMES = (
    rf"{_DAYS}|\b\d{{1,2}}(?::\d\d)? ?[ap]\.?m\b|\bo'clock\b|\b\d{{1,2}}:\d\d\b|\b(?:noon|midnight|hours)\b"
    rf"|\b(?:from|at|until|till|by|before|after|between) {_CLOCK}\b(?! (?:days|weeks|months|minutes|hours|dollars))"
)
_STREETS = (
    r"\b(?:street|road|avenue|lane|square|boulevard|drive|highway|plaza|parkway|court|St\.|Ave|Rd|Blvd)\b"
    r"|\b(?:located|address is|address:|next (?:to|door)|across from|corner of|opposite|around the corner|floor"
    r"|downtown|behind the|in front of|find us)\b"
)

HOLDS: dict[Kind, re.Pattern[str]] = {
    Kind.TIME: _words(_TIMES),
    Kind.PLACE: _words(_STREETS),
    Kind.MONEY: _words(
        rf"[$€£]\s?\d|\b{_COUNT} (?:us )?(?:dollars?|euros?|pounds?|cents?|bucks|percent)\b"
        r"|\b(?:free|no charge|prices?)\b"
    ),
    Kind.PERSON: _words(
        r"\b(?:dr|mr|mrs|ms|doctor|owners?|owned by|managers?|run by|chef|our (?:team|staff)|named|led by)\b"
        r"|\b(?:belongs to|founded)\b"
        r"|(?:\b(?:are|is|by|named)|(?:manager|owner|partner),) (?!\w+days?\b)(?-i:[A-Z][a-z]+)"
    ),
    Kind.PHONE: _words(
        r"\+?\d[\d ().-]{5,}\d|\b(?:phone|telephone) number\b|\b(?:call|phone|text) (?:us )?(?:at|on)\b"
    ),
    Kind.EMAIL: _words(r"@|\be-?mail\b"),
    Kind.DURATION: _words(
        rf"\b{_COUNT}(?:[- ](?:to|or)[- ]{_COUNT})?[- ](?:minutes?|hours?|days?|weeks?|months?|years?)\b"
    ),
}
ASKS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    (
        Kind.DURATION,
        _words(
            r"\bhow (?:long|quick(?:ly)?|fast|soon)\b|\bhow many (?:minutes|hours|days|weeks)|\bhow much time\b"
            r"|\bwhen (?:will|is|are|can) .*\b(?:ready|done|finished|arrive|back)\b"
        ),
    ),
    (
        Kind.MONEY,
        _words(
            r"\bhow much (?!time\b|notice\b|space\b)|\bhow much$"
            r"|\b(?:prices?|pricing|costs?|charges?|fees?|rates|expensive)\b"
        ),
    ),
    (Kind.EMAIL, _words(r"\be-?mail\b")),
    (Kind.PHONE, _words(r"\b(?:phone|telephone|contact|what|which|your|a) number\b|\bnumber (?:can|should|do) i\b")),
    (
        Kind.TIME,
        _words(
            r"^(?:and |so )?(?:until |till |since )?when\b|\bwhat time|\b(?:opening|business|what|your) hours\b"
            r"|\bhow (?:late|early)\b|\b(?:what|which) days?\b"
            r"|\b(?:are|is|do|does|you|still|get) (?:\w+ )?(?:open|close|closed)\b"
        ),
    ),
    (
        Kind.PLACE,
        _words(
            r"\bwhere\b(?! (?:do|can|should) i (?:send|write|mail|pay|book|order|buy)\b)"
            r"|\b(?:your|the|what) (?:street )?address\b|\blocat(?:ed|ion)\b|\bdirections\b"
            r"|\bfind you\b|\bget (?:there|to you)\b|\b(?:what|which) (?:street|part)\b"
        ),
    ),
    (Kind.PERSON, _words(r"\bwho(?:se|'s)?\b")),
)


def asked_kind(question: str) -> Kind | None:
    """What the caller's words ask for, as far as a question word says it."""
    return next((kind for kind, asks in ASKS if asks.search(question)), None)


def held_kinds(sentence: str) -> frozenset[Kind]:
    """What kinds of answer a sentence holds."""
    return frozenset(kind for kind, holds in HOLDS.items() if holds.search(sentence))


TOPICS: tuple[Topic, ...] = (
    Topic(
        "our opening hours",
        _words(
            rf"(?:\b(?:open|opens|opening|closed|hours)\b.*(?:{_TIMES}))|(?:(?:{_TIMES}).*\b(?:open|opens|closed|hours)\b)"
        ),
        (
            "What are your opening hours?",
            "When are you open?",
            "When can I come by?",
            "When can I come in?",
            "What time do you close?",
            "How late can I come in?",
            "Are you there on the weekend?",
            "Is somebody there in the evening?",
        ),
        Kind.TIME,
    ),
    Topic(
        "our address",
        _words(
            r"\b(?:located|address|find us)\b(?!.*@)|\b(?:we are|we're|shop is|office is|store is)\b.*"
            r"\b(?:street|road|avenue|lane|square|boulevard|drive|plaza|corner|floor|next to|opposite|across from)\b"
            r"|^location\b|\b\d+ (?:[NSEW]\.? )?[A-Z]\w+ "
            r"(?:street|road|avenue|lane|square|boulevard|drive|plaza|way|st|ave|rd|blvd)\b"
        ),
        (
            "Where are you located?",
            "Where is it?",
            "Where do I have to go?",
            "What is your address?",
            "How do I get to you?",
            "Where can I find your shop?",
            "What street are you on?",
            "Which part of town are you in?",
        ),
        Kind.PLACE,
    ),
    Topic(
        "parking",
        _words(r"\bpark(?:ing)?\b|\bcar park\b|\bgarage spaces?\b"),
        ("Where can I park?", "Is there parking?", "Where do I leave my car?"),
        Kind.PLACE,
    ),
    Topic(
        "public transport",
        _words(r"\b(?:bus(?:es)?|tram|train|subway|metro|station)\b"),
        ("How do I get there by public transport?", "Is there a bus or a train?", "Which stop is closest?"),
        Kind.PLACE,
    ),
    Topic(
        "how to pay",
        _words(
            r"\b(?:cash|(?:credit|debit|any|all|major|by|with)(?: \w+)? cards?"
            r"|visa|mastercard|paypal|apple pay|pay (?:by|with)|payments?|instal?lments)\b"
        ),
        (
            "How can I pay?",
            "Do you take credit cards?",
            "Can I pay cash?",
            "Do you accept Visa or Apple Pay?",
            "Can I use plastic?",
        ),
    ),
    Topic(
        "delivery",
        _words(r"\b(?:deliver(?:y|ies|s)?|ship(?:ping)?|courier)\b"),
        ("Do you deliver?", "Can you bring it to my house?", "Do you ship?", "How much is delivery?"),
    ),
    Topic(
        "appointments",
        _words(r"\b(?:appointments?|walk-?ins?|reservations?|bookings?|book (?:a|an|online|by))\b"),
        (
            "Do I need an appointment?",
            "Can I just walk in?",
            "How do I book?",
            "I would like to make a reservation.",
            "Can I drop in without booking?",
        ),
    ),
    Topic(
        "cancelling",
        _words(r"\b(?:cancel(?:l?ed|l?ing|lations?|s)?|reschedul\w+|no-?shows?)\b"),
        (
            "How do I cancel?",
            "What if I can't make it?",
            "Can I change my appointment?",
            "Is there a cancellation fee?",
        ),
    ),
    Topic(
        "returns",
        _words(r"\b(?:refunds?|returns?|exchanges?|money back)\b"),
        ("Can I return it?", "Can I get my money back?", "What is your refund policy?", "Can I exchange it?"),
    ),
    Topic(
        "our phone number",
        _words(r"\b(?:call|phone|telephone|text|number)\b.*\d[\d ().-]{5,}\d|\bphone: "),
        ("What is your phone number?", "What number can I call?", "How do I reach you by phone?"),
        Kind.PHONE,
    ),
    Topic(
        "our e-mail address",
        _words(r"@|\be-?mail\b"),
        ("What is your e-mail address?", "Can I write to you?", "Where do I send an e-mail?"),
        Kind.EMAIL,
    ),
    Topic(
        "our website",
        _words(r"\b(?:website|online|www\.|\w+\.(?:com|org|net|co\.uk))\b"),
        ("Do you have a website?", "Can I do it online?", "Are you on the internet?"),
    ),
    Topic(
        "access for wheelchairs",
        _words(r"\b(?:wheelchairs?|step-free|ramp|elevator|lift|accessib\w+|disabled)\b"),
        ("Is it wheelchair accessible?", "Are there stairs?", "Can my grandmother get in with her walker?"),
    ),
    Topic(
        "pets",
        _words(r"\b(?:dogs?|pets?|animals?)\b(?=.*\b(?:welcome|allowed|bring|not|terrace|inside|permitted)\b)"),
        ("Can I bring my dog?", "Are pets allowed?"),
    ),
)


def topics_of(sentence: str) -> tuple[Topic, ...]:
    """The topics that a sentence states."""
    return tuple(topic for topic in TOPICS if topic.stated.search(sentence))
