"""A prediction as a row of a SQLite store; times are microseconds."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from sentiserve.types import Post, PostRef, Prediction, Sentiment

PREDICTION = """
p.platform, p.id, p.text, p.url, p.author_id, p.author_handle, p.created_at, p.scores, p.truncated,
    p.predicted_at
"""
UNIT = 2**36
"""Scores are added up as whole numbers of this fraction of 1: sums of floats would drift, as posts
come and go. A mean is right to 1e-11, and a hundred million posts have room."""
AUTHOR = "coalesce(nullif(p.author_id, ''), nullif(p.author_handle, ''))"
SEEN = "coalesce(p.created_at, p.predicted_at)"
HOUR = 3_600_000_000  # microseconds
MANY = 100
"""Posts of an author or hashtag from which on it has a place in the order of those that have most:
the very many that have few would be moved with each post, and are hardly ever asked for."""
_EPOCH = datetime.fromtimestamp(0, UTC)
_MICROSECOND = timedelta(microseconds=1)
SCORES = msgspec.json.Decoder(dict[str, float])


def row_of(prediction: Prediction, ttl: int) -> tuple[Any, ...]:
    """The columns in the table's order; ``ttl`` is in microseconds."""
    post, sentiment = prediction.post, prediction.sentiment
    predicted_at = micros(prediction.predicted_at)
    return (
        post.ref.platform,
        post.ref.id,
        prediction.model_id,
        post.text,
        post.url,
        post.author_id,
        post.author_handle,
        None if post.created_at is None else micros(post.created_at),
        sentiment.label,
        msgspec.json.encode(sentiment.scores).decode(),
        sentiment.truncated,
        predicted_at,
        predicted_at + ttl,
    )


def prediction_of(row: Sequence[Any], model_id: str) -> Prediction:
    """The prediction in the columns of ``PREDICTION``."""
    platform, post_id, text, url, author_id, author_handle, created_at, scores, truncated, at = row
    return Prediction(
        post=Post(
            ref=PostRef(platform, post_id),
            text=text,
            url=url,
            author_id=author_id,
            author_handle=author_handle,
            created_at=None if created_at is None else time_of(created_at),
        ),
        sentiment=Sentiment(SCORES.decode(scores), bool(truncated)),
        model_id=model_id,
        predicted_at=time_of(at),
    )


def micros(time: datetime) -> int:
    """Microseconds since 1970."""
    return (time - _EPOCH) // _MICROSECOND


def time_of(micros: int) -> datetime:
    """The time so many microseconds after 1970, in UTC."""
    return _EPOCH + micros * _MICROSECOND


def floored(time: str, length: int) -> str:
    """SQL for how many lengths of time had passed; SQLite's own division rounds towards zero."""
    return f"(({time}) - ((({time}) % {length}) + {length}) % {length}) / {length}"
