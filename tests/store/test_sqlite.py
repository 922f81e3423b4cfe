"""The embedded store."""

import asyncio
import dataclasses
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace
from store.writers import check_processes

from sentiserve.errors import SettingsError, StoreError
from sentiserve.store.memory import MemoryStore
from sentiserve.store.sqlite import SqliteStore, from_url
from sentiserve.store.sqlite_rows import micros, row_of
from sentiserve.store.sqlite_totals import tally_of
from sentiserve.testing import StoreContract, example_prediction
from sentiserve.types import AggregateQuery, Author, Entity, PostRef, Sentiment, Step, TimelineQuery

DAY = 24 * 60 * 60
MODEL = "model-1"
GARBAGE = b"This is no database. " * 1_000
BEFORE = """
CREATE TABLE predictions (
    platform TEXT NOT NULL, id TEXT NOT NULL, model_id TEXT NOT NULL,
    text TEXT NOT NULL, url TEXT, author_id TEXT, author_handle TEXT, created_at INTEGER,
    label TEXT NOT NULL, scores TEXT NOT NULL, truncated INTEGER NOT NULL,
    predicted_at INTEGER NOT NULL, expires_at INTEGER NOT NULL,
    PRIMARY KEY (platform, id, model_id)
) STRICT;
CREATE INDEX predictions_by_expiry ON predictions (expires_at);
CREATE TABLE hashtags (
    model_id TEXT NOT NULL, tag TEXT NOT NULL, platform TEXT NOT NULL, id TEXT NOT NULL,
    PRIMARY KEY (model_id, tag, platform, id),
    FOREIGN KEY (platform, id, model_id) REFERENCES predictions ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX hashtags_by_post ON hashtags (platform, id, model_id);
CREATE INDEX predictions_by_author ON predictions (model_id, platform, author_id);
"""  # of versions 1 and 2, but for what the last index holds
BEFORE_3 = """
DROP INDEX predictions_by_author;
DROP TABLE hashtags;
CREATE INDEX predictions_by_time ON predictions (model_id, predicted_at);
CREATE INDEX predictions_by_author ON predictions (
    model_id, platform, coalesce(nullif(author_id, ''), nullif(author_handle, '')),
    coalesce(created_at, predicted_at), author_handle
);
CREATE TABLE hashtags (
    model_id TEXT NOT NULL, tag TEXT NOT NULL, seen INTEGER NOT NULL,
    platform TEXT NOT NULL, id TEXT NOT NULL, label TEXT NOT NULL,
    PRIMARY KEY (model_id, tag, seen, platform, id),
    FOREIGN KEY (platform, id, model_id) REFERENCES predictions ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX hashtags_by_post ON hashtags (platform, id, model_id);
CREATE TABLE totals (
    model_id TEXT NOT NULL, entity TEXT NOT NULL, platform TEXT NOT NULL, name TEXT NOT NULL,
    posts INTEGER NOT NULL, tally TEXT NOT NULL,
    PRIMARY KEY (model_id, entity, platform, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX totals_by_posts ON totals (model_id, entity, posts DESC, platform, name)
    WHERE posts >= 100;
CREATE TABLE hours (
    model_id TEXT NOT NULL, hour INTEGER NOT NULL, label TEXT NOT NULL, posts INTEGER NOT NULL,
    PRIMARY KEY (model_id, hour, label)
) STRICT, WITHOUT ROWID;
CREATE TABLE counted (up_to INTEGER NOT NULL) STRICT;
INSERT INTO counted VALUES (7);
INSERT INTO totals VALUES ('model 0', 'hashtag', '', 'sun', 1, '{}');
INSERT INTO hours VALUES ('model 0', 0, 'ham', 1);
CREATE TABLE feedback (
    platform TEXT NOT NULL, id TEXT NOT NULL, label TEXT NOT NULL,
    given_at INTEGER NOT NULL, expires_at INTEGER NOT NULL,
    PRIMARY KEY (platform, id)
) STRICT;
CREATE INDEX feedback_by_time ON feedback (given_at);
CREATE INDEX feedback_by_expiry ON feedback (expires_at);
"""


@asynccontextmanager
async def opened(path: Path, ttl: int = DAY) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(path, ttl)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


def rows(path: Path, sql: str) -> list[Any]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


async def all_counted(path: Path) -> None:
    """Wait until a store that is open has counted what was put."""
    lag = "SELECT max(rowid) > (SELECT up_to FROM counted) FROM predictions"
    async with asyncio.timeout(60):
        while rows(path, lag) == [(1,)]:
            await asyncio.sleep(0.01)


