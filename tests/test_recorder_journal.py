"""With a journal, predictions survive the store's absence, full memory and the process."""

import asyncio
import gc
import os
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from archive import FolderArchive
from structlog.testing import capture_logs

from sentiserve.errors import StoreError
from sentiserve.journal.journal import Journal
from sentiserve.journal.segment import SUFFIX
from sentiserve.metrics import Metrics
from sentiserve.recorder import Recorder
from sentiserve.store.memory import MemoryStore
from sentiserve.testing import example_prediction
from sentiserve.testing.scenarios import MODEL
from sentiserve.types import PostRef, Prediction


class Store(MemoryStore):
    """A memory store that can be away, or slow."""

    def __init__(self) -> None:
        super().__init__(ttl=60)
        self.away = False
        self.free = asyncio.Event()
        self.free.set()
        self.asked = 0

    async def put(self, predictions: Sequence[Prediction]) -> None:
        self.asked += 1
        await self.free.wait()
        if self.away:
            raise StoreError("the store is away")
        await super().put(predictions)

    async def ids(self) -> list[str]:
        found = await self.get([PostRef("x", str(number)) for number in range(2_000)], MODEL)
        return [prediction.post.ref.id for prediction in found if prediction]


@dataclass
class House:
    directory: Path
    store: Store
    archive: FolderArchive
    metrics: Metrics
    recorder: Recorder

    def segments(self) -> list[Path]:
        return sorted((self.directory / "journal").rglob(f"*{SUFFIX}"))

    async def put(self, *numbers: int) -> None:
        for number in numbers:
            await self.recorder.put(example_prediction(str(number)))


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sentiserve.timing._FIRST_PAUSE", 0.001)
    monkeypatch.setattr("sentiserve.timing._LONGEST_PAUSE", 0.001)


@asynccontextmanager
async def house(
    directory: Path,
    store: Store | None = None,
    max_records: int = 1_000,
    archive: FolderArchive | None = None,
) -> AsyncIterator[House]:
    journal = Journal(directory / "journal", fsync=False, max_bytes=1 << 30)
    archive = archive or FolderArchive(directory / "kept")
    metrics, store = Metrics(), store or Store()
    recorder = Recorder(store, metrics, max_records, journal, archive)
    await recorder.open()
    try:
        yield House(directory, store, archive, metrics, recorder)
    finally:
        store.free.set()
        with suppress(StoreError):
            await recorder.close(60 if not (store.away or archive.error) else 0.01)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.001)


