"""A segment of the journal becomes Parquet files, one for each date in it."""

from collections.abc import Callable
from datetime import date
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sentiserve.history.columns import TYPES, check_labels, flat
from sentiserve.history.duck import connected, literal
from sentiserve.history.layout import Layout
from sentiserve.history.segments import read_segment
from sentiserve.records import Record

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_LINES = "segment.ndjson"


class _Segment(NamedTuple):
    """What a segment holds: its lines that are kept, and the labels in them."""

    lines: Path
    labels: list[str]
    digest: str
    empty: bool


def keep_segment(layout: Layout, segment: Path, forgotten: Callable[[Record], bool]) -> None:
    """Write a segment's records, but for those forgotten; only while writing.

    The files are named after the segment and its content. Those that are there already stay.

    Raises:
        StoreError: a line is damaged, or labels differ in case only.
    """
    read = _read(segment, layout.draft(Path(_LINES)), forgotten)
    if read.empty:
        return
    check_labels(read.labels)
    with connected(layout.spill, threads=1) as connection:
        _load(connection, read)
        for day in _days(connection):
            file = layout.folder(day) / f"{segment.stem}-{read.digest}.parquet"
            if not file.exists():
                write(
                    connection,
                    "SELECT * FROM segment WHERE CAST(event_timestamp AS DATE) = "
                    f"DATE '{day.isoformat()}'",
                    layout.draft(file),
                )
                layout.publish(file)


def write(connection: "DuckDBPyConnection", query: str, file: Path) -> None:
    """Write what a query gives as Parquet, in its order."""
    connection.execute(f"COPY ({query}) TO {literal(str(file))} (FORMAT parquet, COMPRESSION zstd)")


def _read(segment: Path, lines: Path, forgotten: Callable[[Record], bool]) -> _Segment:
    """Copy the lines to be kept; every line is checked before anything is written for good."""
    labels: dict[str, None] = {}
    digest = blake2b(digest_size=6)
    empty = True
    with lines.open("wb") as copy:
        for line, record in read_segment(segment):
            digest.update(line)
            if not forgotten(record):
                copy.write(line)
                labels.update(dict.fromkeys(record.scores))
                empty = False
    return _Segment(lines, list(labels), digest.hexdigest(), empty)


def _load(connection: "DuckDBPyConnection", read: _Segment) -> None:
    columns = ", ".join(f"{column}: {literal(kind)}" for column, kind in TYPES.items())
    connection.execute(
        f"CREATE TEMP TABLE segment AS SELECT {flat(read.labels)} "
        f"FROM read_json(?, format = 'newline_delimited', columns = {{{columns}}})",
        [str(read.lines)],
    )


def _days(connection: "DuckDBPyConnection") -> list[date]:
    days = connection.execute(
        "SELECT DISTINCT CAST(event_timestamp AS DATE) AS day FROM segment ORDER BY day"
    )
    return [day for (day,) in days.fetchall()]
