"""The SQL that aggregates predictions, by author and by hashtag.

What is asked for of all times is read from ``totals``; the rest is added up.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from sentiserve.store.sqlite_connection import snapshot
from sentiserve.store.sqlite_rows import AUTHOR, MANY, SEEN, UNIT, micros, time_of
from sentiserve.store.sqlite_totals import tally_of
from sentiserve.types import Aggregate, AggregateQuery, Author, Entity, Hashtag

# Both give one row for each group and label, so that any set of labels works.
_GROUPED = """
, top AS (
    SELECT platform, name, max(handle) AS handle, count(*) AS posts,
           min(seen) AS first_seen, max(seen) AS last_seen
    FROM chosen GROUP BY platform, name ORDER BY posts DESC, platform, name LIMIT :limit
)
SELECT top.*, score.key AS label, sum(chosen.label = score.key) AS count,
       avg(score.value) AS mean
FROM top JOIN chosen USING (platform, name), json_each(chosen.scores) AS score
GROUP BY platform, name, score.key
ORDER BY posts DESC, platform, name, min(score.id)
"""
_KEPT = f"""
    p.model_id = :model_id AND p.expires_at > :now
    AND (:platform IS NULL OR p.platform = :platform)
    AND (:since IS NULL OR {SEEN} >= :since)
"""
_AUTHORS = f"""
SELECT p.platform, {AUTHOR} AS name, p.author_handle AS handle,
       p.label, p.scores, {SEEN} AS seen
FROM predictions AS p WHERE {_KEPT} AND {AUTHOR}
"""
_HASHTAGS = f"""
SELECT '' AS platform, h.tag AS name, NULL AS handle, p.label, p.scores, {SEEN} AS seen
FROM hashtags AS h JOIN predictions AS p USING (platform, id, model_id) WHERE {_KEPT}
"""
_NAMED = ":name IS NULL OR p.author_id = :name OR casefold(p.author_handle) = casefold(:name)"

_BY: Mapping[Entity, str] = {
    Entity.AUTHOR: f"WITH chosen AS ({_AUTHORS} IS NOT NULL AND ({_NAMED})) {_GROUPED}",
    Entity.HASHTAG: f"WITH chosen AS ({_HASHTAGS} AND (:name IS NULL OR h.tag = :name)) {_GROUPED}",
}
_OF_AUTHOR = f"WITH chosen AS ({_AUTHORS} = :name AND {SEEN} <= :now) {_GROUPED}"
_OF_HASHTAG = f"WITH chosen AS ({_HASHTAGS} AND h.tag = :name AND {SEEN} <= :now) {_GROUPED}"

_TOTALS = """
SELECT platform, name, tally FROM totals WHERE model_id = :model_id AND entity = :entity
"""
_MOST = """
AND (:platform IS NULL OR platform = :platform) {}
ORDER BY posts DESC, platform, name LIMIT :limit
"""
_MOST_OF_MANY, _MOST_OF_ALL = (_TOTALS + _MOST.format(of) for of in (f"AND posts >= {MANY}", ""))
_HASHTAG = f"{_TOTALS} AND platform = '' AND name = :name"
_AUTHORS_POSTS = f"""
FROM predictions AS p
WHERE model_id = :model_id AND platform = :platform AND {AUTHOR} = :name
"""
_HASHTAGS_POSTS = "FROM hashtags WHERE model_id = :model_id AND tag = :name"
_BOUNDS = {  # first and last seen, and the handle: each by an index alone
    Entity.AUTHOR: f"""
SELECT (SELECT min({SEEN}) {_AUTHORS_POSTS}), (SELECT max({SEEN}) {_AUTHORS_POSTS}),
       (SELECT max(author_handle) {_AUTHORS_POSTS})
""",
    Entity.HASHTAG: f"""
SELECT (SELECT min(seen) {_HASHTAGS_POSTS}), (SELECT max(seen) {_HASHTAGS_POSTS}), NULL
""",
}


def find(connection: sqlite3.Connection, query: AggregateQuery, now: int) -> list[Aggregate]:
    """The aggregates, where nothing that has expired by now is left."""
    values = {
        "model_id": query.model_id,
        "entity": query.entity,
        "now": now,
        "name": query.name,
        "platform": query.platform,
        "since": None if query.since is None else micros(query.since),
        "limit": query.limit,
    }
    unneeded = query.name if query.entity is Entity.AUTHOR else query.platform
    if query.since is None and unneeded is None:
        with snapshot(connection):
            return [_total(connection, query, row) for row in _totals(connection, values)]
    return aggregates(connection.execute(_BY[query.entity], values).fetchall())


def window(entity: Author | Hashtag) -> tuple[str, dict[str, str | None]]:
    """The query of one author or hashtag, not later than now, and the values that name it."""
    if isinstance(entity, Author):
        return _OF_AUTHOR, {"platform": entity.platform, "name": entity.author}
    return _OF_HASHTAG, {"platform": None, "name": entity.hashtag}


def aggregates(rows: Sequence[Mapping[str, Any]]) -> list[Aggregate]:
    """The rows, one for each group and label, as one aggregate for each group."""
    result = []
    for (platform, name), group in groupby(rows, lambda row: (row["platform"], row["name"])):
        labels = list(group)
        first = labels[0]
        result.append(
            Aggregate(
                platform=platform or None,
                name=name,
                handle=first["handle"],
                counts={row["label"]: row["count"] for row in labels},
                mean_scores={row["label"]: row["mean"] for row in labels},
                first_seen=time_of(first["first_seen"]),
                last_seen=time_of(first["last_seen"]),
            )
        )
    return result


def _totals(connection: sqlite3.Connection, values: Mapping[str, Any]) -> Sequence[sqlite3.Row]:
    if values["name"] is not None:
        return connection.execute(_HASHTAG, values).fetchall()
    found = connection.execute(_MOST_OF_MANY, values).fetchall()
    if len(found) < values["limit"]:
        found = connection.execute(_MOST_OF_ALL, values).fetchall()
    return found


def _total(connection: sqlite3.Connection, query: AggregateQuery, row: sqlite3.Row) -> Aggregate:
    tally = tally_of(row["tally"])
    group = {"model_id": query.model_id, "platform": row["platform"], "name": row["name"]}
    first, last, handle = connection.execute(_BOUNDS[query.entity], group).fetchone()
    return Aggregate(
        platform=row["platform"] or None,
        name=row["name"],
        handle=handle or None,
        counts={label: posts for label, (posts, _, _) in tally.items()},
        mean_scores={label: score / scored / UNIT for label, (_, scored, score) in tally.items()},
        first_seen=time_of(first),
        last_seen=time_of(last),
    )
