"""Many small files become one."""

import asyncio
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from history.histories import (
    HOUR,
    START,
    files,
    history_of,
    kept,
    leftovers,
    record,
    rows,
    segment,
    training_set,
)

from sentiserve.errors import StoreError
from sentiserve.history.history import History

SPINE = [{"event_timestamp": START + HOUR, "platform": "x", "id": "1", "author": "7"}]
FEATURES = ["post_sentiment:label", "author_sentiment:posts_7d"]


def compact(history: History) -> int:
    return asyncio.run(history.compact())


def test_a_past_day_becomes_one_file(tmp_path: Path) -> None:
    """With all its rows in their order; a second time there is nothing to do."""
    history = history_of(tmp_path, *([record(f"{n}")] for n in range(5)))
    before = rows(history)
    assert compact(history) == 4
    assert len(files(history)) == 1
    assert rows(history) == before
    assert leftovers(history) == []
    assert compact(history) == 0


def test_today_is_left_alone(tmp_path: Path) -> None:
    """More is to come."""
    now = datetime.now(UTC)
    history = history_of(tmp_path, [record("1", at=now)], [record("2", at=now)])
    assert compact(history) == 0
    assert len(files(history)) == 2


def test_what_comes_late_joins_the_rest(tmp_path: Path) -> None:
    """A day may be compacted again, and the order of arrival stays."""
    history = history_of(tmp_path, [record("1", text="first")], [record("1", text="second")])
    compact(history)
    asyncio.run(history.keep(segment(tmp_path / "s9.ndjson", [record("1", text="third")])))
    assert compact(history) == 1
    assert rows(history, "text") == [("first",), ("second",), ("third",)]
    assert [item.text for item in kept(history)] == ["third"]


def test_repeated_rows_change_no_answer_and_go(tmp_path: Path) -> None:
    """A crash may leave the old files beside the new one."""
    one = [record("1", author_id="7"), record("1", author_id="7", text="later")]
    two = [record("2", author_id="7")]
    history = history_of(tmp_path, one, two)
    answers = training_set(history, tmp_path, SPINE, FEATURES)
    winners = sorted(kept(history), key=lambda item: item.id)
    copy = tmp_path / "copy"
    shutil.copytree(history.directory, copy)
    compact(history)
    for old in copy.rglob("*.parquet"):
        shutil.copy(old, history.directory / old.relative_to(copy))
    assert len(rows(history)) == 6
    assert training_set(history, tmp_path, SPINE, FEATURES) == answers
    assert sorted(kept(history), key=lambda item: item.id) == winners
    assert compact(history) == 2
    assert len(rows(history)) == 3
    assert sorted(kept(history), key=lambda item: item.id) == winners


def test_a_broken_file_stops_it(tmp_path: Path) -> None:
    """The error names the file, and all files stay as they are."""
    history = history_of(tmp_path, [record("1")], [record("2")])
    first, _ = before = files(history)
    (history.directory / first).write_bytes(b"no Parquet")
    with pytest.raises(StoreError, match="s0-"):
        compact(history)
    assert files(history) == before
