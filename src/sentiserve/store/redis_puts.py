"""What a put sends to Redis."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

import msgspec

from sentiserve.store import redis_keys as keys
from sentiserve.store.redis_connection import Command
from sentiserve.store.redis_scripts import PUT, counting
from sentiserve.store.redis_tally import UNIT
from sentiserve.store.redis_values import encoded, micros
from sentiserve.types import Prediction

_HOUR = 3_600_000_000  # microseconds
_GRACE = 60 * 60 * 1000  # milliseconds that a set may outlive its last post, empty
_BATCH = 50  # posts in one script, which nothing can interrupt
_ENTRIES = 250  # of authors and hashtags in one script, if it puts more than one post


def put(shard: int, model_id: str, batch: Sequence[Prediction], ttl: timedelta) -> Command:
    """The command that keeps a model's predictions; it answers 0 if there is to sweep first."""
    labels = list(dict.fromkeys(label for p in batch for label in p.sentiment.scores))
    places = {label: place for place, label in enumerate(labels, 1)}
    packed = msgspec.msgpack.encode([labels, [_arguments(p, ttl, places) for p in batch]])
    posts = keys.posts(shard, (prediction.post.ref for prediction in batch), model_id)
    lives = ttl // timedelta(milliseconds=1)
    return counting(
        PUT, posts, shard, model_id, _GRACE, lives, packed, *(encoded(p) for p in batch)
    )


def batches(predictions: Sequence[Prediction]) -> Iterator[Sequence[Prediction]]:
    """As many as one script puts."""
    batch: list[Prediction] = []
    entries = 0
    for prediction in predictions:
        more = len(prediction.post.entities)
        if batch and (len(batch) == _BATCH or entries + more > _ENTRIES):
            yield batch
            batch, entries = [], 0
        batch.append(prediction)
        entries += more
    if batch:
        yield batch


def _arguments(
    prediction: Prediction, ttl: timedelta, places: dict[str, int]
) -> tuple[str, int, int, str, str, int, int, str, list[int]]:
    post, sentiment = prediction.post, prediction.sentiment
    seen, handle = micros(prediction.seen_at), post.author_handle or ""
    scores: list[int] = []
    for label, score in sentiment.scores.items():
        scores += places[label], round(score * UNIT)
    return (
        keys.member(post.ref),
        micros(prediction.predicted_at + ttl) // 1000,
        seen,
        handle.casefold(),
        keys.model(post.ref.platform, prediction.model_id),
        seen // _HOUR,
        places[sentiment.label],
        handle,
        scores,
    )
