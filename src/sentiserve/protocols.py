"""Everything that a new source, store or model must do, on a screen.

``sentiserve.testing`` has a contract suite for each of them.
"""

from collections.abc import AsyncGenerator, Collection, Mapping, Sequence, Sized
from datetime import datetime, timedelta
from typing import Any, Protocol, runtime_checkable

from sentiserve.errors import SentiserveError
from sentiserve.types import (
    Aggregate,
    AggregateQuery,
    Author,
    Feedback,
    FeedKind,
    FeedQuery,
    Hashtag,
    Judgement,
    ModelInfo,
    Page,
    Post,
    PostRef,
    Prediction,
    Prefix,
    Sentiment,
    Stretch,
    TimelineQuery,
)


class Source(Protocol):
    """Where posts come from."""

    def parse(self, url: str) -> PostRef | None:
        """Which post a URL means, without any network; None if this source doesn't know."""

    async def fetch(self, refs: Sequence[PostRef]) -> Sequence[Post | SentiserveError]:
        """The posts, in the order asked; an error in the place of each that can't be had."""

    async def open(self) -> None:
        """Make ready; raises a SourceError or BadInputError that says what to do."""

    async def close(self) -> None:
        """Let go of everything; harmless when never opened."""


class Feed(Protocol):
    """What a source also is that gives posts in sequence."""

    @property
    def feeds(self) -> Collection[FeedKind]:
        """What it can be asked for."""

    def pages(self, query: FeedQuery, cursor: str | None = None) -> AsyncGenerator[Page]:
        """The pages after a page's cursor, or from the start: newest posts first, streams live.

        Raises:
            BadInputError: the names, the cursor or the kind can't be used.
            SourceError: a page can't be had; the last page's cursor goes on from there.
        """


class Store(Protocol):
    """Where predictions are kept, for a limited time; raises StoreError when it can't."""

    async def open(self) -> None:
        """Make ready; raises a StoreError that says what to do, a StoreDownError if time may help.

        It may be called again after it failed.
        """

    async def close(self) -> None:
        """Let go of everything; harmless when never opened."""

    async def check(self) -> None:
        """Return if the store answers now."""

    async def get(self, refs: Sequence[PostRef], model_id: str) -> Sequence[Prediction | None]:
        """What this model said of the posts, in the order asked; None where nothing is kept."""

    async def put(self, predictions: Sequence[Prediction]) -> None:
        """Keep the predictions; of two for the same post and model the newer one wins.

        If it fails, some may be kept; putting them again keeps all, and counts none twice.
        """

    async def aggregate(self, query: AggregateQuery) -> Sequence[Aggregate]:
        """Aggregates, the one with most posts first, then by platform and name."""

    async def windows(
        self,
        entities: Sequence[Author | Hashtag],
        model_id: str,
        spans: Sequence[timedelta],
        now: datetime,
    ) -> Sequence[Sequence[Aggregate | None]]:
        """For each entity, in the order asked, its aggregate over each of the spans.

        A span of a day holds the posts seen after ``now`` less a day, and not after ``now``;
        where there are none, None stands.
        """

    async def timeline(self, query: TimelineQuery) -> Sequence[Stretch]:
        """The hours or days in which posts were seen, oldest first, without those that had none.

        A label that no post of a stretch has may be left out of its counts.
        """

    async def recent(self, model_id: str, limit: int) -> Sequence[Prediction]:
        """What was predicted last, newest first."""

    async def judge(self, feedback: Sequence[Feedback]) -> None:
        """Keep true labels, for as long as what any model said of the post, or longer.

        The post's prediction may come after its true label. Of two labels for a post the newer one
        wins; of two of the same time the one that comes later.
        """

    async def judgements(self, model_id: str, limit: int) -> Sequence[Judgement]:
        """What is kept of this model beside the post's true label, newest label first."""

    async def count(self) -> Mapping[str, int]:
        """How many predictions are kept, by model id; may take long where there are many."""

    async def forget(self, what: PostRef | Author | Prefix) -> int:
        """Remove what any model said of the posts, and return how many predictions that were.

        Their true labels go too. An author's posts are found by id, or by handle in any case.
        """


class Model(Protocol):
    """A text classifier. One thread at a time calls it."""

    @property
    def info(self) -> ModelInfo:
        """What the model says of itself."""

    def predict(self, texts: Sequence[str]) -> Sequence[Sentiment]:
        """A sentiment for each text, in order; each depends on its own text alone."""


@runtime_checkable
class StagedModel(Protocol):
    """What a model also is that can read texts while it computes others.

    Several threads call it at the same time; what ``encode`` gives has a length, in tokens.
    """

    def encode(self, texts: Sequence[str]) -> Sequence[Sized]:
        """What the model reads of each text, in order."""

    def classify(self, encodings: Sequence[Any]) -> Sequence[Sentiment]:
        """A sentiment for each of these, in order; each depends on its own text alone."""