def files(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


def contents(directory: Path) -> bytes:
    return b"".join(path.read_bytes() for path in directory.iterdir())


class TestSqliteStore(StoreContract):
    def make_store(self, tmp_path: Path, ttl: int) -> SqliteStore:
        return SqliteStore(tmp_path / "new" / "store.db", ttl)


async def test_what_was_put_is_there_after_a_restart(tmp_path: Path) -> None:
    """Predictions and aggregates outlive the process."""
    prediction = example_prediction(text="#sun", author_id="7")
    async with opened(tmp_path / "store.db") as store:
        await store.put([prediction])
    async with opened(tmp_path / "store.db") as store:
        assert await store.get([prediction.post.ref], MODEL) == [prediction]
        (hashtag,) = await store.aggregate(AggregateQuery(Entity.HASHTAG, MODEL))
        assert hashtag.name == "sun"


async def test_making_a_store_touches_nothing(tmp_path: Path) -> None:
    """The file and its directory appear when the store is opened, not before."""
    store = SqliteStore(tmp_path / "new" / "store.db", DAY)
    await store.close()
    assert files(tmp_path) == set()


async def test_a_corrupt_file_is_refused(tmp_path: Path) -> None:
    """The error names the file and says what to do, and the file stays as it is."""
    path = tmp_path / "store.db"
    path.write_bytes(GARBAGE)
    store = SqliteStore(path, DAY)
    with pytest.raises(StoreError) as caught:
        await store.open()
    assert str(path) in str(caught.value)
    assert "move the file away" in str(caught.value)
    assert "SENTISERVE_STORE" in str(caught.value)
    assert path.read_bytes() == GARBAGE
    await store.close()


@pytest.mark.parametrize("version", [0, 1, 2, 3, 4])
async def test_a_foreign_database_is_refused_and_left_alone(tmp_path: Path, version: int) -> None:
    """A database that holds something else is not written to, not even its journal mode."""
    path = tmp_path / "holiday-photos.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE photos (name)")
        connection.execute(f"PRAGMA user_version = {version}")
        connection.commit()
    before = path.read_bytes()
    store = SqliteStore(path, DAY)
    with pytest.raises(StoreError, match=r"holiday-photos\.db.*move the file away"):
        await store.open()
    assert path.read_bytes() == before
    assert files(tmp_path) == {path.name}


@pytest.mark.parametrize("name", ["file/store.db", "file/below/store.db", "directory"])
async def test_an_unwritable_path_is_refused(tmp_path: Path, name: str) -> None:
    """A path that can't be a file's is an error that names it and says what to do."""
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "directory").mkdir()
    store = SqliteStore(tmp_path / name, DAY)
    with pytest.raises(StoreError, match="SENTISERVE_STORE") as caught:
        await store.open()
    assert str(tmp_path / name) in str(caught.value)
    await store.close()


async def test_a_store_that_is_not_open_says_so(tmp_path: Path) -> None:
    """Before it is opened and after it is closed, every use is a StoreError."""
    store = SqliteStore(tmp_path / "store.db", DAY)
    for _ in range(2):
        for use in (
            store.put([example_prediction()]),
            store.get([PostRef("x", "1")], MODEL),
            store.aggregate(AggregateQuery(Entity.AUTHOR, MODEL)),
            store.check(),
        ):
            with pytest.raises(StoreError, match="not open"):
                await use
        await store.open()
        await store.close()


async def test_a_file_that_breaks_later_is_a_store_error(tmp_path: Path) -> None:
    """Damage to the file of an open store is told as a StoreError, by the check too."""
    path = tmp_path / "store.db"
    async with opened(path) as store:
        await store.put([example_prediction(f"{number}") for number in range(500)])
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("DROP TABLE hashtags")
            connection.execute("DROP TABLE predictions")
        with pytest.raises(StoreError, match=r"store\.db"):
            await store.check()
        with pytest.raises(StoreError, match=r"store\.db"):
            await store.get([PostRef("x", "1")], MODEL)


async def test_a_put_that_fails_keeps_nothing(tmp_path: Path) -> None:
    """All of a put is kept, or none of it; and the next one works."""
    good = example_prediction("1", text="#sun")
    scores: Any = {"positive": object()}
    bad = replace(example_prediction("2"), sentiment=Sentiment(scores))
    async with opened(tmp_path / "store.db") as store:
        with pytest.raises(TypeError):
            await store.put([good, bad])
        assert await store.get([good.post.ref], MODEL) == [None]
        assert await store.aggregate(AggregateQuery(Entity.HASHTAG, MODEL)) == []
        await store.put([good])
        assert await store.get([good.post.ref], MODEL) == [good]


