"""A history is compacted while a service runs."""

import asyncio
from pathlib import Path

import pytest
from history.histories import DAY, START, files, history_of, leftovers, record, segment, sql

from sentiserve.errors import StoreError
from sentiserve.history.history import History
from sentiserve.history.layout import Layout
from sentiserve.history.upkeep import Upkeep
from sentiserve.types import Prefix


async def until_one_file(history: History) -> None:
    async with asyncio.timeout(60):
        while len(files(history)) > 1:
            await asyncio.sleep(0.01)


def test_days_that_are_over_are_compacted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    history = history_of(tmp_path, [record("1")], [record("2")])
    monkeypatch.setattr("sentiserve.history.upkeep._PERIOD", 0.01)

    async def scenario() -> None:
        upkeep = Upkeep(history)
        await upkeep.open()
        await until_one_file(history)
        await upkeep.close()

    asyncio.run(scenario())


def test_closing_does_not_wait_for_another_process_that_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = history_of(tmp_path, [record("1")], [record("2")])
    later = segment(tmp_path / "later.ndjson", [record("3")])
    reader = Layout(history.directory)
    monkeypatch.setattr("sentiserve.history.upkeep._PERIOD", 0.01)

    async def scenario() -> None:
        upkeep = Upkeep(history)
        await upkeep.open()
        with reader.reading():
            keeping = asyncio.create_task(history.keep(later))
            await asyncio.sleep(0.1)
            async with asyncio.timeout(60):
                await upkeep.close()
                await history.close()
            with pytest.raises(StoreError, match="another process uses the history"):
                await keeping

    asyncio.run(scenario())
    assert len(files(history)) == 2


def long_history(directory: Path) -> History:
    """A history of one day with two files of so many rows that work on them takes seconds."""
    history = history_of(directory, [record("1")], [record("2")])
    for name in files(history):
        path = history.directory / name
        few = path.rename(directory / "few.parquet")
        sql(
            "COPY (SELECT few.* REPLACE (md5(id || n) AS id, md5(n::VARCHAR) AS text) "
            f"FROM '{few}' AS few, range(200_000) AS numbers(n)) TO '{path}' (FORMAT parquet)"
        )
    return history


def contents(history: History) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in history.directory.glob("date=*/*.parquet")}


async def until_it_writes(history: History) -> None:
    async with asyncio.timeout(60):
        while not list(history.directory.glob(".drafts/*.parquet")):
            await asyncio.sleep(0.001)


async def check_closing(history: History) -> None:
    """It doesn't wait for the end, and leaves the files as they are."""
    before = contents(history)
    await history.close()
    assert contents(history) == before
    assert leftovers(history) == []


def test_closing_breaks_a_compaction_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    history = long_history(tmp_path)
    monkeypatch.setattr("sentiserve.history.upkeep._PERIOD", 0.01)

    async def scenario() -> None:
        upkeep = Upkeep(history)
        await upkeep.open()
        await until_it_writes(history)
        await upkeep.close()
        await check_closing(history)

    asyncio.run(scenario())


def test_closing_breaks_a_removal_off(tmp_path: Path) -> None:
    """What was to be forgotten is noted, and the next process removes it."""
    history, what = long_history(tmp_path), Prefix("x/0")

    async def scenario() -> None:
        await history.note(what)
        removal = asyncio.create_task(history.remove(what))
        await until_it_writes(history)
        await check_closing(history)
        with pytest.raises(StoreError):
            await removal

    asyncio.run(scenario())
    assert History(history.directory).unfinished() == [what]


def test_a_day_that_cannot_be_read_holds_up_no_other(tmp_path: Path) -> None:
    """It is told in the end."""
    other = START + DAY
    history = history_of(tmp_path, [record("1")], [record("2", at=other)], [record("3", at=other)])
    (history.directory / files(history)[0]).write_bytes(b"garbage")
    with pytest.raises(StoreError, match="cannot be used"):
        asyncio.run(history.compact())
    assert len(files(history)) == 2


def test_a_compaction_that_fails_comes_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = history_of(tmp_path, [record("1")], [record("2")])
    compact, tried = history.compact, 0

    async def failing_once() -> int:
        nonlocal tried
        tried += 1
        if tried == 1:
            raise RuntimeError("whatever it is")
        return await compact()

    monkeypatch.setattr(history, "compact", failing_once)
    monkeypatch.setattr("sentiserve.history.upkeep._PERIOD", 0.01)

    async def scenario() -> None:
        upkeep = Upkeep(history)
        await upkeep.open()
        await until_one_file(history)
        await upkeep.close()

    asyncio.run(scenario())


def test_without_a_history_there_is_nothing_to_do() -> None:
    async def scenario() -> None:
        upkeep = Upkeep(None)
        await upkeep.close()
        await upkeep.open()
        await upkeep.close()

    asyncio.run(scenario())
