"""Texts are prepared as in the model's training data."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentiserve.errors import BundleError
from sentiserve.models.preprocessing import preprocessing, tweet


@pytest.mark.parametrize(
    ("posted", "prepared"),
    [
        ("@ana thanks!", "@user thanks!"),
        (".@ana (@bob_99) hi", ".@user (@user) hi"),
        ("mail me at ana@example.org", "mail me at ana@example.org"),
        ("@ alone", "@ alone"),
        ("see https://example.org/a?b=c#d now", "see http now"),
        ("HTTP://EXAMPLE.ORG", "http"),
        ("fish &amp; chips &lt;3 &#39;yes&#39;", "fish & chips <3 'yes'"),
        ("link&#58; https://example.org/&amp;", "link: http"),
        ("a number &#" + "1" * 9_000 + "; of no character", "a number \ufffd of no character"),
        ("no change, none at all", "no change, none at all"),
    ],
)
def test_mentions_and_links_become_placeholders_and_escapes_are_undone(
    posted: str, prepared: str
) -> None:
    assert tweet(posted) == prepared


@given(st.text())
def test_any_text_can_be_prepared(text: str) -> None:
    assert isinstance(tweet(text), str)


def test_none_leaves_the_text_alone() -> None:
    assert preprocessing("none")("@ana &amp;") == "@ana &amp;"


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(BundleError, match="tweet-v1"):
        preprocessing("tweet-v0")
