"""What is asked of a view, entities at points in time, and its answers.

The tables that belong to a view begin with its name:

    _entities   entity (a number), and the view's keys
    _points     point (a number), entity, time
    _members    entity, and the versions of posts (versions.py) that count for it
    _features   point, and a column for each feature

Numbers sort and join several times as fast as the keys do.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sentiserve.features.views import HASHTAG_SENTIMENT, POST_SENTIMENT, Feature, FeatureView
from sentiserve.history.duck import name
from sentiserve.history.windows import answer_windows, window_fields, window_times

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def number_entities(connection: "DuckDBPyConnection", view: FeatureView, query: str) -> None:
    """Make the view's ``_entities``, of a query for its keys."""
    keys = ", ".join(view.join_keys)
    connection.execute(
        f"CREATE TABLE {view.name}_entities AS SELECT {keys}, row_number() OVER () AS entity "
        f"FROM (SELECT DISTINCT {keys} FROM ({query})) "
        f"WHERE {' AND '.join(f'{key} IS NOT NULL' for key in view.join_keys)}"
    )


def find_members(
    connection: "DuckDBPyConnection", view: FeatureView, labels: Sequence[str]
) -> None:
    """Make the view's ``_members``, of ``versions`` and its ``_entities``."""
    fields = _post_fields(labels) if view is POST_SENTIMENT else window_fields(labels)
    versions = f"(SELECT *, {view.name} AS entity FROM versions WHERE {view.name} IS NOT NULL)"
    if view is HASHTAG_SENTIMENT:
        versions = "versions JOIN tagged USING (record)"
    connection.execute(
        f"CREATE TABLE {view.name}_members AS SELECT entity, {', '.join(fields)} FROM {versions}"
    )


def answer(
    connection: "DuckDBPyConnection",
    view: FeatureView,
    features: Sequence[Feature],
    labels: Sequence[str],
) -> None:
    """Make the view's ``_features``, of its ``_points`` and ``_members``."""
    if view is POST_SENTIMENT:
        _answer_posts(connection, features, labels)
    else:
        answer_windows(connection, view, features, labels)


def change_times(view: FeatureView) -> str:
    """A query for the times (entity, time) at which what the view says may change."""
    if view is not POST_SENTIMENT:
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
    fields = dict(zip(POST_SENTIMENT.features(labels), _post_fields(labels)[2:], strict=True))
    columns = (
        f"CASE WHEN time < until THEN {fields[feature]} END AS {name(feature.full_name)}"
        for feature in features
    )
    view = POST_SENTIMENT.name
    connection.execute(
        f"CREATE TABLE {view}_features AS SELECT point, {', '.join(columns)} "
        f"FROM {view}_points AS points ASOF LEFT JOIN {view}_members AS members "
        "ON points.entity = members.entity AND points.time >= members.known"
    )
