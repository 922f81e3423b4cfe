"""Posts in a local file."""

import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from structlog.testing import capture_logs
from tables.x_archives import ACCOUNT, script, wrapped, zipped

from sentiserve.errors import BadInputError, NotFoundError, SourceError
from sentiserve.settings import Settings
from sentiserve.sources.archive import Archive, from_settings, read_post
from sentiserve.sources.urls import X
from sentiserve.tables import Row, read_rows, sample_archive, write_rows
from sentiserve.testing import SourceContract
from sentiserve.types import Post, PostRef

KNOWN = (
    (
        "https://twitter.com/i/web/status/1234567890123456789?s=20",
        Post(
            PostRef("x", "1234567890123456789"),
            'Tea, "coffee"\nor 👩‍👩‍👧? #Zażółć',
            url="https://x.com/anna/status/1234567890123456789",
            author_id="9007199254740993",
            author_handle="anna",
            created_at=datetime(2026, 9, 1, 10, 30, 15, 250_000, UTC),
        ),
    ),
    (
        "https://bsky.app/profile/Ben.example/post/3kabc",
        Post(
            PostRef("bluesky", "3kabc@ben.example"),
            "A post without a time",
            url="https://bsky.app/profile/ben.example/post/3kabc",
        ),
    ),
    ("17", Post(PostRef("x", "17"), "Only an id", author_handle="carl")),
    ("https://m.example/@d/5", Post(PostRef("mastodon", "5@m.example"), "Only a platform and id")),
)
ROWS: list[dict[str, Any]] = [
    {
        "url": post.url,
        "platform": None if post.url or post.ref.id == "17" else post.ref.platform,
        "id": None if post.url else post.ref.id,
        "text": post.text,
        "author_id": post.author_id,
        "author_handle": post.author_handle,
        "created_at": post.created_at.isoformat() if post.created_at else None,
    }
    for _, post in KNOWN
]


class ArchiveContract(SourceContract):
    known = KNOWN
    missing_url = "https://x.com/anna/status/404"
    suffix: str

    def make_source(self, tmp_path: Path) -> Archive:
        path = tmp_path / f"posts{self.suffix}"
        if self.suffix == ".parquet":
            write_parquet(path)
        else:
            write_rows(path, lambda: iter(ROWS))
        return Archive(path)


class TestJsonLines(ArchiveContract):
    suffix = ".jsonl"


class TestCsv(ArchiveContract):
    suffix = ".csv"


class TestParquet(ArchiveContract):
    suffix = ".parquet"


class TestXArchive(SourceContract):
    known = [
        (
            f"https://twitter.com/ben_example/status/{post_id}",
            Post(
                PostRef("x", post_id),
                text,
                url=f"https://x.com/ben_example/status/{post_id}",
                author_id="17",
                author_handle="ben_example",
                created_at=datetime(2018, 10, 10, 20, 19, 24, tzinfo=UTC),
            ),
        )
        for post_id, text in (("20", "Tea & cake"), ("21", "Żółć 👩‍👩‍👧"))
    ]
    missing_url = "https://x.com/ben_example/status/404"

    def make_source(self, tmp_path: Path) -> Archive:
        posts = wrapped("20", "Tea &amp; cake"), wrapped("21", "Żółć 👩‍👩‍👧")
        members: dict[str, str | bytes] = {
            "data/account.js": script(ACCOUNT, name="account"),
            "data/tweets.js": script(*posts),
        }
        return Archive(zipped(tmp_path / "archive.zip", members))


def write_parquet(path: Path) -> None:
    """As another program would: times are times, and the larger number is a number."""
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE posts (url TEXT, platform TEXT, id TEXT, text TEXT, author_id BIGINT,"
            " author_handle TEXT, created_at TIMESTAMP)"
        )
        for row in ROWS:
            created_at = row["created_at"] and row["created_at"].removesuffix("+00:00")
            values = [*(row | {"created_at": created_at}).values()]
            connection.execute("INSERT INTO posts VALUES (?, ?, ?, ?, ?, ?, ?)", values)
        connection.table("posts").write_parquet(str(path))


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[Archive]:
    archive = Archive(path)
    try:
        await archive.open()
        yield archive
    finally:
        await archive.close()


