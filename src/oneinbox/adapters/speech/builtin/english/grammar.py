"""The closed word classes of English: they say which words go unstressed and what kind of word comes next."""

from oneinbox.adapters.speech.builtin.english.vocabulary import words

ARTICLES = words("a an the")
POSSESSIVES = words("my your his her its our their")
DEMONSTRATIVES = words("this that these those")
QUANTIFIERS = words("some any no each every another both few more most")
SUBJECTS = words("i you he she it we they")
OBJECTS = words("me him her us them")
PREPOSITIONS = words("of in on at for from with by as about into than per")
CONJUNCTIONS = words("and or but if that than as so")
BE = words("am is are was were be been being isn't wasn't aren't")
HAVE = words("have has had having haven't hasn't hadn't")
DO = words("do does did")
MODALS = words("can could will would shall should may might must")
DEGREES = words("very so too quite rather really fairly")
ASKING = words("please let's don't doesn't didn't can't won't couldn't wouldn't shouldn't")

UNSTRESSED = (
    ARTICLES
    | POSSESSIVES
    | SUBJECTS
    | OBJECTS
    | PREPOSITIONS
    | CONJUNCTIONS
    | words("am is are was were be been have has had do does can could will would shall should this there to")
) - words("about into")
"""Said without stress amid a clause (Cruttenden, Gimson's Pronunciation of English, on weak forms)."""

HALF_STRESSED = words("on our us but so not some any who what which when where how about into")
"""Keep a secondary stress: those of the above that hold a contrast, the question words and the quantifiers."""

UNSTRESSED_AT_END = ARTICLES | OBJECTS | SUBJECTS | POSSESSIVES | words("and or but if than so")
"""Pronouns stay weak before a pause, where prepositions, auxiliaries and demonstratives are stressed."""

_CONTRACTED = ("'m", "'re", "'ve", "'ll", "'d", "'s")
_PRONOUNS = SUBJECTS | words("that there")

BEFORE_NOUN = (ARTICLES | POSSESSIVES | DEMONSTRATIVES | QUANTIFIERS | PREPOSITIONS | BE | HAVE | DEGREES) | words(
    "i've you've we've they've"
)
"""After these a word of two readings is a noun, an adjective or a participle."""

BEFORE_VERB = (SUBJECTS | MODALS | DO | ASKING) | words(
    "to i'll you'll he'll she'll we'll they'll i'd you'd we'd they'd"
)
"""After these it is a verb."""


def is_unstressed(word: str) -> bool:
    """Whether the lower-case word carries no main stress amid a clause: in, they, they'll."""
    if word in UNSTRESSED or word in HALF_STRESSED:
        return True
    stem, mark, rest = word.partition("'")
    return stem in _PRONOUNS and mark + rest in _CONTRACTED
