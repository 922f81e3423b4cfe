"""A prediction as the journal and the history keep it: one flat row."""

from collections.abc import Mapping
from datetime import datetime
from typing import Self

import msgspec

from sentiserve.types import Post, PostRef, Prediction, Sentiment


class Record(msgspec.Struct, frozen=True, gc=False):
    """What was predicted, and when it was taken to be kept.

    Attributes:
        author: what features call the author by: the id, or the handle where there is none.
        seen_at: when the post was written, or if that is unknown, when it was predicted.
        event_timestamp: when it was predicted; of two records of a post the later one wins.
        created_timestamp: when it was taken to be kept; serving doesn't know it before.
    """

    platform: str
    id: str
    model_id: str
    text: str
    url: str | None
    author_id: str | None
    author_handle: str | None
    author: str | None
    hashtags: tuple[str, ...]
    created_at: datetime | None
    seen_at: datetime
    label: str
    scores: Mapping[str, float]
    truncated: bool
    event_timestamp: datetime
    created_timestamp: datetime

    @classmethod
    def of(cls, prediction: Prediction, taken_at: datetime) -> Self:
        """The row of a prediction that is taken now."""
        post, sentiment = prediction.post, prediction.sentiment
        return cls(
            platform=post.ref.platform,
            id=post.ref.id,
            model_id=prediction.model_id,
            text=post.text,
            url=post.url,
            author_id=post.author_id,
            author_handle=post.author_handle,
            author=post.author,
            hashtags=post.hashtags,
            created_at=post.created_at,
            seen_at=prediction.seen_at,
            label=sentiment.label,
            scores=sentiment.scores,
            truncated=sentiment.truncated,
            event_timestamp=prediction.predicted_at,
            created_timestamp=taken_at,
        )

    @property
    def prediction(self) -> Prediction:
        """What it was made of."""
        post = Post(
            ref=PostRef(self.platform, self.id),
            text=self.text,
            url=self.url,
            author_id=self.author_id,
            author_handle=self.author_handle,
            created_at=self.created_at,
        )
        sentiment = Sentiment(self.scores, self.truncated)
        return Prediction(post, sentiment, self.model_id, self.event_timestamp)
