"""A history is compacted while a service runs."""

import asyncio
from pathlib import Path

import pytest
from history.histories import files, history_of, record

from sentiserve.errors import StoreError
from sentiserve.history.history import History
from sentiserve.history.upkeep import Upkeep


async def until_one_file(history: History) -> None:
    async with asyncio.timeout(30):
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


def test_a_compaction_that_fails_comes_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = history_of(tmp_path, [record("1")], [record("2")])
    compact, tried = history.compact, 0

    async def failing_once() -> int:
        nonlocal tried
        tried += 1
        if tried == 1:
            raise StoreError("the disk is full")
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
