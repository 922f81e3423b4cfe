"""DuckDB for one operation: in memory, bounded, offline, in UTC."""

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING

from sentiserve.errors import BadInputError, StoreError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MEMORY = "640MB"  # beyond it DuckDB spills to the disk
_THREADS = 2


@contextmanager
def connected(spill: Path, threads: int = _THREADS) -> "Iterator[DuckDBPyConnection]":
    """A connection of its own, which spills into ``spill`` and never reaches for the network."""
    import duckdb

    config: dict[str, str | bool | int | float | list[str]] = {
        "allow_community_extensions": "false",
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "memory_limit": MEMORY,
        "preserve_insertion_order": "true",
        "temp_directory": str(spill),
        "threads": threads,
    }
    with duckdb.connect(config=config) as connection:
        connection.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
        yield connection


@contextmanager
def refusing(what: str, advice: str) -> Iterator[None]:
    """Make a StoreError of whatever DuckDB or the file system refuses in the block."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"{what}: {error.strerror or error}; {advice}") from error
    except Exception as error:
        duckdb = sys.modules.get("duckdb")  # a block that didn't need it shall not load it
        if duckdb is None or not isinstance(error, duckdb.Error):
            raise
        raise StoreError(f"{what}: {reason(error)}; {advice}") from error


def copy(
    connection: "DuckDBPyConnection", query: str, file: Path, options: str, target: Path
) -> int:
    """Write the rows of a query to a file, and say how many they are.

    Raises:
        BadInputError: it can't be written; the error names ``target``, which it is for.
    """
    import duckdb

    try:
        ((rows,),) = connection.execute(
            f"COPY ({query}) TO {literal(str(file))} ({options})"
        ).fetchall()
    except duckdb.Error as error:
        raise BadInputError(f"{target} cannot be written: {reason(error)}") from error
    return int(rows)


def reason(error: Exception) -> str:
    """The first line of what DuckDB says, without the class of the error."""
    line = (str(error).strip() or repr(error)).splitlines()[0]
    return re.sub(r"^[\w ]+ Error: ", "", line)


def name(identifier: str) -> str:
    """An identifier as SQL, whatever is in it."""
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as SQL, where no parameter can stand."""
    return "'" + text.replace("'", "''") + "'"


def parquet(files: Sequence[Path]) -> str:
    """A table of all the files' rows, in the files' order; the columns of all of them."""
    paths = ", ".join(literal(escape(str(file))) for file in files)
    return f"read_parquet([{paths}], union_by_name = true, hive_partitioning = false)"


def columns_of(connection: "DuckDBPyConnection", file: Path) -> list[str]:
    """The columns that a Parquet file holds, spelled as in it."""
    rows = connection.execute(f"DESCRIBE SELECT * FROM {parquet([file])}").fetchall()
    return [row[0] for row in rows]
