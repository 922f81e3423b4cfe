"""Where the files of a history lie, and who may touch them.

    date=YYYY-MM-DD/*.parquet    rows by the date of their event_timestamp, in UTC
    .journal/                    what the recorder has not handed over yet
    .forgotten.jsonl             tombstones
    .drafts/                     files before they are whole; emptied by the next who writes

Whoever reads holds a shared lock on the directory, whoever writes an exclusive one.
"""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Event, Lock

from sentiserve.errors import StoreError

_DATE = "date="
_PAUSE = 0.02  # seconds between two tries for a lock that another process holds


class Layout:
    """The files of one history."""

    def __init__(self, directory: Path) -> None:
        """Name the directory; nothing is touched."""
        self.directory = directory
        self.journal = directory / ".journal"
        self.tombstones = directory / ".forgotten.jsonl"
        self._drafts = directory / ".drafts"
        self.spill = self._drafts / "spill"
        self._closing = Event()
        self._stopping = Lock()
        self._stops: set[Callable[[], object]] = set()

    def close(self) -> None:
        """Wait for no lock any longer, and stop long work: whoever does either gets an error.

        What is stopped just before it becomes long runs on, and wants another call.
        """
        self._closing.set()
        with self._stopping:
            for stop in self._stops:
                stop()

    @contextmanager
    def until_closed(self, stop: Callable[[], object]) -> Iterator[None]:
        """Let ``close``, on another thread, stop the block.

        Raises:
            StoreError: it was closed already.
        """
        with self._stopping:
            self._stops.add(stop)
        try:
            if self._closing.is_set():
                raise StoreError(f"the history {self.directory} is being closed")
            yield
        finally:
            with self._stopping:
                self._stops.remove(stop)

    def folder(self, day: date) -> Path:
        """Where the rows of a day lie."""
        return self.directory / f"{_DATE}{day.isoformat()}"

    def days(self) -> list[date]:
        """The days that have a folder, in order."""
        names = (folder.name for folder in self.directory.glob(f"{_DATE}*"))
        return sorted(day for day in map(_day, names) if day is not None)

    def files(self, since: datetime | None = None, until: datetime | None = None) -> list[Path]:
        """The files whose days lie between two times, in the order in which they were kept."""
        first = since.astimezone(UTC).date() if since else date.min
        last = until.astimezone(UTC).date() if until else date.max
        days = (day for day in self.days() if first <= day <= last)
        return [file for day in days for file in sorted(self.folder(day).glob("*.parquet"))]

    @contextmanager
    def reading(self) -> Iterator[None]:
        """No file changes during the block."""
        if not self.directory.is_dir():
            yield
            return
        with self._locked(fcntl.LOCK_SH):
            yield

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Nobody else reads or writes during the block; what a crash left half done is gone."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)  # it holds what people wrote
        with self._locked(fcntl.LOCK_EX):
            shutil.rmtree(self._drafts, ignore_errors=True)
            self._drafts.mkdir(mode=0o700)
            try:
                yield
            finally:
                shutil.rmtree(self._drafts, ignore_errors=True)

    def draft(self, file: Path) -> Path:
        """Where to write a file before it is published; only while writing."""
        return self._drafts / file.name

    def publish(self, file: Path) -> None:
        """Put the draft of a file in its place, whole and for good."""
        draft = self.draft(file)
        file.parent.mkdir(exist_ok=True)
        sync(draft)
        draft.replace(file)
        sync(file.parent)
        sync(self.directory)

    @contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        descriptor = os.open(self.directory, os.O_RDONLY)
        try:
            while not _lock(descriptor, how):
                if self._closing.wait(_PAUSE):  # flock itself would wait for ever
                    raise StoreError(
                        f"another process uses the history {self.directory}, and this one stops"
                    )
            yield
        finally:
            os.close(descriptor)  # which unlocks


def sync(path: Path) -> None:
    """Make a file, or a directory's list of files, outlive a power failure."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _lock(descriptor: int, how: int) -> bool:
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _day(folder: str) -> date | None:
    try:
        return date.fromisoformat(folder.removeprefix(_DATE))
    except ValueError:
        return None
