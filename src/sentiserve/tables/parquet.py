"""DuckDB for Parquet files, and rows that it reads from one."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import reduce
from glob import escape
from operator import add
from pathlib import Path
from typing import TYPE_CHECKING

from sentiserve.errors import BadInputError
from sentiserve.tables.row import Row

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection, Expression

MAX_ROW = 1 << 20  # bytes of text; a longer row is broken: a little packs what no memory holds
_CHUNK = 100  # rows held at once
_MEMORY = "2GB"  # that DuckDB may take: a list in a file of a kilobyte may have any length
_ZONED = re.compile("TIMESTAMP WITH TIME ZONE|TIMESTAMPTZ_NS")
_FIXED = re.compile(  # kinds whose values are small, whatever they are; any other is measured
    r"BOOLEAN|U?(?:TINY|SMALL|BIG|HUGE)?INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL\([0-9, ]+\)"
    r"|DATE|TIME(?:STAMP)?(?:_S|_MS|_NS)?(?: WITH TIME ZONE)?|INTERVAL|UUID"
)


def read_parquet(path: Path) -> Iterator[Row]:
    """Values as they are; times with a zone in UTC."""
    import duckdb

    with connected() as connection:
        try:
            yield from _rows(connection, path)
        except duckdb.Error as error:
            reason = str(error).partition("\n")[0]
            raise BadInputError(f"{path}: not readable as Parquet: {reason}") from error


@contextmanager
def connected() -> Iterator["DuckDBPyConnection"]:
    """A connection that reaches for no network, and leaves standard output alone."""
    import duckdb

    config: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }
    with duckdb.connect(config=config) as connection:
        connection.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
        yield connection


def _rows(connection: "DuckDBPyConnection", path: Path) -> Iterator[Row]:
    connection.execute(f"SET memory_limit = '{_MEMORY}'")
    table = connection.read_parquet(escape(str(path)))
    kinds = dict(zip(table.columns, map(str, table.types), strict=True))
    zoned = {name for name, kind in kinds.items() if _ZONED.fullmatch(kind)}
    cursor = connection.execute(table.select(*_columns(kinds)).sql_query())
    while chunk := cursor.fetchmany(_CHUNK):
        for is_long, *record in chunk:
            if is_long:
                yield Row(problem=f"the row has over {MAX_ROW:,} bytes of text")
                continue
            values = dict(zip(kinds, record, strict=True))
            yield Row(values | {name: _in_utc(values[name]) for name in zoned})


def _in_utc(value: object) -> object:
    """A time; what Python has no time for, infinity say, stays a string."""
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value


def _columns(kinds: dict[str, str]) -> "list[Expression]":
    """Whether the row is too long, and what it has, without what may be long if it is."""
    from duckdb import CaseExpression, ColumnExpression, ConstantExpression

    is_long = _length(kinds) > ConstantExpression(MAX_ROW)

    def column(name: str, kind: str) -> "Expression":
        value: Expression = ColumnExpression(name)
        # Times with a zone DuckDB gives only where pytz is installed.
        if _ZONED.fullmatch(kind):
            return value.cast("TIMESTAMPTZ").cast("TIMESTAMP").alias(name)
        if _ZONED.search(kind):
            value = value.cast(_ZONED.sub("VARCHAR", kind))
        if _FIXED.fullmatch(kind):
            return value
        return CaseExpression(is_long, ConstantExpression(None)).otherwise(value).alias(name)

    return [is_long, *(column(name, kind) for name, kind in kinds.items())]


def _length(kinds: dict[str, str]) -> "Expression":
    """The bytes of what may be long in a row; of texts known without a copy of them."""
    from duckdb import CoalesceOperator, ColumnExpression, ConstantExpression, FunctionExpression

    none = ConstantExpression(0)

    def length(name: str, kind: str) -> "Expression":
        value: Expression = ColumnExpression(name)
        if kind == "BLOB":
            return FunctionExpression("octet_length", value)
        return FunctionExpression("strlen", value if kind == "VARCHAR" else value.cast("VARCHAR"))

    lengths = (
        CoalesceOperator(length(name, kind), none)
        for name, kind in kinds.items()
        if not _FIXED.fullmatch(kind)
    )
    return reduce(add, lengths, none)
