"""Aggregates of authors and hashtags: from counts by day, and the posts that these leave over.

Those are what was seen on the first day, if that isn't asked for as a whole, and what isn't counted
yet. When somebody was seen first and last, and how many posts are theirs, is in an index.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import msgspec

from sentiserve.store.sqlite_connection import snapshot
from sentiserve.store.sqlite_ranking import Group, most_active
from sentiserve.store.sqlite_rows import (
    ALWAYS,
    AUTHOR,
    DAY,
    SCORES,
    SEEN,
    UNIT,
    floored,
    micros,
    time_of,
)
from sentiserve.store.sqlite_totals import Tally, merge, tally_from, tally_of
from sentiserve.store.sqlite_windows import window
from sentiserve.types import Aggregate, AggregateQuery, Author, Entity, Hashtag

_Posts = list[tuple[str, str]]  # labels and scores, as they are in the file
_FOREVER = 2**62

_OF_AUTHOR = f"""
FROM predictions AS p
WHERE p.model_id = :model_id AND p.platform = :platform AND {AUTHOR} = :name AND {SEEN} >= :since
"""
_OF_HASHTAG = "FROM hashtags WHERE model_id = :model_id AND tag = :name AND seen >= :since"
_BOUNDS = {  # first and last seen, and the handle: each by an index alone
    Entity.AUTHOR: f"""
SELECT (SELECT min({SEEN}) {_OF_AUTHOR}), (SELECT max({SEEN}) {_OF_AUTHOR}),
       (SELECT max(author_handle) {_OF_AUTHOR})
""",
    Entity.HASHTAG: f"""
SELECT (SELECT min(seen) {_OF_HASHTAG}), (SELECT max(seen) {_OF_HASHTAG}), NULL
""",
}
_DAYS = f"""
SELECT DISTINCT {floored("hour", 24)} FROM hours WHERE model_id = :model_id AND hour >= 24 * :whole
"""
_TALLIES = """
SELECT tally FROM json_each(:days) AS of CROSS JOIN days
WHERE model_id = :model_id AND entity = :entity AND day = of.value
    AND platform = :platform AND name = :name
"""
_UP_TO = "(SELECT up_to FROM counted)"
_OF_FIRST_DAY = {
    Entity.AUTHOR: f"""
SELECT p.label, p.scores {_OF_AUTHOR} AND {SEEN} < {DAY} * :whole AND p.rowid <= {_UP_TO}
""",
    Entity.HASHTAG: f"""
SELECT p.label, p.scores
FROM hashtags AS h CROSS JOIN predictions AS p USING (platform, id, model_id)
WHERE h.model_id = :model_id AND h.tag = :name AND h.seen >= :since AND h.seen < {DAY} * :whole
    AND p.rowid <= {_UP_TO}
""",
}
_UNCOUNTED = {
    Entity.AUTHOR: f"""
SELECT p.platform, {AUTHOR}, p.label, p.scores FROM predictions AS p
WHERE p.rowid > {_UP_TO} AND +p.model_id = :model_id AND {SEEN} >= :since AND {AUTHOR} IS NOT NULL
""",
    Entity.HASHTAG: f"""
SELECT '', h.tag, p.label, p.scores
FROM predictions AS p CROSS JOIN hashtags AS h USING (platform, id, model_id)
WHERE p.rowid > {_UP_TO} AND +p.model_id = :model_id AND h.seen >= :since
""",
}
_PLATFORMS = """
WITH RECURSIVE platforms (platform) AS (
    SELECT min(platform) FROM predictions WHERE model_id = :model_id
    UNION ALL
    SELECT (SELECT min(p.platform) FROM predictions AS p
            WHERE p.model_id = :model_id AND p.platform > platforms.platform)
    FROM platforms WHERE platform IS NOT NULL
)
SELECT platform FROM platforms WHERE platform = coalesce(:platform, platform)
"""
_CALLED = f"""
SELECT platform, name, handle FROM handles
WHERE model_id = :model_id AND folded = casefold(:name) AND platform = coalesce(:platform, platform)
UNION
SELECT p.platform, {AUTHOR}, p.author_handle FROM predictions AS p
WHERE p.rowid > {_UP_TO} AND +p.model_id = :model_id AND casefold(p.author_handle) = casefold(:name)
    AND p.platform = coalesce(:platform, p.platform)
