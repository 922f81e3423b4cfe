"""True labels in Redis: a value for each post that has one, in the post's shard."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from sentiserve.store import redis_keys as keys
from sentiserve.store.redis_connection import Command, Connection
from sentiserve.store.redis_newest import newest
from sentiserve.store.redis_posts import Posts
from sentiserve.store.redis_scripts import JUDGE
from sentiserve.store.redis_values import decoded, micros
from sentiserve.types import Feedback, Judgement, PostRef

_BATCH = 50  # labels in one script
_GRACE = 60 * 60 * 1000  # milliseconds that the set of posts may outlive its last
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Feedback).decode


class Labels:
    """Keeps, finds and forgets true labels."""

    def __init__(self, connection: Connection, posts: Posts, ttl: timedelta) -> None:
        """Take the open connection, the posts, and how long a prediction lives."""
        self._connection = connection
        self._posts = posts
        self._ttl = ttl

    async def judge(self, feedback: Sequence[Feedback]) -> None:
        """Keep them; each lives as long as any prediction of now, and ``put`` prolongs it."""
        by_shard: dict[int, list[Feedback]] = defaultdict(list)
        for one in feedback:
            by_shard[self._shard(one.ref)].append(one)
        commands = [
            self._judgement(shard, some[start : start + _BATCH])
            for shard, some in by_shard.items()
            for start in range(0, len(some), _BATCH)
        ]
        await self._connection.run(*commands)

    async def judgements(self, model_id: str, limit: int) -> list[Judgement]:
        """The newest, of posts of which a prediction is kept."""

        async def read(refs: Sequence[PostRef]) -> Mapping[PostRef, Judgement]:
            commands: list[Command] = [("GET", keys.label(self._shard(r), r)) for r in refs]
            labels = await self._connection.run(*commands)
            values = await self._posts.values(refs, model_id)
            return {
                ref: Judgement(prediction, _decode(label))
                for ref, value, label in zip(refs, values, labels, strict=True)
                if label is not None and (prediction := decoded(value)) is not None
            }

        sets = [keys.judged(shard) for shard in self._posts.shards]
        return await newest(
            self._connection, sets, limit, read, lambda one: micros(one.feedback.given_at)
        )

    async def forget(self, refs: Collection[PostRef]) -> None:
        """Remove the labels of posts."""
        commands: list[Command] = []
        for ref in refs:
            shard = self._shard(ref)
            commands.append(("UNLINK", keys.label(shard, ref)))
            commands.append(("ZREM", keys.judged(shard), keys.member(ref)))
        await self._connection.run(*commands)

    async def forget_starting_with(self, text: str) -> None:
        """Remove the labels of posts whose ``PLATFORM/ID`` begins so."""
        async for found in self._connection.scan(keys.labels_starting_with(text)):
            refs = [keys.parse_label(key.decode()) for key in found]
            await self.forget([r for r in refs if f"{r.platform}/{r.id}".startswith(text)])

    def _judgement(self, shard: int, some: Sequence[Feedback]) -> Command:
        now = datetime.now(UTC)
        arguments = [
            argument
            for one in some
            for argument in (
                keys.member(one.ref),
                micros(one.given_at),
                micros(max(one.given_at, now) + self._ttl) // 1000,
                _encode(one),
            )
        ]
        labels = [keys.label(shard, one.ref) for one in some]
        return ("EVAL", JUDGE, len(labels), *labels, keys.prefix(shard), _GRACE, *arguments)

    def _shard(self, ref: PostRef) -> int:
        return keys.shard_of(ref, len(self._posts.shards))
