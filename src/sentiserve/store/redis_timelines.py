"""Posts over time in Redis.

All of them by counts that the scripts keep; a hashtag's by its posts.
"""

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from importlib import resources

from sentiserve.store import redis_keys as keys
from sentiserve.store.redis_aggregates import Aggregator
from sentiserve.store.redis_connection import Command, Connection
from sentiserve.store.redis_posts import Posts
from sentiserve.store.redis_values import micros
from sentiserve.types import Hashtag, Stretch, TimelineQuery

_SWEPT = 500  # posts that have expired, in one script
_SWEEP = (resources.files(__package__) / "redis_sweep.lua").read_text("utf-8")
_EPOCH = datetime.fromtimestamp(0, UTC)
_Counts = dict[datetime, Counter[str]]


class Timelines:
    """Counts posts by the hour or the day; what has expired counts nowhere."""

    def __init__(
        self, connection: Connection, posts: Posts, aggregator: Aggregator, ttl: timedelta
    ) -> None:
        """Take the open connection, the posts, what reads them, and how long a prediction lives."""
        self._connection = connection
        self._posts = posts
        self._aggregator = aggregator
        self._ttl = ttl

    async def timeline(self, query: TimelineQuery) -> list[Stretch]:
        """The hours or days in which posts were seen, oldest first."""
        since = None if query.since is None else query.step.start_of(query.since)
        counts = await (self._of_all if query.hashtag is None else self._of_hashtag)(query, since)
        return [
            Stretch(start, dict(counts[start]))
            for start in sorted(counts)
            if since is None or start >= since
        ]

    async def _of_all(self, query: TimelineQuery, _: datetime | None) -> _Counts:
        counts: _Counts = defaultdict(Counter)
        await self._sweep(query.model_id)
        commands: list[Command] = [
            ("HGETALL", keys.hours(shard, query.model_id)) for shard in self._posts.shards
        ]
        for answer in await self._connection.run(*commands):
            for slot, posts in answer.items():
                hour, label = keys.parse_slot(slot.decode())
                start = query.step.start_of(_EPOCH + timedelta(hours=hour))
                counts[start][label] += int(posts)
        return counts

    async def _of_hashtag(self, query: TimelineQuery, since: datetime | None) -> _Counts:
        counts: _Counts = defaultdict(Counter)
        tag, start = [Hashtag(query.hashtag or "")], "-inf" if since is None else micros(since)
        read = self._aggregator.read(tag, query.model_id, start, "+inf", datetime.now(UTC))
        async for _, prediction in read:
            counts[query.step.start_of(prediction.seen_at)][prediction.sentiment.label] += 1
        return counts

    async def _sweep(self, model_id: str) -> None:
        """Take out of the counts what has expired since something was put."""
        over = micros(datetime.now(UTC) - self._ttl)
        shards = list(self._posts.shards)
        while shards:
            commands: list[Command] = [
                (
                    *("EVAL", _SWEEP, 3, keys.latest(shard, model_id)),
                    *(keys.hours(shard, model_id), keys.counted(shard, model_id), over, _SWEPT),
                )
                for shard in shards
            ]
            swept = await self._connection.run(*commands)
            shards = [one for one, gone in zip(shards, swept, strict=True) if gone == _SWEPT]
