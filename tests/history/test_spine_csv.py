"""Spines as CSV: what is wrong with one is said with its line, and nothing is guessed."""

import asyncio
from pathlib import Path

import pytest
from history.histories import LABELS, TTL, history_of, record, sql

from sentiserve.errors import BadInputError
from sentiserve.testing.scenarios import MODEL

HEADER = b"event_timestamp,platform,id\n"
GOOD = b"2026-03-01T00:00:00Z,x,1\n"


def join(directory: Path, spine: bytes) -> list[tuple[str, str]]:
    """The ids and labels of a training set."""
    history = history_of(directory, [record("1")])
    path, out = directory / "spine.csv", directory / "out.parquet"
    path.write_bytes(spine)
    asyncio.run(history.training_set(path, out, ["post_sentiment:label"], MODEL, LABELS, TTL))
    return sql(f"SELECT id, post_sentiment__label FROM '{out}'")


@pytest.mark.parametrize(
    ("spine", "problem"),
    [
        (HEADER + GOOD + b"2026-03-01T00:00:00Z,x\n", "line 3 has 2 fields, the header has 3; put"),
        (HEADER + GOOD * 2 + b"2026-03-01T00:00:00Z,x,1,2\n", "line 4 has 4 fields"),
        (HEADER + GOOD + b"2026-03-01T00:00:00Z,x,caf\xe9\n", "line 3 is not UTF-8; save the file"),
        (b"caf\xe9," + HEADER + b"1," + GOOD, "line 1 is not UTF-8; save the file"),
        ((HEADER + GOOD).decode().encode("utf-16"), "line 1 is not UTF-8"),
        (b"", "the file is empty; it must have"),
        (b"\n\n", "line 1 is empty; it must name the columns"),
        (HEADER + GOOD + b'2026-03-01T00:00:00Z,x,"1\n', "line 3 has a quotation mark that is not"),
        (HEADER + b"2026-03-01T00:00:00Z,x," + b"1" * 3_000_000 + b"\n", "line 2 is too long"),
        (HEADER.replace(b"\n", b"\r\n") + GOOD, "line ends of two kinds"),
        (b"a" * 200_000 + b"\n", "line 1 names no columns: field larger than"),
        (HEADER.replace(b"\n", b",ID\n") + GOOD, "two columns are named ID; rename one"),
    ],
    ids=[
        "short line", "long line", "Latin-1", "Latin-1 header", "UTF-16", "empty", "blank",
        "open quotation mark", "endless line", "line ends", "endless name", "same name twice",
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_said_with_its_line(
    tmp_path: Path, spine: bytes, problem: str
) -> None:
    """In one line, with what to do; and nothing is written."""
    with pytest.raises(BadInputError, match=problem) as refused:
        join(tmp_path, spine)
    assert str(refused.value).startswith(f"{tmp_path / 'spine.csv'}: ")
    assert len(str(refused.value).removeprefix(f"{tmp_path}")) < 160
    assert not (tmp_path / "out.parquet").exists()


@pytest.mark.parametrize(
    "spine",
    [
        HEADER + GOOD + b"\n",
        (HEADER + GOOD).replace(b",", b";"),
        (HEADER + GOOD).replace(b",", b"\t"),
        (HEADER + GOOD).replace(b"\n", b"\r\n"),
        b"\xef\xbb\xbf" + HEADER + GOOD,
        b"," + HEADER + b"0," + GOOD,
    ],
    ids=["commas", "semicolons", "tabs", "Windows", "byte order mark", "an index without a name"],
)
def test_csv_as_programs_write_it(tmp_path: Path, spine: bytes) -> None:
    assert join(tmp_path, spine) == [("1", "positive")]


def test_quotation_marks_of_one_kind_only(tmp_path: Path) -> None:
    """An apostrophe is a letter, even where every value stands between two of them."""
    spine = HEADER + b"""2026-03-01T00:00:00Z,x,'1'\n"2026-03-01T00:00:00Z",x,"1"\n"""
    assert join(tmp_path, spine) == [("'1'", None), ("1", "positive")]
