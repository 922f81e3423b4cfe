"""The feature views and the names of what is in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sentiserve.errors import BadInputError
from sentiserve.history.columns import score_column

SPANS = (1, 7, 30)  # days


@dataclass(frozen=True, slots=True)
class View:
    """A feature view: what it says of an entity, as of a time."""

    name: str
    keys: tuple[str, ...]

    def features(self, labels: Sequence[str]) -> list[str]:
        """The names of its features, for a model with these labels."""
        if self is POSTS:
            return ["label", *map(score_column, labels)]
        return [name for days in SPANS for name in window_features(days, labels)]


def window_features(days: int, labels: Sequence[str]) -> list[str]:
    """What is said of the posts of so many days."""
    counts = [f"count_{label}_{days}d" for label in labels]
    return [f"posts_{days}d", *counts, *[f"mean_{label}_{days}d" for label in labels]]


POSTS = View("post_sentiment", ("platform", "id"))
AUTHORS = View("author_sentiment", ("platform", "author"))
HASHTAGS = View("hashtag_sentiment", ("hashtag",))
VIEWS = {view.name: view for view in (POSTS, AUTHORS, HASHTAGS)}


class Feature(NamedTuple):
    """A feature of a view."""

    view: View
    name: str

    @property
    def column(self) -> str:
        """What a table calls it; Feast's full name."""
        return f"{self.view.name}__{self.name}"


def parse_features(names: Sequence[str], labels: Sequence[str]) -> list[Feature]:
    """The features that are named ``view:feature``.

    Raises:
        BadInputError: there is none of this name, or no name at all.
    """
    known = {
        f"{view.name}:{feature}": Feature(view, feature)
        for view in VIEWS.values()
        for feature in view.features(labels)
    }
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        problem = f"no feature is named {unknown[0]!r}" if unknown else "no feature is named"
        raise BadInputError(f"{problem}; there are {', '.join(known)}")
    return [known[name] for name in dict.fromkeys(names)]
