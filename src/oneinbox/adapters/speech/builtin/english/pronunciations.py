"""Pronunciations by hand, in IPA: letters, weak words, names and words of two readings."""

from oneinbox.adapters.speech.builtin.english.vocabulary import table

LETTERS = table(
    "a:ˈeɪ b:bˈiː c:sˈiː d:dˈiː e:ˈiː f:ˈɛf g:dʒˈiː h:ˈeɪtʃ i:ˈaɪ j:dʒˈeɪ k:kˈeɪ l:ˈɛl m:ˈɛm n:ˈɛn o:ˈoʊ p:pˈiː "
    "q:kjˈuː r:ˈɑːɹ s:ˈɛs t:tˈiː u:jˈuː v:vˈiː w:dˈʌbəljˌuː x:ˈɛks y:wˈaɪ z:zˈiː"
)
WEAK = table(
    "a:ɐ an:ɐn the:ðə and:ænd or:ɔːɹ of:ʌv to:tə for:fɔːɹ in:ɪn on:ˌɔn at:æt by:baɪ from:fɹʌm with:wɪð as:æz "
    "if:ɪf is:ɪz it:ɪt its:ɪts it's:ɪts are:ɑːɹ am:æm be:biː was:wʌz were:wɜː i:aɪ you:juː we:wiː he:hiː she:ʃiː "
    "they:ðeɪ me:miː him:hɪm us:ˌʌs them:ðɛm my:maɪ your:jʊɹ his:hɪz her:hɜː their:ðɛɹ our:ˌaʊɚ can:kæn "
    "could:kʊd would:wʊd should:ʃʊd will:wɪl has:hɐz have:hæv had:hɐd do:duː does:dʌz than:ðæn that:ðæt this:ðɪs "
    "but:bˌʌt so:sˌoʊ not:nˌɑːt i'm:aɪm i'll:aɪl i've:aɪv i'd:aɪd we're:wɪɹ we'll:wiːl we've:wiːv you're:jʊɹ "
    "you'll:juːl you've:juːv you'd:juːd they're:ðɛɹ they'll:ðeɪl he's:hiːz she's:ʃiːz that's:ðæts there's:ðɛɹz "
    "what's:wˌʌts how:hˌaʊ what:wˌʌt which:wˌɪtʃ when:wˌɛn where:wˌɛɹ who:hˌuː any:ˌɛni some:sˌʌm per:pɜː "
    "about:ɐbˌaʊt been:bˌɪn there:ðɛɹ"
)
"""Words without stress in running speech."""

OWN = table(
    "gmail:dʒˈiːmeɪl e-mail:ˈiːmeɪl email:ˈiːmeɪl yahoo:jˈɑːhuː icloud:ˈaɪklaʊd hotmail:hˈɑːtmeɪl "
    "outlook:ˈaʊtlʊk yelp:jˈɛlp google:ɡˈuːɡəl dot:dˈɑːt com:kˈɑːm org:ˈɔːɹɡ net:nˈɛt miz:mˈɪz missus:mˈɪsᵻz "
    "mister:mˈɪstɚ o'clock:əklˈɑːk ok:oʊkˈeɪ okay:oʊkˈeɪ app:ˈæp apps:ˈæps info:ˈɪnfoʊ wi:wˈaɪ fi:fˈaɪ "
    "voicemail:vˈɔɪsmeɪl website:wˈɛbsaɪt biz:bˈɪz cetera:sˈɛtɚɹə et:ɛt zero:zˈiəɹoʊ thirty:θˈɜːɾi "
    "ninety:nˈaɪnti kilometer:kɪlˈɑːmɪɾɚ kilometers:kɪlˈɑːmɪɾɚz minute:mˈɪnɪt minutes:mˈɪnɪts didn't:dˈɪdnt "
    "isn't:ˌɪzənt putting:pˈʊɾɪŋ thirteen:θˈɜːtiːn fourteen:fˈɔːɹtiːn fifteen:fˈɪftiːn sixteen:sˈɪkstiːn "
    "seventeen:sˈɛvəntˌiːn eighteen:ˈeɪtiːn nineteen:nˈaɪntiːn des:dɪ moines:mˈɔɪn nguyen:nˈuːjɛn "
    "invoice:ˈɪnvɔɪs address:ɐdɹˈɛs"
)
"""Brands, names and number words that the lexicon lacks or says unlike the voice."""

NOUNS = table(
    "close:klˈoʊs use:jˈuːs live:lˈaɪv lives:lˈaɪvz read:ɹˈɛd record:ɹˈɛkɚd records:ɹˈɛkɚdz present:pɹˈɛzənt "
    "excuse:ɛkskjˈuːs estimate:ˈɛstɪmət separate:sˈɛpɹət project:pɹˈɑːdʒɛkt permit:pˈɜːmɪt refund:ɹˈiːfʌnd "
    "object:ˈɑːbdʒɛkt appropriate:ɐpɹˈoʊpɹiət"
)
VERBS = table(
    "close:klˈoʊz use:jˈuːz live:lˈɪv lives:lˈɪvz read:ɹˈiːd record:ɹᵻkˈɔːɹd records:ɹᵻkˈɔːɹdz present:pɹɪzˈɛnt "
    "excuse:ɛkskjˈuːz estimate:ˈɛstɪmˌeɪt separate:sˈɛpɚɹˌeɪt project:pɹədʒˈɛkt permit:pɚmˈɪt refund:ɹᵻfˈʌnd "
    "object:əbdʒˈɛkt appropriate:ɐpɹˈoʊpɹɪˌeɪt"
)
BEFORE_NOUNS = frozenset(
    [
        "a",
        "an",
        "the",
        "my",
        "your",
        "our",
        "his",
        "her",
        "their",
        "its",
        "this",
        "that",
        "these",
        "those",
        "no",
        "any",
        "some",
        "each",
        "every",
        "of",
        "for",
        "in",
        "by",
        "with",
        "on",
        "is",
        "are",
        "was",
        "were",
        "very",
        "so",
        "too",
        "more",
        "have",
        "has",
        "had",
        "i've",
        "we've",
        "you've",
        "been",
        "be",
        "as",
    ]
)
BEFORE_VERBS = frozenset(
    [
        "to",
        "we",
        "you",
        "they",
        "i",
        "can",
        "will",
        "would",
        "could",
        "may",
        "please",
        "don't",
        "we'll",
        "you'll",
        "i'll",
    ]
)
MOSTLY_NOUNS = frozenset(
    ["present", "estimate", "permit", "refund", "record", "records", "project", "appropriate", "object"]
)
PREFIXES = table(
    "un:ʌn non:nˌɑːn over:ˌoʊvɚ under:ˌʌndɚ pre:pɹiː anti:ˌænti multi:mˌʌlti super:sˌuːpɚ inter:ˌɪntɚ mis:mɪs dis:dɪs"
)
