"""What was asked to be forgotten, and when.

A tombstone is a line of ``.forgotten.jsonl``, written for good before anything is removed:

    {"what": ["post", PLATFORM, ID] | ["author", PLATFORM, AUTHOR] | ["prefix", TEXT],
     "at": TIME, "done": false}

and once more, with ``"done": true``, when no file holds such rows any longer. It goes when it is
done and every segment of the journal begins a day or more after it: until then an old segment
may still bring such rows.
"""

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import NamedTuple

import msgspec

from sentiserve.errors import StoreError
from sentiserve.history.layout import Layout, sync
from sentiserve.history.segments import read_segment
from sentiserve.records import Record
from sentiserve.tombstones import Tombstone, forgets

_MARGIN = timedelta(days=1)  # by which a record may reach the journal after it was taken
_LONG_AGO = datetime(1970, 1, 2, tzinfo=UTC)


class _Known(NamedTuple):
    """The file as it was read, replaced as a whole, so that threads see one or the other.

    Attributes:
        state: how the file looked just before.
    """

    state: tuple[int, ...] | None
    tombstones: Sequence[Tombstone]
    forgotten: Callable[[Record], bool]


def _nothing(_: Record) -> bool:
    return False


_NOTHING = _Known(None, (), _nothing)


class Tombstones:
    """The tombstones of one history; several processes and threads may add to them."""

    def __init__(self, layout: Layout) -> None:
        """Name where they are; nothing is read before it is needed."""
        self._layout = layout
        self._path = layout.tombstones
        self._reading = Lock()
        self._latest = _NOTHING

    def forgotten(self) -> Callable[[Record], bool]:
        """Whether a record is forgotten, by the tombstones as they are now."""
        return self._known().forgotten

    def pending(self) -> list[Tombstone]:
        """Those whose rows may still be in files, oldest first."""
        return [tombstone for tombstone in self._known().tombstones if not tombstone.done]

    def since(self, time: datetime) -> list[Tombstone]:
        """Those that were added at that time or later."""
        return [tombstone for tombstone in self._known().tombstones if tombstone.at >= time]

    def add(self, tombstone: Tombstone) -> None:
        """Append one, for good; raises an OSError if it doesn't count."""
        self._layout.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._locked() as descriptor:
            _drop_torn_line(descriptor)
            _append(descriptor, msgspec.json.encode(tombstone) + b"\n")
        sync(self._layout.directory)

    def finish(self, tombstone: Tombstone) -> None:
        """Note that no file holds its rows any longer."""
        self.add(msgspec.structs.replace(tombstone, done=True))

    def prune(self) -> None:
        """Drop those that nothing can bring rows for any longer."""
        oldest = min([datetime.now(UTC), *_beginnings(self._layout.journal)]) - _MARGIN
        with self._locked():
            every = self._known().tombstones
            needed = [known for known in every if not known.done or known.at >= oldest]
            if len(needed) == len(every):
                return
            draft = self._layout.draft(self._path)
            draft.write_bytes(b"".join(msgspec.json.encode(known) + b"\n" for known in needed))
            self._layout.publish(self._path)

    def _known(self) -> _Known:
        """What the file says; it is read again if it is another than the one that was read."""
        with self._reading:
            try:
                stat = self._path.stat()
            except FileNotFoundError:
                self._latest = _NOTHING
                return self._latest
            state = (stat.st_ino, stat.st_size, stat.st_mtime_ns)
            if state != self._latest.state:
                tombstones = _read(self._path)
                self._latest = _Known(state, tombstones, forgets(tombstones))
            return self._latest

    @contextmanager
    def _locked(self) -> Iterator[int]:
        """The open file, which no other process adds to, and which is the one in place."""
        while True:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                if self._in_place(descriptor):
                    yield descriptor
                    return
            finally:
                os.close(descriptor)

    def _in_place(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), self._path.stat())
        except FileNotFoundError:
            return False


def _append(descriptor: int, line: bytes) -> None:
    before, rest = os.fstat(descriptor).st_size, memoryview(line)
    try:
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    except OSError:
        with suppress(OSError):
            os.ftruncate(descriptor, before)
        raise


def _drop_torn_line(descriptor: int) -> None:
    content = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
    if not content.endswith(b"\n"):  # who wrote it died before promising anything
        os.ftruncate(descriptor, content.rfind(b"\n") + 1)


def _read(path: Path) -> list[Tombstone]:
    """The latest of each kind: it forgets all that the earlier ones do."""
    latest: dict[tuple[str, ...], Tombstone] = {}
    lines = path.read_bytes().split(b"\n")[:-1]  # but for a torn last one
    for number, line in enumerate(lines, start=1):
        try:
            tombstone = msgspec.json.decode(line, type=Tombstone)
            _ = tombstone.target
        except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
            raise StoreError(
                f"line {number} of {path} is damaged ({error}); without it what was forgotten "
                "might come back: mend the line, or take it out and forget anew"
            ) from error
        known = latest.get(tombstone.what)
        if known is None or (tombstone.at, tombstone.done) >= (known.at, known.done):
            latest[tombstone.what] = tombstone
    return sorted(latest.values(), key=lambda tombstone: tombstone.at)


def _beginnings(journal: Path) -> Iterator[datetime]:
    """When the first record of each segment was taken."""
    for segment in journal.rglob("*.ndjson"):
        try:
            first = next(read_segment(segment), None)
        except FileNotFoundError:  # it was taken over just now
            continue
        except StoreError:  # who knows what it holds
            yield _LONG_AGO
        else:
            if first is not None:
                yield first[1].created_timestamp
