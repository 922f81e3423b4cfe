"""Records, and what is left of them in a journal."""

from datetime import UTC, datetime
from pathlib import Path

from sentiserve.journal.segment import SUFFIX, Segment
from sentiserve.records import Record
from sentiserve.testing import example_prediction


def record(number: int, text: str = "Ein Text\nauf #zwei Zeilen 🎉") -> Record:
    return Record.of(example_prediction(str(number), text=text), datetime.now(UTC))


def ids(path: Path) -> list[str]:
    return [record.id for batch in Segment(path).read(7) for record in batch]


def files(journal: Path) -> list[Path]:
    return sorted(journal.rglob(f"*{SUFFIX}"))
