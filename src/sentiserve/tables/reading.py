"""Read a table, whatever its kind."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import TypeVar

from sentiserve.errors import BadInputError
from sentiserve.tables.lines import read_csv, read_jsonl, read_tsv
from sentiserve.tables.parquet import read_parquet
from sentiserve.tables.row import Row
from sentiserve.tables.x_archive import count_script, count_zip, read_script, read_zip

Reader = Callable[[Path], Iterator[Row]]
K = TypeVar("K")


def sample_archive() -> Path:
    """The archive that ships inside the package: invented posts by invented people."""
    return Path(str(resources.files("sentiserve"))) / "data" / "sample.jsonl"


def read_rows(path: Path) -> Iterator[Row]:
    """The rows of a file, in order; a broken row comes out as a problem, never as nothing.

    A ``.tsv`` file has no quoting: a quotation mark is part of the text.

    Raises:
        BadInputError: the file is missing, of an unknown kind, or not readable as its kind.
    """
    reader = _of_kind(_READERS, path)
    with _readable(path):
        yield from reader(path)


def count_rows(path: Path) -> int:
    """How many rows a file has; of an archive of X with broken posts in it, about how many.

    Raises:
        BadInputError: as for ``read_rows``.
    """
    counter = _of_kind(_COUNTERS, path)
    with _readable(path):
        return counter(path)


def no_column(path: Path, row: Row, column: str) -> BadInputError:
    """The error for a table that lacks a column, as one of its rows shows."""
    columns = ", ".join(map(repr, row.values))
    hint = "; separate columns by commas" if ";" in columns else ""
    return BadInputError(f"{path} has no column '{column}'; it has {columns}{hint}")


def _of_kind(kinds: dict[str, K], path: Path) -> K:
    if found := kinds.get(path.suffix.lower()):
        return found
    raise BadInputError(f"{path}: the file's name must end in one of {' '.join(kinds)}")


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    if not path.is_file():
        raise BadInputError(f"{path}: {'a directory' if path.is_dir() else 'no such file'}")
    try:
        yield
    except OSError as error:
        raise BadInputError(f"{path}: {error.strerror or error}") from error


def _counted(reader: Reader) -> Callable[[Path], int]:
    return lambda path: sum(1 for _ in reader(path))


_READERS: dict[str, Reader] = {
    ".jsonl": read_jsonl,
    ".csv": read_csv,
    ".tsv": read_tsv,
    ".parquet": read_parquet,
    ".zip": read_zip,
    ".js": read_script,
}
_COUNTERS: dict[str, Callable[[Path], int]] = {
    **{kind: _counted(reader) for kind, reader in _READERS.items()},
    ".zip": count_zip,
    ".js": count_script,
}
