"""Sentiment of authors and hashtags, and over time."""

from datetime import datetime
from typing import Any

from pydantic import Field

from sentiserve.api.schemas.wire import Wire
from sentiserve.types import Aggregate, Step, Stretch


class AuthorOut(Wire):
    """Sentiment of an author's posts."""

    platform: str
    author: str = Field(description="The author's id, or handle where a source gives no id.")
    handle: str | None
    posts: int
    counts: dict[str, int] = Field(description="Posts per label.")
    mean_scores: dict[str, float]
    first_seen: datetime
    last_seen: datetime

    @classmethod
    def of(cls, aggregate: Aggregate) -> "AuthorOut":
        """An author's aggregate as it goes out."""
        platform = aggregate.platform or ""
        return cls(
            platform=platform, author=aggregate.name, handle=aggregate.handle, **_figures(aggregate)
        )


class HashtagOut(Wire):
    """Sentiment of the posts with a hashtag."""

    hashtag: str
    posts: int
    counts: dict[str, int] = Field(description="Posts per label.")
    mean_scores: dict[str, float]
    first_seen: datetime
    last_seen: datetime

    @classmethod
    def of(cls, aggregate: Aggregate) -> "HashtagOut":
        """A hashtag's aggregate as it goes out."""
        return cls(hashtag=aggregate.name, **_figures(aggregate))


class AuthorsOut(Wire):
    """The most active authors first."""

    authors: list[AuthorOut]


class HashtagsOut(Wire):
    """The most used hashtags first."""

    hashtags: list[HashtagOut]


class StretchOut(Wire):
    """An hour or day in which posts were seen."""

    start: datetime
    posts: int
    counts: dict[str, int] = Field(description="Posts per label.")

    @classmethod
    def of(cls, stretch: Stretch) -> "StretchOut":
        """A stretch as it goes out."""
        return cls(start=stretch.start, posts=stretch.posts, counts=dict(stretch.counts))


class TimelineOut(Wire):
    """Sentiment over time, oldest first; stretches without posts are left out."""

    step: Step
    stretches: list[StretchOut]


def _figures(aggregate: Aggregate) -> dict[str, Any]:
    return {
        "posts": aggregate.posts,
        "counts": dict(aggregate.counts),
        "mean_scores": {label: round(mean, 6) for label, mean in aggregate.mean_scores.items()},
        "first_seen": aggregate.first_seen,
        "last_seen": aggregate.last_seen,
    }
