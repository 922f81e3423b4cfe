"""What came last, out of sorted sets by time, one in each shard."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from sentiserve.store import redis_keys as keys
from sentiserve.store.redis_connection import Command, Connection
from sentiserve.types import PostRef

T = TypeVar("T")
_PAGE = 500  # posts of a shard that are read together


async def newest(
    connection: Connection,
    sets: Sequence[str],
    limit: int,
    read: Callable[[Sequence[PostRef]], Awaitable[Mapping[PostRef, T]]],
    time_of: Callable[[T], int],
) -> list[T]:
    """The newest that are there.

    Args:
        connection: where to.
        sets: the sorted sets of posts, by microseconds.
        limit: no more than these.
        read: what there is of some posts; those that have expired are left out.
        time_of: the microseconds of one.
    """
    found: dict[PostRef, T] = {}
    page = min(limit, _PAGE)
    starts = dict.fromkeys(sets, 0)  # of the sets that have more
    while starts:
        commands: list[Command] = [
            ("ZRANGE", key, start, start + page - 1, "REV", "WITHSCORES")
            for key, start in starts.items()
        ]
        answers = dict(zip(list(starts), await connection.run(*commands), strict=True))
        refs = [keys.parse_member(one.decode()) for some in answers.values() for one, _ in some]
        found |= await read(refs)
        for key, some in answers.items():
            if len(some) < page:
                del starts[key]
            else:
                starts[key] += page
        unread = max((answers[key][-1][1] for key in starts), default=0)
        if sum(time_of(one) >= unread for one in found.values()) >= limit:
            break
    return sorted(found.values(), key=time_of, reverse=True)[:limit]
