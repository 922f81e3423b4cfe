"""The authors or hashtags that may have most posts, first those that may have most.

A threshold algorithm: each shard has a sorted set of upper bounds, which are read from the top;
nobody who hasn't been read yet can have more than the last that were read of each shard together.
See Fagin, Lotem and Naor, "Optimal aggregation algorithms for middleware" (2003).

Where there are many shards and very many have equally few posts, that would read them all. It stops
before: whoever is left out then has in no shard more than a thousand others have.
"""

import heapq
from math import inf

from sentiserve.store import redis_keys as keys
from sentiserve.store.redis_posts import Posts
from sentiserve.store.redis_values import micros
from sentiserve.types import AggregateQuery, Author, Entity, Hashtag

_TOGETHER = 20  # are given at once
_MOST = 1_000  # that are read of each shard, if there are several

Order = tuple[float, str, str]  # how aggregates are ordered: posts, negative, then platform, name
_LAST: Order = (inf, "", "")


class Ranking:
    """Authors or hashtags, those first that come first by the upper bounds of their posts."""

    def __init__(self, posts: Posts, query: AggregateQuery) -> None:
        """Take the posts, and what is asked."""
        self._posts = posts
        self._query = query
        self._kind = "t" if query.entity is Entity.HASHTAG else "a"
        self._since = "-inf" if query.since is None else micros(query.since)
        # Of few posts in all some may be many of late: there, none may be left out.
        self._most = _MOST if len(posts.shards) > 1 and query.since is None else inf
        self._waiting: list[tuple[Order, str]] = []  # a heap
        self._found: set[str] = set()
        self._starts = dict.fromkeys(posts.shards, 0)  # of the shards that have more
        self._ends: dict[int, Order] = dict.fromkeys(posts.shards, (-inf, "", ""))

    async def next(self, worst: Order | None) -> list[Author | Hashtag]:
        """Some that may come before the worst of those found so far; nobody if none can."""
        beaten = worst or _LAST
        while True:
            first = self._waiting[0][0] if self._waiting else _LAST
            unread = self._unread()
            if min(first, unread) >= beaten:
                return []
            if first <= unread:
                break
            await self._read()
        taken: list[Author | Hashtag] = []
        while self._waiting and len(taken) < _TOGETHER:
            first = self._waiting[0][0]
            if first > unread or first >= beaten:
                break
            taken.append(keys.parse_group(heapq.heappop(self._waiting)[1]))
        return taken

    def _unread(self) -> Order:
        """Before this comes nobody who hasn't been read."""
        if not self._starts:
            return _LAST
        ends = [self._ends[shard] for shard in self._starts]
        return (sum(count for count, _, _ in ends), *max(end[1:] for end in ends))

    async def _read(self) -> None:
        pages = await self._posts.ranked(self._kind, self._query.model_id, self._starts)
        new: dict[str, int] = {}
        for shard, page in pages.items():
            if page:
                posts, group = page[-1]
                self._starts[shard] += len(page)
                self._ends[shard] = _order(posts, group)
            if not page or self._starts[shard] >= self._most:
                del self._starts[shard]
            new |= {group: posts for posts, group in page if group not in self._found}
        self._found |= new.keys()
        for group, posts in (await self._bounds(new)).items():
            if posts and self._is_asked_for(group):
                heapq.heappush(self._waiting, (_order(posts, group), group))

    async def _bounds(self, new: dict[str, int]) -> dict[str, int]:
        if self._query.since is not None:
            counts = await self._posts.bounds(list(new), self._query.model_id, self._since)
        elif len(self._posts.shards) > 1:
            counts = await self._posts.totals(self._kind, list(new), self._query.model_id)
        else:
            return new
        return dict(zip(new, counts, strict=True))

    def _is_asked_for(self, group: str) -> bool:
        entity = keys.parse_group(group)
        return (
            isinstance(entity, Hashtag)
            or self._query.platform is None
            or entity.platform == self._query.platform
        )


def _order(posts: int, group: str) -> Order:
    entity = keys.parse_group(group)
    if isinstance(entity, Author):
        return -posts, entity.platform, entity.author
    return -posts, "", entity.hashtag
