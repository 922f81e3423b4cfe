"""Read a table, whatever its kind."""

from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path

from sentiserve.errors import BadInputError
from sentiserve.tables.lines import read_csv, read_jsonl, read_tsv
from sentiserve.tables.parquet import read_parquet
from sentiserve.tables.row import Row
from sentiserve.tables.x_archive import read_script, read_zip


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


_READERS: dict[str, Callable[[Path], Iterator[Row]]] = {
    ".jsonl": read_jsonl,
    ".csv": read_csv,
    ".tsv": read_tsv,
    ".parquet": read_parquet,
    ".zip": read_zip,
    ".js": read_script,
}