async def test_a_put_may_hold_new_posts_newer_ones_and_older_ones(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    later = now + timedelta(seconds=1)
    async with opened(tmp_path / "store.db") as store:
        known = [
            example_prediction("1", text="#sun", predicted_at=now),
            example_prediction("2", text="#sun", predicted_at=later),
        ]
        await store.put(known)
        put = [
            example_prediction("1", text="#rain", predicted_at=later),
            example_prediction("2", text="#rain", predicted_at=now),
            example_prediction("3", text="#rain #rain", predicted_at=now),
        ]
        await store.put(put)
        refs = [prediction.post.ref for prediction in put]
        assert await store.get(refs, MODEL) == [put[0], known[1], put[2]]
        found = await store.aggregate(AggregateQuery(Entity.HASHTAG, MODEL))
        assert {one.name: one.posts for one in found} == {"rain": 2, "sun": 1}


@pytest.mark.parametrize("known", [0, 1])
async def test_a_put_of_many_keeps_each(tmp_path: Path, known: int) -> None:
    """More than one statement takes, some of which are there already or not."""
    many = [example_prediction(f"{number}", text="#sun #sea") for number in range(250)]
    async with opened(tmp_path / "store.db") as store:
        await store.put(many[240 : 240 + known])
        await store.put(many)
        assert await store.get([prediction.post.ref for prediction in many], MODEL) == many
        found = await store.aggregate(AggregateQuery(Entity.HASHTAG, MODEL))
        assert {one.name: one.posts for one in found} == {"sun": 250, "sea": 250}


async def test_a_put_leaves_little_uncounted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that a query after many puts has little to count."""
    monkeypatch.setattr("sentiserve.store.sqlite._MOST", 25)
    monkeypatch.setattr("sentiserve.store.sqlite._PAUSE", 60)  # nothing is counted beside it
    path = tmp_path / "store.db"
    async with opened(path) as store:
        for start, counted in ((0, 0), (20, 40), (40, 40), (60, 80)):
            await store.put([example_prediction(f"{start + n}", text="#sun") for n in range(20)])
            assert rows(path, "SELECT up_to FROM counted") == [(counted,)]
        (hashtag,) = await store.aggregate(AggregateQuery(Entity.HASHTAG, MODEL))
        assert hashtag.posts == 80


async def test_two_stores_share_a_file(tmp_path: Path) -> None:
    """Stores on one file see each other's writes at once, and overlapping puts lose nothing."""
    path = tmp_path / "store.db"
    ours = [example_prediction(f"a{number}", author_id="7") for number in range(200)]
    theirs = [example_prediction(f"b{number}", author_id="7") for number in range(200)]
    async with opened(path) as one, opened(path) as other:
        await one.put(ours[:1])
        assert await other.get([ours[0].post.ref], MODEL) == ours[:1]
        await asyncio.gather(
            *(one.put(ours[start : start + 20]) for start in range(0, 200, 20)),
            *(other.put(theirs[start : start + 20]) for start in range(0, 200, 20)),
        )
        everything = ours + theirs
        for store in (one, other):
            refs = [prediction.post.ref for prediction in everything]
            assert await store.get(refs, MODEL) == everything
            (author,) = await store.aggregate(AggregateQuery(Entity.AUTHOR, MODEL))
            assert author.posts == 400


async def test_two_processes_write_to_one_file(tmp_path: Path) -> None:
    """Two processes that write the same posts, older and newer, at once: every count is exact."""
    path = tmp_path / "store.db"
    await check_processes(SqliteStore(path, DAY), f"sqlite:///{path}", 2)


async def test_stores_may_open_a_new_file_at_the_same_time(tmp_path: Path) -> None:
    """Workers that start together all get their store, and one set of tables."""
    stores = [SqliteStore(tmp_path / "store.db", DAY) for _ in range(8)]
    await asyncio.gather(*(store.open() for store in stores))
    await asyncio.gather(
        *(store.put([example_prediction(f"{i}")]) for i, store in enumerate(stores))
    )
    found = await stores[0].get([PostRef("x", f"{i}") for i in range(8)], MODEL)
    assert None not in found
    await asyncio.gather(*(store.close() for store in stores))


async def test_expired_rows_leave_the_file(tmp_path: Path) -> None:
    """The next put deletes what has expired, with its hashtags."""
    path = tmp_path / "store.db"
    past = datetime.now(UTC) - timedelta(seconds=DAY + 60)
    async with opened(path) as store:
        await store.put([example_prediction("old", text="#old", predicted_at=past)])
        await store.put([example_prediction("new", text="#new")])
        assert rows(path, "SELECT id FROM predictions") == [("new",)]
        assert rows(path, "SELECT tag FROM hashtags") == [("new",)]


async def test_readers_do_not_wait_for_a_writer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While another process writes, answers are still read, and what isn't counted is added up."""
    monkeypatch.setattr("sentiserve.store.sqlite._PAUSE", 60)
    path = tmp_path / "store.db"
    prediction = example_prediction(author_id="7", text="#sun")
    async with opened(path) as store:
        await store.put([prediction])
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("BEGIN EXCLUSIVE")
            async with asyncio.timeout(4):  # a lock is waited for 5 s
                assert await store.get([prediction.post.ref], MODEL) == [prediction]
                for entity in Entity:
                    (found,) = await store.aggregate(AggregateQuery(entity, MODEL))
                    assert found.posts == 1
                (day,) = await store.timeline(TimelineQuery(MODEL, Step.DAY))
                assert sum(day.counts.values()) == 1
            connection.execute("ROLLBACK")


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///", "sqlite://me:secret@host/store.db", "sqlite://store.db"]
)
def test_a_url_without_a_file_is_refused(url: str) -> None:
    """The error says how such a URL is written, and doesn't repeat it."""
    with pytest.raises(SettingsError, match="sqlite:///PATH") as caught:
        from_url(url, DAY)
    assert "secret" not in str(caught.value)


