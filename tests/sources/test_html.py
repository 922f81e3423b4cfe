"""What a person reads of HTML."""

import time
from html import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentiserve.errors import BadInputError
from sentiserve.sources.html import text_of_html


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("", ""),
        ("plain", "plain"),
        ("<p>Hello world</p>", "Hello world"),
        ("<p>one<br>two<br/>three<br />four</p>", "one\ntwo\nthree\nfour"),
        ("<p>one</p><p>two</p>", "one\n\ntwo"),
        ("<p>one<p>two", "one\n\ntwo"),
        ("<p>one</p>\n\n  <p>two</p>", "one\n\ntwo"),
        ("<p>one<br><br><br><br>two</p>", "one\n\ntwo"),
        ("<p>a  b\n\tc</p>", "a b c"),
        ("<pre>a\nb</pre>c\nd", "a\nb\n\nc d"),
        ("<ul><li>one</li><li>two</li></ul>", "one\n\ntwo"),
        ("<p>Tom &amp; Ann &lt;3 &#128512; &eacute;&nbsp;!</p>", "Tom & Ann <3 😀 é\xa0!"),
        ("&amp;lt;", "&lt;"),
        ("5 < 6 and 7 > 6", "5 < 6 and 7 > 6"),
        ("<3 you", "<3 you"),
        ('<p>#<span>cats</span> <a href="https://a.example/?x>y">link</a></p>', "#cats link"),
        ("<b>bo</b>ld", "bold"),
        ("<P>UPPER<BR>CASE</P>", "UPPER\nCASE"),
        ("a<!-- > <p> -->b<!doctype html>c<?php x ?>d", "abcd"),
        ("a</nowhere>b</p>c", "abc"),
        ("a<script>alert('<p>x</p>')</script>b<style>p {}</style>c", "abc"),
        ("a<SCRIPT>x</sCript >b", "ab"),
        ("a<script>never closed", "a"),
        ('a<b title="never closed>b', "a"),
        ("a<b", "a"),
        ("a<img src=x>b<hr>c", "ab\n\nc"),
    ],
)
def test_text_is_what_a_person_reads(html: str, text: str) -> None:
    assert text_of_html(html) == text


def test_links_read_as_mastodon_shows_them() -> None:
    """The ends of a long link are hidden, and three dots show that it was cut."""
    html = (
        '<p>See <a href="https://example.org/a/long/path"><span class="invisible">https://</span>'
        '<span class="ellipsis">example.org/a/lo</span><span class="invisible">ng/path</span></a>!'
    )
    assert text_of_html(html) == "See example.org/a/lo…!"


def test_the_link_to_a_quoted_post_is_not_read() -> None:
    html = '<p class="quote-inline">RE: <a href="x">y</a></p><p>How true.</p>'
    assert text_of_html(html) == "How true."


@pytest.mark.parametrize(
    "attributes",
    ["class='invisible'", "class=invisible", 'id=1 CLASS="a invisible"', 'class = "invisible"'],
)
def test_a_class_counts_however_it_is_written(attributes: str) -> None:
    assert text_of_html(f"<p>a<span {attributes}>b<i>c</i></span>d</p>") == "ad"


@pytest.mark.parametrize(
    "attributes", ['data-class="invisible"', 'class="invisible-not"', 'title="class"']
)
def test_only_the_class_hides(attributes: str) -> None:
    assert text_of_html(f"<p>a<span {attributes}>b</span></p>") == "ab"


def test_what_is_hidden_ends_with_what_is_around_it() -> None:
    assert text_of_html('<p>a<span class="invisible">b</p><p>c</p>') == "a\n\nc"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<blockquote>x<p>one<br>two</p>&mdash; Ella <p>three</p></blockquote>", "one\ntwo"),
        ("x<p>one<p>two", "one"),
        ("<blockquote><p>one</blockquote>two", "one"),
        ("<p>one<div>two</div>", "one"),
        ("<p></p><p>two</p>", ""),
        ("none", ""),
    ],
)
def test_the_first_paragraph_alone_can_be_had(html: str, text: str) -> None:
    assert text_of_html(html, first_paragraph=True) == text


@pytest.mark.parametrize(
    "piece",
    [
        "<", "<a", "<a ", "<!--", "<!", "</", "</a ", "<?", "<![", "&", "&#", "<a b='", '<a b="',
        "<a b=", "<a b=c ", "<a\n/", "<b>", "<b></i>", "<p>", "<script>", "<script", "</script",
        " ", "\n", "<i> </i>", "<p class=invisible>", "&#9", "9", "<a = ", "<a =  '",
        "<span class=ellipsis>", "<p class=&#",
    ],
)  # fmt: skip
def test_no_html_takes_long(piece: str) -> None:
    """The longest fragment takes a second at most, whatever it repeats."""
    start = time.process_time()
    text_of_html(piece * (100_000 // len(piece)))
    text_of_html("&#" + piece * (100_000 // len(piece)))
    assert time.process_time() - start < 8  # some tenths of a second; by the square, minutes


def test_a_class_of_any_characters_is_a_class() -> None:
    assert text_of_html(f'<p class="&#{"1" * 9_000};">a</p>') == "a"


def test_html_is_bounded() -> None:
    with pytest.raises(BadInputError, match="characters"):
        text_of_html("<b>" * 100_000)


PIECES = [
    "<p>", "</p>", "<br>", "<span class='invisible'>", "</span>", "<script>", "</script>", "<!--",
    "-->", "<div>", "</div>", "<pre>", "</pre>", "&lt;", "text", " ", "\n",
]  # fmt: skip
MARKUP = st.text("<>/!-?&#;=\"' \nabp93") | st.lists(st.sampled_from(PIECES)).map("".join)


@given(html=st.text() | MARKUP, first_paragraph=st.booleans())
def test_any_html_is_some_text(*, html: str, first_paragraph: bool) -> None:
    """Whatever it is, it reads as a text without blanks around it or gaps in it."""
    text = text_of_html(html, first_paragraph=first_paragraph)
    assert text == text.strip()
    assert "\n\n\n" not in text


@given(st.text("abc <>&é\"'", min_size=1))
def test_escaped_text_reads_as_it_was(text: str) -> None:
    """Text that was made into HTML is that text again."""
    assert text_of_html(f"<p>{escape(text)}</p>") == " ".join(text.split())
