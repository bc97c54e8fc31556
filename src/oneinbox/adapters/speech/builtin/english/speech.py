"""English text to sentences of IPA, in time linear in its length."""

import re

from oneinbox.adapters.speech.builtin.english.normalise import normalise, pieces
from oneinbox.adapters.speech.builtin.english.phones import VOWEL_SIGNS
from oneinbox.adapters.speech.builtin.english.pronunciations import (
    BEFORE_NOUNS,
    BEFORE_VERBS,
    LETTERS,
    MOSTLY_NOUNS,
    NOUNS,
    VERBS,
)
from oneinbox.adapters.speech.builtin.english.rules import SPELL
from oneinbox.adapters.speech.builtin.english.words import Words, attach

TOKEN = re.compile(rf"{SPELL}[a-z](?:'s)?|[A-Za-z\u00c0-\u024f']+|[.,!?;:]")
MARKS = ".,!?;:"
LONG, LONGEST = 300, 450
"""Signs after which a sentence ends at the next mark, or at the next word: the voice's work grows with the square."""
STRESSED_AT_END = frozenset(["do", "have", "that", "this", "in", "on", "us", "am", "was"])


class English:
    """American English as the voice wants it."""

    def __init__(self) -> None:
        self._words = Words()

    def sentences(self, text: str) -> list[str]:
        """One IPA string a sentence, each ending in its punctuation; nothing for text without words."""
        found: list[str] = []
        for piece in pieces(text):
            tokens = TOKEN.findall(normalise(piece, self._words.known))
            found.extend(self._assemble(tokens))
        return found

    def _assemble(self, tokens: list[str]) -> list[str]:
        done: list[str] = []
        said = ""
        for at, token in enumerate(tokens):
            if token in MARKS:
                said += token if said and said[-1] not in MARKS else ""
            else:
                ipa = self._in_context(tokens, at)
                said += (" " if said and ipa else "") + ipa
            if said and (token in ".!?" or len(said) > (LONG if token in MARKS else LONGEST)):
                done.append(said if said[-1] in MARKS else f"{said},")
                said = ""
        if said:
            done.append(said if said[-1] in MARKS else f"{said}.")
        return done

    def _in_context(self, tokens: list[str], at: int) -> str:
        word = tokens[at].lower()
        if word[0] == SPELL:
            return attach(LETTERS[word[1]], "s") if word.endswith("'s") else LETTERS[word[1]]
        if word in NOUNS:
            return two_readings(word, tokens[at - 1].lower() if at else "")
        ends = at + 1 == len(tokens) or tokens[at + 1] in MARKS
        if word in ("the", "to") and not ends:
            vowel = self._starts_with_vowel(tokens[at + 1])
            return ("ðɪ" if vowel else "ðə") if word == "the" else ("tʊ" if vowel else "tə")
        ipa = self._words.ipa(word)
        if ends and word in STRESSED_AT_END:
            return re.sub(f"ˌ?([{VOWEL_SIGNS}])", r"ˈ\1", ipa, count=1)
        return "tuː" if ends and word == "to" else ipa

    def _starts_with_vowel(self, token: str) -> bool:
        ipa = LETTERS[token[1]] if token[0] == SPELL else self._words.ipa(token.lower())
        return ipa.lstrip("ˈˌ")[:1] in tuple(VOWEL_SIGNS)


def two_readings(word: str, before: str) -> str:
    """close, use, record: the noun's or the verb's sound by the word before."""
    noun = before in BEFORE_NOUNS or (word in MOSTLY_NOUNS and before not in BEFORE_VERBS)
    return NOUNS[word] if noun else VERBS[word]
