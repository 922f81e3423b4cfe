"""Write a table."""

import csv
from collections.abc import Callable, Iterator
from functools import partial
from glob import escape
from pathlib import Path
from typing import Any

import msgspec

from sentiserve.errors import BadInputError
from sentiserve.tables.parquet import connected

_NESTED = (dict, list)


def write_rows(path: Path, rows: Callable[[], Iterator[dict[str, Any]]]) -> None:
    """Write a table in one piece: the file is there only when it is whole.

    Args:
        path: ends in one of ``WRITABLE``.
        rows: gives all the rows, each time it is called.

    Raises:
        OSError: the file can't be written.
    """
    draft = path.with_name(f".{path.name}.draft")
    try:
        WRITABLE[path.suffix.lower()](draft, rows)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _write_jsonl(path: Path, rows: Callable[[], Iterator[dict[str, Any]]]) -> None:
    with path.open("wb") as file:
        for row in rows():
            file.write(msgspec.json.encode(row, enc_hook=str) + b"\n")


def _write_csv(path: Path, rows: Callable[[], Iterator[dict[str, Any]]]) -> None:
    """Most tables have all their columns in their first row: those take one pass."""
    try:
        _write_columns(path, rows(), dict.fromkeys(next(rows(), {})))
    except _AnotherColumnError:
        _write_columns(path, rows(), dict.fromkeys(column for row in rows() for column in row))


class _AnotherColumnError(Exception):
    """A row has a column that the header doesn't name."""


def _write_columns(path: Path, rows: Iterator[dict[str, Any]], columns: dict[str, None]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for row in rows:
            if not row.keys() <= columns.keys():
                raise _AnotherColumnError
            writer.writerow([_cell(row.get(column, "")) for column in columns])


def _cell(value: object) -> object:
    if isinstance(value, _NESTED):
        return msgspec.json.encode(value, enc_hook=str).decode()
    return value


class _Exact:
    """The kinds of columns that DuckDB would guess wrongly.

    A string that looks like a date is no date, and of whole numbers it makes floating ones where
    some are negative: an id would lose digits.
    """

    def __init__(self) -> None:
        self._strings: set[str] = set()
        self._others: set[str] = set()
        self._whole: dict[str, tuple[int, int]] = {}  # the least and the largest

    def note(self, row: dict[str, Any]) -> None:
        for name, value in row.items():
            if isinstance(value, str):
                self._strings.add(name)
            elif type(value) is int:
                low, high = self._whole.get(name, (value, value))
                self._whole[name] = (min(low, value), max(high, value))
            elif value is not None:
                self._others.add(name)

    def kinds(self) -> Iterator[tuple[str, str]]:
        """The columns' names and kinds."""
        for name, (low, high) in self._whole.items():
            if name not in self._others:
                yield name, _kind(low, high)
        for name in self._strings:
            yield name, "VARCHAR"


def _kind(low: int, high: int) -> str:
    """The one that holds whole numbers between these with all their digits."""
    if low >= -(1 << 63) and high < 1 << 63:
        return "BIGINT"
    return "UBIGINT" if low >= 0 and high < 1 << 64 else "VARCHAR"


def _write_parquet(path: Path, rows: Callable[[], Iterator[dict[str, Any]]]) -> None:
    import duckdb

    lines = path.with_name(path.name + ".jsonl")
    exact = _Exact()

    def noted() -> Iterator[dict[str, Any]]:
        for row in rows():
            exact.note(row)
            yield row

    try:
        _write_jsonl(lines, noted)
        with connected() as connection:
            read = partial(connection.read_json, escape(str(lines)), format="newline_delimited")
            found = read(sample_size=-1)
            kinds = dict(zip(found.columns, map(str, found.types), strict=True))
            columns = kinds | {name: kind for name, kind in exact.kinds() if name in kinds}
            read(columns=columns).write_parquet(str(path))
    except duckdb.Error as error:
        raise BadInputError(f"{path}: cannot be written as Parquet: {error}") from error
    finally:
        lines.unlink(missing_ok=True)


WRITABLE = {".jsonl": _write_jsonl, ".csv": _write_csv, ".parquet": _write_parquet}
