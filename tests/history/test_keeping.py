"""Segments of the journal become Parquet files."""

import asyncio
import os
import resource
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from history.histories import (
    DAY,
    HOUR,
    START,
    files,
    history_of,
    kept,
    leftovers,
    record,
    rows,
    segment,
    sql,
)
from msgspec.structs import replace

from sentiserve.errors import StoreError
from sentiserve.history.columns import check_labels
from sentiserve.history.history import History
from sentiserve.types import PostRef

COLUMNS = [
    "platform", "id", "model_id", "text", "url", "author_id", "author_handle", "author",
    "hashtags", "created_at", "seen_at", "label", "score_negative", "score_neutral",
    "score_positive", "truncated", "event_timestamp", "created_timestamp",
]  # fmt: skip
ODD = ['it\'s "so"', "a,b;--", "ü ☃", "", " ", "back\\slash", "*", "{x}"]


def keep(history: History, path: Path) -> None:
    asyncio.run(history.keep(path))


def test_a_file_for_each_date(tmp_path: Path) -> None:
    """Rows lie by the UTC date of their prediction, in files named after the segment."""
    late = START + DAY - timedelta(microseconds=1)
    history = history_of(tmp_path, [record("1"), record("2", at=late), record("3", at=START + DAY)])
    first, second = files(history)
    assert first.startswith("date=2026-03-01/s0-")
    assert second.startswith("date=2026-03-02/s0-")
    assert leftovers(history) == []
    assert rows(history, "id, filename LIKE '%03-02%'") == [
        ("1", False), ("2", False), ("3", True)
    ]  # fmt: skip


def test_the_columns_are_as_promised(tmp_path: Path) -> None:
    """In their order, with times in UTC to the microsecond, readable by anything."""
    history = history_of(tmp_path, [record("1", text="#Sun"), record("2", at=START + DAY)])
    for path in files(history):
        described = sql(
            f"DESCRIBE SELECT * FROM read_parquet('{history.directory / path}', "
            "hive_partitioning = false)"
        )
        types = {name: kind for name, kind, *_ in described}
        assert list(types) == COLUMNS
        assert types["hashtags"] == "VARCHAR[]"
        assert types["score_positive"] == "DOUBLE"
        assert types["created_at"] == types["event_timestamp"] == "TIMESTAMP WITH TIME ZONE"


def test_what_was_kept_comes_back_exactly(tmp_path: Path) -> None:
    """Every field, to the microsecond and to the last digit and character."""
    full = record(
        "1234567890123456789",
        at=datetime(2026, 2, 28, 23, 59, 59, 999_999, UTC),
        taken=datetime(2026, 3, 1, 0, 0, 0, 1, UTC),
        text="Zażółć 👩‍👩‍👧 \\ 'it''s' \"…\"\r\n\tNULL #Tag #tag2",
        url="https://x.com/someone/status/1?a=b&c=d",
        author_id="9007199254740993",
        author_handle="Someone",
        created_at=datetime(2025, 12, 31, 0, 0, 0, 1, UTC),
        scores={"negative": 1 / 3, "neutral": 1e-17, "positive": 0.6666666666666667},
        truncated=True,
    )
    bare = record("2", text="none")
    history = history_of(tmp_path, [full, bare])
    found = sorted(kept(history), key=lambda item: item.id)
    assert found == [full, bare]
    assert list(found[0].scores) == ["negative", "neutral", "positive"]


def test_labels_may_be_any_text(tmp_path: Path) -> None:
    """Quotes, commas and SQL in a label are a column's name and nothing else."""
    odd = record(scores={label: 1 / len(ODD) for label in ODD})
    other = record("2", scores={"up": 0.25, "down": 0.75}, model_id="other")
    history = history_of(tmp_path, [odd, other], [other, odd])
    assert sorted(kept(history), key=lambda item: item.id) == [odd, other]
    assert rows(history, '"score_it\'s ""so"""') == [(0.125,), (None,), (None,), (0.125,)]


def test_labels_keep_their_spelling(tmp_path: Path) -> None:
    """A label is spelled as its own model spells it, though another's differs in case."""
    upper = record(scores={"Good": 0.75, "Bad": 0.25}, model_id="upper")
    lower = record(scores={"bad": 0.25, "good": 0.75}, model_id="lower")
    history = history_of(tmp_path, [upper], [lower])
    asyncio.run(history.compact())
    assert sorted(kept(history), key=lambda item: item.model_id) == [lower, upper]


