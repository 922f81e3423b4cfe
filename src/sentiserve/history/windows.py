"""Counts and means over the last days, at points in time.

A version of a post enters every window of its author and hashtags as soon as it is both known
and seen, and leaves the window of so many days that long after it was seen, or when it no longer
counts. So what a window holds at a point is all that entered less all that left until then.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from sentiserve.history.duck import literal, name
from sentiserve.history.sweep import Sweep, Whole
from sentiserve.history.views import SPANS, Feature, View, window_features

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_DAY = 24 * 60 * 60 * 1_000_000  # microseconds
_UNIT = 1 << 34
"""Scores are added up as whole numbers of this fraction of 1. Sums of floats would drift while
posts enter and leave; these are exact, and a mean is off by less than 1e-10."""
_CHUNK = 1 << 19  # rows at once; the floats in which NumPy adds up so many of them are exact

Changes = dict[int, Whole]
"""For each number of days, a row for each point: posts by label (the first column is of other
labels), then units of score by label. Days 0 are what enters, the others what leaves."""


def window_fields(labels: Sequence[str]) -> list[str]:
    """What windows need of a version; labels are numbers from 1 on."""
    return [
        "greatest(known, seen) AS entered",
        "until",
        "seen",
        f"coalesce(list_position([{', '.join(map(literal, labels))}], label), 0) AS label",
        *(f"coalesce(score_{number}, 0) AS score_{number}" for number in range(len(labels))),
    ]


def window_times(view: View) -> str:
    """A query for the times (entity, time) at which a window of the view may change."""
    members = f"FROM {view.name}_members WHERE entered < until"
    leaving = (
        f"UNION SELECT entity, greatest(entered, least(until, seen + {days * _DAY})) {members}"
        for days in SPANS
    )
    return f"SELECT entity, entered AS time {members} {' '.join(leaving)}"


def answer_windows(
    connection: "DuckDBPyConnection",
    view: View,
    features: Sequence[Feature],
    labels: Sequence[str],
) -> None:
    """Make the view's ``_features``, of its ``_points`` and ``_members``."""
    asked = {feature.name for feature in features}
    spans = [days for days in SPANS if asked & set(window_features(days, labels))]
    points = connection.execute(
        f"SELECT point, entity, time FROM {view.name}_points ORDER BY point"
    ).fetchnumpy()
    sweep = Sweep(points["entity"], points["time"])
    changes = _add_up(connection, view, sweep, spans, len(labels))
    table = {"point": points["point"]}
    for days in spans:
        held = sweep.so_far(changes[0] - changes[days])
        columns = zip(window_features(days, labels), _columns(held, len(labels)), strict=True)
        table |= {f"{view.name}__{feature}": c for feature, c in columns if feature in asked}
    connection.register("swept", table)
    fields = ", ".join(_field(feature) for feature in features)
    connection.execute(
        f"CREATE TEMP TABLE {view.name}_features AS SELECT point, {fields} FROM swept"
    )
    connection.unregister("swept")


def _add_up(
    connection: "DuckDBPyConnection", view: View, sweep: Sweep, spans: Sequence[int], labels: int
) -> Changes:
    """What happens between each point and the one before it."""
    changes = {days: np.zeros((sweep.size, 2 * labels + 1), np.int64) for days in (0, *spans)}
    for rows in _chunks(connection, view):
        entities, entered = rows["entity"], rows["entered"]
        units = [np.rint(rows[f"score_{number}"] * _UNIT) for number in range(labels)]
        for days, added in changes.items():
            left = np.minimum(rows["until"], rows["seen"] + days * _DAY)
            # What is known too late for a window leaves it in the moment in which it enters.
            times = np.maximum(entered, left) if days else entered
            points = sweep.find(entities, times)
            kept = points < sweep.size
            _put_down(added, points[kept], rows["label"][kept], [unit[kept] for unit in units])
    return changes


def _put_down(changes: Whole, points: Whole, labels: Whole, units: Sequence[np.ndarray]) -> None:
    rows, width = len(changes), len(units) + 1
    counts = np.bincount(points * width + labels, minlength=rows * width)
    changes[:, :width] += counts.reshape(rows, width)
    for number, unit in enumerate(units):
        sums = np.bincount(points, unit, minlength=rows)
        changes[:, width + number] += sums.astype(np.int64)


def _chunks(connection: "DuckDBPyConnection", view: View) -> Iterator[dict[str, np.ndarray]]:
    members = f"FROM {view.name}_members"
    ((count,),) = connection.execute(f"SELECT count(*) {members}").fetchall()
    for start in range(0, count, _CHUNK):
        yield connection.execute(
            f"SELECT * {members} WHERE rowid >= {start} AND rowid < {start + _CHUNK} "
            "AND entered < until"
        ).fetchnumpy()


def _columns(held: Whole, labels: int) -> list[np.ndarray]:
    """The features of one window, in the order of their names; a mean of nothing is NaN."""
    posts = held[:, : labels + 1].sum(axis=1)
    counts = [held[:, 1 + number] for number in range(labels)]
    with np.errstate(invalid="ignore"):
        means = [held[:, labels + 1 + number] / posts / _UNIT for number in range(labels)]
    return [posts, *counts, *means]


def _field(feature: Feature) -> str:
    column = name(feature.column)
    mean = feature.name.startswith("mean_")
    return f"CASE WHEN NOT isnan({column}) THEN {column} END AS {column}" if mean else column
