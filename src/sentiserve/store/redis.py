"""The shared store: Redis or Valkey, one server or a cluster, for any number of processes.

Each post's prediction is one value. All that belongs to a post, its entries in the sorted sets of
its author's and its hashtags' posts and what it counts for included, lies in one shard, and a
script writes or removes it in one step. So whatever processes write at the same time, in whatever
order, and wherever one of them dies: each post is as if the newest of its predictions had been put
alone. A put that broke off is put again.

A value expires by itself; beside it stands what it was added to, and who puts or reads counts first
takes out of them what has expired. Every key expires with the last that it holds.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import TypeVar

from sentiserve.store import redis_keys as keys
from sentiserve.store.redis_aggregates import Aggregator
from sentiserve.store.redis_connection import Command, Connection
from sentiserve.store.redis_counts import Counts
from sentiserve.store.redis_feedback import Labels
from sentiserve.store.redis_newest import newest
from sentiserve.store.redis_posts import Posts
from sentiserve.store.redis_puts import batches, put
from sentiserve.store.redis_scripts import REMOVE, counting
from sentiserve.store.redis_timelines import timeline
from sentiserve.store.redis_urls import Url, parsed
from sentiserve.store.redis_values import decoded, micros
from sentiserve.types import (
    Aggregate,
    AggregateQuery,
    Author,
    Feedback,
    Hashtag,
    Judgement,
    PostRef,
    Prediction,
    Prefix,
    Stretch,
    TimelineQuery,
)

T = TypeVar("T")

_CLUSTER_SHARDS = 16  # part of every key: another number would find nothing of what was kept
_REMOVE_BATCH = 20  # posts in one script, which nothing can interrupt


class RedisStore:
    """Predictions in Redis.

    One server holds one shard, and so aggregates are read from one place; a cluster has several,
    spread over its nodes.
    """

    def __init__(self, url: Url, ttl: int) -> None:
        """Name the server or cluster, and the seconds to live; ``open`` connects."""
        self._ttl = timedelta(seconds=ttl)
        self._shards = _CLUSTER_SHARDS if url.is_cluster else 1
        self._connection = Connection(url)
        self._posts = Posts(self._connection, self._shards)
        self._counts = Counts(self._connection, self._posts, self._ttl, self.put)
        self._aggregator = Aggregator(self._posts, self._counts, self._ttl)
        self._labels = Labels(self._connection, self._posts, self._ttl)

    async def open(self) -> None:
        """Connect.

        Raises:
            StoreError: there is no server that will do; the text says what to do.
        """
        await self._connection.open()

    async def close(self) -> None:
        """Close the connections."""
        await self._connection.close()

    async def check(self) -> None:
        """Read a key, of each shard."""
        await self._connection.run(
            *(("EXISTS", keys.models(shard)) for shard in range(self._shards))
        )

    async def get(self, refs: Sequence[PostRef], model_id: str) -> list[Prediction | None]:
        """What is kept and not expired."""
        return [decoded(value) for value in await self._posts.values(refs, model_id)]

    async def put(self, predictions: Sequence[Prediction]) -> None:
        """Keep the predictions; if it fails, some are kept, and putting them again keeps all."""
        together: dict[tuple[int, str], list[Prediction]] = defaultdict(list)
        for prediction in predictions:
            shard = keys.shard_of(prediction.post.ref, self._shards)
            together[shard, prediction.model_id].append(prediction)
        waiting = [
            (model_id, put(shard, model_id, batch, self._ttl))
            for (shard, model_id), some in together.items()
            for batch in batches(some)
        ]
        while waiting:
            answers = await self._connection.run(*(command for _, command in waiting))
            waiting = [one for one, is_put in zip(waiting, answers, strict=True) if not is_put]
            for model_id in {model_id for model_id, _ in waiting}:
                await self._counts.sweep(model_id)

    async def aggregate(self, query: AggregateQuery) -> list[Aggregate]:
        """Aggregates over what is kept and not expired."""
        return await self._aggregator.aggregate(query)

    async def windows(
        self,
        entities: Sequence[Author | Hashtag],
        model_id: str,
        spans: Sequence[timedelta],
        now: datetime,
    ) -> list[list[Aggregate | None]]:
        """Aggregates over spans of time that end now, of what is kept and not expired."""
        return await self._aggregator.windows(entities, model_id, spans, now)

    async def timeline(self, query: TimelineQuery) -> list[Stretch]:
        """Hours or days of what is kept and not expired."""
        return await timeline(self._counts, query)

    async def recent(self, model_id: str, limit: int) -> list[Prediction]:
        """What was predicted last, and is not expired."""

        async def read(refs: Sequence[PostRef]) -> dict[PostRef, Prediction]:
            found = await self.get(refs, model_id)
            return {ref: one for ref, one in zip(refs, found, strict=True) if one is not None}

        sets = [keys.latest(shard, model_id) for shard in self._posts.shards]
        return await newest(
            self._connection, sets, limit, read, lambda one: micros(one.predicted_at)
        )

    async def judge(self, feedback: Sequence[Feedback]) -> None:
        """Keep true labels."""
        await self._labels.judge(feedback)

    async def judgements(self, model_id: str, limit: int) -> list[Judgement]:
        """True labels, newest first, beside what is kept and not expired."""
        return await self._labels.judgements(model_id, limit)

    async def count(self) -> dict[str, int]:
        """How many predictions are kept; a few count twice if Redis resizes its table meanwhile."""
        counted: Counter[str] = Counter()
        async for found in self._connection.scan(keys.posts_starting_with("")):
            posts = (keys.parse_post(key.decode()) for key in found)
            counted.update(post.model_id for post in posts if post is not None)
        return dict(counted)

    async def forget(self, what: PostRef | Author | Prefix) -> int:
        """Remove the predictions; what is put meanwhile may stay."""
        if isinstance(what, Prefix):
            return await self._forget_prefix(what)
        forgotten = await self._posts.of(what)
        removed = await self._remove(forgotten)
        judged = {what} if isinstance(what, PostRef) else {post.ref for post in forgotten}
        await self._labels.forget(judged)
        return removed

    async def _forget_prefix(self, what: Prefix) -> int:
        removed = 0
        async for found in self._connection.scan(keys.posts_starting_with(what.text)):
            posts = (keys.parse_post(key.decode()) for key in found)
            removed += await self._remove(
                post
                for post in posts
                if post is not None and f"{post.ref.platform}/{post.ref.id}".startswith(what.text)
            )
        await self._labels.forget_starting_with(what.text)
        return removed

    async def _remove(self, posts: Iterable[keys.PostKey]) -> int:
        commands = [
            _removal(shard, model_id, batch)
            for (shard, model_id), some in groupby(sorted(posts, key=_place), _place)
            for batch in _batches(list(some), _REMOVE_BATCH)
        ]
        return sum(await self._connection.run(*commands))


def _place(post: keys.PostKey) -> tuple[int, str]:
    return post.shard, post.model_id


def _removal(shard: int, model_id: str, batch: Sequence[keys.PostKey]) -> Command:
    posts = [keys.post(*post) for post in batch]
    return counting(REMOVE, posts, shard, model_id, *(keys.member(post.ref) for post in batch))


def _batches(of: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (of[start : start + size] for start in range(0, len(of), size))


def from_url(url: str, ttl: int) -> RedisStore:
    """The store for ``redis://``, ``rediss://``, ``unix://`` and, ``+cluster``, for clusters.

    Raises:
        SettingsError: the URL can't be used.
    """
    return RedisStore(parsed(url), ttl)