async def test_a_url_names_a_relative_or_absolute_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three slashes begin a path from here, four one from the root."""
    monkeypatch.chdir(tmp_path)
    for url in ("sqlite:///here.db", f"sqlite:///{tmp_path}/there.db"):
        store = from_url(url, DAY)
        await store.open()
        await store.close()
    assert files(tmp_path) == {"here.db", "there.db"}


async def test_a_file_that_is_removed_while_open_comes_back(tmp_path: Path) -> None:
    """What was in it is gone, but nothing that comes after."""
    file = tmp_path / "store.db"
    async with opened(file) as store:
        await store.put([example_prediction("1")])
        for name in files(tmp_path):
            (tmp_path / name).unlink()
        await store.put([example_prediction("2")])
        found = await store.get([PostRef("x", "1"), PostRef("x", "2")], "model-1")
        assert [prediction is not None for prediction in found] == [False, True]
    assert rows(file, "SELECT id FROM predictions") == [("2",)]


async def test_nobody_else_may_read_the_file(tmp_path: Path) -> None:
    async with opened(tmp_path / "new" / "store.db"):
        assert (tmp_path / "new" / "store.db").stat().st_mode & 0o077 == 0


async def test_a_locked_file_is_not_to_be_moved_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "store.db"
    async with opened(file):
        pass
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda path, **kw: connect(path, **kw | {"timeout": 0}))
    with closing(connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="database is locked; name another"):
            async with opened(file):
                pass


async def test_what_is_forgotten_is_in_no_file(tmp_path: Path) -> None:
    """Neither the database nor its log holds a byte of it."""
    async with opened(tmp_path / "store.db") as store:
        await store.put([example_prediction(text="a telling text", author_id="77777777")])
        assert b"a telling text" in contents(tmp_path)
        await store.forget(Author("x", "77777777"))
        assert b"a telling text" not in contents(tmp_path)
        assert b"77777777" not in contents(tmp_path)


@pytest.mark.parametrize("later", ["put", "close"])
async def test_forgetting_waits_for_no_reader_and_is_made_up_for(
    tmp_path: Path, later: str
) -> None:
    """What a reader needs stays in the log, until something is written when the reader is gone."""
    path = tmp_path / "store.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        async with opened(path) as store:
            await store.put([example_prediction(text="a telling text")])
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM predictions").fetchone()
            async with asyncio.timeout(4):  # a lock is waited for 5 s
                assert await store.forget(PostRef("x", "1")) == 1
            assert b"a telling text" in contents(tmp_path)
            await store.put([example_prediction("2")])
            reader.execute("COMMIT")
            if later == "put":
                await store.put([example_prediction("3")])
                assert b"a telling text" not in contents(tmp_path)
        assert b"a telling text" not in contents(tmp_path)


async def test_what_a_process_before_left_in_the_log_goes(tmp_path: Path) -> None:
    """If readers outlived it, the next one's first put empties the log."""
    path = tmp_path / "store.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        async with opened(path) as store:
            await store.put([example_prediction(text="a telling text")])
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM predictions").fetchone()
            await store.forget(PostRef("x", "1"))
        reader.execute("COMMIT")
        assert b"a telling text" in contents(tmp_path)
        async with opened(path) as store:
            await store.put([example_prediction("2")])
            assert b"a telling text" not in contents(tmp_path)


