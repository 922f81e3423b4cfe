"""What flows through sentiserve."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentiserve.hashtags import MAX_HASHTAGS
from sentiserve.types import TEXT, Aggregate, Post, PostRef, Prediction, Sentiment


@pytest.mark.parametrize(
    ("text", "hashtags"),
    [
        ("", ()),
        ("no hashtag", ()),
        ("#one", ("one",)),
        ("#One, #two! (#three) #four.", ("one", "two", "three", "four")),
        ("#b #a", ("b", "a")),
        ("#Sun #SUN #sun", ("sun",)),
        ("#Straße #STRASSE", ("strasse",)),
        ("#Zażółć #日本語 #москва", ("zażółć", "日本語", "москва")),
        ("#snake_case #2026goals #goals2026 #_x", ("snake_case", "2026goals", "goals2026", "_x")),
        ("#1 #2026 #1_000 #___", ()),
        ("# #", ()),
        ("#-x #!", ()),
        ("it&#39;s &#x27;fine&#x27; &#128512;", ()),
        ("a#b x.com/page#part https://x.com/#part", ()),
        ("#a#b", ("a",)),
        ("##double", ()),
        ("“#quoted” -#dash\n#line\t#tab", ("quoted", "dash", "line", "tab")),
        ("🎉#party🎉", ("party",)),
        ("#don't", ("don",)),
    ],
)
def test_hashtags_are_found(text: str, hashtags: tuple[str, ...]) -> None:
    """They are case-folded, in order, each once; numbers, entities and anchors are none."""
    assert Post.of_text(text).hashtags == hashtags


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_has_clean_hashtags(text: str) -> None:
    """No hashtag is there twice, and none holds a space or a number sign."""
    hashtags = Post.of_text(text).hashtags
    assert len(set(hashtags)) == len(hashtags)
    assert not any(set(tag) & set("# \n") for tag in hashtags)


def test_a_text_of_nothing_but_hashtags_counts_for_its_first() -> None:
    """However long it is, stores write no more entries for it."""
    tags = [f"tag{number}" for number in range(10_000)]
    text = " ".join(f"#{tag} #{tag.upper()}" for tag in tags)
    assert Post.of_text(text).hashtags == tuple(tags[:MAX_HASHTAGS])


def test_the_same_text_is_the_same_post() -> None:
    """A text's id depends on the text alone; it has neither URL nor author nor time."""
    post = Post.of_text("Zażółć 🎉")
    assert post == Post.of_text("Zażółć 🎉")
    assert post == Post(PostRef(TEXT, post.ref.id), "Zażółć 🎉")


@pytest.mark.parametrize("text", ["hello", "Hello ", " Hello", "Hello!", "Hell\u006f\u0301"])
def test_another_text_is_another_post(text: str) -> None:
    """Nothing is trimmed, folded or normalised."""
    assert Post.of_text(text).ref != Post.of_text("Hello").ref


def test_the_label_is_the_highest_score() -> None:
    assert Sentiment({"negative": 0.2, "neutral": 0.5, "positive": 0.3}).label == "neutral"
    assert Sentiment({"spam": 0.25, "ham": 0.75}).label == "ham"


def test_of_equal_scores_the_first_label_counts() -> None:
    """So that the label is the same each time."""
    assert Sentiment({"b": 0.5, "a": 0.5}).label == "b"


def test_a_post_was_seen_when_written_or_else_predicted() -> None:
    """The time of writing goes before the time of prediction."""
    early, late = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 9, 1, tzinfo=UTC)
    sentiment = Sentiment({"a": 1.0})
    ref = PostRef("x", "1")
    assert Prediction(Post(ref, "a", created_at=early), sentiment, "m", late).seen_at == early
    assert Prediction(Post(ref, "a"), sentiment, "m", late).seen_at == late


def test_an_aggregate_counts_the_posts_of_all_labels() -> None:
    time = datetime(2026, 1, 1, tzinfo=UTC)
    aggregate = Aggregate("x", "7", None, {"a": 2, "b": 0, "c": 3}, {}, time, time)
    assert aggregate.posts == 5
