"""English text to sentences of IPA, in time linear in its length."""

import re

from oneinbox.adapters.speech.builtin.english.grammar import (
    BEFORE_NOUN,
    BEFORE_VERB,
    UNSTRESSED_AT_END,
    is_unstressed,
)
from oneinbox.adapters.speech.builtin.english.normalise import normalise, pieces
from oneinbox.adapters.speech.builtin.english.phones import VOWEL_SIGNS
from oneinbox.adapters.speech.builtin.english.pronunciations import VARYING
from oneinbox.adapters.speech.builtin.english.rules import SPELL, WORD_SIGNS
from oneinbox.adapters.speech.builtin.english.words import Words, has_two_readings

MARKS = ".,!?;:"
TOKEN = re.compile(rf"[{MARKS}]|[{WORD_SIGNS}]+|{SPELL}[a-z](?:'s)?")
LONG, LONGEST = 300, 450
"""Signs after which a sentence ends at the next mark, or at the next word: the voice's work grows with the square."""


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
            return self._words.letter(word[1], word[2:])
        if has_two_readings(word):
            return self._words.reading(word, noun=is_noun_after(tokens[at - 1].lower() if at else ""))
        paused = at + 1 == len(tokens) or tokens[at + 1] in MARKS
        if word in VARYING and not paused:
            return self._words.before(word, vowel=self._starts_with_vowel(tokens[at + 1]))
        if paused and is_unstressed(word) and word not in UNSTRESSED_AT_END:
            return self._words.stressed(word)
        return self._words.ipa(word)

    def _starts_with_vowel(self, token: str) -> bool:
        ipa = self._words.letter(token[1]) if token[0] == SPELL else self._words.ipa(token.lower())
        return ipa.lstrip("ˈˌ")[:1] in tuple(VOWEL_SIGNS)


def is_noun_after(before: str) -> bool | None:
    """Whether the word after this one is a noun or adjective (True) or a verb (False); None when it may be either."""
    if before in BEFORE_VERB:
        return False
    return True if before in BEFORE_NOUN else None
