"""The embedded store."""

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from store.sqlite_files import DAY, opened, rows
from store.writers import check_processes

from sentiserve.errors import SettingsError, StoreError
from sentiserve.store import sqlite_writes
from sentiserve.store.sqlite import SqliteStore, from_url
from sentiserve.testing import StoreContract, example_prediction
from sentiserve.types import AggregateQuery, Author, Entity, PostRef, Sentiment, Step, TimelineQuery

MODEL = "model-1"
GARBAGE = b"This is no database. " * 1_000


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


async def test_a_put_goes_through_no_posts_but_its_own(tmp_path: Path) -> None:
    """What it costs to drop what has expired doesn't grow with what is kept."""
    path = tmp_path / "store.db"
    async with opened(path):
        for sql in (sqlite_writes.PROLONG, sqlite_writes.EXPIRED.replace("?", ":now")):
            with closing(sqlite3.connect(path)) as connection:
                plan = connection.execute(f"EXPLAIN QUERY PLAN {sql}", {"now": 0}).fetchall()
            first, *others = [step[-1] for step in plan]
            assert first.startswith("SEARCH")
            assert "(expires_at<?)" in first
            assert not any("SCAN" in step for step in others)


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
