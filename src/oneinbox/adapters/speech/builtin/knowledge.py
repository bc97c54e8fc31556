"""The facts of one prompt, ranked by how well they answer what a caller says."""

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from oneinbox.adapters.speech.builtin.embedding import Vectors
from oneinbox.adapters.speech.builtin.facts import Fact, facts
from oneinbox.adapters.speech.builtin.topics import TOPICS, Kind, Topic, asked_kind, held_kinds, topics_of

Embed = Callable[[Sequence[str]], Vectors]

SURE = 0.45
"""From here up a fact is said."""
ASK_BACK = 0.33
"""From here up the caller is asked whether they mean it."""
YES_OR_NO_SURE = 0.75
"""From here up an answer that begins with yes or no is said to a question in other words: a wrong yes does harm."""
TOPIC_WEIGHT = 0.95
"""What a question's likeness to a topic's usual questions is worth, against likeness to the owner's own words."""
TOPIC_FLOOR = 0.45
"""Below, the likeness to a topic is chance."""
TOPIC_MARGIN = 0.15
"""So far below the nearest topic another one may still be meant."""
CLEAR_TOPIC = 0.75
"""From here up the question is about that topic, and facts about others lose OTHER_TOPIC_MALUS."""
OTHER_TOPIC_MALUS = 0.10
BARE_QUESTION = 0.65
"""How near `where is it` is to the place itself, there being no other word to go by."""
KIND_BONUS = 0.12
"""For a fact that holds a time, place, price … when one is asked for; KIND_MALUS for one that doesn't."""
KIND_MALUS = 0.14
HARD_KINDS = (Kind.MONEY, Kind.PHONE, Kind.EMAIL)
"""A fact without one of these is at best asked back about when one is asked for."""
HARD_KIND_MALUS = 0.25
WORD_WEIGHT = 0.20
"""For sharing all of the question's words, the rare ones counting most."""
_UNWEIGHTED = Path(__file__).parent / "data" / "brain" / "unweighted.txt"
_ASKING = re.compile(
    r"(?:and |or |so )?(?:when|where|what|which|who|why|how|do|does|did|is|are|can|could|will|would|may|should"
    r"|have|has)\b",
    re.IGNORECASE,
)
_YES_OR_NO = re.compile(r"(?:yes|no)\b", re.IGNORECASE)
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAY_RANGE = re.compile(rf"\b({'|'.join(_DAYS)})s?,? ?(?:to|through|until|till|-|–)+ ?({'|'.join(_DAYS)})")


@dataclass(frozen=True, slots=True)
class Found:
    """A fact and how well it answers: about 0 (not at all) to 1.2 (asked for in the owner's words)."""

    fact: Fact
    label: str
    """What it is about, to finish "Do you mean …?"; "" when there is no short name for it."""
    score: float


