"""The many small files of a day become one."""

import re
from collections import defaultdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from sentiserve.history.duck import columns_of, connected, parquet
from sentiserve.history.keeping import write
from sentiserve.history.layout import Layout, sync

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_GENERATION = re.compile(r"~(\d+)$")
_KEY = "platform, id, model_id, event_timestamp, created_timestamp"


def compact_day(layout: Layout, day: date) -> int:
    """Put a day's rows together, each of them once, in their order; only while writing.

    Files with other labels stay apart: in one file a label might take another's spelling. A
    crash may leave both the old files and the new one: the rows are there twice then, which
    changes no answer, until the next time.

    Returns:
        How many files there are less.
    """
    alike: dict[frozenset[str], list[Path]] = defaultdict(list)
    with connected(layout.spill, threads=1) as connection:
        for file in sorted(layout.folder(day).glob("*.parquet")):
            alike[frozenset(columns_of(connection, file))].append(file)
    groups = [files for files in alike.values() if len(files) > 1]
    for files in groups:
        _unite(layout, files)
    return sum(len(files) - 1 for files in groups)


def _unite(layout: Layout, files: list[Path]) -> None:
    together = _together(files[-1])
    with (
        connected(layout.spill, threads=1) as connection,
        layout.until_closed(connection.interrupt),
    ):
        _find_repeated(connection, files)
        write(
            connection,
            f"SELECT kept.* FROM {parquet(files)} AS kept ANTI JOIN repeated "
            "ON kept.filename = repeated.file AND kept.file_row_number = repeated.number",
            layout.draft(together),
        )
    layout.publish(together)
    for file in files:
        file.unlink()
    sync(together.parent)


def _together(last: Path) -> Path:
    """A file that comes after the last one by name, as its rows did, and before later ones."""
    generation = _GENERATION.search(last.stem)
    number = int(generation[1]) + 1 if generation else 1
    return last.with_name(f"{_GENERATION.sub('', last.stem)}~{number}.parquet")


def _find_repeated(connection: "DuckDBPyConnection", files: list[Path]) -> None:
    """Make a table of the rows that come again later, in every column the same."""
    connection.execute(
        f"CREATE TEMP TABLE suspects AS SELECT {_KEY} FROM {parquet(files)} "
        "GROUP BY ALL HAVING count(*) > 1"
    )
    connection.execute(
        "CREATE TEMP TABLE repeated AS SELECT file, number FROM ("
        "SELECT suspect, suspect.filename AS file, suspect.file_row_number AS number "
        f"FROM {parquet(files)} AS suspect SEMI JOIN suspects USING ({_KEY})) "
        "QUALIFY row_number() OVER (PARTITION BY suspect ORDER BY file DESC, number DESC) > 1"
    )