@pytest.mark.parametrize("version", [1, 2, 3])
async def test_a_file_of_a_version_before_is_brought_up_to_date(
    tmp_path: Path, version: int
) -> None:
    """Nothing is lost, and it is to the last count as a file into which all was put anew."""
    now = datetime.now(UTC)
    predictions = [
        example_prediction(
            f"{number}",
            text=" ".join(["#sun", "#rain", "plain"][: number % 3 + 1]),
            author_id=[None, "7", ""][number % 3],
            author_handle=[None, "Anna"][number % 2],
            created_at=[None, datetime(1969, 12, 31, number % 24, 30, tzinfo=UTC)][number % 2],
            scores={"ham": 0.1 + number % 5 * 0.2, '"it\'s"': 0.9 - number % 5 * 0.2},
            model_id=f"model {number % 2}",
            predicted_at=now,
        )
        for number in range(50)
    ]
    before, anew = tmp_path / "before.db", tmp_path / "anew.db"
    with closing(sqlite3.connect(before)) as connection:
        connection.executescript(BEFORE + (BEFORE_3 if version == 3 else ""))
        connection.execute(f"PRAGMA user_version = {version}")
        for one in predictions:
            row = row_of(one, DAY * 1_000_000)
            connection.execute(f"INSERT INTO predictions VALUES ({', '.join('?' * 13)})", row)
            for tag in one.post.hashtags:
                key: list[str | int] = ["x", one.post.ref.id]
                if version == 3:
                    key = [micros(one.seen_at), *key, one.sentiment.label]
                sql = f"INSERT INTO hashtags VALUES (?, ?, {', '.join('?' * len(key))})"
                connection.execute(sql, [one.model_id, tag, *key])
        connection.commit()
    async with opened(anew) as store:
        await store.put(predictions)
    for _ in range(2):
        async with opened(before) as store:
            refs = [one.post.ref for one in predictions[::2]]
            assert await store.get(refs, "model 0") == predictions[::2]
    async with opened(anew):
        await all_counted(anew)
    tables = ("predictions", "hashtags", "totals", "hours", "handles", "counted", "feedback")
    for table in tables:
        sql = f"SELECT * FROM {table}"
        assert rows(before, sql) == rows(anew, sql)
    sql = "SELECT * FROM days"
    for one, other in zip(rows(before, sql), rows(anew, sql), strict=True):
        assert (*one[:-1], tally_of(one[-1])) == (*other[:-1], tally_of(other[-1]))
    sql = "SELECT type, name, tbl_name FROM sqlite_schema ORDER BY 1, 2"
    assert rows(before, sql) == rows(anew, sql)
    assert rows(before, "PRAGMA user_version") == rows(anew, "PRAGMA user_version") == [(4,)]


async def test_counts_end_with_what_they_count(tmp_path: Path) -> None:
    """When all is replaced, forgotten and expired, the tables that follow are as empty."""
    path = tmp_path / "store.db"
    born = datetime.now(UTC) - timedelta(seconds=DAY)
    some = [
        example_prediction(
            f"{n}", text="#sun #rain", author_id=f"{n % 3}", author_handle="A", scores=scores
        )
        for n, scores in enumerate([{"a": 1.0}, {"b": 0.3, "a": 0.7}, {"c": 1 / 3, "b": 2 / 3}])
    ]
    async with opened(path) as store:
        await store.put([replace(one, predicted_at=born + timedelta(seconds=60)) for one in some])
        await all_counted(path)
        await store.put(some)
        await all_counted(path)
        for table in ("totals", "days", "hours", "handles"):
            assert rows(path, f"SELECT * FROM {table}")
        await store.forget(some[0].post.ref)
        await store.put([replace(one, predicted_at=born) for one in some[:1]])
        await all_counted(path)
        await store.forget(Author("x", "1"))
        await store.forget(Author("x", "2"))
        assert await store.aggregate(AggregateQuery(Entity.HASHTAG, MODEL)) == []
    assert rows(path, "SELECT up_to FROM counted") == [(0,)]
    for table in ("predictions", "hashtags", "totals", "days", "hours", "handles"):
        assert rows(path, f"SELECT * FROM {table}") == []


