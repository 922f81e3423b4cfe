"""Rows of a file as posts, and where the reading of them was left."""

import asyncio
import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sentiserve.errors import BadInputError
from sentiserve.ingest.works import Batch, FileReading
from sentiserve.sources.archive import read_post
from sentiserve.types import Post

ROWS = 600


def row(number: int) -> dict[str, object]:
    created_at = datetime(2026, 1, 1 + number % 28, tzinfo=UTC).isoformat()
    return {"text": f"row {number}", "id": str(1000 + number), "created_at": created_at}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "posts.jsonl"
    path.write_text("".join(json.dumps(row(number)) + "\n" for number in range(ROWS)))
    return path


def batches(
    file: Path,
    cursor: str | None = None,
    since: datetime | None = None,
    limit: int | None = None,
) -> list[Batch]:
    async def read() -> list[Batch]:
        reading = FileReading(file, read_post)
        return [batch async for batch in reading.batches(cursor, since, limit)]

    return asyncio.run(read())


def texts(read: list[Batch]) -> list[str]:
    return [post.text for batch in read for post in batch.questions if isinstance(post, Post)]


ALL = [f"row {number}" for number in range(ROWS)]


def test_every_row_comes_once_and_in_order(file: Path) -> None:
    read = batches(file)
    assert texts(read) == ALL
    assert len(read) > 1


def test_a_cursor_goes_on_after_its_batch(file: Path) -> None:
    read = batches(file)
    for number, batch in enumerate(read, start=1):
        assert texts(batches(file, batch.cursor)) == texts(read[number:])


@pytest.mark.parametrize("limit", [1, 256, 300, ROWS + 1])
def test_no_more_come_than_the_limit_and_the_rest_later(file: Path, limit: int) -> None:
    read = batches(file, limit=limit)
    assert texts(read) == ALL[:limit]
    assert texts(batches(file, read[-1].cursor)) == ALL[limit:]


def test_what_is_to_come_is_what_lies_behind_the_cursor(file: Path) -> None:
    reading = FileReading(file, read_post)
    left = [reading.to_come(batch.cursor) for batch in batches(file)]
    assert [reading.to_come(None), *left] == [ROWS, ROWS - 256, ROWS - 512, 0]


def test_older_rows_are_left_out(file: Path) -> None:
    since = datetime(2026, 1, 20, tzinfo=UTC)
    expected = [f"row {number}" for number in range(ROWS) if number % 28 >= 19]
    assert texts(batches(file, since=since)) == expected


def test_a_row_that_is_no_post_is_told_with_its_number(file: Path) -> None:
    lines = file.read_text().splitlines()
    lines[1], lines[299] = "{", '{"text": "without an id"}'
    file.write_text("\n".join(lines))
    read = batches(file)
    broken = [where for batch in read for where, _ in batch.broken]
    assert broken == ["row 2", "row 300"]
    assert len(texts(read)) == ROWS - 2


def test_a_batch_of_broken_rows_is_no_end(file: Path) -> None:
    file.write_text("{\n" * 400 + json.dumps(row(1)) + "\n")
    assert texts(batches(file)) == ["row 1"]


@pytest.mark.parametrize("cursor", ["", "x", "5", "5:1:2", "-1"])
def test_a_cursor_of_another_file_is_refused(file: Path, cursor: str) -> None:
    with pytest.raises(BadInputError, match="--restart"):
        batches(file, cursor)


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"nowhere\.jsonl: no such file"):
        batches(tmp_path / "nowhere.jsonl")


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.csv", "id,body\n1,Fine.\n2,Bad.\n", "no column 'text'; it has 'id', 'body'"),
        ("a.csv", "text\nFine.\n", "no column 'url' or 'id'; it has 'text'"),
        ("a.csv", "id;text\n1;Fine.\n", "separate columns by commas"),
        ("a.jsonl", '{"id": "1"}\n', "no column 'text'; it has 'id'"),
        ("a.csv", "id,text\n", "holds no rows"),
        ("a.jsonl", "", "holds no rows"),
    ],
)
async def test_a_table_that_is_none_of_posts_is_refused_as_a_whole(
    tmp_path: Path, name: str, content: str, says: str
) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(BadInputError, match=re.escape(says)):
        [batch async for batch in FileReading(path, read_post).batches(None, None, None)]
