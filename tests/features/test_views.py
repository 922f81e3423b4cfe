"""Which features there are."""

import pytest

from sentiserve.errors import BadInputError
from sentiserve.features.views import VIEWS, choose_features

LABELS = ("negative", "positive")


def names(*asked: str) -> list[str]:
    return [feature.full_name for feature in choose_features(asked, LABELS)]


def test_a_feature_is_named_with_its_view() -> None:
    assert names("post_sentiment:label", "hashtag_sentiment:count_positive_7d") == [
        "post_sentiment__label",
        "hashtag_sentiment__count_positive_7d",
    ]


def test_a_views_name_means_all_of_its_features() -> None:
    assert names("post_sentiment") == [
        "post_sentiment__label",
        "post_sentiment__score_negative",
        "post_sentiment__score_positive",
    ]
    assert names("author_sentiment")[:6] == [
        "author_sentiment__posts_1d",
        "author_sentiment__count_negative_1d",
        "author_sentiment__count_positive_1d",
        "author_sentiment__mean_negative_1d",
        "author_sentiment__mean_positive_1d",
        "author_sentiment__posts_7d",
    ]


def test_a_feature_is_given_once_however_often_it_is_asked_for() -> None:
    assert names("post_sentiment:label", "post_sentiment", "post_sentiment:label") == names(
        "post_sentiment"
    )


def test_features_follow_the_models_labels() -> None:
    odd = ("a:b", "with space", "7d")
    found = choose_features(["post_sentiment:score_a:b", "hashtag_sentiment:mean_7d_30d"], odd)
    assert [(feature.label, feature.days) for feature in found] == [("a:b", None), ("7d", 30)]


@pytest.mark.parametrize("view", VIEWS)
def test_no_two_features_of_a_view_share_a_name(view: str) -> None:
    features = VIEWS[view].features(("posts", "label", "1d", "count"))
    assert len({feature.name for feature in features}) == len(features)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("", "post_sentiment, author_sentiment, hashtag_sentiment"),
        ("label", "post_sentiment, author_sentiment, hashtag_sentiment"),
        ("post_sentiment:", "label, score_negative, score_positive"),
        ("post_sentiment:Label", "label, score_negative, score_positive"),
        ("author_sentiment:posts_2d", "posts_1d"),
    ],
)
def test_an_unknown_feature_lists_the_known(asked: str, told: str) -> None:
    with pytest.raises(BadInputError, match=told):
        choose_features([asked], LABELS)


def test_no_feature_at_all_is_refused() -> None:
    with pytest.raises(BadInputError, match="name the features"):
        choose_features([], LABELS)
