"""Which hashtags a text has, as the platforms see it."""

import re
from itertools import takewhile
from unicodedata import category

MAX_HASHTAGS = 50  # of a text, its first: stores write an entry for each, and texts may be long
_MAX_TAG = 100  # characters; X's own limit for a hashtag
_HASH = re.compile(r"#(?<![\w&#/]#)(?=(\w\S{0,100}))")  # the literal first: that is found fast
_WORD = re.compile(r"\w+")
_JOINERS = "_\u200c\u200d"


def hashtags_in(text: str) -> tuple[str, ...]:
    """The text's first hashtags without ``#``, case-folded, each once; no mere numbers."""
    if "#" not in text:
        return ()
    distinct: dict[str, None] = {}
    for found in _HASH.finditer(text):
        tag = _tag(found[1])
        if len(tag) <= _MAX_TAG and any(map(str.isalpha, tag)):
            distinct[tag.casefold()] = None
        if len(distinct) == MAX_HASHTAGS:
            break
    return tuple(distinct)


def _tag(run: str) -> str:
    """The hashtag that a run of characters begins with."""
    if run.isascii():  # most are, and this is quicker
        return _WORD.match(run)[0]  # type: ignore[index]  # it begins with a word
    return "".join(takewhile(_in_tag, run))


def _in_tag(character: str) -> bool:
    """Letters and digits of any script, with the marks that combine with them."""
    return character.isalnum() or character in _JOINERS or category(character)[0] == "M"
