"""Counts that follow the predictions of a SQLite store.

``totals`` has a row for each author and hashtag, with a tally: of each label, as JSON, how many
posts have it, how many have a score for it, and the sum of those. ``hours`` counts the posts that
were seen in each hour, by label. SQLite groups what is counted, in which other threads go on.
"""

import sqlite3
from typing import Any

import msgspec

from sentiserve.store.sqlite_rows import AUTHOR, HOUR, SEEN, UNIT, floored

Tally = dict[str, list[int]]
_TALLIES = msgspec.json.Decoder(Tally)
tally_of = _TALLIES.decode
_encode = msgspec.json.Encoder().encode

NEXT = "p.rowid > :counted AND p.rowid <= :up_to"
"""Chooses the rows that come next."""
THESE = "p.rowid IN (SELECT value FROM json_each(:rows))"
"""Chooses the rows in a JSON list."""
# Grouped by names first, as few of those are alike: comparing is most of the work.
_NAMED = f"""
SELECT p.model_id, 'author' AS entity, p.platform, {AUTHOR} AS name, p.label, p.scores
FROM predictions AS p WHERE {{these}} AND {AUTHOR} IS NOT NULL
UNION ALL
SELECT p.model_id, 'hashtag', '', h.tag, p.label, p.scores
FROM predictions AS p CROSS JOIN hashtags AS h USING (platform, id, model_id) WHERE {{these}}
"""
_ADD_TOTALS = f"""
WITH named AS ({_NAMED}), by_label AS (
    SELECT model_id, entity, platform, name, score.key AS label,
           :sign * sum(named.label = score.key) AS posts, :sign * count(*) AS scored,
           :sign * sum(CAST(score.value * {UNIT} + 0.5 AS INTEGER)) AS score
    FROM named, json_each(named.scores) AS score
    GROUP BY name, score.key, platform, entity, model_id
)
INSERT INTO totals
SELECT model_id, entity, platform, name, sum(posts),
       json_group_object(label, json_array(posts, scored, score))
FROM by_label WHERE true GROUP BY name, platform, entity, model_id
ON CONFLICT DO UPDATE SET posts = posts + excluded.posts, tally = tallied(tally, excluded.tally)
"""
_ADD_HOURS = f"""
INSERT INTO hours
SELECT model_id, {floored(SEEN, HOUR)} AS hour, label, :sign * count(*)
FROM predictions AS p WHERE {{these}} GROUP BY 1, 2, 3
ON CONFLICT DO UPDATE SET posts = posts + excluded.posts
"""
_DROP_TOTALS = f"""
DELETE FROM totals WHERE posts = 0 AND (model_id, entity, platform, name) IN (
    SELECT model_id, entity, platform, name FROM ({_NAMED})
)
"""
_DROP_HOURS = f"""
DELETE FROM hours WHERE posts = 0 AND (model_id, hour, label) IN (
    SELECT model_id, {floored(SEEN, HOUR)}, label FROM predictions AS p WHERE {{these}}
)
"""


def add(connection: sqlite3.Connection, these: str, values: dict[str, Any]) -> None:
    """Add the rows that are chosen to the counts."""
    for sql in (_ADD_TOTALS, _ADD_HOURS):
        connection.execute(sql.format(these=these), values | {"sign": 1})


def take(connection: sqlite3.Connection, these: str, values: dict[str, Any]) -> None:
    """Take rows that were added from the counts, while they are still there."""
    for sql in (_ADD_TOTALS, _ADD_HOURS, _DROP_TOTALS, _DROP_HOURS):
        connection.execute(sql.format(these=these), values | {"sign": -1})


def tallied(standing: str, change: str) -> str:
    """Both together; SQL calls it."""
    tally = tally_of(standing)
    for label, counts in tally_of(change).items():
        if (so_far := tally.get(label)) is None:
            tally[label] = counts
        else:
            tally[label] = [one + other for one, other in zip(so_far, counts, strict=True)]
    return _encode({label: counts for label, counts in tally.items() if counts[1]}).decode()
