"""Which record of a post counted when: last write wins, replayed in SQL.

A store takes records as they become known, and of a post keeps the one with the latest
event_timestamp (of two alike the one that came later). So a record counts from the moment it is
known until a record that wins against it is known, or it expires.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sentiserve.history.columns import score_column
from sentiserve.history.duck import name, parquet

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
    *,
    hashtags: bool,
    only: str | None = None,
) -> None:
    """Make the table ``versions``.

    platform, id, author, hashtags, seen, label, score_0 … (in the order of the model's labels),
    and the span of time, from ``known`` to before ``until``, in which the record counts. Times
    are microseconds since 1970.

    Args:
        connection: where to make it.
        files: the history's, in their order.
        selection: whose records.
        hashtags: whether hashtags are needed.
        only: a table of the posts (platform, id) that are needed; None for all.
    """
    connection.execute(
        f"CREATE TEMP TABLE records AS {_records(connection, files, selection, hashtags=hashtags)}"
        + (f" SEMI JOIN {only} USING (platform, id)" if only else "")
        + " WHERE model_id = ?",
        [selection.model_id],
    )
    for statement in _REPLAY:
        connection.execute(statement)
    fields = "platform, id, author, hashtags, seen, label, known" + "".join(
        f", score_{number}" for number in range(len(selection.labels))
    )
    connection.execute(
        f"CREATE TEMP TABLE versions AS SELECT {fields}, event + {selection.ttl} AS until "
        "FROM records ANTI JOIN repeated ON records.rowid = repeated.record "
        f"WHERE known < until UNION ALL SELECT {fields}, "
        f"least(superseded, event + {selection.ttl}) AS until "
        "FROM winning JOIN records ON records.rowid = winning.record WHERE known < until"
    )
    for table in ("winning", "repeated", "again", "records"):
        connection.execute(f"DROP TABLE {table}")


_WINS = """
WINDOW arrivals AS (PARTITION BY post ORDER BY known, event, created, record),
    earlier AS (PARTITION BY post ORDER BY known, event, created, record
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
QUALIFY event >= coalesce(max(event) OVER earlier, event)
    AND lead(known) OVER arrivals IS DISTINCT FROM known
"""
_REPLAY = (
    # Most posts have one record, and nothing to be replayed.
    """CREATE TEMP TABLE again AS SELECT platform, id, row_number() OVER () AS post
    FROM (SELECT DISTINCT platform, id FROM records
        SEMI JOIN (SELECT mark FROM records GROUP BY mark HAVING count(*) > 1) USING (mark))""",
    """CREATE TEMP TABLE repeated AS
    SELECT post, known, event, created, records.rowid AS record
    FROM records JOIN again USING (platform, id)""",
    f"""CREATE TEMP TABLE winning AS
    SELECT record, lead(known) OVER (PARTITION BY post ORDER BY known) AS superseded
    FROM (SELECT post, known, record FROM repeated {_WINS})""",
)


def _records(
    connection: "DuckDBPyConnection", files: Sequence[Path], selection: Selection, *, hashtags: bool
) -> str:
    """A query for the records, in the order of the files."""
    scores = _score_columns(connection, files, selection.labels)
    columns = [
        "platform",
        "id",
        "hash(platform, id) AS mark",
        "author",
        ("hashtags" if hashtags else "NULL::VARCHAR[]") + " AS hashtags",
        "epoch_us(seen_at) AS seen",
        "label",
        "epoch_us(event_timestamp) AS event",
        "epoch_us(created_timestamp) AS created",
        "greatest(event, created) AS known",
        *[f"{score} AS score_{number}" for number, score in enumerate(scores)],
    ]
    source = parquet(files) if files else f"({_NO_RECORDS})"
    return f"SELECT {', '.join(columns)} FROM {source}"


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
    "SELECT NULL::VARCHAR AS platform, NULL::VARCHAR AS id, NULL::VARCHAR AS model_id, "
    "NULL::VARCHAR AS author, NULL::VARCHAR[] AS hashtags, NULL::TIMESTAMPTZ AS seen_at, "
    "NULL::VARCHAR AS label, NULL::TIMESTAMPTZ AS event_timestamp, "
    "NULL::TIMESTAMPTZ AS created_timestamp WHERE false"
)
