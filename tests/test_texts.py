"""Which texts can be classified."""

import pytest

from sentiserve.errors import BadInputError
from sentiserve.texts import MAX_CHARACTERS, checked_text, unescaped


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "0",
        " hello ",
        "🎉",
        "\u200d",
        "tab\tline\n",
        "\x01",
        "x" * MAX_CHARACTERS,
        "🎉" * MAX_CHARACTERS,
    ],
    ids=lambda text: ascii(text[:10]),
)
def test_a_usable_text_comes_back_as_it_is(text: str) -> None:
    """Nothing is trimmed or replaced."""
    assert checked_text(text) is text


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "must be a string"),
        (5, "must be a string"),
        (b"bytes", "must be a string"),
        (["a"], "must be a string"),
        ({"text": "a"}, "must be a string"),
        ("", "is empty"),
        (" \t\r\n\u00a0\u2003", "is empty"),
        ("x" * (MAX_CHARACTERS + 1), "100,001 characters; 100,000 are the most"),
        ("a\0b", "NUL"),
        ("a\ud800b", "surrogate"),
        ("\udfff", "surrogate"),
    ],
)
def test_any_other_value_says_what_is_wrong(value: object, reason: str) -> None:
    """The reason is fit for the caller and doesn't repeat the text."""
    with pytest.raises(BadInputError, match=reason):
        checked_text(value)


@pytest.mark.parametrize(
    ("escaped", "text"),
    [
        ("Tom &amp; Ann &lt;3 &#128512; &#x1f600; &eacute;", "Tom & Ann <3 😀 😀 é"),
        ("&amp;lt; & &unheard; &#", "&lt; & &unheard; &#"),
        ("a&#" + "1" * 90_000 + ";b", "a\ufffdb"),
        ("a&#x" + "1" * 90_000 + ";b", "a\ufffdb"),
    ],
    ids=lambda text: text[:10],
)
def test_escapes_are_undone_whatever_they_are(escaped: str, text: str) -> None:
    """A number of thousands of digits is no character, and no reason to fail."""
    assert unescaped(escaped) == text
