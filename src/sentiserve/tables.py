"""Tables of rows in files: ``.jsonl``, ``.csv``, ``.tsv`` and ``.parquet``, streamed."""

import csv
from codecs import BOM_UTF8
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC
from functools import partial
from glob import escape
from importlib import resources
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec

from sentiserve.errors import BadInputError

MAX_LINE = 1 << 20  # bytes; a longer line is a broken row, not a reason to fill the memory
_CHUNK = 1_000  # Parquet rows held at once
_RECORD_LINES = 1_000  # of one CSV record with line breaks in it


@dataclass(frozen=True, slots=True)
class Row:
    """One row; ``problem`` says why its values can't be trusted, if they can't."""

    values: dict[str, Any] = field(default_factory=dict)
    problem: str | None = None


def sample_archive() -> Path:
    """The archive that ships inside the package: invented posts by invented people."""
    return Path(str(resources.files("sentiserve"))) / "data" / "sample.jsonl"


def read_rows(path: Path) -> Iterator[Row]:
    """The rows of a file, in order; a broken row comes out as a problem, never as nothing.

    A ``.tsv`` file has no quoting: a quotation mark is part of the text.

    Raises:
        BadInputError: the file is missing, of an unknown kind, or not readable as its kind.
    """
    try:
        reader = _READERS[path.suffix.lower()]
    except KeyError:
        known = " ".join(_READERS)
        raise BadInputError(f"{path}: the file's name must end in one of {known}") from None
    if not path.is_file():
        raise BadInputError(f"{path}: no such file")
    try:
        yield from reader(path)
    except OSError as error:
        raise BadInputError(f"{path}: {error.strerror or error}") from error


def _jsonl(path: Path) -> Iterator[Row]:
    decoder = msgspec.json.Decoder(dict[str, Any])
    for line in _lines(path):
        if line is None:
            yield Row(problem=f"the line is longer than {MAX_LINE:,} bytes")
        elif line.strip():
            try:
                yield Row(decoder.decode(line.removeprefix(BOM_UTF8)))
            except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
                yield Row(problem=f"not a JSON object: {error}")


def _csv(path: Path) -> Iterator[Row]:
    yield from _separated(path, _csv_records(path))


def _csv_records(path: Path) -> Iterator[list[str] | str]:
    """Records, with a problem for each line that can't begin one.

    A stray quotation mark would swallow every line down to the next one: the lines behind the
    broken one are read anew, so that it costs itself alone.
    """
    lines = _text_lines(path)
    again: deque[str | None] = deque()
    while True:
        taken: list[str | None] = []
        try:
            yield next(csv.reader(_record_lines(lines, again, taken), strict=True))
        except StopIteration:
            return
        except csv.Error as error:
            again.extendleft(reversed(taken[1:]))
            yield f"not readable as CSV: {error}"


def _record_lines(
    lines: Iterator[str | None], again: deque[str | None], taken: list[str | None]
) -> Iterator[str]:
    """Lines for one record, each also put into ``taken``."""
    for line in chain(_drained(again), lines):
        taken.append(line)
        if line is None:
            raise csv.Error(_unreadable())
        if len(taken) > _RECORD_LINES:
            raise csv.Error("a quotation mark is not closed")
        yield line


def _drained(queue: deque[str | None]) -> Iterator[str | None]:
    while queue:
        yield queue.popleft()


def _unreadable() -> str:
    return f"the line is not UTF-8, or is longer than {MAX_LINE:,} bytes"


def _tsv(path: Path) -> Iterator[Row]:
    yield from _separated(path, map(_fields, _text_lines(path)))


def _fields(line: str | None) -> list[str] | str:
    if line is None:
        return _unreadable()
    line = line.rstrip("\r\n")
    return line.split("\t") if line else []


def _separated(path: Path, records: Iterator[list[str] | str]) -> Iterator[Row]:
    filled = (record for record in records if record)
    header = next(filled, [])
    if isinstance(header, str):
        raise BadInputError(f"{path}: the header is not readable: {header}")
    if len(set(header)) < len(header):
        twice = next(name for name in header if header.count(name) > 1)
        raise BadInputError(f"{path}: two columns are named {twice!r}")
    for record in filled:
        if isinstance(record, str):
            yield Row(problem=record)
            continue
        values = dict(zip(header, record, strict=False))
        if len(record) != len(header):
            yield Row(values, f"has {len(record)} fields, the header has {len(header)}")
        else:
            yield Row(values)


def _parquet(path: Path) -> Iterator[Row]:
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


def _lines(path: Path) -> Iterator[bytes | None]:
    """Lines, with None for each that is over the limit."""
    with path.open("rb") as file:
        while line := file.readline(MAX_LINE + 1):
            if len(line) <= MAX_LINE:
                yield line
                continue
            while not line.endswith(b"\n") and line:
                line = file.readline(MAX_LINE)
            yield None


def _text_lines(path: Path) -> Iterator[str | None]:
    """Lines of UTF-8, with None for each that is none or is over the limit."""
    for number, line in enumerate(_lines(path)):
        try:
            yield None if line is None else line.decode("utf-8" if number else "utf-8-sig")
        except UnicodeDecodeError:
            yield None


_READERS: dict[str, Callable[[Path], Iterator[Row]]] = {
    ".jsonl": _jsonl,
    ".csv": _csv,
    ".tsv": _tsv,
    ".parquet": _parquet,
}


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
    columns = dict.fromkeys(column for row in rows() for column in row)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        for row in rows():
            writer.writerow({column: _cell(value) for column, value in row.items()})


def _cell(value: object) -> object:
    nested = isinstance(value, dict | list)
    return msgspec.json.encode(value, enc_hook=str).decode() if nested else value


def _write_parquet(path: Path, rows: Callable[[], Iterator[dict[str, Any]]]) -> None:
    import duckdb

    lines = path.with_name(path.name + ".jsonl")
    strings = {name for row in rows() for name, value in row.items() if isinstance(value, str)}
    try:
        _write_jsonl(lines, rows)
        with duckdb.connect() as connection:
            read = partial(connection.read_json, escape(str(lines)), format="newline_delimited")
            found = read(sample_size=-1)
            # A string that looks like a date is no date.
            columns = {
                name: "VARCHAR" if name in strings else str(kind)
                for name, kind in zip(found.columns, found.types, strict=True)
            }
            read(columns=columns).write_parquet(str(path))
    except duckdb.Error as error:
        raise BadInputError(f"{path}: cannot be written as Parquet: {error}") from error
    finally:
        lines.unlink(missing_ok=True)


WRITABLE = {".jsonl": _write_jsonl, ".csv": _write_csv, ".parquet": _write_parquet}
