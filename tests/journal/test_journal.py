"""What is appended is in a file, and files find a process that finishes them."""

import asyncio
import os
import resource
import signal
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from journal.records import files, ids, record
from structlog.testing import capture_logs

from sentiserve.errors import OverloadedError, StoreError
from sentiserve.journal.journal import Journal
from sentiserve.journal.segment import Segment, encode
from sentiserve.records import Record


@asynccontextmanager
async def opened(
    directory: Path, *, fsync: bool = False, max_bytes: int = 1 << 30
) -> AsyncIterator[tuple[Journal, list[Segment]]]:
    """A journal, and the segments that it has sealed."""
    journal, sealed = Journal(directory, fsync=fsync, max_bytes=max_bytes), list[Segment]()
    await journal.open(sealed.append)
    try:
        yield journal, sealed
    finally:
        await journal.close()


async def append(journal: Journal, record: Record) -> None:
    await journal.append(record, lambda segment, line: None)


def names(directory: Path, pattern: str = "*") -> list[str]:
    return [path.name for path in directory.glob(pattern)]


async def until(condition: list[Segment], count: int) -> None:
    async with asyncio.timeout(60):
        while len(condition) < count:
            await asyncio.sleep(0.001)


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """As full as a disk can be made without one."""
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.getsignal(signal.SIGXFSZ)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


async def test_a_record_is_in_the_file_when_append_returns(tmp_path: Path) -> None:
    async with opened(tmp_path) as (journal, _):
        taken: list[tuple[Segment, int]] = []
        await journal.append(record(1), lambda *where: taken.append(where))
        ((segment, line),) = taken
        assert ids(segment.path) == ["1"]
        assert (segment.held, line) == (1, 0)


async def test_those_who_come_together_go_with_one_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    syncs: list[int] = []
    monkeypatch.setattr(os, "fdatasync", syncs.append)
    async with opened(tmp_path, fsync=True) as (journal, _):
        await asyncio.gather(*[append(journal, record(number)) for number in range(100)])
        assert sorted(map(int, ids(files(tmp_path)[0]))) == list(range(100))
    assert 1 <= len(syncs) <= 2


async def test_with_fsync_nobody_hears_before_the_disk_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = threading.Event()
    monkeypatch.setattr(os, "fdatasync", lambda _: disk.wait(60))
    async with opened(tmp_path, fsync=True) as (journal, _):
        appended = asyncio.create_task(append(journal, record(1)))
        while not files(tmp_path) or not ids(files(tmp_path)[0]):
            await asyncio.sleep(0.001)  # the loop goes on meanwhile
        assert not appended.done()
        disk.set()
        await appended


async def test_a_segment_is_sealed_when_it_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sentiserve.journal.journal._RECORDS", 3)
    async with opened(tmp_path) as (journal, sealed):
        for number in range(7):
            await append(journal, record(number))
        assert [ids(segment.path) for segment in sealed] == [["0", "1", "2"], ["3", "4", "5"]]
        assert [path.name for path in files(tmp_path)] == [s.path.name for s in journal.segments]


async def test_what_came_before_it_was_sealed_is_in_the_sealed_segment(tmp_path: Path) -> None:
    async with opened(tmp_path) as (journal, sealed):
        appends = [asyncio.create_task(append(journal, record(number))) for number in range(3)]
        await asyncio.sleep(0)
        await journal.seal()
        assert [ids(segment.path) for segment in sealed] == [["0", "1", "2"]]
        await asyncio.gather(*appends)


async def test_a_segment_is_sealed_when_it_is_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sentiserve.journal.journal._AGE", 0.01)
    monkeypatch.setattr("sentiserve.journal.journal._LOOK", 0.001)
    async with opened(tmp_path) as (journal, sealed):
        await append(journal, record(1))
        await until(sealed, 1)


async def test_what_a_dead_process_left_is_adopted_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as (journal, _):
        await append(journal, record(1))
        async with opened(tmp_path) as (other, sealed):
            assert other.segments == []  # its owner lives
    async with opened(tmp_path) as (journal, sealed), opened(tmp_path) as (other, _):
        await until(sealed, 1)
        assert [ids(segment.path) for segment in sealed] == [["1"]]
        assert other.segments == []
        await journal.remove(sealed[0])
    assert names(tmp_path) == []


async def test_a_damaged_file_is_told_and_set_aside(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    left = tmp_path / "left"
    left.mkdir()
    lines = encode(record(1)) + b"{]\n" + encode(record(2)) + b"{"
    (left / "1.ndjson").write_bytes(lines)
    async with opened(tmp_path) as (_, sealed):
        await until(sealed, 1)
        assert ids(sealed[0].path) == ["1", "2"]
    (aside,) = names(tmp_path, "*.damaged")
    assert (tmp_path / aside).read_bytes() == lines
    assert aside in capsys.readouterr().out


async def test_beyond_its_size_it_refuses(tmp_path: Path) -> None:
    async with opened(tmp_path, max_bytes=1_000) as (journal, _):
        journal.check()
        for number in range(3):
            await append(journal, record(number, "long " * 100))
        with pytest.raises(OverloadedError, match="journal"):
            journal.check()


async def test_a_full_disk_is_an_error_with_advice_and_over_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path) as (journal, sealed):
        await append(journal, record(1))
        with largest_file(journal.size + 10):
            with pytest.raises(StoreError, match="File too large.*SENTISERVE_HISTORY"):
                await append(journal, record(2))
            with pytest.raises(StoreError, match="File too large"):
                journal.check()  # before the model works for nothing
        monkeypatch.setattr("sentiserve.journal.journal._PAUSE", 0)
        journal.check()
        with capture_logs() as logs:
            await append(journal, record(3))
        assert [entry["event"] for entry in logs] == ["journal works again"]
        assert journal.error is None
        await until(sealed, 1)
    assert [ids(path) for path in files(tmp_path)] == [["1"], ["3"]]


async def test_one_who_leaves_takes_nothing_from_the_others(tmp_path: Path) -> None:
    async with opened(tmp_path) as (journal, _):
        first, second = [asyncio.create_task(append(journal, record(n))) for n in range(2)]
        await asyncio.sleep(0)
        first.cancel()
        await second
        assert ids(files(tmp_path)[0]) == ["0", "1"]


async def test_one_who_seals_and_leaves_takes_nothing_from_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = threading.Semaphore(0)
    monkeypatch.setattr(os, "fdatasync", lambda _: disk.acquire(timeout=60))
    async with opened(tmp_path, fsync=True) as (journal, sealed):
        first = asyncio.create_task(append(journal, record(1)))
        while not files(tmp_path) or not ids(files(tmp_path)[0]):
            await asyncio.sleep(0.001)
        second = asyncio.create_task(append(journal, record(2)))
        seal = asyncio.create_task(journal.seal())
        await asyncio.sleep(0.01)
        disk.release()
        await first
        while ids(files(tmp_path)[0]) != ["1", "2"]:
            await asyncio.sleep(0.001)  # the seal writes it
        seal.cancel()
        disk.release()
        async with asyncio.timeout(60):
            await second
        await until(sealed, 1)


async def test_a_directory_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="SENTISERVE_HISTORY"):
        async with opened(tmp_path / "file" / "journal"):
            pass
