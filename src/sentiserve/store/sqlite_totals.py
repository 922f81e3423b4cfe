"""Counts that follow the predictions of a SQLite store, in the same transaction.

``totals`` has a row for each author and hashtag, with a tally: of each label, as JSON, how many
posts have it, how many have a score for it, and the sum of those. ``hours`` counts the posts that
were seen in each hour, by label.
"""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from sentiserve.store.sqlite_rows import micros
from sentiserve.store.sqlite_schema import HOUR, UNIT
from sentiserve.types import Author, Entity, Hashtag, Prediction

Tally = dict[str, list[int]]
Group = tuple[str, Entity, str, str]  # model id, what it is, platform or nothing, name
tally_of = msgspec.json.Decoder(Tally).decode
_encode = msgspec.json.Encoder().encode

_GET = "SELECT tally FROM totals WHERE model_id = ? AND entity = ? AND platform = ? AND name = ?"
_SET = """
INSERT INTO totals VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET posts = excluded.posts, tally = excluded.tally
"""
_DROP = "DELETE FROM totals WHERE model_id = ? AND entity = ? AND platform = ? AND name = ?"
_COUNT = """
INSERT INTO hours VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET posts = posts + excluded.posts
"""
_DROP_HOUR = "DELETE FROM hours WHERE model_id = ? AND hour = ? AND label = ? AND posts = 0"


class Counted(NamedTuple):
    """What of a prediction is counted; ``seen`` is in microseconds."""

    model_id: str
    groups: tuple[Author | Hashtag, ...]
    seen: int
    label: str
    scores: Mapping[str, float]

    @classmethod
    def of(cls, prediction: Prediction) -> "Counted":
        """What counts of it."""
        sentiment = prediction.sentiment
        seen = micros(prediction.seen_at)
        entities = prediction.post.entities
        return cls(prediction.model_id, entities, seen, sentiment.label, sentiment.scores)


def count(connection: sqlite3.Connection, counted: Iterable[Counted], sign: int = 1) -> None:
    """Add to the counts, or with a sign of -1 take away what was added before."""
    tallies: dict[Group, Tally] = defaultdict(dict)
    hours: Counter[tuple[str, int, str]] = Counter()
    for one in counted:
        hours[one.model_id, one.seen // HOUR, one.label] += sign
        for entity in one.groups:
            tally = tallies[_group(one.model_id, entity)]
            for label, score in one.scores.items():
                so_far = tally.setdefault(label, [0, 0, 0])
                so_far[0] += sign * (label == one.label)
                so_far[1] += sign
                so_far[2] += sign * round(score * UNIT)
    _write(connection, tallies)
    connection.executemany(_COUNT, [(*hour, posts) for hour, posts in hours.items()])
    if sign < 0:
        connection.executemany(_DROP_HOUR, hours)


def _write(connection: sqlite3.Connection, changes: Mapping[Group, Tally]) -> None:
    rows, gone = [], []
    for group, change in changes.items():
        standing = connection.execute(_GET, group).fetchone()
        tally = _together(tally_of(standing[0]), change) if standing else change
        if posts := sum(counts[0] for counts in tally.values()):
            rows.append((*group, posts, _encode(tally).decode()))
        else:
            gone.append(group)
    connection.executemany(_SET, rows)
    connection.executemany(_DROP, gone)


def _together(tally: Tally, change: Tally) -> Tally:
    for label, counts in change.items():
        known = tally.get(label, (0, 0, 0))
        tally[label] = [one + other for one, other in zip(known, counts, strict=True)]
        if not tally[label][1]:
            del tally[label]
    return tally


def _group(model_id: str, entity: Author | Hashtag) -> Group:
    if isinstance(entity, Author):
        return model_id, Entity.AUTHOR, entity.platform, entity.author
    return model_id, Entity.HASHTAG, "", entity.hashtag