def test_labels_that_differ_in_case_only_are_refused(tmp_path: Path) -> None:
    """One model's labels must be told apart; the segment stays as it is."""
    path = segment(tmp_path / "s.ndjson", [record(scores={"A": 0.5, "a": 0.5})])
    history = History(tmp_path / "history")
    with pytest.raises(StoreError, match="'A' and 'a' differ in case only.*rename one"):
        keep(history, path)
    assert path.exists()
    assert files(history) == []
    with pytest.raises(StoreError):
        check_labels(["Straße", "STRASSE"])
    check_labels(["A", "B", "A"])


def test_keeping_a_segment_twice_adds_nothing(tmp_path: Path) -> None:
    """Nor does it change what is there, and whoever died between two dates goes on."""
    path = segment(tmp_path / "s.ndjson", [record("1"), record("2", at=START + DAY)])
    history = History(tmp_path / "history")
    keep(history, path)
    before = files(history)
    (history.directory / before[1]).unlink()
    keep(history, path)
    keep(history, path)
    assert files(history) == before
    assert len(rows(history)) == 2


def test_another_segment_of_the_same_name_is_kept_too(tmp_path: Path) -> None:
    """A name that comes again hides nothing."""
    history = History(tmp_path / "history")
    for post_id in "12":
        keep(history, segment(tmp_path / "s.ndjson", [record(post_id)]))
    assert sorted(rows(history, "id")) == [("1",), ("2",)]


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    """What was never promised is no reason to stop."""
    history = History(tmp_path / "history")
    keep(history, segment(tmp_path / "s.ndjson", [record("1")], tail=b'{"platform": "x", "i'))
    keep(history, segment(tmp_path / "t.ndjson", [], tail=b"{"))
    keep(history, segment(tmp_path / "u.ndjson", []))
    assert rows(history, "id") == [("1",)]


@pytest.mark.parametrize(
    "damage", [b"garbage\n", b"\n", b'{"platform": "x"}\n', b"\xff\xfe\n", b"\0" * 100 + b"\n"]
)
def test_a_damaged_line_is_refused(tmp_path: Path, damage: bytes) -> None:
    """The error names the line; nothing is kept by half, and the segment stays."""
    path = segment(tmp_path / "s.ndjson", [record("1"), record("2")])
    first, second = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + damage + second)
    history = History(tmp_path / "history")
    with pytest.raises(StoreError, match=r"line 2 of .*s\.ndjson is damaged"):
        keep(history, path)
    assert path.read_bytes() == first + damage + second
    assert files(history) == leftovers(history) == []


def test_a_missing_segment_is_refused(tmp_path: Path) -> None:
    """It says which file is missing."""
    with pytest.raises(StoreError, match="No such file"):
        keep(History(tmp_path / "history"), tmp_path / "none.ndjson")


def test_what_is_forgotten_is_not_kept(tmp_path: Path) -> None:
    """A segment that comes after the tombstone brings back nothing, but what is newer."""
    old = record("1", at=datetime.now(UTC) - HOUR)
    history = history_of(tmp_path)
    asyncio.run(history.note(PostRef("x", "1")))
    later = datetime.now(UTC) + HOUR
    new = replace(old, event_timestamp=later, created_timestamp=later)
    keep(history, segment(tmp_path / "s.ndjson", [old, record("2")]))
    keep(history, segment(tmp_path / "t.ndjson", [new]))
    assert sorted(kept(history), key=lambda item: item.id) == [new, record("2")]


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    """The error says what to do."""
    (tmp_path / "file").write_text("in the way")
    history = History(tmp_path / "file" / "history")
    with pytest.raises(StoreError, match="SENTISERVE_HISTORY"):
        keep(history, segment(tmp_path / "s.ndjson", [record()]))


KEEP = """
import asyncio, sys
from pathlib import Path
from sentiserve.errors import StoreError
from sentiserve.history.history import History
try:
    asyncio.run(History(Path(sys.argv[1])).keep(Path(sys.argv[2])))
except StoreError as error:
    sys.exit(str(error))
"""


def _no_file_over_100_kb() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))


def test_a_full_disk_leaves_no_half_file(tmp_path: Path) -> None:
    """The segment stays, the error says what to do, and with more room it is kept."""
    texts = (os.urandom(400).hex() for _ in range(400))
    many = [record(f"{number}", text=text) for number, text in enumerate(texts)]
    path = segment(tmp_path / "s.ndjson", many)
    history = History(tmp_path / "history")
    command = [sys.executable, "-c", KEEP, str(history.directory), str(path)]
    ran = subprocess.run(
        command, preexec_fn=_no_file_over_100_kb, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 1
    assert "free some space" in ran.stderr
    assert files(history) == leftovers(history) == []
    keep(history, path)
    assert len(rows(history)) == len(many)
