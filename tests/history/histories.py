"""Records, segments and histories for tests."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from sentiserve.history.history import History
from sentiserve.records import Record
from sentiserve.testing import example_prediction
from sentiserve.testing.scenarios import MODEL

START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
LABELS = ("negative", "neutral", "positive")
TTL = timedelta(days=60)


def record(
    post_id: str = "1", *, at: datetime = START, taken: datetime | None = None, **fields: Any
) -> Record:
    """A record of a prediction made at a time, and taken then if nothing else is said."""
    return Record.of(example_prediction(post_id, predicted_at=at, **fields), taken or at)


def segment(path: Path, records: Iterable[Record], tail: bytes = b"") -> Path:
    """A closed segment of the journal, with something after its last line."""
    lines = (msgspec.json.encode(item) + b"\n" for item in records)
    path.write_bytes(b"".join(lines) + tail)
    return path


def history_of(directory: Path, *segments: Sequence[Record]) -> History:
    """A history that kept the segments, one after the other."""
    history = History(directory / "history")
    for number, records in enumerate(segments):
        asyncio.run(history.keep(segment(directory / f"s{number}.ndjson", records)))
    return history


def files(history: History) -> list[str]:
    """The Parquet files, as paths within the history."""
    return sorted(
        str(path.relative_to(history.directory)) for path in history.directory.rglob("*.parquet")
    )


def leftovers(history: History) -> list[str]:
    """Whatever lies in the history and is neither a Parquet file nor a folder nor a tombstone."""
    return [
        path.name
        for path in history.directory.rglob("*")
        if path.is_file() and path.suffix != ".parquet" and path.name != ".forgotten.jsonl"
    ]


def rows(
    history: History, columns: str = "id, text, event_timestamp::TIMESTAMP"
) -> list[tuple[Any, ...]]:
    """The rows of all files, as another program would read them."""
    if not files(history):
        return []
    return sql(f"SELECT {columns} FROM read_parquet('{history.directory}/*/*.parquet', "
               "union_by_name = true, hive_partitioning = false)")  # fmt: skip


def sql(query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return connection.execute(query).fetchall()


def kept(history: History, **span: datetime) -> list[Record]:
    """The winning records."""
    return [item for batch in history.records(**span) for item in batch]


def write_spine(path: Path, spine: Sequence[dict[str, Any]]) -> Path:
    """A spine as JSON lines."""
    path.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in spine))
    return path


def training_set(
    history: History,
    directory: Path,
    spine: Sequence[dict[str, Any]],
    features: Sequence[str],
    *,
    model_id: str = MODEL,
    labels: Sequence[str] = LABELS,
    ttl: timedelta = TTL,
) -> list[dict[str, Any]]:
    """The rows of a training set; a missing feature is None."""
    out = directory / "out.jsonl"
    path = write_spine(directory / "spine.jsonl", spine)
    count = asyncio.run(history.training_set(path, out, features, model_id, labels, ttl))
    found = [msgspec.json.decode(line) for line in out.read_bytes().splitlines()]
    assert len(found) == count == len(spine)
    return found
