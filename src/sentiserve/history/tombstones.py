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
from typing import NamedTuple, Self

import msgspec

from sentiserve.errors import StoreError
from sentiserve.history.layout import Layout, sync
from sentiserve.history.segments import read_segment
from sentiserve.records import Record
from sentiserve.types import Author, PostRef, Prefix

_MARGIN = timedelta(days=1)  # by which a record may reach the journal after it was taken
_LONG_AGO = datetime(1970, 1, 2, tzinfo=UTC)

Forgettable = PostRef | Author | Prefix


class Tombstone(msgspec.Struct, frozen=True):
    """What is forgotten of all that was taken until then."""

    what: tuple[str, ...]
    at: datetime
    done: bool = False

    @classmethod
    def of(cls, what: Forgettable, at: datetime) -> Self:
        """A tombstone for this."""
        match what:
            case PostRef(platform, post_id):
                return cls(("post", platform, post_id), at)
            case Author(platform, author):
                return cls(("author", platform, author), at)
            case Prefix(text):
                return cls(("prefix", text), at)

    @property
    def target(self) -> Forgettable:
        """What it was made of."""
        match self.what:
            case ("post", platform, post_id):
                return PostRef(platform, post_id)
            case ("author", platform, author):
                return Author(platform, author)
            case ("prefix", text):
                return Prefix(text)
        raise ValueError(f"nothing that can be forgotten: {self.what!r}")


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
                self._latest = _Known(state, tombstones, _predicate(tombstones))
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


def _predicate(tombstones: list[Tombstone]) -> Callable[[Record], bool]:
    posts: dict[tuple[str, str], datetime] = {}
    authors: dict[tuple[str, str], datetime] = {}
    handles: dict[tuple[str, str], datetime] = {}
    prefixes: list[tuple[str, datetime]] = []
    for tombstone in tombstones:
        match tombstone.target:
            case PostRef(platform, post_id):
                posts[platform, post_id] = tombstone.at
            case Author(platform, author):
                authors[platform, author] = tombstone.at
                handle = (platform, author.casefold())
                handles[handle] = max(tombstone.at, handles.get(handle, tombstone.at))
            case Prefix(text):
                prefixes.append((text, tombstone.at))

    def forgotten(record: Record) -> bool:
        platform, author_id, handle = record.platform, record.author_id, record.author_handle
        times = (
            posts.get((platform, record.id)),
            None if author_id is None else authors.get((platform, author_id)),
            None if handle is None else handles.get((platform, handle.casefold())),
        )
        taken = record.created_timestamp
        if any(time is not None and taken <= time for time in times):
            return True
        path = f"{record.platform}/{record.id}" if prefixes else ""
        return any(path.startswith(text) and taken <= at for text, at in prefixes)

    return forgotten


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
