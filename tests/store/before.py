"""Puts as the version before did, whose script lies beside: it kept no tallies."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import msgspec

from sentiserve.store import redis_keys as keys
from sentiserve.store.redis import RedisStore
from sentiserve.store.redis_values import encoded, micros
from sentiserve.types import Prediction

_PUT = (Path(__file__).parent / "redis_put_before.lua").read_text("utf-8")
_HOUR = 3_600_000_000  # microseconds
_GRACE = 60 * 60 * 1000  # milliseconds


async def put_before(store: RedisStore, predictions: Sequence[Prediction], ttl: timedelta) -> None:
    """Put them one by one, through the store's connection."""
    shards = len(store._posts.shards)
    for prediction in predictions:
        shard = keys.shard_of(prediction.post.ref, shards)
        await store._connection.run(_put(shard, prediction, ttl))


def _put(shard: int, prediction: Prediction, ttl: timedelta) -> tuple[str | bytes | int, ...]:
    post, model = prediction.post, prediction.model_id
    arguments = (
        keys.member(post.ref),
        micros(prediction.predicted_at + ttl) // 1000,
        micros(prediction.seen_at),
        (post.author_handle or "").casefold(),
        keys.model(post.ref.platform, model),
        f"{micros(prediction.seen_at) // _HOUR}:{prediction.sentiment.label}",
    )
    head = (keys.prefix(shard), keys.scope(model), model, _GRACE)
    packed = msgspec.msgpack.encode([arguments])
    return ("EVAL", _PUT, 1, keys.post(shard, post.ref, model), *head, packed, encoded(prediction))