class Knowledge:
    """What one prompt says. Learning embeds about two texts a fact, 5 ms each; asking embeds the question."""

    def __init__(self, system_prompt: str, embed: Embed) -> None:
        self._embed = embed
        self.facts = facts(system_prompt)
        self._topics: list[tuple[Topic, ...]] = []
        self._kinds: list[frozenset[Kind]] = []
        self._words: list[frozenset[str]] = []
        cues: list[str] = []
        self._owners: list[int] = []
        for index, fact in enumerate(self.facts):
            told = f"{fact.heading}. {fact.question} {fact.answer}"
            self._topics.append(topics_of(told))
            self._kinds.append(held_kinds(told))
            self._words.append(frozenset(stems(f"{told} {' '.join(fact.cues)}")))
            texts = _cues(fact)
            cues.extend(texts)
            self._owners.extend([index] * len(texts))
        self._cues = embed(cues)
        self._weights = self._rarity()
        self._topic_rows = _topic_rows(embed)

    def labels(self) -> list[str]:
        """What the facts are about, in short, without repetition and in the prompt's order."""
        return list(dict.fromkeys(label for index in range(len(self.facts)) if (label := self._label(index))))

    def ranked(self, question: str, kind: Kind | None = None) -> list[Found]:
        """All facts, the best first. `kind`: what is asked for, where the question itself doesn't say it."""
        if not self.facts:
            return []
        vector = self._embed([_marked(question)])[0]
        near = {topic.label: float(np.max(rows @ vector)) for topic, rows in zip(TOPICS, self._topic_rows, strict=True)}
        wanted = asked_kind(question.lower()) or kind
        asked = frozenset(stems(question))
        if not asked:
            near |= {topic.label: BARE_QUESTION for topic in TOPICS if wanted and topic.kind is wanted}
        scores = self._likeness(vector, near, wanted)
        for index, fact in enumerate(self.facts):
            overlap = self._overlap(asked, self._words[index])
            score = scores[index] + self._kind_score(index, wanted) + WORD_WEIGHT * overlap
            other_words = overlap < 0.5 and score < YES_OR_NO_SURE
            doubtful = (wanted in HARD_KINDS and wanted not in self._kinds[index]) or (
                other_words and _YES_OR_NO.match(fact.answer)
            )
            scores[index] = min(score, SURE - 0.01) if doubtful else score
        order = sorted(range(len(scores)), key=lambda index: -scores[index])
        return self._one_voice(asked, [Found(self.facts[i], self._label(i), scores[i]) for i in order])

    def _likeness(self, vector: Vectors, near: dict[str, float], wanted: Kind | None) -> list[float]:
        best = [-1.0] * len(self.facts)
        for owner, cosine in zip(self._owners, self._cues @ vector, strict=True):
            best[owner] = max(best[owner], float(cosine))
        of_kind = [topic.label for topic in TOPICS if wanted and topic.kind is wanted]
        clear = max(of_kind or near, key=lambda label: near[label])
        for index, topics in enumerate(self._topics):
            for topic in topics:
                if near[topic.label] >= max(TOPIC_FLOOR, near[clear] - TOPIC_MARGIN):
                    best[index] = max(best[index], TOPIC_WEIGHT * near[topic.label])
            if near[clear] >= CLEAR_TOPIC and all(topic.label != clear for topic in topics):
                best[index] -= OTHER_TOPIC_MALUS
        return best

    def _kind_score(self, index: int, wanted: Kind | None) -> float:
        if wanted is None:
            return 0.0
        if wanted in self._kinds[index]:
            return KIND_BONUS
        return -HARD_KIND_MALUS if wanted in HARD_KINDS else -KIND_MALUS

    def _overlap(self, asked: frozenset[str], told: frozenset[str]) -> float:
        unknown = math.log(1 + len(self.facts))
        total = sum(self._weights.get(word, unknown) for word in asked)
        return sum(self._weights.get(word, unknown) for word in asked & told) / total if total else 0.0

    def _rarity(self) -> dict[str, float]:
        counts = Counter(word for words in self._words for word in words)
        return {word: math.log(1 + len(self.facts) / count) for word, count in counts.items()}

    def _label(self, index: int) -> str:
        fact, topics = self.facts[index], self._topics[index]
        if topics:
            return topics[0].label
        return fact.heading[:1].lower() + fact.heading[1:] if 0 < len(fact.heading.split()) <= 4 else ""

    def _one_voice(self, asked: frozenset[str], found: list[Found]) -> list[Found]:
        """All lines of a heading, unless the caller named one of them: half an answer misleads."""
        best = found[0]
        block = next((other for other in found if other.fact.block and other.fact.heading == best.fact.heading), None)
        if block is None or best.fact.question:
            return found
        lines = [other for other in found if other.fact.heading == best.fact.heading and not other.fact.block]
        told = {id(line): frozenset(stems(line.fact.answer)) & asked for line in lines}
        named = [
            line for line in lines if told[id(line)] and sum(told[id(line)] <= words for words in told.values()) == 1
        ]
        winner = named[0] if named else block
        first = Found(winner.fact, winner.label, max(best.score, winner.score))
        return [first, *(other for other in found if other.fact.heading != best.fact.heading)]


def stems(text: str) -> list[str]:
    """The words that carry meaning, without their endings; of a range of days each day."""
    text = text.lower().replace("'", "")
    words = re.findall(r"[a-z0-9]+", f"{text} {' '.join(_days_meant(text))}")
    return [_stem(word) for word in words if word not in _unweighted()]


def _days_meant(text: str) -> list[str]:
    days = [day for first, last in _DAY_RANGE.findall(text) for day in _days_between(first, last)]
    if re.search(r"\bweekdays?\b", text):
        days += _DAYS[:5]
    if re.search(r"\bweekends?\b", text):
        days += _DAYS[5:]
    return days + (list(_DAYS) if re.search(r"\b(?:daily|every ?day|seven days)\b", text) else [])


def _days_between(first: str, last: str) -> tuple[str, ...]:
    begin, end = _DAYS.index(first), _DAYS.index(last)
    return _DAYS[begin : end + 1] if begin <= end else _DAYS[begin:] + _DAYS[: end + 1]


@lru_cache(maxsize=1)
def _topic_rows(embed: Embed) -> tuple[Vectors, ...]:
    return tuple(embed(topic.questions) for topic in TOPICS)


@lru_cache(maxsize=1)
def _unweighted() -> frozenset[str]:
    return frozenset(_UNWEIGHTED.read_text(encoding="utf-8").split())


def _stem(word: str) -> str:
    for endings in ("ies|es|s", "ing|ed", "y|e"):
        word = re.sub(rf"(?<=\w\w\w)(?:{endings})$", "", word)
    return word


def _marked(question: str) -> str:
    """With the mark at its end that the model expects: recognisers put it there or not."""
    bare = question.rstrip(" ?.!,")
    return f"{bare}?" if _ASKING.match(bare) else f"{bare}."


def _cues(fact: Fact) -> list[str]:
    if fact.question:
        return [fact.question, f"{fact.question} {fact.answer}"]
    headed = [f"{fact.heading}: {fact.answer}"] if fact.heading else []
    return [fact.answer, *headed, *fact.cues]
