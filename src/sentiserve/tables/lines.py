"""Tables of lines of text: ``.jsonl``, ``.csv`` and ``.tsv``."""

import csv
from codecs import BOM_UTF8
from collections import deque
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec

from sentiserve.errors import BadInputError
from sentiserve.tables.row import Row

MAX_LINE = 1 << 20  # bytes; a longer line is a broken row, not a reason to fill the memory
_RECORD_LINES = 1_000  # of one CSV record with line breaks in it


def read_jsonl(path: Path) -> Iterator[Row]:
    """A JSON object in each line."""
    decoder = msgspec.json.Decoder(dict[str, Any])
    for line in _lines(path):
        if line is None:
            yield Row(problem=f"the line is longer than {MAX_LINE:,} bytes")
        elif line.strip():
            try:
                yield Row(decoder.decode(line.removeprefix(BOM_UTF8)))
            except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
                yield Row(problem=f"not a JSON object: {error}")


def read_csv(path: Path) -> Iterator[Row]:
    """Fields between commas, quoted where need be, below a header."""
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


def read_tsv(path: Path) -> Iterator[Row]:
    """Fields between tabs, with no quoting, below a header."""
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
