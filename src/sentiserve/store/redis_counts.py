"""The counts that the scripts keep beside the posts in Redis: tallies, hours, and their upkeep."""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

import msgspec

from sentiserve.store import redis_keys as keys
from sentiserve.store.redis_connection import Command, Connection
from sentiserve.store.redis_posts import Posts
from sentiserve.store.redis_scripts import DROP, SWEEP, TALLIES, counting
from sentiserve.store.redis_tally import Tally
from sentiserve.store.redis_values import decoded, time_of
from sentiserve.types import Author, Hashtag, Prediction

_SWEPT = 200  # posts that have expired, in one script
_RECOUNTED = 500  # posts that the version before counted, together
_TOGETHER = 20  # authors or hashtags in one script

Put = Callable[[Sequence[Prediction]], Awaitable[None]]


class Counts:
    """Reads the counts of a model; what has expired is taken out of them before."""

    def __init__(self, connection: Connection, posts: Posts, ttl: timedelta, put: Put) -> None:
        """Take the open connection, the posts, how long they live, and what puts them anew."""
        self._connection = connection
        self._posts = posts
        self._ttl = ttl
        self._put = put

    async def settle(self, model_id: str) -> None:
        """Make the counts exact: to be called before they are read."""
        await self.sweep(model_id)
        await self._recount_all(model_id)

    async def sweep(self, model_id: str) -> None:
        """Take out of the counts what has expired since something was put."""
        lives = self._ttl // timedelta(milliseconds=1)
        shards = list(self._posts.shards)
        while shards:
            commands = [
                counting(SWEEP, [keys.latest(shard, model_id)], shard, model_id, lives, _SWEPT)
                for shard in shards
            ]
            swept = await self._connection.run(*commands)
            shards = [one for one, gone in zip(shards, swept, strict=True) if gone == _SWEPT]

    async def _recount_all(self, model_id: str) -> None:
        """Count what the version before put: each post is put once more, as it stands."""
        while True:
            commands: list[Command] = [
                ("HRANDFIELD", keys.counted_before(shard, model_id), _RECOUNTED)
                for shard in self._posts.shards
            ]
            found = await self._connection.run(*commands)
            if not any(found):
                return
            for shard, members in zip(self._posts.shards, found, strict=True):
                await self._recount(shard, model_id, [member.decode() for member in members])

    async def _recount(self, shard: int, model_id: str, members: Sequence[str]) -> None:
        refs = [keys.parse_member(member) for member in members]
        kept = [decoded(value) for value in await self._posts.values(refs, model_id)]
        await self._put([prediction for prediction in kept if prediction is not None])
        gone = [member for member, one in zip(members, kept, strict=True) if one is None]
        if gone:
            before = [keys.counted_before(shard, model_id)]
            await self._connection.run(counting(DROP, before, shard, model_id, *gone))

    async def hours(self, model_id: str, hashtag: str | None) -> Counter[tuple[int, str]]:
        """The posts of all, or of a hashtag, by hour since 1970 and label."""
        commands: list[Command] = [
            ("HGETALL", keys.hours(shard, model_id, hashtag)) for shard in self._posts.shards
        ]
        counts: Counter[tuple[int, str]] = Counter()
        for answer in await self._connection.run(*commands):
            for slot, posts in answer.items():
                counts[keys.parse_slot(slot.decode())] += int(posts)
        return counts

    async def tallies(
        self, entities: Sequence[Author | Hashtag], model_id: str
    ) -> dict[Author | Hashtag, Tally]:
        """The tally of each; an empty one of whom nothing is known."""
        tallies = {entity: Tally() for entity in entities}
        for start in range(0, len(entities), _TOGETHER):
            some = entities[start : start + _TOGETHER]
            groups = msgspec.msgpack.encode([keys.group(entity) for entity in some])
            commands = [
                counting(TALLIES, [keys.counted(shard, model_id)], shard, model_id, groups)
                for shard in self._posts.shards
            ]
            for answer in await self._connection.run(*commands):
                _add(answer, [tallies[entity] for entity in some])
        return tallies


def _add(answer: bytes, tallies: Sequence[Tally]) -> None:
    labels, found = msgspec.msgpack.decode(answer)
    one: Any
    for tally, one in zip(tallies, found, strict=True):
        if one:
            (handles, sums), first, last = one
            seen = time_of(first), time_of(last)
            tally.add_kept(labels, sums, handles or {}, seen)  # Lua knows no empty map
