"""What is forgotten is gone from the files, and stays away."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from disk import room_for
from history.histories import (
    DAY,
    START,
    TTL,
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
from sentiserve.history import tombstones
from sentiserve.history.history import History
from sentiserve.history.layout import Layout
from sentiserve.records import Record
from sentiserve.testing.scenarios import MODEL
from sentiserve.tombstones import Forgettable, Tombstone
from sentiserve.types import Author, PostRef, Prefix

ODD = ["'; DROP TABLE x; --", '"', "%", "_", "*", "?", "[a-z]", "\\", "/", "é", "e\u0301", "A", "a"]
ANNA: dict[str, Any] = {"author_id": "7", "author_handle": "Straße"}


def forget(history: History, what: Forgettable) -> int:
    async def scenario() -> int:
        await history.note(what)
        return await history.remove(what)

    return asyncio.run(scenario())


def ids(history: History) -> set[str]:
    return {post_id for (post_id,) in rows(history, "id")}


def modified(history: History) -> dict[str, int]:
    return {path: (history.directory / path).stat().st_mtime_ns for path in files(history)}


def test_a_post_is_forgotten(tmp_path: Path) -> None:
    """All its records by all models, and no file is touched that has none of them."""
    gone = [record("1"), record("1", model_id="other"), record("1", at=START + DAY)]
    stays = [record("11"), record("1", platform="mastodon")]
    history = history_of(tmp_path, gone + stays, [record("2", at=START + 2 * DAY)])
    before = modified(history)
    assert forget(history, PostRef("x", "1")) == 3
    assert sorted(kept(history), key=lambda item: (item.id, item.platform)) == [
        stays[1], stays[0], record("2", at=START + 2 * DAY)
    ]  # fmt: skip
    after = modified(history)
    assert len(after) == 2  # the file that held nothing else is gone
    assert len(set(before.values()) & set(after.values())) == 1
    assert leftovers(history) == []
    assert forget(history, PostRef("x", "1")) == 0


@pytest.mark.parametrize("name", ["7", "Straße", "STRASSE", "strasse"])
def test_an_author_is_forgotten(tmp_path: Path, name: str) -> None:
    """By id or by handle in any case, as Python folds it; on the one platform only."""
    gone = [record("1", **ANNA), record("2", **ANNA), record("3", author_handle="strasse")]
    stays = [record("4", author_id="77"), record("5", platform="mastodon", **ANNA), record("6")]
    history = history_of(tmp_path, gone + stays)
    by_id = name == "7"
    assert forget(history, Author("x", name)) == 3 - by_id
    assert ids(history) == {"4", "5", "6"} | ({"3"} if by_id else set())


def test_a_prefix_is_literal(tmp_path: Path) -> None:
    """No character of it means anything."""
    for number, odd in enumerate(ODD):
        place = tmp_path / f"{number}"
        place.mkdir()
        history = history_of(place, [record(f"{other}-1") for other in ODD])
        assert forget(history, Prefix(f"x/{odd}-")) == 1
        assert ids(history) == {f"{other}-1" for other in ODD} - {f"{odd}-1"}


def test_everything_can_be_forgotten(tmp_path: Path) -> None:
    """An empty prefix leaves no file."""
    history = history_of(tmp_path, [record("1")], [record("2", at=START + DAY)])
    assert forget(history, Prefix("")) == 2
    assert files(history) == []
    assert kept(history) == []


def test_nothing_is_forgotten_by_chance(tmp_path: Path) -> None:
    """An empty name, a pattern or a part of a name matches nobody."""
    history = history_of(tmp_path, [record("1", **ANNA), record("2", author_handle="Ben")])
    for name in ("", "%", "_", "Ben%", "be"):
        assert forget(history, Author("x", name)) == forget(history, PostRef("x", name)) == 0
    assert ids(history) == {"1", "2"}


def test_what_is_taken_later_stays(tmp_path: Path) -> None:
    """A tombstone is for what was taken until then."""
    history = history_of(tmp_path, [record("1", taken=datetime.now(UTC) + DAY)])
    assert forget(history, PostRef("x", "1")) == 0
    assert ids(history) == {"1"}


def test_the_predicate_follows_the_tombstones(tmp_path: Path) -> None:
    """Of this process and of others, and for what was taken before them alone."""
    history, other = History(tmp_path / "history"), History(tmp_path / "history")
    annas = record("1", **ANNA)
    assert not history.forgotten()(annas)
    forget(other, Author("x", "strasse"))
    forgotten = history.forgotten()
    assert forgotten(annas)
    assert not forgotten(record("1", author_id="strasse"[::-1]))
    assert not forgotten(record("1", taken=datetime.now(UTC) + DAY, **ANNA))
    assert history.forgotten() is forgotten  # nothing was read again
    forget(other, PostRef("x", "2"))
    assert history.forgotten()(record("2"))


@pytest.mark.parametrize(
    "what",
    [PostRef("x", "1"), Author("x", "7"), Author("x", "STRASSE"), Author("x", ""), Prefix("x/1")],
)
def test_files_and_predicate_agree(tmp_path: Path, what: Forgettable) -> None:
    """The same records are refused as are removed."""
    everything = [
        record("1", **ANNA), record("2", **ANNA), record("3", author_handle="strasse"),
        record("12"), record("4", author_id=""), record("5", platform="y", **ANNA),
    ]  # fmt: skip
    history = history_of(tmp_path, everything)
    forget(history, what)
    forgotten = history.forgotten()
    assert ids(history) == {item.id for item in everything if not forgotten(item)}


def _join(history: History, place: Path) -> object:
    spine = [{"event_timestamp": START, "platform": "x", "id": "1"}]
    return training_set(history, place, spine, ["post_sentiment:label"])


@pytest.mark.parametrize(
    "work",
    [
        lambda history, _: kept(history),
        _join,
        lambda history, _: asyncio.run(history.compact()),
    ],
)
def test_a_crash_after_the_tombstone_is_made_up_for(
    tmp_path: Path, work: Callable[[History, Path], object]
) -> None:
    """Whatever reads or works next removes the rows first."""
    history = history_of(tmp_path, [record("1"), record("2")])
    history._tombstones.add(Tombstone.of(PostRef("x", "1"), datetime.now(UTC)))
    work(history, tmp_path)
    assert ids(history) == {"2"}


def test_rows_count_whoever_removes_them(tmp_path: Path) -> None:
    """Other work on the history may come before."""
    history = history_of(tmp_path, [record("1"), record("2")])

    async def scenario() -> int:
        await history.note(PostRef("x", "1"))
        assert await history.count() == {MODEL: 1}
        return await history.remove(PostRef("x", "1"))

    assert asyncio.run(scenario()) == 1


def test_a_reader_holds_up_neither_notes_nor_other_threads(tmp_path: Path) -> None:
    """However many wait for it."""
    history, reader = history_of(tmp_path, [record("1")]), Layout(tmp_path / "history")

    async def scenario() -> list[int]:
        with reader.reading():
            posts = [PostRef("x", f"{number}") for number in range(40)]
            await asyncio.gather(*map(history.note, posts))
            waiting = [asyncio.create_task(history.remove(post)) for post in posts]
            await asyncio.sleep(0.1)
            async with asyncio.timeout(60):
                assert (await asyncio.to_thread(history.forgotten))(record("1"))
            assert not any(task.done() for task in waiting)
        return await asyncio.gather(*waiting)

    assert sum(asyncio.run(scenario())) == 1


def test_a_torn_tombstone_is_written_over(tmp_path: Path) -> None:
    """Who died writing it had promised nothing."""
    history = history_of(tmp_path, [record("1"), record("2")])
    forget(history, PostRef("x", "1"))
    with (history.directory / ".forgotten.jsonl").open("ab") as file:
        file.write(b'{"what":["pos')
    assert history.forgotten()(record("1"))
    assert forget(history, PostRef("x", "2")) == 1
    assert History(history.directory).forgotten()(record("2"))


def test_a_tombstone_that_does_not_fit_the_disk_is_refused(tmp_path: Path) -> None:
    """Half a line must not pass for a promise."""
    history = history_of(tmp_path, [record("1"), record("2")])
    forget(history, PostRef("x", "1"))
    path = history.directory / ".forgotten.jsonl"
    before = path.read_bytes()
    with room_for(len(before) + 10), pytest.raises(StoreError, match="File too large"):
        forget(history, PostRef("x", "2"))
    assert path.read_bytes() == before
    assert ids(history) == {"2"}


def test_threads_that_ask_at_once_read_the_tombstones_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or one could answer by what another has read too early."""
    history = history_of(tmp_path)
    forget(history, PostRef("x", "1"))
    read, paths = tombstones._read, list[Path]()

    def slowly(path: Path) -> list[Tombstone]:
        paths.append(path)
        time.sleep(0.05)
        return read(path)

    monkeypatch.setattr(tombstones, "_read", slowly)
    anew = History(history.directory)
    with ThreadPoolExecutor(4) as threads:
        asked = [threads.submit(anew.forgotten) for _ in range(4)]
    assert all(answer.result()(record("1")) for answer in asked)
    assert len(paths) == 1


