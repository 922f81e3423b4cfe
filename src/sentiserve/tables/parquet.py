"""Tables in Parquet files, by way of DuckDB."""

from collections.abc import Iterator
from datetime import UTC
from glob import escape
from pathlib import Path

from sentiserve.errors import BadInputError
from sentiserve.tables.row import Row

_CHUNK = 1_000  # rows held at once


def read_parquet(path: Path) -> Iterator[Row]:
    """Values as they are; times with a zone in UTC."""
    import duckdb

    with duckdb.connect() as connection:
        try:
            connection.execute("SET TimeZone = 'UTC'")
            table = connection.read_parquet(escape(str(path)))
            kinds = dict(zip(table.columns, map(str, table.types), strict=True))
            zoned = {name for name, kind in kinds.items() if kind == "TIMESTAMP WITH TIME ZONE"}
            columns = [
                # DuckDB gives a time with a zone only where pytz is installed.
                column.cast("TIMESTAMP").alias(name) if name in zoned else column
                for name, column in ((name, duckdb.ColumnExpression(name)) for name in kinds)
            ]
            cursor = connection.execute(table.select(*columns).sql_query())
            while chunk := cursor.fetchmany(_CHUNK):
                for record in chunk:
                    values = dict(zip(kinds, record, strict=True))
                    times = {
                        name: values[name].replace(tzinfo=UTC) for name in zoned if values[name]
                    }
                    yield Row(values | times)
        except duckdb.Error as error:
            raise BadInputError(f"{path}: not readable as Parquet: {error}") from error
