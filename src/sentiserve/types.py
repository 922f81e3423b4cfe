"""What flows through sentiserve: posts, sentiments, predictions and their aggregates.

What stores keep are structs rather than dataclasses: msgspec makes them from bytes in one go.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from types import MappingProxyType
from typing import Self

import msgspec

from sentiserve.hashtags import hashtags_in

TEXT = "text"  # the platform of bare texts


class PostRef(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Which post, whatever its URL looked like: ids are strings, unique on their platform."""

    platform: str
    id: str


class Author(msgspec.Struct, frozen=True):
    """Somebody who posts; by the id on their platform, or by the handle where there is no id."""

    platform: str
    author: str


class Hashtag(msgspec.Struct, frozen=True):
    """A hashtag as ``Post.hashtags`` gives it: without ``#``, case-folded."""

    hashtag: str


class Prefix(msgspec.Struct, frozen=True):
    """The posts whose ``PLATFORM/ID`` begins with this text, literally."""

    text: str


class Post(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A post as its source gave it; times are aware, in UTC."""

    ref: PostRef
    text: str
    url: str | None = None
    author_id: str | None = None
    author_handle: str | None = None
    created_at: datetime | None = None

    @classmethod
    def of_text(cls, text: str) -> Self:
        """A bare text as a post: the same text is the same post."""
        return cls(PostRef(TEXT, sha256(text.encode()).hexdigest()[:32]), text)

    @property
    def author(self) -> str | None:
        """The author's id, or the handle where the source gives no id."""
        return self.author_id or self.author_handle

    @property
    def entities(self) -> tuple[Author | Hashtag, ...]:
        """Whom and what the post counts for."""
        author = (Author(self.ref.platform, self.author),) if self.author else ()
        return author + tuple(map(Hashtag, self.hashtags))

    def is_one_of(self, what: PostRef | Author | Prefix) -> bool:
        """Whether it is that post, by that author (id, or handle in any case), or begins so."""
        match what:
            case Author(platform, author):
                handle = None if self.author_handle is None else self.author_handle.casefold()
                is_named = author == self.author_id or author.casefold() == handle
                return bool(author) and self.ref.platform == platform and is_named
            case Prefix(text):
                return f"{self.ref.platform}/{self.ref.id}".startswith(text)
        return self.ref == what

    @property
    def hashtags(self) -> tuple[str, ...]:
        """The text's first hashtags without ``#``, case-folded, each once; no mere numbers."""
        return hashtags_in(self.text)


class Sentiment(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a model says of a text: a score for each of its labels, adding up to 1."""

    scores: Mapping[str, float]
    truncated: bool = False

    @property
    def label(self) -> str:
        """The label with the highest score."""
        return max(self.scores, key=self.scores.__getitem__)


class Prediction(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A post with its sentiment: what a store keeps, under the post and the model id."""

    post: Post
    sentiment: Sentiment
    model_id: str
    predicted_at: datetime

    @property
    def seen_at(self) -> datetime:
        """When the post was written, or if that is unknown, when it was predicted."""
        return self.post.created_at or self.predicted_at


class FeedKind(StrEnum):
    """What posts can be read in sequence."""

    USER = "user"
    TAG = "tag"
    HOME = "home"
    STREAM = "stream"


@dataclass(frozen=True, slots=True)
class FeedQuery:
    """Which posts to read in sequence.

    Attributes:
        names: a user's handle, a hashtag without ``#``, or for a stream any number of hashtags;
            empty for the home timeline.
        since: leaves out posts written before it.
        limit: no more posts than these are needed.
    """

    kind: FeedKind
    names: tuple[str, ...] = ()
    since: datetime | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Some posts of a feed.

    Attributes:
        deleted: posts that their authors took back meanwhile.
        cursor: what to go on with after this page; None where the feed ends.
    """

    posts: Sequence[Post]
    deleted: Sequence[PostRef] = ()
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What a model says of itself."""

    name: str
    revision: str
    id: str
    labels: tuple[str, ...]
    max_tokens: int
    preprocessing: str
    format: str
    licence: str
    quality: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    temperature: float = 1.0


class Entity(StrEnum):
    """What predictions can be aggregated by."""

    AUTHOR = "author"
    HASHTAG = "hashtag"


@dataclass(frozen=True, slots=True)
class AggregateQuery:
    """Which aggregates: the most active first, of one model, and only what is asked for.

    Attributes:
        name: an author's id or handle, or a hashtag without ``#``; None for all.
        since: leaves out posts seen before it.
    """

    entity: Entity
    model_id: str
    name: str | None = None
    platform: str | None = None
    since: datetime | None = None
    limit: int = 20


@dataclass(frozen=True, slots=True)
class Aggregate:
    """Sentiment of all posts of one author or hashtag.

    Attributes:
        platform: the author's platform; None for a hashtag.
        name: the author's id (or handle, where a source gives no id), or the hashtag.
        counts: posts per label.
        mean_scores: mean score per label.
    """

    platform: str | None
    name: str
    handle: str | None
    counts: Mapping[str, int]
    mean_scores: Mapping[str, float]
    first_seen: datetime
    last_seen: datetime

    @property
    def posts(self) -> int:
        """How many posts."""
        return sum(self.counts.values())


class Step(StrEnum):
    """Into what stretches of time posts are counted; days are UTC's."""

    HOUR = "hour"
    DAY = "day"

    @property
    def length(self) -> timedelta:
        """How long a stretch is."""
        return timedelta(hours=1) if self is Step.HOUR else timedelta(days=1)

    def start_of(self, time: datetime) -> datetime:
        """The beginning of the stretch that holds a time; in UTC."""
        time = time.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        return time if self is Step.HOUR else time.replace(hour=0)


@dataclass(frozen=True, slots=True)
class TimelineQuery:
    """Which posts to count over time, of one model.

    Attributes:
        hashtag: as ``Post.hashtags`` gives it; None for all posts.
        since: leaves out the stretches that are over by then; the one that holds it is whole.
    """

    model_id: str
    step: Step
    hashtag: str | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Stretch:
    """The posts seen in one hour or day.

    Attributes:
        start: aware, in UTC.
        counts: posts per label; one that no post has may be missing.
    """

    start: datetime
    counts: Mapping[str, int]

    @property
    def posts(self) -> int:
        """How many posts."""
        return sum(self.counts.values())


class Feedback(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The true label of a post, by somebody who read it; the newest one counts."""

    ref: PostRef
    label: str
    given_at: datetime


class Judgement(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a model said of a post, beside its true label."""

    prediction: Prediction
    feedback: Feedback

    @property
    def is_right(self) -> bool:
        """Whether the model said the true label."""
        return self.prediction.sentiment.label == self.feedback.label
