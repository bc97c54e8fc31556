"""The builtin brain's side of one conversation: which answer, question or offer follows the caller's words."""

import re
from enum import StrEnum, auto

from oneinbox.adapters.speech.builtin import wording
from oneinbox.adapters.speech.builtin.intents import (
    Intent,
    follow_up,
    intent_of,
    is_noise,
    opening,
    questions,
    tidy,
    without_courtesy,
)
from oneinbox.adapters.speech.builtin.knowledge import ASK_BACK, SURE, Found, Knowledge
from oneinbox.adapters.speech.builtin.topics import asked_kind

OWNERS_WORDS = 0.85
"""From here up the owner's own question-answer pair goes before an intent."""
_OWNERS_FIRST = (Intent.HUMAN, Intent.MESSAGE, Intent.HELP)
_QUESTION = re.compile(
    r"^(?:when|where|what|which|who|why|how|do|does|is|are|can|could|will|would|may)\b", re.IGNORECASE
)
_PASSED_ON = re.compile(r"^(?:please )?(?:tell|let) (?!me\b|us\b)\w+ (?:know )?(?:that|to|about|i|we)\b", re.IGNORECASE)
_DICTATED = re.compile(r"^(?:tell|say that|this is|my name is|my number)\b|(?:\d[\s().-]*){7}", re.IGNORECASE)
_DIGIT = re.compile(r"\d|\b(?:zero|oh|one|two|three|four|five|six|seven|eight|nine|double|triple)\b", re.IGNORECASE)
_SAME_NUMBER = re.compile(r"\b(?:this|same|my|the) number\b|\bcalling from\b", re.IGNORECASE)


class Awaiting(StrEnum):
    """What the last thing said asked for."""

    NOTHING = auto()
    CONFIRMATION = auto()
    OFFER = auto()
    MESSAGE = auto()
    CHECK = auto()
    MORE = auto()


