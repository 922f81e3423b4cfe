"""Which record of a post counted when: last write wins, replayed in SQL.

A store takes records as they become known, and of a post keeps the one with the latest
event_timestamp (of two alike the one that came later). So a record counts from the moment it is
known until a record that wins against it is known, or it expires.
"""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sentiserve.features.views import HASHTAG_SENTIMENT, POST_SENTIMENT, FeatureView
from sentiserve.history.columns import score_column
from sentiserve.history.duck import literal, name, parquet

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


class Selection(NamedTuple):
    """Whose records count, and for how long.

    Attributes:
        ttl: microseconds for which a record lives.
    """

    model_id: str
    labels: tuple[str, ...]
    ttl: int


def load_versions(
    connection: "DuckDBPyConnection",
    files: Sequence[Path],
    selection: Selection,
    views: Collection[FeatureView],
) -> None:
    """Make ``versions``: records, and the span of time in which each counts.

    It has the ``record`` (a number); for posts and authors a column named as the view, with the
    record's entity or null; ``seen``, ``label``, ``score_0`` … (in the order of the model's
    labels); and the span from ``known`` to before ``until``. Times are microseconds since 1970.
    Where hashtags are needed ``tagged`` has records and their entities.

    Args:
        connection: where to make it; it has the views' ``_entities``.
        files: the history's, in their order.
        selection: whose records.
        views: those that are needed; for posts alone no other posts are kept.
    """
    connection.execute(f"CREATE TABLE records AS {_records(connection, files, selection, views)}")
    connection.execute(_REPLAY)
    if HASHTAG_SENTIMENT in views:
        connection.execute(
            "CREATE TABLE tagged AS SELECT DISTINCT record, entity FROM "
            f"(SELECT record, unnest(hashtags) AS hashtag FROM ({stored(files, selection)})) "
            f"JOIN {HASHTAG_SENTIMENT.name}_entities USING (hashtag)"
        )
    connection.execute(
        "CREATE VIEW versions AS "
        f"SELECT *, least(event + {selection.ttl}, superseded) AS until "
        "FROM records LEFT JOIN repeated USING (record) WHERE known < until"
    )


def stored(files: Sequence[Path], selection: Selection) -> str:
    """A query for the rows of the model, with a ``record`` that numbers them in files' order."""
    source = parquet(files) if files else f"({_NO_RECORDS})"
    record = "file_index << 32 | file_row_number::UBIGINT AS record"
    return f"SELECT *, {record} FROM {source} WHERE model_id = {literal(selection.model_id)}"


# Most posts have one record, and nothing to be replayed: they are left out first, by a number.
_REPLAY = """
CREATE TABLE repeated AS
WITH arrived AS (
    SELECT mark, platform, id, known, event, created, record FROM records
    SEMI JOIN (SELECT mark FROM records GROUP BY mark HAVING count(*) > 1) USING (mark)
), judged AS (
    SELECT *, event = max(event) OVER arrivals AS wins FROM arrived
    WINDOW arrivals AS (PARTITION BY mark, platform, id ORDER BY known, event, created, record)
)
SELECT record, CASE WHEN wins THEN
    lead(CASE WHEN wins THEN known END IGNORE NULLS) OVER arrivals ELSE known END AS superseded
FROM judged
WINDOW arrivals AS (PARTITION BY mark, platform, id ORDER BY known, event, created, record)
"""


def _records(
    connection: "DuckDBPyConnection",
    files: Sequence[Path],
    selection: Selection,
    views: Collection[FeatureView],
) -> str:
    """A query for the records, of the posts and authors that are asked for."""
    scores = _score_columns(connection, files, selection.labels)
    found = [view for view in views if view is not HASHTAG_SENTIMENT]
    columns = [
        "record",
        "platform",
        "id",
        "hash(platform, id) AS mark",
        *(f"{view.name}.entity AS {view.name}" for view in found),
        "epoch_us(seen_at) AS seen",
        "label",
        "epoch_us(event_timestamp) AS event",
        "epoch_us(created_timestamp) AS created",
        "greatest(event, created) AS known",
        *[f"{score} AS score_{number}" for number, score in enumerate(scores)],
    ]
    only = list(views) == [POST_SENTIMENT]
    joins = (
        f"{'' if only else 'LEFT '}JOIN {view.name}_entities AS {view.name} "
        f"USING ({', '.join(view.join_keys)})"
        for view in found
    )
    return f"SELECT {', '.join(columns)} FROM ({stored(files, selection)}) {' '.join(joins)}"


def _score_columns(
    connection: "DuckDBPyConnection", files: Sequence[Path], labels: Sequence[str]
) -> list[str]:
    present: set[str] = set()
    if files:
        rows = connection.execute(f"DESCRIBE SELECT * FROM {parquet(files)}").fetchall()
        present = {row[0].casefold() for row in rows}
    columns = map(score_column, labels)
    return [name(column) if column.casefold() in present else "NULL::DOUBLE" for column in columns]


_NO_RECORDS = (
    "SELECT 0::UBIGINT AS file_index, 0 AS file_row_number, NULL::VARCHAR AS platform, "
    "NULL::VARCHAR AS id, NULL::VARCHAR AS model_id, NULL::VARCHAR AS author, "
    "NULL::VARCHAR[] AS hashtags, NULL::TIMESTAMPTZ AS seen_at, NULL::VARCHAR AS label, "
    "NULL::TIMESTAMPTZ AS event_timestamp, NULL::TIMESTAMPTZ AS created_timestamp WHERE false"
)
