"""What a SQLite store counts, and how a file of before gets it."""

import dataclasses
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from random import Random

import pytest
from msgspec.structs import replace
from store.sqlite_files import DAY, all_counted, opened, rows

from sentiserve.store.memory import MemoryStore
from sentiserve.store.sqlite_rows import micros, row_of
from sentiserve.store.sqlite_totals import tally_of
from sentiserve.testing import example_prediction
from sentiserve.types import AggregateQuery, Author, Entity, PostRef

MODEL = "model-1"
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
    async with opened(path) as store:
        await store.put([example_prediction(f"{n}", text="#sun") for n in range(2_500)])
        await all_counted(path)
        assert rows(path, "SELECT posts FROM totals") == [(2_500,)]


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
async def test_the_most_active_are_the_same_however_they_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, short: int, tries: int
) -> None:
    """By the days, by all their posts, or by counting each: as in a store that adds up."""
    monkeypatch.setattr("sentiserve.store.sqlite_ranking._SHORT", short)
    monkeypatch.setattr("sentiserve.store.sqlite_ranking._TRIES", tries)
    monkeypatch.setattr("sentiserve.store.sqlite._MOST", 200)  # leaves some uncounted
    monkeypatch.setattr("sentiserve.store.sqlite._PAUSE", 60)
    now, draw, memory = datetime.now(UTC), Random(4), MemoryStore(DAY)
    names = draw.choices("abcde", [5, 4, 4, 3, 0.1], k=600)
    names += draw.choices("abcde", [1, 2, 2, 5, 0.1], k=100)
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
        for entity, hours, limit in product(Entity, (0.01, 2, 20, 40, 71, 0), (1, 2, 4, 9)):
            since = now - timedelta(hours=hours) if hours else None
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