"""
_HANDLES = f"SELECT DISTINCT author_handle {_OF_AUTHOR}"


def find(connection: sqlite3.Connection, query: AggregateQuery, now: int) -> list[Aggregate]:
    """The aggregates, where nothing that has expired by now is left."""
    with snapshot(connection):
        question = _Question(connection, query, now)
        found = [one for one in question.aggregates() if one is not None]
    found.sort(key=lambda one: (-one.posts, one.platform or "", one.name))
    return found[: query.limit]


class _Question:
    """What is asked of one moment's file."""

    def __init__(self, connection: sqlite3.Connection, query: AggregateQuery, now: int) -> None:
        self._connection = connection
        self._query = query
        self._now = now
        self._since = ALWAYS if query.since is None else micros(query.since)
        self._values: dict[str, Any] = {
            "model_id": query.model_id,
            "entity": query.entity,
            "since": self._since,
            "whole": -(-self._since // DAY),  # the first day that is asked for as a whole
        }
        days = [day for (day,) in connection.execute(_DAYS, self._values)]
        self._values["days"] = msgspec.json.encode(days).decode()
        self._uncounted: dict[Group, _Posts] = defaultdict(list)
        for platform, name, *post in connection.execute(_UNCOUNTED[query.entity], self._values):
            self._uncounted[platform, name].append((post[0], post[1]))

    def aggregates(self) -> Iterator[Aggregate | None]:
        """Those that may be asked for, in any order."""
        if self._query.name is not None:
            yield from self._named(self._query.name)
            return
        uncounted = {group: len(posts) for group, posts in self._uncounted.items()}
        for group in most_active(self._connection, self._query, self._since, uncounted):
            is_author = self._query.entity is Entity.AUTHOR
            yield self._aggregate(group) if is_author else self._of_hashtag(group[1])

    def _named(self, name: str) -> Iterator[Aggregate | None]:
        """A hashtag; or an author by id on each platform, and those who had this for a handle."""
        if self._query.entity is Entity.HASHTAG:
            yield self._of_hashtag(name)
            return
        asked = {"model_id": self._query.model_id, "platform": self._query.platform, "name": name}
        for (platform,) in self._connection.execute(_PLATFORMS, asked).fetchall():
            yield self._aggregate((platform, name))
        handles: dict[Group, set[str]] = defaultdict(set)
        if name:
            for platform, author, handle in self._connection.execute(_CALLED, asked):
                handles[platform, author].add(handle)
        for group, of_group in handles.items():
            if group[1] != name:
                yield self._called(group, of_group)

    def _called(self, group: Group, handles: set[str]) -> Aggregate | None:
        """An author's posts under these handles."""
        had = self._connection.execute(_HANDLES, self._naming(group))
        if {handle for (handle,) in had} <= handles:
            return self._aggregate(group)
        return self._window(Author(*group), handles=handles)

    def _of_hashtag(self, hashtag: str) -> Aggregate | None:
        if self._query.platform is None:
            return self._aggregate(("", hashtag))
        return self._window(Hashtag(hashtag), platform=self._query.platform)

    def _window(self, entity: Author | Hashtag, **only: Any) -> Aggregate | None:
        model_id = self._query.model_id
        return window(self._connection, entity, model_id, self._since, _FOREVER, self._now, **only)

    def _aggregate(self, group: Group) -> Aggregate | None:
        naming = self._naming(group)
        bounds = self._connection.execute(_BOUNDS[self._query.entity], naming)
        first, last, handle = bounds.fetchone()
        if first is None:
            return None
        tally = self._tally(group)
        return Aggregate(
            platform=group[0] or None,
            name=group[1],
            handle=handle or None,
            counts={label: posts for label, (posts, _, _) in tally.items()},
            mean_scores={
                label: score / scored / UNIT for label, (_, scored, score) in tally.items()
            },
            first_seen=time_of(first),
            last_seen=time_of(last),
        )

    def _tally(self, group: Group) -> Tally:
        naming = self._naming(group)
        tally: Tally = {}
        for (of_day,) in self._connection.execute(_TALLIES, naming):
            merge(tally, tally_of(of_day))
        first_day = self._connection.execute(_OF_FIRST_DAY[self._query.entity], naming)
        for posts in (first_day, self._uncounted.get(group, ())):
            merge(tally, tally_from((label, SCORES.decode(scores)) for label, scores in posts))
        return tally

    def _naming(self, group: Group) -> dict[str, Any]:
        platform, name = group
        return {**self._values, "platform": platform, "name": name}
