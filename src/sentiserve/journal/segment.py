"""A segment of the journal: a file with one record in each line.

A line counts once it ends with its newline. What follows the last newline was being written
when its process was killed, and nobody was told that it is kept.
"""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Self

import msgspec

from sentiserve.journal.claim import unique_name
from sentiserve.records import Record

SUFFIX = ".ndjson"
_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Record)


def encode(record: Record) -> bytes:
    """The record's line."""
    return _encoder.encode(record) + b"\n"


class Segment:
    """A file of records, and how far they have come.

    Attributes:
        size: bytes that count.
        records: lines that count.
        sealed: nothing is appended any more.
        held: how many records are in memory too, on their way to the store.
        unread: the lines on their way to the store that are in this file alone.
        kept: the history has all of them.
        mended: how often lines were taken out, so that those behind them have other numbers.
    """

    def __init__(self, path: Path) -> None:
        """Name a file that another process has left."""
        self.path = path
        self.size = path.stat().st_size
        self.records = self.held = self.mended = 0
        self.unread: list[range] = []
        self.sealed = True
        self.kept = False
        self._descriptor: int | None = None

    @classmethod
    def create(cls, directory: Path) -> Self:
        """A new file to append to."""
        path = directory / f"{unique_name()}{SUFFIX}"
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o600)
        segment = cls(path)
        segment._descriptor, segment.sealed = descriptor, False
        return segment

    @property
    def done(self) -> bool:
        """Whether nobody needs the file any longer."""
        return self.sealed and self.kept and not self.held and not self.unread

    @property
    def waiting(self) -> int:
        """How many lines are unread."""
        return sum(map(len, self.unread))

    def leave(self, line: int) -> None:
        """Leave a record to be read back, once the segment is sealed."""
        start = line
        if self.unread and self.unread[-1].stop == line:
            start = self.unread.pop().start
        self.unread.append(range(start, line + 1))

    def append(self, lines: bytes, records: int, *, fsync: bool) -> None:
        """Write all of the lines; raises an OSError if they don't count."""
        if self._descriptor is None:
            raise ValueError(f"{self.path} is closed")
        try:
            rest = memoryview(lines)
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
            if fsync:
                os.fdatasync(self._descriptor)
        except OSError:
            with suppress(OSError):
                os.ftruncate(self._descriptor, self.size)
            raise
        self.size += len(lines)
        self.records += records

    def close(self) -> None:
        """Close the file; harmless when it is closed."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def read(self, at_once: int, lines: Sequence[range] | None = None) -> Iterator[list[Record]]:
        """Records, some at once, of these lines or all; a msgspec.DecodeError where one is none."""
        with self.path.open("rb") as file:
            whole = (line for line in file if line.endswith(b"\n"))
            chosen = whole if lines is None else _choose(whole, lines)
            while batch := list(islice(chosen, at_once)):
                yield _decoder.decode_lines(b"".join(batch))

    def mend(self) -> Path | None:
        """Cut an unfinished last line off, and leave out lines that are no records.

        Returns:
            The copy of the file as it was found, if such lines were in it.
        """
        *lines, unfinished = self.path.read_bytes().split(b"\n")
        good = [line + b"\n" for line in lines if _is_record(line)]
        self.size, self.records = sum(map(len, good)), len(good)
        if len(good) < len(lines):
            aside = self._set_aside()
            self._rewrite(b"".join(good))
            self.mended += 1
            if self.unread:
                self.unread = [range(self.records)]
            return aside
        if unfinished:
            os.truncate(self.path, self.size)
        return None

    def remove(self) -> None:
        """Delete the file; harmless when it is gone."""
        self.close()
        self.path.unlink(missing_ok=True)

    def _set_aside(self) -> Path:
        # In the journal's own directory, since that of a process is removed with its segments.
        aside = self.path.parent.parent / f"{self.path.name}.{unique_name()}.damaged"
        shutil.copy2(self.path, aside)
        return aside

    def _rewrite(self, content: bytes) -> None:
        """Replace the file as a whole, so that a crash leaves the old one or the new one."""
        replacement = self.path.with_suffix(".mended")
        replacement.touch(mode=0o600)
        with replacement.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        replacement.replace(self.path)


def _choose(lines: Iterator[bytes], chosen: Sequence[range]) -> Iterator[bytes]:
    at = 0
    for wanted in sorted(chosen, key=lambda one: one.start):
        yield from islice(lines, wanted.start - at, wanted.stop - at)
        at = wanted.stop


def _is_record(line: bytes) -> bool:
    try:
        _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return True