def jsonl(tmp_path: Path, *rows: object) -> Path:
    path = tmp_path / "posts.jsonl"
    path.write_text(
        "".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows), "utf-8"
    )
    return path


async def fetch_one(path: Path, post_id: str) -> Post:
    async with opened(path) as archive:
        (post,) = await archive.fetch([PostRef(X, post_id)])
        assert isinstance(post, Post)
        return post


async def test_every_post_of_the_sample_is_found_by_its_url() -> None:
    """The bundled archive opens, and gives each of its posts for the post's own URL."""
    rows = [row.values for row in read_rows(sample_archive())]
    async with opened(sample_archive()) as archive:
        refs = [archive.parse(row["url"]) for row in rows]
        posts = await archive.fetch([ref for ref in refs if ref is not None])
    assert [isinstance(post, Post) and (post.ref.id, post.text) for post in posts] == [
        (row["id"], row["text"]) for row in rows
    ]


@pytest.fixture
def in_tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose clock is nine hours ahead of UTC."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "JST-9")
        time.tzset()
        yield
    time.tzset()


BROKEN: list[object] = [
    "{not json",
    '["a", "list"]',
    {"id": "2"},
    {"id": "3", "text": "  "},
    {"id": "4", "text": 5},
    {"text": "neither url nor id"},
    {"text": "a platform that is none", "platform": "\x1b[31mred", "id": "1"},
    {"url": "https://example.org/about", "text": "no post's url"},
    {"id": "5", "text": "no time", "created_at": "yesterday"},
    {"id": "6", "text": "no time", "created_at": 10**40},
    {"id": "7", "text": "x" * 100_001},
    {"id": "8", "text": "a\0b"},
    '{"id": "9", "text": "\\ud800"}',
]


@pytest.mark.parametrize("broken", BROKEN, ids=range(len(BROKEN)))
async def test_a_broken_row_costs_only_itself(tmp_path: Path, broken: object) -> None:
    """A row that is no post is logged with its number and left out; the others are there."""
    good = [{"id": "100", "text": "before"}, {"id": "101", "text": "after"}]
    path = jsonl(tmp_path, good[0], broken, good[1])
    with capture_logs() as logs:
        async with opened(path) as archive:
            found = await archive.fetch([PostRef(X, post_id) for post_id in ("100", "2", "101")])
    assert [type(answer) for answer in found] == [Post, NotFoundError, Post]
    (warning,) = [entry for entry in logs if entry["log_level"] == "warning"]
    assert warning["row"] == 2
    assert warning["reason"]
    (opening,) = [entry for entry in logs if entry["log_level"] == "info"]
    assert opening["posts"] == 2


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.jsonl", ""),
        ("broken.jsonl", "{\n[1]\n"),
        ("other.jsonl", '{"name": "value"}\n'),
        ("header.csv", "id,text\n"),
        ("other.csv", "a,b\n1,2\n"),
        ("broken.parquet", "PAR1"),
        ("posts.txt", "hello"),
        ("posts", "hello"),
    ],
)
async def test_a_file_without_posts_is_refused(tmp_path: Path, name: str, content: str) -> None:
    """A file that holds no post, or is of no known kind, is an error that names it."""
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(BadInputError, match=name):
        async with opened(path):
            pass


@pytest.mark.parametrize("name", ["missing.jsonl", "below/missing.csv", "."])
async def test_a_missing_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInputError):
        async with opened(tmp_path / name):
            pass


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-09-01T10:30:00", datetime(2026, 9, 1, 10, 30, tzinfo=UTC)),
        ("2026-09-01 10:30", datetime(2026, 9, 1, 10, 30, tzinfo=UTC)),
        ("2026-09-01", datetime(2026, 9, 1, tzinfo=UTC)),
        ("2026-09-01T10:30:00Z", datetime(2026, 9, 1, 10, 30, tzinfo=UTC)),
        ("2026-09-01T10:30:00+02:00", datetime(2026, 9, 1, 8, 30, tzinfo=UTC)),
        ("2026-09-01T00:30:00.000001-01:00", datetime(2026, 9, 1, 1, 30, 0, 1, UTC)),
        ("", None),
        (None, None),
    ],
)
@pytest.mark.usefixtures("in_tokyo")
async def test_times_are_utc(tmp_path: Path, written: str | None, meant: datetime | None) -> None:
    """A time without a zone is UTC's wherever the machine is, any other is converted to it."""
    row = {"id": "1", "text": "hello", "created_at": written}
    post = await fetch_one(jsonl(tmp_path, row), "1")
    assert post.created_at == meant
    assert post.created_at is None or post.created_at.tzinfo == UTC