class Dialogue:
    """A fold over the turns of a call: the same turns always get the same answers. Blocks for about 5 ms a turn."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._knowledge = knowledge
        self._awaiting = Awaiting.NOTHING
        self._candidate: Found | None = None
        self._message: list[str] = []
        self._asked_number = False
        self._unsure = 0
        self._suggested: set[str] = set()
        self._denied: set[str] = set()
        self._previous = ""
        self._said = ""
        self._unclear = 0

    def spoke(self, text: str) -> None:
        """The agent was heard saying this: the greeting, or as much of an answer as came out before an interruption."""
        if text and not self._said.startswith(text.rstrip(" .…")):
            self._said = text

    def unheard(self) -> None:
        """The last answer never reached the caller: what it asked for isn't awaited."""
        if self._awaiting is not Awaiting.MESSAGE:
            self._awaiting = Awaiting.NOTHING

    def heard(self, text: str) -> str:
        """The answer to one turn of the caller."""
        words = tidy(text)
        if intent_of(words) is Intent.REPEAT:
            return self._said or wording.HOW
        if is_noise(words):
            self._unclear += 1
            return wording.unclear(self._unclear - 1)
        awaiting, self._awaiting = self._awaiting, Awaiting.NOTHING
        match awaiting:
            case Awaiting.CONFIRMATION:
                said = self._confirmed(words)
            case Awaiting.OFFER:
                said = self._offered(words)
            case Awaiting.MESSAGE:
                said = self._dictated(words)
            case Awaiting.CHECK:
                said = self._checked(words)
            case Awaiting.MORE:
                said = self._asked_for_more(words)
            case _:
                said = self._open(words)
        self._said = said
        return said

    def _open(self, words: str) -> str:
        intent = intent_of(words)
        if intent is None and _PASSED_ON.match(words):
            self._message, self._asked_number = [], False
            return self._dictated(words)
        if intent is None or (intent in _OWNERS_FIRST and self._owner_says(words)):
            return self._answer(words)
        return self._react(intent)

    def _react(self, intent: Intent) -> str:
        match intent:
            case Intent.GOODBYE:
                return wording.GOODBYE
            case Intent.HUMAN:
                return self._await(Awaiting.OFFER, wording.PERSON)
            case Intent.MESSAGE:
                return self._take(wording.TAKE)
            case Intent.MACHINE:
                return wording.machine(self._knowledge.labels())
            case Intent.HELP:
                return wording.known(self._knowledge.labels())
            case Intent.THANKS:
                return self._await(Awaiting.MORE, wording.MORE)
            case Intent.NO | Intent.CANCEL:
                return self._await(Awaiting.MORE, wording.MORE_AFTER_NO)
            case Intent.HELLO:
                return wording.HELLO
            case _:
                after_a_question = not self._said or self._said.endswith("?")
                return wording.WHAT if after_a_question else self._await(Awaiting.MORE, wording.ANYTHING)

    def _owner_says(self, words: str) -> bool:
        best = next(iter(self._knowledge.ranked(words)), None)
        return best is not None and bool(best.fact.question) and best.score >= OWNERS_WORDS

    def _await(self, awaiting: Awaiting, said: str) -> str:
        self._awaiting = awaiting
        return said

    def _answer(self, words: str) -> str:
        more = follow_up(words)
        words = without_courtesy(words)
        parts = questions(words)
        if len(parts) > 1 and (said := self._several(parts)):
            return said
        found = self._best(words)
        if more and self._previous:
            also = self._best(more, asking=self._previous)
            found = max((f for f in (found, also) if f), key=lambda f: f.score, default=None)
        else:
            self._previous = words
        if found is None or found.score < ASK_BACK:
            return self._not_known(words)
        if found.score < SURE and found.fact.answer not in self._suggested:
            return self._suggest(found)
        return found.fact.answer

    def _best(self, words: str, *, asking: str = "") -> Found | None:
        ranked = self._knowledge.ranked(words, asked_kind(asking.lower()) if asking else None)
        return next((found for found in ranked if found.score >= SURE or found.fact.answer not in self._denied), None)

    def _several(self, parts: list[str]) -> str:
        """One answer to every question of the turn; "" when the turn is better taken as one question."""
        found = [(part, self._best(part)) for part in parts]
        sure = dict.fromkeys(best.fact.answer for _, best in found if best and best.score >= SURE)
        unsure = [part for part, best in found if not best or best.score < SURE]
        if not all(map(_QUESTION.match, parts)):
            unsure = []
        if not sure or (len(sure) == 1 and not unsure):
            return next(iter(sure), "")
        self._previous = parts[-1]
        said = " ".join(sure)
        return f"{said} {self._not_known(unsure[0], named=True)}" if unsure else said

    def _suggest(self, found: Found) -> str:
        self._candidate = found
        self._suggested.add(found.fact.answer)
        self._awaiting = Awaiting.CONFIRMATION
        if found.fact.question:
            return wording.suggest_question(found.fact.question)
        if not found.label or found.label in self._suggested:
            return wording.hedge(found.fact.answer)
        self._suggested.add(found.label)
        return wording.suggest(found.label)

    def _not_known(self, words: str, *, named: bool = False) -> str:
        """Offer a message. `named`: say which question has no answer, and make it the message."""
        named = named or self._unsure >= wording.WAYS_TO_BE_UNSURE
        times = self._unsure + wording.WAYS_TO_BE_UNSURE if named else self._unsure
        self._message = [words] if named else []
        self._unsure += 1
        return self._await(Awaiting.OFFER, wording.unsure(times, words, self._knowledge.labels()))

    def _confirmed(self, words: str) -> str:
        candidate = self._candidate
        verdict, rest = _verdict(words)
        if candidate is None or verdict is None:
            return self._open(words)
        if verdict is Intent.NO:
            self._denied.add(candidate.fact.answer)
            if rest:
                return self._open(rest)
            return wording.IN_OTHER_WORDS if len(self._denied) == 1 else self._not_known(self._previous)
        if _DICTATED.search(rest):
            return self._dictated(rest)
        said = wording.WHAT_ELSE if candidate.fact.answer in self._said else candidate.fact.answer
        return f"{said} {self._answer(rest)}" if rest and _QUESTION.match(rest) else said

    def _offered(self, words: str) -> str:
        verdict, rest = _verdict(words)
        if verdict is Intent.YES and self._message:
            return self._dictated(rest, more=True)
        if _DICTATED.search(rest):
            return self._dictated(rest)
        if verdict is Intent.YES:
            return self._take(wording.TAKE)
        self._message = []
        if verdict is Intent.NO and not rest:
            return wording.WHAT_ELSE
        return self._open(rest or words)

    def _take(self, said: str) -> str:
        self._message, self._asked_number = [], False
        return self._await(Awaiting.MESSAGE, said)

    def _dictated(self, words: str, *, more: bool = False) -> str:
        """A piece of the message. Ends with reading back, after asking once for a number if none was heard."""
        intent = intent_of(words)
        if intent in (Intent.CANCEL, Intent.GOODBYE) or (intent is Intent.NO and not self._message):
            return self._drop(wording.GOODBYE if intent is Intent.GOODBYE else wording.DROPPED)
        if intent is Intent.YES and not self._message:
            return self._await(Awaiting.MESSAGE, wording.TAKE_AFTER_ALL)
        if not more and _QUESTION.match(words) and (best := self._best(words)) and best.score >= OWNERS_WORDS:
            return self._await(Awaiting.MESSAGE, f"{best.fact.answer} {wording.AND_MESSAGE}")
        if words and intent is not Intent.NO:
            self._message.append(words)
        if not self._asked_number and not _has_number(self._message):
            self._asked_number = True
            return self._await(Awaiting.MESSAGE, wording.NUMBER)
        return self._await(Awaiting.CHECK, wording.read_back(", ".join(self._message)))

    def _checked(self, words: str) -> str:
        verdict, rest = _verdict(words)
        intent = intent_of(words)
        if intent is Intent.CANCEL:
            return self._drop(wording.DROPPED)
        if intent is Intent.GOODBYE:
            return wording.NOTED_GOODBYE
        if verdict is Intent.NO and not rest:
            self._message = []
            return self._await(Awaiting.MESSAGE, wording.ONCE_MORE)
        if verdict is Intent.YES and not rest:
            return self._await(Awaiting.MORE, wording.NOTED)
        self._message.append(rest)
        return self._await(Awaiting.CHECK, wording.read_back(", ".join(self._message)))

    def _drop(self, said: str) -> str:
        self._message = []
        return said

    def _asked_for_more(self, words: str) -> str:
        verdict, rest = _verdict(words)
        if verdict is Intent.NO and not rest:
            return wording.GOODBYE
        return self._open(rest or words)


def _verdict(words: str) -> tuple[Intent | None, str]:
    """Yes, no or neither, and what else was said."""
    intent = intent_of(words)
    if intent in (Intent.YES, Intent.NO, Intent.THANKS):
        return Intent.NO if intent is Intent.NO else Intent.YES, ""
    return opening(words)


def _has_number(message: list[str]) -> bool:
    said = " ".join(message)
    return len(_DIGIT.findall(said)) >= 5 or bool(_SAME_NUMBER.search(said))
