"""Counts that follow the predictions of a SQLite store.

``totals`` has a row for each author and hashtag, with a tally: of each label, as JSON, how many
posts have it, how many have a score for it, and the sum of those. ``hours`` counts the posts that
were seen in each hour, by label.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from sentiserve.store.sqlite_rows import HOUR, UNIT
from sentiserve.types import Entity

Tally = dict[str, list[int]]
Group = tuple[str, str, str, str]  # model id, what it is, platform or nothing, name
_AUTHOR, _HASHTAG = Entity.AUTHOR.value, Entity.HASHTAG.value  # which have a hash at hand
tally_of = msgspec.json.Decoder(Tally).decode
_encode = msgspec.json.Encoder().encode

_ADD_TOTAL = """
INSERT INTO totals VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET posts = posts + excluded.posts, tally = tallied(tally, excluded.tally)
"""
_DROP = """
DELETE FROM totals WHERE model_id = ? AND entity = ? AND platform = ? AND name = ? AND posts = 0
"""
_ADD_HOUR = """
INSERT INTO hours VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET posts = posts + excluded.posts
"""
_DROP_HOUR = "DELETE FROM hours WHERE model_id = ? AND hour = ? AND label = ? AND posts = 0"


class Counted(NamedTuple):
    """What of a prediction is counted; ``seen`` is in microseconds."""

    model_id: str
    platform: str
    author: str | None
    hashtags: Sequence[str]
    seen: int
    label: str
    scores: Mapping[str, float]

    @property
    def groups(self) -> list[Group]:
        """Where it is counted."""
        groups = [(self.model_id, _HASHTAG, "", tag) for tag in self.hashtags]
        if self.author:
            groups.append((self.model_id, _AUTHOR, self.platform, self.author))
        return groups


def count(connection: sqlite3.Connection, counted: Iterable[Counted], sign: int = 1) -> None:
    """Add to the counts, or with a sign of -1 take away what was added before."""
    tallies: dict[Group, Tally] = {}
    hours: Counter[tuple[str, int, str]] = Counter()
    for one in counted:
        hours[one.model_id, one.seen // HOUR, one.label] += sign
        change = {
            label: (sign if label == one.label else 0, sign, sign * round(score * UNIT))
            for label, score in one.scores.items()
        }
        for group in one.groups:
            if (tally := tallies.get(group)) is None:
                tallies[group] = {label: list(counts) for label, counts in change.items()}
            else:
                _add(tally, change)
    rows = ((*group, _posts(tally), _encode(tally).decode()) for group, tally in tallies.items())
    connection.executemany(_ADD_TOTAL, rows)
    connection.executemany(_ADD_HOUR, [(*hour, posts) for hour, posts in hours.items()])
    if sign < 0:
        connection.executemany(_DROP, tallies)
        connection.executemany(_DROP_HOUR, hours)


def tallied(standing: str, change: str) -> str:
    """Both together; SQL calls it."""
    tally = tally_of(standing)
    _add(tally, tally_of(change))
    return _encode({label: counts for label, counts in tally.items() if counts[1]}).decode()


def _add(tally: Tally, change: Mapping[str, Sequence[int]]) -> None:
    for label, (posts, scored, score) in change.items():
        if (so_far := tally.get(label)) is None:
            tally[label] = [posts, scored, score]
        else:
            so_far[0] += posts
            so_far[1] += scored
            so_far[2] += score


def _posts(tally: Tally) -> int:
    return sum(counts[0] for counts in tally.values())
