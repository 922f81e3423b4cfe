"""Counts and means over the last days, at points in time.

A version of a post enters every window of its author and hashtags as soon as it is both known
and seen, and leaves the window of so many days that long after it was seen, or when it no longer
counts. So what a window holds at a point is all that entered less all that left until then.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from sentiserve.features.views import SPANS, Feature, FeatureView
from sentiserve.history.duck import literal, name
from sentiserve.history.sweep import Sweep, Whole, most_entities

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_DAY = 24 * 60 * 60 * 1_000_000  # microseconds
_UNIT = 1 << 34
"""Scores are added up as whole numbers of this fraction of 1. Sums of floats would drift while
posts enter and leave; these are exact, and a mean is off by less than 1e-10."""
_CHUNK = 1 << 19  # rows at once; the floats in which NumPy adds up so many of them are exact
_POINTS = 1 << 18  # at once, about

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
        *(f"round(coalesce(score_{n}, 0) * {_UNIT}) AS units_{n}" for n in range(len(labels))),
    ]


def window_times(view: FeatureView) -> str:
    """A query for the times (entity, time) at which a window of the view may change."""
    members = f"FROM {view.name}_members WHERE entered < until"
    leaving = (
        f"UNION SELECT entity, greatest(entered, least(until, seen + {days * _DAY})) {members}"
        for days in SPANS
    )
    return f"SELECT entity, entered AS time {members} {' '.join(leaving)}"


def answer_windows(
    connection: "DuckDBPyConnection",
    view: FeatureView,
    features: Sequence[Feature],
    labels: Sequence[str],
) -> None:
    """Make the view's ``_features``, of its ``_points`` and ``_members``."""
    connection.execute(
        f"CREATE TABLE {view.name}_features (point BIGINT, "
        + ", ".join(
            f"{name(f.full_name)} {'DOUBLE' if f.what == 'mean' else 'BIGINT'}" for f in features
        )
        + ")"
    )
    points = connection.execute(
        f"SELECT point, entity, time FROM {view.name}_points ORDER BY entity, time"
    ).fetchnumpy()
    for part in _parts(points["entity"], most_entities(points["time"])):
        found = _sweep(
            connection, view, features, labels, points["entity"][part], points["time"][part]
        )
        connection.register("found", {"point": points["point"][part], **found})
        fields = ", ".join(_field(feature) for feature in features)
        connection.execute(f"INSERT INTO {view.name}_features SELECT point, {fields} FROM found")
        connection.unregister("found")


def _parts(entities: Whole, most: int) -> Iterator[slice]:
    """Runs of about as many points as are handled at once; an entity's stay together."""
    start = 0
    while start < len(entities):
        last = min(entities[min(start + _POINTS, len(entities)) - 1], entities[start] + most - 1)
        end = int(np.searchsorted(entities, last, side="right"))
        yield slice(start, end)
        start = end


def _sweep(
    connection: "DuckDBPyConnection",
    view: FeatureView,
    features: Sequence[Feature],
    labels: Sequence[str],
    entities: Whole,
    times: Whole,
) -> dict[str, np.ndarray]:
    """The features' columns at some of the points."""
    spans = sorted({feature.days for feature in features if feature.days is not None})
    sweep = Sweep(entities, times)
    members = f"FROM {view.name}_members WHERE entity BETWEEN {entities[0]} AND {entities[-1]}"
    changes = _add_up(_chunks(connection, members), sweep, spans, len(labels))
    held = {days: sweep.so_far(changes[0] - changes[days]) for days in spans}
    return {feature.full_name: _column(feature, held, labels) for feature in features}


def _add_up(
    members: Iterator[dict[str, np.ndarray]], sweep: Sweep, spans: Sequence[int], labels: int
) -> Changes:
    """What happens between each point and the one before it."""
    changes = {days: np.zeros((sweep.size + 1, 2 * labels + 1), np.int64) for days in (0, *spans)}
    for rows in members:
        units = [rows[f"units_{number}"] for number in range(labels)]
        for days, added in changes.items():
            left = np.minimum(rows["until"], rows["seen"] + days * _DAY)
            # What is known too late for a window leaves it in the moment in which it enters.
            times = np.maximum(rows["entered"], left) if days else rows["entered"]
            _put_down(added, sweep.find(rows["entity"], times), rows["label"], units)
    return {days: added[: sweep.size] for days, added in changes.items()}  # the last is no point


def _put_down(changes: Whole, points: Whole, labels: Whole, units: Sequence[np.ndarray]) -> None:
    rows, width = len(changes), len(units) + 1
    counts = np.bincount(points * width + labels, minlength=rows * width)
    changes[:, :width] += counts.reshape(rows, width)
    for number, unit in enumerate(units):
        sums = np.bincount(points, unit, minlength=rows)
        changes[:, width + number] += sums.astype(np.int64)


def _chunks(connection: "DuckDBPyConnection", members: str) -> Iterator[dict[str, np.ndarray]]:
    ((last,),) = connection.execute(f"SELECT max(rowid) {members}").fetchall()
    for start in range(0, 0 if last is None else last + 1, _CHUNK):
        rows = connection.execute(
            f"SELECT * {members} AND rowid BETWEEN {start} AND {start + _CHUNK - 1} "
            "AND entered < until"
        ).fetchnumpy()
        order = np.argsort(rows["entity"])
        yield {field: values[order] for field, values in rows.items()}


def _column(feature: Feature, held: Changes, labels: Sequence[str]) -> np.ndarray:
    """A feature at all points; the mean of nothing is NaN."""
    assert feature.days is not None  # noqa: S101  # all of a window's features have a span
    window, width = held[feature.days], len(labels) + 1
    posts: Whole = window[:, :width].sum(axis=1)
    if feature.label is None:
        return posts
    number = labels.index(feature.label)
    if feature.what == "count":
        return window[:, 1 + number]
    with np.errstate(invalid="ignore"):
        return window[:, width + number] / posts / _UNIT


def _field(feature: Feature) -> str:
    column = name(feature.full_name)
    if feature.what == "mean":
        return f"CASE WHEN NOT isnan({column}) THEN {column} END"
    return column