def test_a_damaged_tombstone_stops_everything(tmp_path: Path) -> None:
    """Rather than let come back what was forgotten."""
    history = history_of(tmp_path)
    forget(history, PostRef("x", "1"))
    path = history.directory / ".forgotten.jsonl"
    path.write_bytes(b"garbage\n" + path.read_bytes())
    with pytest.raises(StoreError, match="line 1 of .*forgotten.jsonl is damaged"):
        asyncio.run(history.keep(segment(tmp_path / "s.ndjson", [record("1")])))


def test_tombstones_go_when_nothing_can_come_back(tmp_path: Path) -> None:
    """They stay while a segment of the journal may hold what they are for."""
    history = history_of(tmp_path, [record("1")])
    journal = history.directory / ".journal" / "store" / "process"
    journal.mkdir(parents=True)
    old = Tombstone.of(PostRef("x", "1"), START)
    for tombstone in (old, Tombstone.of(PostRef("x", "2"), datetime.now(UTC))):
        history._tombstones.add(tombstone)

    def left_after(first: Record | None, tail: bytes = b"") -> set[str]:
        segment(journal / "s.ndjson", [first] if first else [], tail)
        asyncio.run(history.compact())
        return {tombstone.what[2] for tombstone in history._tombstones.since(START - TTL)}

    assert left_after(record(taken=START - DAY)) == {"1", "2"}
    assert left_after(record(taken=START + timedelta(hours=1))) == {"1", "2"}
    assert left_after(None, b"who knows\n") == {"1", "2"}
    assert left_after(record(taken=START + 2 * DAY)) == {"2"}
    assert ids(history) == set()


def test_nothing_comes_back_meanwhile(tmp_path: Path) -> None:
    """Segments are kept, days compacted and files read while posts are forgotten."""
    history = History(tmp_path / "history")
    segments = [
        segment(tmp_path / f"s{number}.ndjson", [record(f"{number}-{i}") for i in range(9)])
        for number in range(12)
    ]
    others = [History(history.directory) for _ in range(3)]

    def keep_all(other: History, some: list[Path]) -> None:
        for path in some:
            asyncio.run(other.keep(path))

    with ThreadPoolExecutor() as threads:
        work: list[Future[Any]] = [
            threads.submit(keep_all, others[0], segments[::2]),
            threads.submit(keep_all, others[1], segments[1::2]),
        ]
        work += [threads.submit(asyncio.run, others[2].compact()) for _ in range(4)]
        work += [threads.submit(forget, history, Prefix(f"x/{number}-")) for number in range(6)]
        work += [threads.submit(kept, others[2]) for _ in range(4)]
        for done in work:
            done.result()
    assert {post_id.split("-")[0] for post_id in ids(history)} == {str(n) for n in range(6, 12)}
    assert len(kept(history)) == 6 * 9
