"""The SQL that adds up the posts of one author or hashtag, one by one."""

import sqlite3
from collections.abc import Collection

import msgspec

from sentiserve.store.sqlite_rows import AUTHOR, SEEN, time_of
from sentiserve.types import Aggregate, Author, Hashtag

_KEPT = f"""
p.model_id = :model_id AND p.expires_at > :now AND {SEEN} >= :since AND {SEEN} <= :until
"""
_OF_AUTHOR = f"""
SELECT p.author_handle AS handle, p.label, p.scores, {SEEN} AS seen FROM predictions AS p
WHERE p.platform = :platform AND {AUTHOR} = :name AND {_KEPT}
    AND (:handles IS NULL OR p.author_handle IN (SELECT value FROM json_each(:handles)))
"""
_OF_HASHTAG = f"""
SELECT NULL AS handle, p.label, p.scores, {SEEN} AS seen
FROM hashtags AS h JOIN predictions AS p USING (platform, id, model_id)
WHERE h.tag = :name AND {_KEPT} AND (:platform IS NULL OR p.platform = :platform)
"""
# One row for each label, so that any set of labels works.
_ADDED_UP = """
WITH chosen AS ({chosen}), bounds AS (
    SELECT max(handle) AS handle, min(seen) AS first_seen, max(seen) AS last_seen FROM chosen
)
SELECT bounds.*, score.key AS label, sum(chosen.label = score.key) AS count,
       avg(score.value) AS mean
FROM bounds CROSS JOIN chosen, json_each(chosen.scores) AS score
GROUP BY score.key ORDER BY min(score.id)
"""


def window(
    connection: sqlite3.Connection,
    entity: Author | Hashtag,
    model_id: str,
    since: int,
    until: int,
    now: int,
    *,
    handles: Collection[str] | None = None,
    platform: str | None = None,
) -> Aggregate | None:
    """What was seen from a time to another, both included, and is kept now; None if nothing was.

    Only an author's posts under the handles, and a hashtag's on the platform, if there are any.
    """
    if isinstance(entity, Author):
        sql, platform, name = _OF_AUTHOR, entity.platform, entity.author
    else:
        sql, name = _OF_HASHTAG, entity.hashtag
    values = {
        "model_id": model_id,
        "platform": platform,
        "name": name,
        "since": since,
        "until": until,
        "now": now,
        "handles": None if handles is None else msgspec.json.encode(sorted(handles)).decode(),
    }
    rows = connection.execute(_ADDED_UP.format(chosen=sql), values).fetchall()
    if not rows:
        return None
    return Aggregate(
        platform=entity.platform if isinstance(entity, Author) else None,
        name=name,
        handle=rows[0]["handle"],
        counts={row["label"]: row["count"] for row in rows},
        mean_scores={row["label"]: row["mean"] for row in rows},
        first_seen=time_of(rows[0]["first_seen"]),
        last_seen=time_of(rows[0]["last_seen"]),
    )
