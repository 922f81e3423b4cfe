"""Labelled texts, for training and evaluation."""

from dataclasses import dataclass
from pathlib import Path

from sentiserve.errors import BadInputError
from sentiserve.tables import Row, read_rows


@dataclass(frozen=True, slots=True)
class Labelled:
    """Texts and their true labels, in the same order."""

    texts: tuple[str, ...]
    labels: tuple[str, ...]


def read_labelled(path: Path) -> Labelled:
    """Read the columns ``text`` and ``label`` of a table.

    Raises:
        BadInputError: a column is missing or empty somewhere, or there are no rows.
    """
    texts, labels = [], []
    for number, row in enumerate(read_rows(path), start=1):
        try:
            texts.append(_filled(row, "text"))
            labels.append(_filled(row, "label"))
        except BadInputError as error:
            raise BadInputError(f"{path}, row {number}: {error}") from None
    if not texts:
        raise BadInputError(f"{path} holds no rows")
    return Labelled(tuple(texts), tuple(labels))


def _filled(row: Row, column: str) -> str:
    if row.problem:
        raise BadInputError(row.problem)
    if column not in row.values:
        raise BadInputError(f"has no column {column}; it has {', '.join(row.values) or 'none'}")
    value = row.values[column]
    if value is None or value == "":
        raise BadInputError(f"the {column} is empty")
    if not isinstance(value, str):
        raise BadInputError(f"the {column} is no text, but {value!r}")
    return value


def read_texts(path: Path) -> tuple[str, ...]:
    """Read the column ``text`` of a table, without the rows where it is empty or broken.

    Raises:
        BadInputError: none is left.
    """
    found = [row.values.get("text") for row in read_rows(path) if not row.problem]
    texts = tuple(text for text in found if isinstance(text, str) and text.strip())
    if not texts:
        raise BadInputError(f"{path} holds no texts; it needs a column text")
    return texts