async def test_what_is_put_is_counted_before_anybody_asks(tmp_path: Path) -> None:
    """A little later, by itself."""
    path = tmp_path / "store.db"
    async with opened(path) as store, asyncio.timeout(60):
        await store.put([example_prediction(f"{n}", text="#sun") for n in range(2_500)])
        while rows(path, "SELECT posts FROM totals") != [(2_500,)]:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("most", [0, 1, 2, 10])
async def test_rows_are_counted_once_however_numbers_come_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """Whatever was counted when the last rows went and others took their numbers."""
    monkeypatch.setattr("sentiserve.store.sqlite._MOST", most)
    async with opened(tmp_path / "store.db") as store:
        for turn in range(3):
            for number in range(3):
                await store.put([example_prediction(f"{number}", text="#sun #sea")])
            await store.forget(PostRef("x", f"{turn}"))
            await store.put([example_prediction(f"new {turn}", text="#sun")])
        found = await store.aggregate(AggregateQuery(Entity.HASHTAG, MODEL))
        assert {one.name: one.posts for one in found} == {"sun": 5, "sea": 2}


@pytest.mark.parametrize(
    ("short", "tries"), [(50_000, 1_000), (-1, 1_000), (-1, 1)], ids=["days", "totals", "each"]
)
async def test_the_most_active_since_a_time_however_they_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, short: int, tries: int
) -> None:
    """By the days, by all their posts, or by counting each: as in a store that adds up."""
    monkeypatch.setattr("sentiserve.store.sqlite_ranking._SHORT", short)
    monkeypatch.setattr("sentiserve.store.sqlite_ranking._TRIES", tries)
    monkeypatch.setattr("sentiserve.store.sqlite._MOST", 200)  # leaves some uncounted
    monkeypatch.setattr("sentiserve.store.sqlite._PAUSE", 60)
    now, draw, memory = datetime.now(UTC), Random(4), MemoryStore(DAY)
    names = draw.choices("abcde", [5, 4, 4, 3, 0.1], k=750)
    posts = [
        example_prediction(
            f"{number}",
            text=f"#{name}",
            author_id=name,
            created_at=now - timedelta(hours=draw.triangular(0, 72, 72 * "abcde".index(name) / 4)),
        )
        for number, name in enumerate(names)
    ]
    async with opened(tmp_path / "store.db") as store:
        for start in range(0, len(posts), 50):
            await store.put(posts[start : start + 50])
            await memory.put(posts[start : start + 50])
        for entity, hours, limit in product(Entity, (0.01, 2, 20, 40, 71), (1, 2, 4, 9)):
            since = now - timedelta(hours=hours)
            query = AggregateQuery(entity, MODEL, since=since, limit=limit)
            mine, theirs = await store.aggregate(query), await memory.aggregate(query)
            assert [dataclasses.replace(one, mean_scores={}) for one in mine] == [
                dataclasses.replace(one, mean_scores={}) for one in theirs
            ]
            for one, other in zip(mine, theirs, strict=True):
                assert one.mean_scores == pytest.approx(other.mean_scores)


async def test_an_author_by_a_handle_of_before(tmp_path: Path) -> None:
    """What was posted under it, whether that is counted yet or not, and nothing once it's gone."""
    path = tmp_path / "store.db"
    query = AggregateQuery(Entity.AUTHOR, MODEL, name="STRASSE")
    async with opened(path) as store:
        await store.put([example_prediction("1", author_id="7", author_handle="Straße")])
        await all_counted(path)
        await store.put([example_prediction("2", author_id="7", author_handle="New")])
        await store.put([example_prediction("3", author_id="8", author_handle="strasse")])
        for _ in range(2):
            found = await store.aggregate(query)
            assert [(one.name, one.handle, one.posts) for one in found] == [
                ("7", "Straße", 1),
                ("8", "strasse", 1),
            ]
            await all_counted(path)
        await store.forget(PostRef("x", "1"))
        assert [one.name for one in await store.aggregate(query)] == ["8"]
        assert rows(path, "SELECT handle FROM handles ORDER BY 1") == [("New",), ("strasse",)]
