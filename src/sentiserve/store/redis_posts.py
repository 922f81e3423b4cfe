"""Reading posts out of Redis: their values, and which there are of an author or a hashtag."""

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from itertools import islice
from typing import Any

import msgspec

from sentiserve.store import redis_keys as keys
from sentiserve.store.redis_connection import Command, Connection
from sentiserve.store.redis_keys import PostKey
from sentiserve.store.redis_values import decoded
from sentiserve.types import Author, Hashtag, PostRef, Prediction

_PAGE = 500  # values, or members of a set, in one answer
_TOGETHER = 20  # sets that are asked for together
_SCORES = """#!lua flags=no-writes
-- The members come as one argument: the client would take far longer to write them one by one.
return redis.call('ZMSCORE', KEYS[1], unpack(cmsgpack.unpack(ARGV[1])))
"""

Entity = Author | Hashtag
Bound = str | int  # of scores, as ZRANGE writes them


class Posts:
    """Posts by ref, by author and by hashtag, in all shards."""

    def __init__(self, connection: Connection, shards: int) -> None:
        """Take the open connection and the number of shards."""
        self._connection = connection
        self.shards = range(shards)

    async def values(self, refs: Sequence[PostRef], model_id: str) -> list[bytes | None]:
        """The values of the posts, in the order asked."""
        if len(self.shards) == 1 and len(refs) <= _PAGE:
            return await self._page(0, refs, model_id)
        by_shard: dict[int, list[int]] = defaultdict(list)
        for place, ref in enumerate(refs):
            by_shard[keys.shard_of(ref, len(self.shards))].append(place)
        pages = [
            (shard, places[start : start + _PAGE])
            for shard, places in by_shard.items()
            for start in range(0, len(places), _PAGE)
        ]
        commands = [
            _mget(shard, [refs[place] for place in places], model_id) for shard, places in pages
        ]
        values: list[bytes | None] = [None] * len(refs)
        answers = await self._connection.run(*commands)
        for (_, places), answer in zip(pages, answers, strict=True):
            for place, value in zip(places, answer, strict=True):
                values[place] = value
        return values

    async def _page(self, shard: int, refs: Sequence[PostRef], model_id: str) -> list[bytes | None]:
        if not refs:
            return []
        values: list[bytes | None]
        (values,) = await self._connection.run(_mget(shard, refs, model_id))
        return values

    async def predictions(
        self, refs: Sequence[PostRef], model_id: str
    ) -> AsyncIterator[list[Prediction]]:
        """What is kept of the posts, in pages."""
        for start in range(0, len(refs), _PAGE):
            values = await self.values(refs[start : start + _PAGE], model_id)
            yield [prediction for value in values if (prediction := decoded(value)) is not None]

    async def seen(
        self,
        entities: Sequence[Author | Hashtag],
        model_id: str,
        since: Bound = "-inf",
        until: Bound = "+inf",
    ) -> AsyncIterator[list[tuple[Entity, PostRef]]]:
        """The posts of each, seen since and until these microseconds; some may have expired.

        They come as they are read, each once for an entity, so that many aren't held together.
        """
        sets = [(entity, shard) for entity in dict.fromkeys(entities) for shard in self.shards]
        found: dict[tuple[Entity, int], set[bytes]] = {one: set() for one in sets}
        pages: dict[tuple[Entity, int], tuple[Bound, int]] = dict.fromkeys(sets, (since, 0))
        while pages:
            asked = list(islice(pages.items(), _TOGETHER))
            answers = await self._connection.run(
                *(
                    (
                        *("ZRANGE", keys.posts_of(shard, keys.group(entity), model_id)),
                        *(start, until, "BYSCORE", "LIMIT", skip, _PAGE, "WITHSCORES"),
                    )
                    for (entity, shard), (start, skip) in asked
                )
            )
            new: list[tuple[Entity, PostRef]] = []
            for (one, page), answer in zip(asked, answers, strict=True):
                members = [member for member, _ in answer if member not in found[one]]
                new += ((one[0], keys.parse_member(member.decode())) for member in members)
                if len(answer) < _PAGE:
                    del pages[one], found[one]
                else:
                    found[one].update(members)
                    pages[one] = _next(page, answer)
            yield new

    async def bounds(
        self, groups: Sequence[str], model_id: str, since: Bound = "-inf"
    ) -> list[int]:
        """How many posts each has at most that were seen since."""
        size, counts = len(self.shards), list[int]()
        for start in range(0, len(groups), _PAGE):
            commands: list[Command] = [
                ("ZCOUNT", keys.posts_of(shard, group, model_id), since, "+inf")
                for group in groups[start : start + _PAGE]
                for shard in self.shards
            ]
            counts += await self._connection.run(*commands)
        return [sum(counts[start : start + size]) for start in range(0, len(counts), size)]

    async def totals(self, kind: str, groups: Sequence[str], model_id: str) -> list[int]:
        """How many posts each of the authors or hashtags has at most."""
        totals: list[int] = []
        for start in range(0, len(groups), _PAGE):
            names = msgspec.msgpack.encode([group[1:] for group in groups[start : start + _PAGE]])
            commands: list[Command] = [
                ("EVAL", _SCORES, 1, keys.ranks(shard, kind, model_id), names)
                for shard in self.shards
            ]
            scores = await self._connection.run(*commands)
            totals += (
                -sum(int(score or 0) for score in each) for each in zip(*scores, strict=True)
            )
        return totals

    async def ranked(
        self, kind: str, model_id: str, starts: dict[int, int]
    ) -> dict[int, list[tuple[int, str]]]:
        """The next page of each shard's authors or hashtags, most posts first."""
        commands: list[Command] = [
            ("ZRANGE", keys.ranks(shard, kind, model_id), start, start + _PAGE - 1, "WITHSCORES")
            for shard, start in starts.items()
        ]
        answers = await self._connection.run(*commands)
        return {
            shard: [(-int(score), kind + name.decode()) for name, score in answer]
            for shard, answer in zip(starts, answers, strict=True)
        }

    async def models(self) -> set[tuple[str, str]]:
        """The platforms and models that there are."""
        commands: list[Command] = [("ZRANGE", keys.models(shard), 0, -1) for shard in self.shards]
        answers = await self._connection.run(*commands)
        return {keys.parse_model(one.decode()) for answer in answers for one in answer}

    async def called(self, name: str, model_id: str, platforms: Sequence[str]) -> set[Author]:
        """The authors who may have this id, or this handle in any case, on these platforms."""
        commands: list[Command] = [
            ("ZRANGE", keys.named(shard, name, model_id), 0, -1) for shard in self.shards
        ]
        answers = await self._connection.run(*commands)
        authors = {keys.parse_group("a" + one.decode()) for found in answers for one in found}
        by_handle = {
            author
            for author in authors
            if isinstance(author, Author) and author.platform in platforms
        }
        return by_handle | {Author(platform, name) for platform in platforms}

    async def of(self, what: PostRef | Author) -> list[PostKey]:
        """The predictions of a post, or of an author by id or handle, by every model."""
        models = [model for platform, model in await self.models() if platform == what.platform]
        found: list[PostKey] = []
        for model_id in models:
            if isinstance(what, PostRef):
                refs = [what]
            else:
                refs = await self._by(what, model_id)
            found += (PostKey(keys.shard_of(ref, len(self.shards)), ref, model_id) for ref in refs)
        return found

    async def _by(self, author: Author, model_id: str) -> list[PostRef]:
        authors = await self.called(author.author, model_id, [author.platform])
        return [
            prediction.post.ref
            async for pairs in self.seen(list(authors), model_id)
            async for page in self.predictions([ref for _, ref in pairs], model_id)
            for prediction in page
            if prediction.post.is_one_of(author)
        ]


def _mget(shard: int, refs: Sequence[PostRef], model_id: str) -> Command:
    return ("MGET", *keys.posts(shard, refs, model_id))


def _next(page: tuple[Bound, int], answer: Sequence[tuple[bytes, Any]]) -> tuple[Bound, int]:
    """Where the next page begins: at the last score, past those that have it already."""
    start, skip = page
    last = answer[-1][1]
    same = sum(score == last for _, score in answer)
    again = same == len(answer) and start != "-inf" and float(start) == last
    return f"{last:.17g}", same + (skip if again else 0)
