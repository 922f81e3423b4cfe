"""The table that a training set starts from: entities, and the times at which to see them."""

import re
from collections.abc import Iterable
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING

from sentiserve.errors import BadInputError
from sentiserve.features.views import FeatureView
from sentiserve.history.duck import name, reason
from sentiserve.history.points import number_entities
from sentiserve.history.spine_csv import csv_source, naming_the_line

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

TIME = "event_timestamp"
ROW = "spine_row"  # a column that no spine may have
_INTEGERS = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?")
_GUESSED = re.compile(r"DATE|TIME|UUID")  # JSON has no such types: they are texts that look so


def load_spine(
    connection: "DuckDBPyConnection", path: Path, views: Iterable[FeatureView]
) -> list[str]:
    """Make the tables ``spine``, as it is but for ``spine_row``, and ``asked``.

    ``asked`` has the ``spine_row``, the ``time`` (microseconds since 1970; without a zone it is
    in UTC) and the views' keys, as texts.

    Returns:
        The spine's columns.

    Raises:
        BadInputError: it can't be read, or a column is missing or can't be used.
    """
    import duckdb

    keys = list(dict.fromkeys(key for view in views for key in view.join_keys))
    try:
        with naming_the_line(path):
            connection.execute(
                f"CREATE TABLE spine AS SELECT *, row_number() OVER () AS {ROW} "
                f"FROM {_source(connection, path)}"
            )
        columns = _columns(connection, "FROM spine")
        if list(columns)[-1] != ROW:
            raise BadInputError(f"{path}: the column {ROW} is ours; give yours another name")
        fields = [_time(path, columns), *(_key(path, columns, key) for key in keys)]
        connection.execute(f"CREATE TABLE asked AS SELECT {ROW}, {', '.join(fields)} FROM spine")
        if "hashtag" in keys:
            _fold_hashtags(connection)
    except duckdb.Error as error:
        raise BadInputError(f"{path}: {reason(error)}") from error
    except OSError as error:
        raise BadInputError(f"{path} cannot be read: {error.strerror or error}") from error
    _check_times(connection, path)
    return [column for column in columns if column != ROW]


def ask(connection: "DuckDBPyConnection", view: FeatureView) -> None:
    """Make the view's ``_entities``, and its ``_points``: rows that have an entity."""
    keys = ", ".join(view.join_keys)
    number_entities(connection, view, f"SELECT {keys} FROM asked")
    connection.execute(
        f"CREATE TABLE {view.name}_points AS SELECT {ROW} AS point, entity, time FROM asked "
        f"JOIN {view.name}_entities USING ({keys})"
    )


def _source(connection: "DuckDBPyConnection", path: Path) -> str:
    if not path.is_file():
        raise BadInputError(f"{path}: no such file")
    if not path.stat().st_size:
        raise BadInputError(
            f"{path}: the file is empty; it must have a row for each entity and time"
        )
    place = "'" + escape(str(path)).replace("'", "''") + "'"
    match path.suffix.lower():
        case ".parquet":
            return f"read_parquet([{place}], hive_partitioning = false)"
        case ".csv":
            return csv_source(path, place)
        case ".jsonl":
            options = "format = 'newline_delimited', sample_size = -1"
            types = _columns(connection, f"FROM read_json([{place}], {options})")
            fields = ", ".join(
                f"{name(column)}: '{'VARCHAR' if _GUESSED.match(kind) else kind}'"
                for column, kind in types.items()
            )
            return f"read_json([{place}], {options}, columns = {{{fields}}})"
    raise BadInputError(f"{path}: a spine's name must end in .parquet .csv or .jsonl")


def _columns(connection: "DuckDBPyConnection", query: str) -> dict[str, str]:
    rows = connection.execute(f"DESCRIBE SELECT * {query}").fetchall()
    return {row[0]: row[1] for row in rows}


def _kind(path: Path, columns: dict[str, str], column: str) -> str:
    if column not in columns:
        there = ", ".join(other for other in columns if other != ROW)
        raise BadInputError(f"{path}: there is no column {column}; there are {there}")
    return columns[column]


def _time(path: Path, columns: dict[str, str]) -> str:
    kind = _kind(path, columns, TIME)
    if not kind.startswith(("TIMESTAMP", "DATE", "VARCHAR")):
        raise BadInputError(
            f"{path}: {TIME} is {kind}; it must be a time, such as 2026-03-01T12:00:00Z"
        )
    time = f"TRY_CAST({TIME} AS TIMESTAMPTZ)"
    return f"CASE WHEN isfinite({time}) THEN epoch_us({time}) END AS time"


def _key(path: Path, columns: dict[str, str], key: str) -> str:
    kind = _kind(path, columns, key)
    if not (kind.startswith(("VARCHAR", "ENUM")) or _INTEGERS.fullmatch(kind)):
        raise BadInputError(f"{path}: {key} is {kind}; it must be text, or ids might be rounded")
    return f"CAST({name(key)} AS VARCHAR) AS {name(key)}"


def _fold_hashtags(connection: "DuckDBPyConnection") -> None:
    """Write them as posts have them, and as online features do; DuckDB folds otherwise."""
    rows = connection.execute("SELECT DISTINCT hashtag FROM asked WHERE hashtag IS NOT NULL")
    written = [tag for (tag,) in rows.fetchall()]
    folded = [tag.removeprefix("#").casefold() for tag in written]
    connection.execute(
        "UPDATE asked SET hashtag = folded FROM (SELECT unnest(?::VARCHAR[]) AS written, "
        "unnest(?::VARCHAR[]) AS folded) WHERE hashtag = written",
        [written, folded],
    )


def _check_times(connection: "DuckDBPyConnection", path: Path) -> None:
    bad = connection.execute(
        f"SELECT {ROW}, CAST({TIME} AS VARCHAR) FROM asked JOIN spine USING ({ROW}) "
        f"WHERE asked.time IS NULL ORDER BY {ROW} LIMIT 1"
    ).fetchall()
    for row, value in bad:
        raise BadInputError(
            f"{path}: the {TIME} of row {row} is {value or 'empty'}; it must be a time, such as "
            "2026-03-01T12:00:00Z"
        )
