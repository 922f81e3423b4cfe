"""The records that last write wins leaves, for filling an online store from the history."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from sentiserve.history.columns import TYPES, labels_in, score_column
from sentiserve.history.duck import columns_of, connected, name, parquet
from sentiserve.history.layout import Layout
from sentiserve.records import Record

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

BATCH = 1_000  # records
_EPOCH = datetime.fromtimestamp(0, UTC)
_PLAIN = [column for column in TYPES if column != "scores"]
_TIMES = {column for column, kind in TYPES.items() if kind == "TIMESTAMPTZ"}
"""They are read as whole microseconds: DuckDB gives a time with a zone only with pytz."""


def winning_records(
    layout: Layout, since: datetime | None, until: datetime | None
) -> Iterator[list[Record]]:
    """Of each post and model the last record predicted from ``since`` on and before ``until``.

    Only while reading; in the order of the files.
    """
    files = layout.files(since, until)
    if not files:
        return
    with (
        TemporaryDirectory(prefix="sentiserve-") as spill,
        connected(Path(spill)) as connection,
    ):
        labels = {str(file): labels_in(columns_of(connection, file)) for file in files}
        _find_winners(connection, files, since, until)
        scores = {label.casefold(): label for found in labels.values() for label in found}
        record = _reader(labels, list(scores))
        rows = connection.execute(_query(files, list(scores.values())))
        while chunk := rows.fetchmany(BATCH):
            yield [record(row) for row in chunk]


def _find_winners(
    connection: "DuckDBPyConnection",
    files: Sequence[Path],
    since: datetime | None,
    until: datetime | None,
) -> None:
    order = "{e: event_timestamp, c: created_timestamp, f: filename, n: file_row_number}"
    connection.execute(
        "CREATE TEMP TABLE winners AS SELECT last.f AS file, last.n AS number FROM ("
        f"SELECT max({order}) AS last FROM {parquet(files)} "
        "WHERE coalesce(event_timestamp >= ?::TIMESTAMPTZ, true) "
        "AND coalesce(event_timestamp < ?::TIMESTAMPTZ, true) "
        "GROUP BY platform, id, model_id)",
        [since and since.isoformat(), until and until.isoformat()],
    )


def _query(files: Sequence[Path], labels: Sequence[str]) -> str:
    fields = [
        "kept.filename",
        *(f"epoch_us({column})" if column in _TIMES else column for column in _PLAIN),
        *(name(score_column(label)) for label in labels),
    ]
    return (
        f"SELECT {', '.join(fields)} FROM {parquet(files)} AS kept SEMI JOIN winners "
        "ON kept.filename = winners.file AND kept.file_row_number = winners.number"
    )


def _reader(labels: dict[str, list[str]], columns: list[str]) -> Callable[[Sequence[Any]], Record]:
    """What makes a record of a row: its labels are spelled as in its own file."""
    first = 1 + len(_PLAIN)
    places = {
        file: [(label, first + columns.index(label.casefold())) for label in found]
        for file, found in labels.items()
    }

    def record(row: Sequence[Any]) -> Record:
        values: dict[str, Any] = {
            column: _time(value) if column in _TIMES else value
            for column, value in zip(_PLAIN, row[1:first], strict=True)
        }
        values["hashtags"] = tuple(values["hashtags"])
        scores = {label: row[place] for label, place in places[row[0]]}
        kept = {label: score for label, score in scores.items() if score is not None}
        return Record(**values, scores=kept)

    return record


def _time(micros: int | None) -> datetime | None:
    return None if micros is None else _EPOCH + timedelta(microseconds=micros)
