"""Each kind of text is told from the others, and has its own figures."""

import pytest

from sentiserve.models.labelled import Labelled
from sentiserve.models.slices import SLICES, SliceFigures, by_slice
from sentiserve.types import Sentiment

A = Sentiment({"a": 0.9, "b": 0.1})
B = Sentiment({"a": 0.2, "b": 0.8})

INSIDE = [
    ("up to 10 words", "word " * 10),
    ("11 to 20 words", "word " * 11),
    ("11 to 20 words", "word " * 20),
    ("over 20 words", "word " * 21),
    ("negation", "This is NOT what I ordered"),
    ("negation", "it isn't late"),
    ("negation", "it isn\u2019t late"),
    ("negation", "dont go"),
    ("negation", "No."),
    ("emoji", "soup 🍜"),
    ("emoji", "love \u2764\ufe0f"),
    ("emoji", "from 🇵🇱"),
    ("hashtag", "a #lovely day"),
    ("mention", "thanks @someone"),
    ("link", "see HTTPS://example.org/a"),
    ("all caps", "this is VERY GOOD news"),
    ("all caps", "I'M DONE, really"),
]
OUTSIDE = [
    ("up to 10 words", "word " * 11),
    ("11 to 20 words", "word " * 10),
    ("over 20 words", "word " * 20),
    ("negation", "nothings, knots and a notice"),
    ("emoji", "(c) 2024 :-) \u2013 ça va"),
    ("hashtag", "we are #1"),
    ("mention", "write to me@example.org"),
    ("link", "the http protocol"),
    ("all caps", "I saw A film in the USA"),
    ("all caps", "@SOMEONE #GOOD https://example.org/AB"),
]


@pytest.mark.parametrize(("name", "text"), INSIDE)
def test_a_text_of_the_kind_is_in_the_slice(name: str, text: str) -> None:
    assert SLICES[name](text)


@pytest.mark.parametrize(("name", "text"), OUTSIDE)
def test_a_text_that_only_looks_like_it_is_not(name: str, text: str) -> None:
    assert not SLICES[name](text)


def test_every_text_has_one_length() -> None:
    lengths = ("up to 10 words", "11 to 20 words", "over 20 words")
    for words in range(40):
        assert sum(SLICES[name]("word " * words) for name in lengths) == 1


def test_a_slice_has_the_figures_of_its_texts_alone() -> None:
    data = Labelled(("never", "not now", "no", "fine"), ("a", "a", "b", "b"))
    found = by_slice(("a", "b"), data, [A, B, B, A])
    assert found["negation"] == SliceFigures(3, macro_recall=0.75, accuracy=0.6667)
    assert found["up to 10 words"] == SliceFigures(4, macro_recall=0.5, accuracy=0.5)


def test_a_slice_that_lacks_a_label_has_no_macro_recall() -> None:
    data = Labelled(("never", "fine"), ("a", "b"))
    assert by_slice(("a", "b"), data, [A, A])["negation"] == SliceFigures(1, None, 1.0)


def test_a_slice_without_texts_has_no_figures() -> None:
    data = Labelled(("yes", "fine"), ("a", "b"))
    assert by_slice(("a", "b"), data, [A, A])["emoji"] == SliceFigures(0, None, None)


def test_escaped_characters_count_as_what_they_stand_for() -> None:
    data = Labelled(("it isn&#39;t late", "fine"), ("a", "b"))
    assert by_slice(("a", "b"), data, [A, B])["negation"].texts == 1