async def test_closing_leaves_everything_in_store_and_history_and_nothing_in_the_journal(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as parts:
        await parts.put(*range(50))
    assert await parts.store.ids() == [str(number) for number in range(50)]
    assert sorted(map(int, parts.archive.ids())) == list(range(50))
    assert parts.segments() == []


async def test_what_the_store_does_not_take_waits_for_the_next_start(tmp_path: Path) -> None:
    """Nothing is lost, so closing is no failure."""
    async with house(tmp_path) as parts:
        parts.store.away = True
        await parts.put(1, 2)
    assert len(parts.segments()) == 1
    async with house(tmp_path) as parts:
        pass
    assert await parts.store.ids() == ["1", "2"]
    assert parts.segments() == []


async def test_beyond_memory_they_wait_in_the_journal_alone(tmp_path: Path) -> None:
    async with house(tmp_path, max_records=10) as parts:
        parts.store.away = True
        await parts.put(*range(30))
        known = [parts.recorder.get(PostRef("x", str(number)), MODEL) for number in range(30)]
        assert [number for number in range(30) if known[number]] == list(range(10))
        assert b"sentiserve_queued_records 30.0" in parts.metrics.exposition()
        parts.store.away = False
        await until(lambda: b"sentiserve_queued_records 0.0" in parts.metrics.exposition())
        assert len(await parts.store.ids()) == 30
    assert sorted(map(int, parts.archive.ids())) == list(range(30))
    assert parts.segments() == []


async def test_a_record_that_is_read_back_does_not_replace_a_newer_one(tmp_path: Path) -> None:
    store = Store()
    async with house(tmp_path, store) as parts:
        store.away = True
        await parts.put(1)
    newer = example_prediction(
        "1", text="newer", predicted_at=datetime.now(UTC) + timedelta(seconds=1)
    )
    store.away = False
    await store.put([newer])
    async with house(tmp_path, store):
        pass
    assert await store.get([newer.post.ref], MODEL) == [newer]


async def test_a_failing_history_holds_up_neither_answers_nor_the_store(tmp_path: Path) -> None:
    async with house(tmp_path) as parts:
        parts.archive.error = StoreError("no room for the history")
        await parts.put(1)
        await parts.recorder.forget(PostRef("x", "another"))  # seals the segment
        await until(lambda: "history" in parts.recorder.errors)
        await parts.put(2)
        assert parts.recorder.errors == {"history": "no room for the history"}
        async with asyncio.timeout(60):
            while await parts.store.ids() != ["1", "2"]:
                await asyncio.sleep(0.001)
        assert b'store_errors_total{operation="history"}' in parts.metrics.exposition()
        assert len(parts.segments()) == 2
        parts.archive.error = None
        with capture_logs() as logs:
            await until(lambda: len(parts.segments()) == 1)
        assert [entry["event"] for entry in logs] == ["history works again"]
        assert not parts.recorder.errors
    assert parts.archive.ids() == ["1", "2"]


async def test_what_waits_is_forgotten(tmp_path: Path) -> None:
    async with house(tmp_path, max_records=2) as parts:
        parts.store.away = True
        await parts.put(1, 2, 3, 4)  # two of them in the journal alone
        gone = [PostRef("x", "1"), PostRef("x", "4")]
        for ref in gone:  # before the first file is kept: this archive takes nothing out again
            parts.archive.forget(ref)
        for ref in gone:
            await parts.recorder.forget(ref)
        assert parts.recorder.get(PostRef("x", "1"), MODEL) is None
        parts.store.away = False
    assert await parts.store.ids() == ["2", "3"]
    assert parts.archive.ids() == ["2", "3"]


async def test_what_another_process_forgets_is_not_written_any_more(tmp_path: Path) -> None:
    async with house(tmp_path) as parts:
        parts.store.away = True
        await parts.put(1, 2)
        parts.archive.forget(PostRef("x", "1"))
        parts.store.away = False
    assert await parts.store.ids() == ["2"]
    assert parts.archive.ids() == ["2"]


async def test_what_is_forgotten_while_it_is_being_written_is_gone_afterwards(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as parts:
        parts.store.free.clear()
        await parts.put(1, 2)
        await until(lambda: parts.store.asked > 0)
        parts.archive.forget(PostRef("x", "1"))
        await parts.recorder.forget(PostRef("x", "1"))
        assert await parts.store.forget(PostRef("x", "1")) == 0
        parts.store.free.set()
        async with asyncio.timeout(60):
            while await parts.store.ids() != ["2"]:
                await asyncio.sleep(0.001)


async def test_what_was_forgotten_just_before_a_process_died_is_gone_from_the_store(
    tmp_path: Path,
) -> None:
    """It had put a record, and never came to look again."""
    store = Store()
    late, other = example_prediction("1"), example_prediction("2")
    async with house(tmp_path, store) as parts:
        store.away = True
        await parts.recorder.put(late)
        await parts.recorder.put(other)
    store.away = False
    await store.put([late, other])
    parts.archive.forget(late.post.ref)
    async with house(tmp_path, store, archive=parts.archive):
        pass
    assert await store.ids() == ["2"]


async def test_what_was_predicted_since_it_was_forgotten_stays(tmp_path: Path) -> None:
    store = Store()
    async with house(tmp_path, store) as parts:
        store.away = True
        await parts.put(1)
    parts.archive.forget(PostRef("x", "1"))
    newer = example_prediction("1", predicted_at=datetime.now(UTC))
    store.away = False
    await store.put([newer])
    async with house(tmp_path, store, archive=parts.archive):
        pass
    assert await store.get([newer.post.ref], MODEL) == [newer]


async def test_a_history_that_cannot_tell_what_is_forgotten_is_named(tmp_path: Path) -> None:
    """Nothing is put before it can, and the store isn't blamed."""
    async with house(tmp_path) as parts:
        parts.archive.unknown = StoreError("line 1 is damaged")
        await parts.put(1)
        await until(lambda: bool(parts.recorder.errors))
        assert parts.recorder.errors == {"history": "line 1 is damaged"}
        assert parts.store.asked == 0
        parts.archive.unknown = None
    assert not parts.recorder.errors
    assert await parts.store.ids() == ["1"]


async def test_a_post_can_be_stored_anew_after_it_was_forgotten(tmp_path: Path) -> None:
    async with house(tmp_path) as parts:
        parts.store.away = True
        await parts.put(1)
        parts.archive.forget(PostRef("x", "1"))
        await parts.recorder.forget(PostRef("x", "1"))
        await parts.put(1)
        parts.store.away = False
    assert await parts.store.ids() == ["1"]
    assert parts.archive.ids() == ["1"]


async def test_a_journal_that_cannot_be_written_is_the_requests_problem(tmp_path: Path) -> None:
    async with house(tmp_path) as parts:
        (owner,) = (tmp_path / "journal").iterdir()
        owner.rmdir()
        with pytest.raises(StoreError, match="SENTISERVE_HISTORY"):
            await parts.put(1)
        assert parts.recorder.get(PostRef("x", "1"), MODEL) is None
        assert "journal" in parts.recorder.errors
        assert b'store_errors_total{operation="journal"} 1.0' in parts.metrics.exposition()
        with pytest.raises(StoreError), parts.recorder.room():
            pass  # the model need not work for nothing
        owner.mkdir()
        await parts.put(2)
        assert not parts.recorder.errors
    assert await parts.store.ids() == ["2"]


async def test_closing_does_not_wait_for_what_the_journal_refused(tmp_path: Path) -> None:
    async with house(tmp_path) as parts:
        (owner,) = (tmp_path / "journal").iterdir()
        owner.rmdir()
        with pytest.raises(StoreError):
            await parts.put(1)
        async with asyncio.timeout(15):
            await parts.recorder.close(60)


async def test_closing_does_not_wait_for_a_request_that_went_away(tmp_path: Path) -> None:
    async with house(tmp_path) as parts:
        (owner,) = (tmp_path / "journal").iterdir()
        owner.rmdir()
        asked = asyncio.create_task(parts.put(1))
        await asyncio.sleep(0)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        async with asyncio.timeout(15):
            await parts.recorder.close(60)


async def test_a_record_whose_request_went_away_holds_up_no_file(tmp_path: Path) -> None:
    """It is in the journal, and so goes on as the others do."""
    async with house(tmp_path) as parts:
        asked = asyncio.create_task(parts.put(1))
        await asyncio.sleep(0)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        await until(lambda: bool(parts.segments()) and parts.segments()[0].stat().st_size > 0)
        async with asyncio.timeout(15):
            await parts.recorder.close(60)
    assert await parts.store.ids() == ["1"]
    assert parts.segments() == []


async def test_a_record_whose_request_went_away_can_be_read(tmp_path: Path) -> None:
    """Also if the request goes just when it would have been answered."""
    async with house(tmp_path) as parts:
        parts.store.free.clear()
        asked = [asyncio.create_task(parts.put(number)) for number in range(2)]
        await asyncio.sleep(0)
        asked[0].cancel()
        await until(lambda: parts.recorder.get(PostRef("x", "1"), MODEL) is not None)
        asked[1].cancel()
        await asyncio.wait(asked)
        assert parts.recorder.get(PostRef("x", "0"), MODEL)
    assert await parts.store.ids() == ["0", "1"]
    assert parts.segments() == []


async def test_what_is_forgotten_on_its_way_into_the_journal_is_not_put(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also without a history, whose tombstones would say so."""
    journal = Journal(tmp_path / "journal", fsync=True, max_bytes=1 << 30)
    store, disk = Store(), threading.Event()
    monkeypatch.setattr(os, "fdatasync", lambda _: disk.wait(60))
    recorder = Recorder(store, Metrics(), 1_000, journal)
    await recorder.open()
    asked = asyncio.create_task(recorder.put(example_prediction("1")))
    await until(lambda: any((tmp_path / "journal").rglob(f"*{SUFFIX}")))
    forgot = asyncio.create_task(recorder.forget(PostRef("x", "1")))
    await asyncio.sleep(0)
    disk.set()
    await asyncio.gather(asked, forgot)
    await recorder.close(60)
    assert await store.ids() == []


async def test_a_file_that_is_damaged_while_it_waits_gives_all_but_the_damage(
    tmp_path: Path,
) -> None:
    async with house(tmp_path, max_records=1) as parts:
        parts.store.away = True
        await parts.put(1, 2, 3)
        (file,) = parts.segments()
        lines = file.read_bytes().splitlines(keepends=True)
        file.write_bytes(lines[0] + b"x" * (len(lines[1]) - 1) + b"\n" + lines[2])
        parts.archive.error = RuntimeError("the history can't read it either")
        parts.store.away = False
        async with asyncio.timeout(60):
            while await parts.store.ids() != ["1", "3"]:
                await asyncio.sleep(0.001)
        parts.archive.error = None
    assert parts.archive.ids() == ["1", "3"]
    assert len(list((tmp_path / "journal").glob("*.damaged"))) == 1


async def test_a_journal_that_cannot_be_opened_leaves_nothing_begun(tmp_path: Path) -> None:
    """Python would warn of work that was made and never done; warnings are errors here."""
    (tmp_path / "journal").write_text("a file, no directory")
    journal = Journal(tmp_path / "journal", fsync=False, max_bytes=1_000_000)
    with pytest.raises(StoreError):
        await Recorder(Store(), Metrics(), 10, journal).open()
    gc.collect()
