"""Spines as CSV: nothing about them is guessed, so that what is wrong is found, with its line."""

import csv
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sentiserve.errors import BadInputError
from sentiserve.history.duck import literal
from sentiserve.tables.lines import MAX_LINE

_SEPARATORS = ",;\t"
_NOT_UTF8 = "is not UTF-8; save the file as UTF-8"
_PROBLEMS = {  # what DuckDB says, and what we do
    r"Expected Number of Columns: (\d+) Found: (\d+)": (
        r"has \2 fields, the header has \1; put values with a separator in them into quotation "
        "marks, and leave no field out"
    ),
    r"Invalid unicode": _NOT_UTF8,
    r"unterminated quote": (
        "has a quotation mark that is not closed; close it, or double each that is part of a value"
    ),
    r"Maximum line size": "is too long; an earlier quotation mark may not be closed",
    r"invalid state": "has line ends of two kinds, or isn't text; save the file anew as CSV",
}


def csv_source(path: Path, place: str) -> str:
    """What DuckDB is to read; all columns are texts, for CSV knows no types.

    Raises:
        BadInputError: the first line names no columns, or two alike.
    """
    with path.open("rb") as file:
        line = file.readline(MAX_LINE)
    try:
        header = line.decode("utf-8-sig").partition("\r")[0].strip("\n")
    except UnicodeDecodeError as error:
        raise BadInputError(f"{path}: line 1 {_NOT_UTF8}") from error
    if not header.strip():
        raise BadInputError(f"{path}: line 1 is empty; it must name the columns")
    separator = max(_SEPARATORS, key=header.count)
    try:
        names = next(csv.reader([header], delimiter=separator))
    except csv.Error as error:
        raise BadInputError(f"{path}: line 1 names no columns: {error}") from error
    columns: dict[str, str] = {}
    for number, written in enumerate(names):
        column = written or f"column{number}"  # a table's index has no name, commonly
        if column.casefold() in columns:
            raise BadInputError(f"{path}: two columns are named {column}; rename one")
        columns[column.casefold()] = f"{literal(column)}: 'VARCHAR'"
    return (
        f"read_csv([{place}], auto_detect = false, header = true, delim = '{separator}', "
        f"""quote = '"', escape = '"', columns = {{{", ".join(columns.values())}}})"""
    )


@contextmanager
def naming_the_line(path: Path) -> Iterator[None]:
    """Say which line can't be read and what to do, where DuckDB says so at length.

    Raises:
        BadInputError: a line can't be read.
    """
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        line = re.search(r"CSV Error on Line: (\d+)", str(error))
        for said, problem in _PROBLEMS.items():
            if found := re.search(said, str(error)):
                where = f"line {line[1]}" if line else "it"
                raise BadInputError(f"{path}: {where} {found.expand(problem)}") from error
        raise
