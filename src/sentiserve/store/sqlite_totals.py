"""Counts that follow the predictions of a SQLite store.

``totals`` has how many posts each author and hashtag has, and ``days`` how many were seen on each
day (UTC's), with their tally. ``hours`` counts the posts that were seen in each hour, by label.
``handles`` tells which authors have had a handle, whatever its case. SQLite groups what is counted,
in which other threads go on.
"""

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from sentiserve.store.sqlite_rows import AUTHOR, DAY, HOUR, SEEN, UNIT, floored

Tally = dict[str, list[int]]
"""Of each label how many posts have it, how many have a score for it, and the sum of those."""
_TALLIES = msgspec.json.Decoder(Tally)
tally_of = _TALLIES.decode
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[tuple[str, dict[str, float]]]).decode

NEXT = "p.rowid > :counted AND p.rowid <= :up_to"
"""Chooses the rows that come next."""
THESE = "p.rowid IN (SELECT value FROM json_each(:rows))"
"""Chooses the rows in a JSON list."""
_LABELLED = "'[' || json_quote(label) || ',' || scores || ']'"
# Grouped by names first, as few of those are alike: comparing is most of the work.
_GROUPS = f"""
SELECT model_id, entity, day, platform, name, count(*), group_concat({_LABELLED}), handle FROM (
    SELECT p.model_id, 'author' AS entity, {floored(SEEN, DAY)} AS day, p.platform,
           {AUTHOR} AS name, nullif(p.author_handle, '') AS handle, p.label, p.scores
    FROM predictions AS p WHERE {{these}} AND {AUTHOR} IS NOT NULL
    UNION ALL
    SELECT p.model_id, 'hashtag', {floored(SEEN, DAY)}, '', h.tag, NULL, p.label, p.scores
    FROM predictions AS p CROSS JOIN hashtags AS h USING (platform, id, model_id) WHERE {{these}}
) GROUP BY name, day, handle, platform, entity, model_id
"""
_HOURS = f"""
SELECT model_id, {floored(SEEN, HOUR)} AS hour, label, count(*)
FROM predictions AS p WHERE {{these}} GROUP BY 1, 2, 3
"""
_ADD_TOTAL = """
INSERT INTO totals VALUES (?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET posts = posts + excluded.posts
"""
_ADD_DAY = """
INSERT INTO days VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET posts = posts + excluded.posts, tally = tallied(tally, excluded.tally)
"""
_ADD_HOUR = """
INSERT INTO hours VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET posts = posts + excluded.posts
"""
_ADD_HANDLE = "INSERT INTO handles VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
_DROP_TOTAL = """
DELETE FROM totals
WHERE model_id = ? AND entity = ? AND platform = ? AND name = ? AND posts = 0
"""
_DROP_DAY = """
DELETE FROM days
WHERE model_id = ? AND entity = ? AND day = ? AND platform = ? AND name = ? AND posts = 0
"""
_DROP_HOUR = "DELETE FROM hours WHERE model_id = ? AND hour = ? AND label = ? AND posts = 0"
_DROP_HANDLE = f"""
DELETE FROM handles AS h
WHERE model_id = ? AND folded = ? AND platform = ? AND name = ? AND handle = ? AND NOT EXISTS (
    SELECT 1 FROM predictions AS p
    WHERE p.model_id = h.model_id AND p.platform = h.platform AND {AUTHOR} = h.name
        AND p.author_handle = h.handle
)
"""


class Changes(NamedTuple):
    """What some rows count for."""

    groups: list[tuple[Any, ...]]  # model, entity, day, platform, name, posts, tally, handle
    hours: list[tuple[Any, ...]]  # model, hour, label, posts

    def totals(self, sign: int = 1) -> Iterable[tuple[Any, ...]]:
        """The rows of ``totals``."""
        return ((m, e, p, n, sign * posts) for m, e, _, p, n, posts, _, _ in self.groups)

    def days(self, sign: int = 1) -> Iterable[tuple[Any, ...]]:
        """The rows of ``days``."""
        for *key, posts, tally, _ in self.groups:
            signed = tally if sign > 0 else {label: [-n for n in of] for label, of in tally.items()}
            yield (*key, sign * posts, _encode(signed).decode())

    def handles(self) -> set[tuple[str, ...]]:
        """The rows of ``handles``."""
        return {(m, h.casefold(), p, n, h) for m, _, _, p, n, _, _, h in self.groups if h}


def changes(connection: sqlite3.Connection, these: str, values: Mapping[str, Any]) -> Changes:
    """What the rows that are chosen count for."""
    groups = connection.execute(_GROUPS.format(these=these), values)
    return Changes(
        [(*key, tally_from(_decode(f"[{texts}]")), handle) for *key, texts, handle in groups],
        [tuple(row) for row in connection.execute(_HOURS.format(these=these), values)],
    )


def add(connection: sqlite3.Connection, some: Changes, sign: int = 1) -> None:
    """Add what some rows count for."""
    connection.executemany(_ADD_TOTAL, some.totals(sign))
    connection.executemany(_ADD_DAY, some.days(sign))
    connection.executemany(_ADD_HOUR, [(*key, sign * posts) for *key, posts in some.hours])
    if sign > 0:
        connection.executemany(_ADD_HANDLE, some.handles())


def take(connection: sqlite3.Connection, some: Changes) -> None:
    """Take what rows counted for that are gone now."""
    add(connection, some, -1)
    connection.executemany(_DROP_TOTAL, [(m, e, p, n) for m, e, _, p, n, *_ in some.groups])
    connection.executemany(_DROP_DAY, [group[:5] for group in some.groups])
    connection.executemany(_DROP_HOUR, [hour[:3] for hour in some.hours])
    connection.executemany(_DROP_HANDLE, some.handles())


def tally_from(posts: Iterable[tuple[str, Mapping[str, float]]]) -> Tally:
    """The tally of posts, each a label and scores."""
    tally: Tally = {}
    for label, scores in posts:
        for one, value in scores.items():
            counts = tally.get(one)
            if counts is None:
                counts = tally[one] = [0, 0, 0]
            counts[0] += one == label
            counts[1] += 1
            counts[2] += int(value * UNIT + 0.5)
    return tally


def merge(tally: Tally, change: Tally) -> None:
    """Add one to the other."""
    for label, counts in change.items():
        if (so_far := tally.get(label)) is None:
            tally[label] = counts
        else:
            tally[label] = [one + other for one, other in zip(so_far, counts, strict=True)]


def tallied(standing: str, change: str) -> str:
    """Both together, without labels that nothing has a score for; SQL calls it."""
    tally = tally_of(standing)
    merge(tally, tally_of(change))
    return _encode({label: counts for label, counts in tally.items() if counts[1]}).decode()