async def test_ids_given_as_numbers_are_strings(tmp_path: Path) -> None:
    """No digit of a large number is lost."""
    row = {"id": 1234567890123456789, "text": "hello", "author_id": 9007199254740993}
    post = await fetch_one(jsonl(tmp_path, row), "1234567890123456789")
    assert post.ref.id == "1234567890123456789"
    assert post.author_id == "9007199254740993"


async def test_the_url_goes_before_the_id(tmp_path: Path) -> None:
    """Where a row has both, the URL says which post it is."""
    row = {"id": "1", "url": "https://x.com/anna/status/2", "text": "hello"}
    assert (await fetch_one(jsonl(tmp_path, row), "2")).url == "https://x.com/anna/status/2"


async def test_the_last_of_two_rows_for_a_post_counts(tmp_path: Path) -> None:
    path = jsonl(tmp_path, {"id": "1", "text": "first"}, {"id": "1", "text": "last"})
    assert (await fetch_one(path, "1")).text == "last"


async def test_fetching_needs_an_open_archive(tmp_path: Path) -> None:
    """Before it is opened and after it is closed, a fetch is a SourceError."""
    archive = Archive(jsonl(tmp_path, {"id": "1", "text": "hello"}))
    for _ in range(2):
        with pytest.raises(SourceError, match="not open"):
            await archive.fetch([PostRef(X, "1")])
        await archive.open()
        await archive.close()


def test_the_settings_name_the_archive_and_mirrors(tmp_path: Path) -> None:
    """Mirrors count in pasted URLs; without an archive of one's own it is the sample."""
    url = "https://nitter.example/anna/status/1"
    named = from_settings(Settings(archive=tmp_path / "mine.jsonl", x_mirrors=("nitter.example",)))
    assert named.parse(url) == PostRef(X, "1")
    assert from_settings(Settings()).parse(url) is None


@pytest.mark.parametrize("post_id", ["2.09E+18", "12345678901234567890", "0", "abc"])
async def test_an_id_that_a_spreadsheet_spoilt_is_left_out(tmp_path: Path, post_id: str) -> None:
    (tmp_path / "posts.csv").write_text(f"id,text\n{post_id},spoilt\n7,fine\n")
    archive = Archive(tmp_path / "posts.csv")
    await archive.open()
    spoilt, fine = await archive.fetch([PostRef("x", post_id), PostRef("x", "7")])
    await archive.close()
    assert isinstance(spoilt, NotFoundError)
    assert isinstance(fine, Post)


def test_a_row_that_is_a_bare_text_is_the_post_of_that_text() -> None:
    """Whatever its id says: exported ones come back as what they were."""
    row = Row({"platform": "text", "id": "17", "text": "Fine."})
    assert read_post(row) == Post.of_text("Fine.")


async def test_platforms_are_known_by_their_other_names(tmp_path: Path) -> None:
    (tmp_path / "posts.csv").write_text("id,platform,text\n7,Twitter,fine\n8,X,fine\n")
    archive = Archive(tmp_path / "posts.csv")
    await archive.open()
    found = await archive.fetch([PostRef("x", "7"), PostRef("x", "8")])
    await archive.close()
    assert all(isinstance(post, Post) for post in found)


def test_an_id_of_x_tells_the_time_that_a_row_lacks() -> None:
    post = read_post(Row({"id": "1234567890123456789", "text": "Tea"}))
    assert post.created_at is not None
    assert post.created_at.year == 2020
    written = read_post(
        Row({"id": "1234567890123456789", "text": "Tea", "created_at": "2021-01-01"})
    )
    assert written.created_at == datetime(2021, 1, 1, tzinfo=UTC)
