"""The columns of the history's files."""

from collections.abc import Iterable, Sequence

from sentiserve.errors import StoreError
from sentiserve.history.duck import literal, name

TYPES = {
    "platform": "VARCHAR",
    "id": "VARCHAR",
    "model_id": "VARCHAR",
    "text": "VARCHAR",
    "url": "VARCHAR",
    "author_id": "VARCHAR",
    "author_handle": "VARCHAR",
    "author": "VARCHAR",
    "hashtags": "VARCHAR[]",
    "created_at": "TIMESTAMPTZ",
    "seen_at": "TIMESTAMPTZ",
    "label": "VARCHAR",
    "scores": "MAP(VARCHAR, DOUBLE)",  # in segments; a column for each label in the files
    "truncated": "BOOLEAN",
    "event_timestamp": "TIMESTAMPTZ",
    "created_timestamp": "TIMESTAMPTZ",
}
_SCORE = "score_"


def score_column(label: str) -> str:
    """The column that holds a label's score."""
    return _SCORE + label


def labels_in(columns: Iterable[str]) -> list[str]:
    """The labels that a file's columns are named after, in their order."""
    return [column.removeprefix(_SCORE) for column in columns if column.startswith(_SCORE)]


def check_labels(labels: Iterable[str]) -> None:
    """Return if each label can have a column of its own.

    Raises:
        StoreError: two differ in case only, or one can be no column's name.
    """
    seen: dict[str, str] = {}
    for label in dict.fromkeys(labels):
        twin = seen.setdefault(label.casefold(), label)
        if twin != label:
            raise StoreError(
                f"the labels {twin!r} and {label!r} differ in case only, and the history can't "
                "tell columns apart by case: rename one of them in the model, or switch the "
                "history off with SENTISERVE_HISTORY=off"
            )
        if "\0" in label:
            raise StoreError(f"the label {label!r} holds a NUL character; rename it in the model")


def flat(labels: Sequence[str]) -> str:
    """What to select from a segment's rows to get a file's columns."""
    scores = ", ".join(
        f"scores[{literal(label)}] AS {name(score_column(label))}" for label in labels
    )
    return ", ".join(scores if column == "scores" else column for column in TYPES)
