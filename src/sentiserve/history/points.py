"""What is asked of a view, entities at points in time, and its answers.

The tables that belong to a view begin with its name:

    _entities   entity (a number), and the view's keys
    _points     point (a number, in the order of entity and time), entity, time
    _members    entity, and the versions of posts (versions.py) that count for it
    _features   point, and a column for each feature

Numbers sort and join several times as fast as the keys do.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sentiserve.history.duck import name
from sentiserve.history.views import HASHTAGS, POSTS, Feature, View
from sentiserve.history.windows import answer_windows, window_fields, window_times

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def find_members(connection: "DuckDBPyConnection", view: View, labels: Sequence[str]) -> None:
    """Make the view's ``_members``, of ``versions`` and its ``_entities``."""
    fields = _post_fields(labels) if view is POSTS else window_fields(labels)
    tagged = "(SELECT *, unnest(list_distinct(hashtags)) AS hashtag FROM versions)"
    connection.execute(
        f"CREATE TEMP TABLE {view.name}_members AS SELECT entity, {', '.join(fields)} "
        f"FROM {tagged if view is HASHTAGS else 'versions'} "
        f"JOIN {view.name}_entities USING ({', '.join(view.keys)})"
    )


def answer(
    connection: "DuckDBPyConnection",
    view: View,
    features: Sequence[Feature],
    labels: Sequence[str],
) -> None:
    """Make the view's ``_features``, of its ``_points`` and ``_members``."""
    if view is POSTS:
        _answer_posts(connection, features, labels)
    else:
        answer_windows(connection, view, features, labels)


def change_times(view: View) -> str:
    """A query for the times (entity, time) at which what the view says may change."""
    if view is not POSTS:
        return window_times(view)
    return (
        f"SELECT entity, known AS time FROM {view.name}_members "
        f"UNION SELECT entity, until FROM {view.name}_members"
    )


def _post_fields(labels: Sequence[str]) -> list[str]:
    return ["known", "until", "label", *(f"score_{number}" for number in range(len(labels)))]


def _answer_posts(
    connection: "DuckDBPyConnection", features: Sequence[Feature], labels: Sequence[str]
) -> None:
    fields = dict(zip(POSTS.features(labels), _post_fields(labels)[2:], strict=True))
    columns = (
        f"CASE WHEN time < until THEN {fields[feature.name]} END AS {name(feature.column)}"
        for feature in features
    )
    connection.execute(
        f"CREATE TEMP TABLE {POSTS.name}_features AS SELECT point, {', '.join(columns)} "
        f"FROM {POSTS.name}_points AS points ASOF LEFT JOIN {POSTS.name}_members AS members "
        "ON points.entity = members.entity AND points.time >= members.known"
    )
