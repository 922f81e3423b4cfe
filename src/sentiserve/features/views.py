"""The feature views: which features there are, and which keys find them.

The words are Feast's: an entity is found by its join keys; a feature is named ``view:feature``
where it is asked for, and ``view__feature`` where it is given.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sentiserve.errors import BadInputError

SPANS = (1, 7, 30)  # days


@dataclass(frozen=True, slots=True)
class Feature:
    """One column of a view.

    Attributes:
        what: ``label``, ``score``, ``posts``, ``count`` or ``mean``.
        label: the label that a score, count or mean is of.
        days: the span that posts, counts and means are over.
    """

    view: str
    what: str
    label: str | None = None
    days: int | None = None

    @property
    def name(self) -> str:
        """The name within the view: ``count_positive_7d``, say."""
        days = None if self.days is None else f"{self.days}d"
        return "_".join(part for part in (self.what, self.label, days) if part is not None)

    @property
    def full_name(self) -> str:
        """The name among other views' features: ``author_sentiment__count_positive_7d``, say."""
        return f"{self.view}__{self.name}"


@dataclass(frozen=True, slots=True)
class FeatureView:
    """Features of one kind of entity."""

    name: str
    join_keys: tuple[str, ...]

    def features(self, labels: Sequence[str]) -> list[Feature]:
        """All of them, for a model's labels."""
        if self is POST_SENTIMENT:
            scores = [Feature(self.name, "score", label) for label in labels]
            return [Feature(self.name, "label"), *scores]
        return [
            feature
            for days in SPANS
            for feature in (
                Feature(self.name, "posts", days=days),
                *(Feature(self.name, "count", label, days) for label in labels),
                *(Feature(self.name, "mean", label, days) for label in labels),
            )
        ]


POST_SENTIMENT = FeatureView("post_sentiment", ("platform", "id"))
AUTHOR_SENTIMENT = FeatureView("author_sentiment", ("platform", "author"))
HASHTAG_SENTIMENT = FeatureView("hashtag_sentiment", ("hashtag",))
VIEWS = {view.name: view for view in (POST_SENTIMENT, AUTHOR_SENTIMENT, HASHTAG_SENTIMENT)}


def choose_features(names: Sequence[str], labels: Sequence[str]) -> list[Feature]:
    """The features of these names, each once; a view's name alone means all of its features.

    Raises:
        BadInputError: there is no such view or feature; the text lists those that there are.
    """
    if isinstance(names, str):  # a sequence, too, but of characters
        raise BadInputError(f"features is the text {names!r}; give a list: [{names!r}]")
    chosen: dict[Feature, None] = {}
    for name in names:
        view_name, separator, feature_name = name.partition(":")
        view = VIEWS.get(view_name)
        if view is None:
            raise BadInputError(f"there is no feature view {view_name!r}; {_known(VIEWS)}")
        features = {feature.name: feature for feature in view.features(labels)}
        if not separator:
            chosen |= dict.fromkeys(features.values())
        elif feature_name in features:
            chosen[features[feature_name]] = None
        else:
            raise BadInputError(f"{view_name} has no feature {feature_name!r}; {_known(features)}")
    if not chosen:
        raise BadInputError(f"name the features that are wanted; {_known(VIEWS)}")
    return list(chosen)


def _known(names: Iterable[str]) -> str:
    return f"there are {', '.join(names)}"
