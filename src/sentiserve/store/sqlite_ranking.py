"""The authors or hashtags that have most posts, all of them or since a time.

A threshold algorithm: those that may have most come first, by an upper bound, and each is counted
exactly; nobody who comes later can have more than the bound that was reached. See Fagin, Lotem and
Naor, "Optimal aggregation algorithms for middleware" (2003). Over a short time the bounds are the
posts of its days, over a long one those of all time.
"""

import sqlite3
from bisect import insort
from collections.abc import Iterable, Iterator, Mapping
from heapq import merge
from itertools import chain, islice
from typing import Any

from sentiserve.store.sqlite_rows import ALWAYS, AUTHOR, DAY, MANY, SEEN
from sentiserve.types import AggregateQuery, Entity

Group = tuple[str, str]
"""Platform and name; a hashtag has '' for the platform."""
_Ranked = tuple[int, str, str]  # posts, negative, then platform and name: the order of answers

_SHORT = 50_000  # posts at most, of days that are gone through
_TRIES = 1_000  # that are counted one by one, before all are
_NOBODY: _Ranked = (0, "", "")
_ASKED = "AND (:platform IS NULL OR platform = :platform)"
_BY_TOTALS = f"""
SELECT -posts, platform, name FROM totals
WHERE model_id = :model_id AND entity = :entity AND posts {{}} {_ASKED}
ORDER BY posts DESC, platform, name
"""
_OF_MANY = _BY_TOTALS.format(f">= {MANY}")
_OF_FEW = _BY_TOTALS.format(f"< {MANY}") + "LIMIT :most"
_BY_DAYS = f"""
SELECT -sum(posts), platform, name FROM days
WHERE model_id = :model_id AND entity = :entity AND day >= :day {_ASKED}
GROUP BY platform, name ORDER BY 1, 2, 3
"""
_POSTS_OF_DAYS = "SELECT sum(posts) FROM hours WHERE model_id = :model_id AND hour >= 24 * :day"
_TOTAL = """
SELECT posts FROM totals
WHERE model_id = :model_id AND entity = :entity AND platform = :platform AND name = :name
"""
_OF_EACH = {
    Entity.AUTHOR: f"""
SELECT -count(*), p.platform, {AUTHOR} FROM predictions AS p
WHERE p.model_id = :model_id AND {SEEN} >= :since AND {AUTHOR} IS NOT NULL {_ASKED}
GROUP BY 2, 3 ORDER BY 1, 2, 3 LIMIT :limit
""",
    Entity.HASHTAG: f"""
SELECT -count(*), '', tag FROM hashtags
WHERE model_id = :model_id AND seen >= :since {_ASKED}
GROUP BY 2, 3 ORDER BY 1, 2, 3 LIMIT :limit
""",
}
_OF_ONE = {
    Entity.AUTHOR: f"""
SELECT -count(*) FROM predictions AS p
WHERE p.model_id = :model_id AND p.platform = :platform AND {AUTHOR} = :name AND {SEEN} >= :since
""",
    Entity.HASHTAG: """
SELECT -count(*) FROM hashtags WHERE model_id = :model_id AND tag = :name AND seen >= :since
""",
}


def most_active(
    connection: sqlite3.Connection,
    query: AggregateQuery,
    since: int,
    uncounted: Mapping[Group, int],
) -> list[Group]:
    """Those that are asked for, in order, though some of their posts aren't counted yet."""
    values = {
        "model_id": query.model_id,
        "entity": query.entity,
        "platform": query.platform,
        "since": since,
        "day": since // DAY,
        "limit": query.limit,
        "most": query.limit + len(uncounted),
    }
    new = [
        (-posts, *group)
        for group, posts in uncounted.items()
        if values["platform"] in {None, group[0]}
    ]
    if (
        query.entity is Entity.HASHTAG and query.platform is not None
    ):  # of which there are no counts
        best = list(_rows(connection, values, _OF_EACH[query.entity]))
    elif since == ALWAYS:
        counted = _rows(connection, values, _OF_MANY, _OF_FEW)
        best = list(islice(_bounds(connection, values, counted, new), query.limit))
    elif _is_short(connection, values):
        bounds = _bounds(connection, values, _rows(connection, values, _BY_DAYS), new)
        best = _best(connection, values, chain(bounds, [_NOBODY])) or []
    else:
        bounds = _bounds(connection, values, _rows(connection, values, _OF_MANY), new)
        found = _best(connection, values, islice(bounds, _TRIES))
        best = list(_rows(connection, values, _OF_EACH[query.entity])) if found is None else found
    return [(platform, name) for _, platform, name in best]


def _is_short(connection: sqlite3.Connection, values: Mapping[str, Any]) -> bool:
    (posts,) = connection.execute(_POSTS_OF_DAYS, values).fetchone()
    return (posts or 0) <= _SHORT


def _rows(
    connection: sqlite3.Connection, values: Mapping[str, Any], *queries: str
) -> Iterator[_Ranked]:
    for sql in queries:
        for row in connection.execute(sql, values):
            yield row[0], row[1], row[2]  # a row itself has no order


def _bounds(
    connection: sqlite3.Connection,
    values: Mapping[str, Any],
    counted: Iterable[_Ranked],
    uncounted: Iterable[_Ranked],
) -> Iterator[_Ranked]:
    """Both together, in order; nobody twice."""
    new = {}
    for posts, *group in uncounted:
        platform, name = group
        found = connection.execute(_TOTAL, {**values, "platform": platform, "name": name})
        new[platform, name] = posts - (found.fetchone() or (0,))[0]
    others = (one for one in counted if one[1:] not in new)
    return merge(others, sorted((posts, *group) for group, posts in new.items()))


def _best(
    connection: sqlite3.Connection, values: Mapping[str, Any], bounds: Iterable[_Ranked]
) -> list[_Ranked] | None:
    """The first by their posts since the time; None if it takes more bounds to tell."""
    best: list[_Ranked] = []
    for bound in bounds:
        if bound == _NOBODY or (len(best) == values["limit"] and bound >= best[-1]):
            return best
        _, platform, name = bound
        one = {**values, "platform": platform, "name": name}
        (posts,) = connection.execute(_OF_ONE[values["entity"]], one).fetchone()
        if posts:
            insort(best, (posts, platform, name))
            del best[values["limit"] :]
    return None
