"""In which language a short text seems to be, by its script and its commonest words.

Not a detector of languages: a post of a few words is often *unclear*, and that is counted as such.
What is named is named for a reason that can be read here: two function words more than any other
language has (Ingle, 1976; Grefenstette, 1995, *Comparing two language identification schemes*),
or a script that only one language is written in.
"""

import re
from collections import Counter
from functools import lru_cache
from types import MappingProxyType
from unicodedata import name

UNCLEAR = "Latin script, unclear"
NO_LETTERS = "no letters"
_LEAST = 2  # function words that a language needs to be named
_SHARE = 0.2  # of a text's words
_MOST = 1_000  # characters that are looked at; a longer text is not clearer
_NOT_THEIRS = re.compile("[^\\W\\d_a-zàáâãäæçèéêëìíîïñòóôõöùúûüÿœßªº]")  # Polish ł, say
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)?")

_FUNCTION_WORDS = MappingProxyType(
    {
        "English": "the of and to in is you that it he was for on are as with his they i at be "
        "this have from or had by but not what all were we when your can there an which their if "
        "will how about out them then she so some her would him has my who did get just it's i'm "
        "don't can't that's am do been our me up going now why after its because",
        "Spanish": "el la de que y en un una los las por con para del se lo es al como más pero "
        "sus le ha me si sin sobre este ya todo esta cuando muy también hay hasta yo mi porque "
        "está estoy eso ese nos qué te tu no son fue era eres soy tengo tiene nada quien",
        "Portuguese": "o a de que e do da em um uma os as no na por com para dos das se não mais "
        "mas ao ele ela seu sua ou quando muito nos já eu também só pelo pela até isso esse essa "
        "você está são foi tem minha meu me te pra tá vou estou nem quem sem à",
        "French": "le la de les des et en un une du que qui dans il est pour au pas sur ne se ce "
        "plus par je avec tout sont cette mais nous ou vous elle on ses leur même aussi moi très "
        "c'est j'ai ça tu était être fait mon ma mes quand aux sans d'un n'est qu'il",
        "German": "der die und in den von zu das mit sich des auf für ist im dem nicht ein eine "
        "als auch es an werden aus er hat dass sie nach bei um am sind noch wie einen über so zum "
        "ich war haben nur oder aber vor zur bis mehr du wir ihr mich mir wenn kein keine man "
        "mein was hab doch schon jetzt",
        "Italian": "il di che e la in un a per non una sono è da con del le si i gli lo ma ho ci "
        "al della dei come più anche mi io se questo questa nel alla ha hai sei tutto quando "
        "perché cosa dalla degli delle ti mio mia era essere molto chi c'è dell'",
        "Dutch": "de het een en van ik te dat die in je niet zijn is was op aan met als voor er "
        "maar om hem dan zou of wat mijn men dit zo door over ze zich bij ook tot mij uit wordt "
        "naar heb hoe heeft geen hebben deze want nog zal iets worden omdat moet goed haar",
    }
)
_LANGUAGES = MappingProxyType(
    {
        word: tuple(
            language for language, words in _FUNCTION_WORDS.items() if word in words.split()
        )
        for word in {word for words in _FUNCTION_WORDS.values() for word in words.split()}
    }
)
_SCRIPTS = MappingProxyType(
    {
        "LATIN": "Latin script",
        "FULLWIDTH": "Latin script",
        "CYRILLIC": "Cyrillic script",
        "ARABIC": "Arabic script",
        "DEVANAGARI": "Devanagari script",
        "CJK": "Chinese characters",
        "HIRAGANA": "Japanese",
        "KATAKANA": "Japanese",
        "HANGUL": "Korean",
        "THAI": "Thai",
        "GREEK": "Greek",
        "HEBREW": "Hebrew script",
    }
)
_OTHER = "other script"
_LATIN, _JAPANESE = "Latin script", "Japanese"
NAMES = (
    *_FUNCTION_WORDS,
    UNCLEAR,
    *dict.fromkeys(script for script in _SCRIPTS.values() if script != _LATIN),
    _OTHER,
    NO_LETTERS,
)


def language(text: str) -> str:
    """One of ``NAMES``; links, mentions and the like should be gone from the text."""
    seen = text[:_MOST]
    letters = seen if seen.isascii() else "".join(filter(str.isalpha, seen))
    if letters.isascii():
        return _latin(seen) if re.search("[A-Za-z]", letters) else NO_LETTERS
    scripts = Counter(map(_script, letters))
    if scripts[_JAPANESE]:  # which is written with Chinese characters as well
        scripts[_JAPANESE] += scripts.pop("Chinese characters", 0)
    script, _ = scripts.most_common(1)[0]
    return _latin(seen) if script == _LATIN else script


@lru_cache(4096)
def _script(letter: str) -> str:
    return _SCRIPTS.get(name(letter, "").partition(" ")[0], _OTHER)


def _latin(text: str) -> str:
    text = text.lower().replace("\u2019", "'")
    if _NOT_THEIRS.search(text):
        return UNCLEAR
    words = {*_WORD.findall(text)}
    found = Counter(language for word in words for language in _LANGUAGES.get(word, ()))
    (first, hits), (_, next_hits) = [*found.most_common(2), ("", 0), ("", 0)][:2]
    is_named = hits > next_hits and hits >= max(_LEAST, _SHARE * len(words))
    return first if is_named else UNCLEAR
