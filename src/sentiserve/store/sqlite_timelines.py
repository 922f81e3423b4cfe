"""What a SQLite store tells over time, what came last, and how right it was."""

import sqlite3
from collections import defaultdict

from sentiserve.store.sqlite_rows import (
    ALWAYS,
    DAY,
    HOUR,
    PREDICTION,
    SEEN,
    floored,
    micros,
    prediction_of,
    time_of,
)
from sentiserve.types import Feedback, Judgement, Prediction, Step, Stretch, TimelineQuery

_LENGTHS = {Step.HOUR: HOUR, Step.DAY: DAY}
_OF_ALL = f"""
SELECT {{hours}} AS stretch, label, sum(posts) FROM (
    SELECT hour, label, posts FROM hours WHERE model_id = :model_id
    UNION ALL
    SELECT {floored(SEEN, HOUR)}, label, 1 FROM predictions AS p
    WHERE rowid > (SELECT up_to FROM counted) AND +model_id = :model_id
) WHERE hour >= :since GROUP BY stretch, label ORDER BY stretch
"""
_OF_HASHTAG = """
SELECT {length} AS stretch, label, count(*) FROM hashtags
WHERE model_id = :model_id AND tag = :hashtag AND seen >= :since
GROUP BY stretch, label ORDER BY stretch
"""
_RECENT = f"""
SELECT {PREDICTION} FROM predictions AS p WHERE p.model_id = ? AND p.expires_at > ?
ORDER BY p.predicted_at DESC LIMIT ?
"""
_JUDGEMENTS = f"""
SELECT f.label, f.given_at, {PREDICTION}
FROM feedback AS f CROSS JOIN predictions AS p USING (platform, id)
WHERE p.model_id = ? AND p.expires_at > ? ORDER BY f.given_at DESC LIMIT ?
"""


def timeline(connection: sqlite3.Connection, query: TimelineQuery) -> list[Stretch]:
    """The stretches, where nothing that has expired is left."""
    length = _LENGTHS[query.step]
    since = ALWAYS if query.since is None else micros(query.step.start_of(query.since))
    values = {"model_id": query.model_id, "hashtag": query.hashtag, "since": since}
    if query.hashtag is None:
        sql = _OF_ALL.format(hours=floored("hour", length // HOUR))
        values["since"] = since // HOUR
    else:
        sql = _OF_HASHTAG.format(length=floored("seen", length))
    counts: dict[int, dict[str, int]] = defaultdict(dict)
    for stretch, label, posts in connection.execute(sql, values):
        counts[stretch][label] = posts
    return [Stretch(time_of(stretch * length), found) for stretch, found in counts.items()]


def recent(connection: sqlite3.Connection, model_id: str, limit: int, now: int) -> list[Prediction]:
    """What was predicted last, and is not expired."""
    return [
        prediction_of(row, model_id) for row in connection.execute(_RECENT, (model_id, now, limit))
    ]


def judgements(
    connection: sqlite3.Connection, model_id: str, limit: int, now: int
) -> list[Judgement]:
    """True labels, newest first, beside what is kept and not expired."""
    found = []
    for label, given_at, *row in connection.execute(_JUDGEMENTS, (model_id, now, limit)):
        prediction = prediction_of(row, model_id)
        found.append(Judgement(prediction, Feedback(prediction.post.ref, label, time_of(given_at))))
    return found
