"""A prediction as a row of a SQLite store; times are microseconds."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from sentiserve.types import Post, PostRef, Prediction, Sentiment

GET = """
SELECT platform, id, text, url, author_id, author_handle, created_at, scores, truncated,
    predicted_at
FROM predictions WHERE platform = ? AND id = ? AND model_id = ? AND expires_at > ?
"""
_EPOCH = datetime.fromtimestamp(0, UTC)
_MICROSECOND = timedelta(microseconds=1)
_SCORES = msgspec.json.Decoder(dict[str, float])


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


def prediction_of(row: Sequence[Any] | None, model_id: str) -> Prediction | None:
    """The prediction of a row that ``GET`` found; None if there is no row."""
    if row is None:
        return None
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
        sentiment=Sentiment(_SCORES.decode(scores), bool(truncated)),
        model_id=model_id,
        predicted_at=time_of(at),
    )


def micros(time: datetime) -> int:
    """Microseconds since 1970."""
    return (time - _EPOCH) // _MICROSECOND


def time_of(micros: int) -> datetime:
    """The time so many microseconds after 1970, in UTC."""
    return _EPOCH + micros * _MICROSECOND
