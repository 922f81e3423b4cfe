"""What is forgotten is gone from everywhere."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from history.histories import segment

from sentiserve.errors import StoreError
from sentiserve.forgetting import Forgetting, Forgotten
from sentiserve.history.history import History
from sentiserve.records import Record
from sentiserve.store.memory import MemoryStore
from sentiserve.testing import example_prediction
from sentiserve.testing.scenarios import MODEL
from sentiserve.types import Author, PostRef, Prefix

ANNA = Author("x", "7")


class WaitingPlace:
    """Says when it was asked to forget."""

    def __init__(self, asked: list[str]) -> None:
        self.asked = asked

    async def forget(self, _: PostRef | Author | Prefix) -> int:
        self.asked.append("waiting")
        return 3


class NotingPlace:
    """Notes and removes, in the order of all places; removing waits until it may."""

    def __init__(self, asked: list[str], error: Exception | None = None) -> None:
        self.asked, self.error = asked, error
        self.free = asyncio.Event()
        self.free.set()

    async def note(self, _: PostRef | Author | Prefix) -> None:
        self.asked.append("note")
        if self.error:
            raise self.error

    async def remove(self, _: PostRef | Author | Prefix) -> int:
        await self.free.wait()
        self.asked.append("remove")
        return 3

    def unfinished(self) -> list[PostRef | Author | Prefix]:
        return []


class StumblingStore(MemoryStore):
    """Can't forget the first time."""

    stumbled = False

    async def forget(self, what: PostRef | Author | Prefix) -> int:
        if not self.stumbled:
            self.stumbled = True
            raise StoreError("the store is away")
        return await super().forget(what)


async def filled() -> MemoryStore:
    store = MemoryStore(ttl=60)
    await store.put([example_prediction("1", author_id="7"), example_prediction("2")])
    return store


async def test_every_place_forgets_after_all_are_told() -> None:
    """The note tells those who record, so that nothing comes back behind the store."""
    asked: list[str] = []
    store = await filled()
    forgetting = Forgetting(NotingPlace(asked), WaitingPlace(asked), store)
    assert await forgetting.forget(ANNA) == Forgotten(online=1, offline=3)
    assert asked == ["note", "waiting", "remove"]
    assert await store.count() == {MODEL: 1}


async def test_the_store_does_not_wait_for_the_files() -> None:
    """Another process may read them for hours."""
    history, store = NotingPlace([]), await filled()
    history.free.clear()
    forgetting = asyncio.create_task(Forgetting(history, None, store).forget(ANNA))
    async with asyncio.timeout(60):
        while await store.count() != {MODEL: 1}:
            await asyncio.sleep(0)
    history.free.set()
    assert await forgetting == Forgotten(online=1, offline=3)


async def test_a_place_that_fails_can_be_asked_again() -> None:
    history = NotingPlace([], StoreError("the disk is full"))
    forgetting = Forgetting(history, None, await filled())
    with pytest.raises(StoreError, match="the disk is full"):
        await forgetting.forget(ANNA)
    history.error = None
    assert (await forgetting.forget(ANNA)).online == 1


async def test_a_store_alone_will_do() -> None:
    assert await Forgetting(None, None, await filled()).forget(ANNA) == Forgotten(1, 0)


async def test_what_a_dead_process_began_to_forget_is_forgotten_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if the store is away at first."""
    monkeypatch.setattr("sentiserve.forgetting._PAUSE", 0.001)
    history, store = History(tmp_path / "history"), StumblingStore(ttl=60)
    predictions = [example_prediction("1", author_id="7"), example_prediction("2")]
    await store.put(predictions)
    records = [Record.of(prediction, datetime.now(UTC)) for prediction in predictions]
    await history.keep(segment(tmp_path / "s.ndjson", records))
    await history.note(ANNA)
    forgetting = Forgetting(history, None, store)
    await forgetting.open()
    async with asyncio.timeout(60):
        while history.unfinished():
            await asyncio.sleep(0.01)
    await forgetting.close()
    assert await store.count() == await history.count() == {MODEL: 1}
    await history.close()


async def test_closing_does_not_wait_for_a_store_that_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sentiserve.forgetting._PAUSE", 3_600)
    history = History(tmp_path / "history")
    await history.note(ANNA)
    forgetting = Forgetting(history, None, StumblingStore(ttl=60))
    await forgetting.open()
    await asyncio.sleep(0.05)
    async with asyncio.timeout(60):
        await forgetting.close()
    assert history.unfinished() == [ANNA]
    await history.close()
