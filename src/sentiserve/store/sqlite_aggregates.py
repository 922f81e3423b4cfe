"""The SQL that aggregates predictions, by author and by hashtag."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from sentiserve.store.sqlite_rows import time_of
from sentiserve.types import Aggregate, Author, Entity, Hashtag

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
AUTHOR = "coalesce(nullif(p.author_id, ''), nullif(p.author_handle, ''))"
_SEEN = "coalesce(p.created_at, p.predicted_at)"
_KEPT = f"""
    p.model_id = :model_id AND p.expires_at > :now
    AND (:platform IS NULL OR p.platform = :platform)
    AND (:since IS NULL OR {_SEEN} >= :since)
"""
_AUTHORS = f"""
SELECT p.platform, {AUTHOR} AS name, p.author_handle AS handle,
       p.label, p.scores, {_SEEN} AS seen
FROM predictions AS p WHERE {_KEPT} AND {AUTHOR}
"""
_HASHTAGS = f"""
SELECT '' AS platform, h.tag AS name, NULL AS handle, p.label, p.scores, {_SEEN} AS seen
FROM hashtags AS h JOIN predictions AS p USING (platform, id, model_id) WHERE {_KEPT}
"""
_NAMED = ":name IS NULL OR p.author_id = :name OR casefold(p.author_handle) = casefold(:name)"

BY: Mapping[Entity, str] = {
    Entity.AUTHOR: f"WITH chosen AS ({_AUTHORS} IS NOT NULL AND ({_NAMED})) {_GROUPED}",
    Entity.HASHTAG: f"WITH chosen AS ({_HASHTAGS} AND (:name IS NULL OR h.tag = :name)) {_GROUPED}",
}
_OF_AUTHOR = f"WITH chosen AS ({_AUTHORS} = :name AND {_SEEN} <= :now) {_GROUPED}"
_OF_HASHTAG = f"WITH chosen AS ({_HASHTAGS} AND h.tag = :name AND {_SEEN} <= :now) {_GROUPED}"


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
