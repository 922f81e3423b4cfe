"""Which texts can be classified, and what a person reads of them."""

import re
from html import unescape

from sentiserve.errors import BadInputError

MAX_CHARACTERS = 100_000
_NO_CHARACTER = re.compile(r"&#[0-9]{100,};?")


def checked_text(text: object) -> str:
    """The text as it came, if it is one.

    Raises:
        BadInputError: it is no string, empty or blank, too long, or no valid Unicode.
    """
    if not isinstance(text, str):
        raise BadInputError("the text must be a string")
    if not text.strip():
        raise BadInputError("the text is empty")
    if len(text) > MAX_CHARACTERS:
        raise BadInputError(
            f"the text has {len(text):,} characters; {MAX_CHARACTERS:,} are the most"
        )
    if "\0" in text:
        raise BadInputError("the text holds a NUL character")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadInputError("the text holds a lone surrogate, which is no character") from None
    return text


def unescaped(text: str) -> str:
    """The text with the characters that its HTML escapes mean, whatever they are.

    ``int()``, by which the standard library reads their numbers, refuses thousands of digits.
    """
    return unescape(_NO_CHARACTER.sub("\ufffd", text) if "&#" in text else text)
