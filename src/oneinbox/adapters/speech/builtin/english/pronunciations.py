"""Which of the lexicon's pronunciations a word takes where, and how endings and prefixes join it: all in ARPAbet."""

from oneinbox.adapters.speech.builtin.english.grammar import ARTICLES, HALF_STRESSED
from oneinbox.adapters.speech.builtin.english.lexicon import Lexicon, Phones
from oneinbox.adapters.speech.builtin.english.vocabulary import table, words

FULL = "3"
"""Instead of the dictionary's stress: no stress, and yet the full vowel."""

LATER = words("fifteen lead was wind") | words("des moines putting")
"""Take the dictionary's second pronunciation: a listener gets the first four more often so, and the first
pronunciation of the others belongs to another word (golf's putting) or place."""

SAME_AS = table("email:e-mail emails:e-mails emailed:e-mailed emailing:e-mailing")
"""Spellings whose own entry is heard worse than that of another: "imˈeɪl" is lost after a vowel."""

TWO_READINGS = words(
    "close use excuse abuse live read estimate separate appropriate duplicate graduate moderate alternate record "
    "records present permit refund project object subject contract conduct contest content import increase insult "
    "perfect progress transfer update upset desert"
)
"""Said one way as a noun, adjective or participle and another way as a verb."""

VARYING = {"the": ("DH IH0", "DH AH0"), "to": ("T UH0", "T AH0")}
"""Before a vowel, and before anything else (Cruttenden, weak forms)."""

PREFIXES = words("un non over under pre anti multi super inter mis dis")

ENDINGS = {
    ending: phones.split("_")
    for ending, phones in table(
        "'ll:AH0_L 've:AH0_V 'd:D 're:ER0 n't:AH0_N_T ers:ER0_Z ing:IH0_NG ness:N_AH0_S less:L_AH0_S able:AH0_B_AH0_L "
        "ment:M_AH0_N_T ship:SH_IH0_P ful:F_AH0_L er:ER0 ly:L_IY0 y:IY0"
    ).items()
}
SIBILANTS = frozenset(("S", "Z", "SH", "ZH", "CH", "JH"))
VOICELESS = frozenset(("P", "T", "K", "F", "TH", "S", "SH", "CH"))


def main_stress(phones: Phones) -> int:
    """Where the vowel with the main stress is; the length when there is none."""
    return next((at for at, phone in enumerate(phones) if phone.endswith("1")), len(phones))


def strong(lexicon: Lexicon, word: str) -> Phones:
    """The first pronunciation with a main stress: a function word before a pause, or a letter's name."""
    known = lexicon.pronunciations(word)
    return next((phones for phones in known if main_stress(phones) < len(phones)), known[0] if known else [])


def usual(lexicon: Lexicon, word: str) -> Phones:
    """The pronunciation amid a sentence, where no other rule chooses; nothing for an unknown word."""
    known = lexicon.pronunciations(SAME_AS.get(word, word))
    return known[word in LATER] if known else []


def weak(lexicon: Lexicon, word: str) -> Phones:
    """A function word amid a clause. Vowels stay full but for the articles': on a telephone line "ənd" is lost."""
    if word in ARTICLES:
        return next(phones for phones in lexicon.pronunciations(word) if main_stress(phones) == len(phones))
    stress = "2" if word in HALF_STRESSED else FULL
    phones = usual(lexicon, word) if word in LATER else strong(lexicon, word)
    single = sum(phone[-1].isdigit() for phone in phones) == 1
    return [phone[:-1] + stress if phone[-1] in ("01" if single else "1") else phone for phone in phones]


def readings(lexicon: Lexicon, word: str) -> tuple[Phones, Phones]:
    """The noun's and the verb's pronunciation: the verb has the later stress, a voiced end (use) or full -ate."""
    ordered = sorted(lexicon.pronunciations(word), key=_like_a_verb)
    return ordered[0], ordered[-1]


def is_noun_by_default(noun: Phones, verb: Phones) -> bool:
    """Without a hint: pairs that differ in a vowel's strength are nouns (record), the others verbs (use, read)."""
    return len(noun) != len(verb) or any(a[-1] != b[-1] for a, b in zip(noun, verb, strict=True) if a[-1].isdigit())


def _like_a_verb(phones: Phones) -> tuple[bool, bool, int]:
    return phones[-1] == "Z", phones[-2:] == ["EY2", "T"], main_stress(phones)


def prefixed(lexicon: Lexicon, prefix: str, rest: Phones) -> Phones:
    """The prefix with a secondary stress on its first vowel, then the word."""
    vowel = True
    said: Phones = []
    for phone in lexicon.pronunciations(prefix)[0]:
        is_vowel = phone[-1].isdigit()
        said.append(phone[:-1] + ("2" if vowel else "0") if is_vowel else phone)
        vowel = vowel and not is_vowel
    return said + rest


def ended(stem: Phones, ending: str) -> Phones:
    """The stem with an ending as written; -s and -ed sound by what stands before them."""
    last = stem[-1]
    if ending in ("s", "'s", "s'"):
        return [*stem, *(["IH0", "Z"] if last in SIBILANTS else ["S"] if last in VOICELESS else ["Z"])]
    if ending == "ed":
        return [*stem, *(["IH0", "D"] if last in ("T", "D") else ["T"] if last in VOICELESS else ["D"])]
    if ending == "'ve" and last[-1].isdigit():
        return [*stem, "V"]
    return stem + ENDINGS[ending]
