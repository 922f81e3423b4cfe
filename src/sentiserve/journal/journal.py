"""The journal: what was answered is in a file before the answer is given."""

import asyncio
import os
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import structlog

from sentiserve.errors import OverloadedError, StoreError
from sentiserve.journal.claim import Claim
from sentiserve.journal.segment import SUFFIX, Segment, encode
from sentiserve.records import Record

T = TypeVar("T")
_Taken = Callable[[Segment, int], object]
_log = structlog.get_logger(__name__)
_RECORDS, _BYTES = 50_000, 32 << 20  # of a segment, at which it is sealed
_AGE = 60.0  # seconds at which it is; until then it may hold what another process has forgotten
_LOOK = 1.0  # seconds between two looks at its age
_PAUSE = 1.0  # seconds without a try after a write that failed


class Journal:
    """Segments of records in a directory that several processes may share.

    Attributes:
        segments: those of this process, adopted ones included, that aren't removed yet.
        arriving: how many records are on their way into a segment.
        error: why the last write failed; None after one that didn't.
    """

    def __init__(self, directory: Path, *, fsync: bool, max_bytes: int) -> None:
        """Set what a write promises, and how large all segments together may become."""
        self._directory = directory
        self._fsync = fsync
        self._max_bytes = max_bytes
        self._thread: ThreadPoolExecutor | None = None  # the one that writes
        self._on_sealed: Callable[[Segment], object] = lambda _: None
        self._claims: list[Claim] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._arrived: list[tuple[bytes, _Taken, asyncio.Future[None]]] = []
        self._commits: asyncio.Task[None] | None = None
        self._writing, self._mending = asyncio.Lock(), asyncio.Lock()
        self._active: Segment | None = None
        self._active_since = self._failed_at = -_AGE
        self.segments: list[Segment] = []
        self.arriving = 0
        self.error: str | None = None

    async def open(self, on_sealed: Callable[[Segment], object]) -> None:
        """Make ready, and adopt what dead processes left, in the background.

        Args:
            on_sealed: called with each segment that is complete: adopted, full or old.

        Raises:
            StoreError: the directory can't be written to.
        """
        self._on_sealed = on_sealed
        self._thread = ThreadPoolExecutor(1, "journal")
        try:
            self.segments = await self._run(self._claim)
        except OSError as error:
            await self.close()
            raise self._error(error) from error
        self._start(self._adopt(list(self.segments)))
        self._start(self._watch_age())

    async def close(self) -> None:
        """Stop; segments that aren't removed stay for the next process. Harmless when closed."""
        if self._thread is None:
            return
        async with self._writing:
            for task in self._tasks:
                task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._run(self._let_go)
        await asyncio.to_thread(self._thread.shutdown)
        self._thread = None

    @property
    def size(self) -> int:
        """Bytes of all segments."""
        return sum(segment.size for segment in self.segments)

    def check(self) -> None:
        """Return if the next append has a chance.

        Raises:
            OverloadedError: the segments are as large as they may become.
            StoreError: the disk refused only just.
        """
        if self.size >= self._max_bytes:
            raise OverloadedError("too many predictions wait in the journal; try again soon")
        if self.error and time.monotonic() < self._failed_at + _PAUSE:
            raise StoreError(self.error)

    async def append(self, record: Record, taken: _Taken) -> None:
        """Write a record; whoever comes while a write runs goes into the next one.

        Args:
            record: what to write.
            taken: called once it is written, even if the caller is cancelled meanwhile, with its
                segment, in which the record is held (count it off when it needs no file), and
                the number of its line there.

        Raises:
            StoreError: the file system refused; the record isn't in the journal.
        """
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._arrived.append((encode(record), taken, written))
        self.arriving += 1
        if self._commits is None or self._commits.done():
            self._commits = asyncio.create_task(self._commit())
        await written

    async def seal(self) -> None:
        """Complete the segment with all that has come; the next record begins another."""
        await asyncio.shield(self._start(self._write_and_seal()))  # others wait for what it writes

    async def remove(self, segment: Segment) -> None:
        """Delete a segment that nobody needs any longer; raises an OSError."""

        def remove() -> None:
            if self._fsync:
                os.sync()  # the store and the history may have written without waiting for disks
            segment.remove()

        await asyncio.to_thread(remove)
        self.segments.remove(segment)

    async def mend(self, segment: Segment) -> None:
        """Make a segment readable: what is damaged in it is told and set aside."""
        async with self._mending:
            damaged = await asyncio.to_thread(segment.mend)
        if damaged:
            _log.error("segment damaged; its good lines go on", set_aside=str(damaged))

    async def _commit(self) -> None:
        while self._arrived:
            async with self._writing:
                await self._write_arrived()

    async def _write_and_seal(self) -> None:
        async with self._writing:
            await self._write_arrived()
            self._seal()

    async def _write_arrived(self) -> None:
        group, self._arrived = self._arrived, []
        if not group:
            return
        try:
            segment = await self._write([line for line, _, _ in group])
        except Exception as error:  # noqa: BLE001  # nobody may be left waiting
            raised = self._failed(error)
            for _, _, written in group:
                if not written.done():
                    written.set_exception(raised)
            return
        finally:
            self.arriving -= len(group)
        if self.error:
            _log.info("journal works again")
        self.error = None
        segment.held += len(group)
        for line, (_, taken, written) in enumerate(group, segment.records - len(group)):
            taken(segment, line)
            if not written.done():
                written.set_result(None)
        if segment.records >= _RECORDS or segment.size >= min(_BYTES, self._max_bytes // 4):
            self._seal()

    async def _write(self, lines: Sequence[bytes]) -> Segment:
        if self._active is None:
            self._active = await self._run(self._create)
            self._active_since = time.monotonic()
            self.segments.append(self._active)
        segment = self._active
        await self._run(lambda: segment.append(b"".join(lines), len(lines), fsync=self._fsync))
        return segment

    def _failed(self, error: Exception) -> StoreError:
        """Go on with another file: nobody knows what this one holds now behind what counts."""
        if self._active is not None:
            self._active.sealed = True
            self._start(self._adopt([self._active]))
            self._active = None
        raised = self._error(error)
        self.error, self._failed_at = str(raised), time.monotonic()
        _log.warning("journal failed", error=self.error)
        return raised

    def _seal(self) -> None:
        segment, self._active = self._active, None
        if segment is not None:
            segment.sealed = True
            self._on_sealed(segment)

    async def _watch_age(self) -> None:
        while True:
            await asyncio.sleep(_LOOK)
            if self._active and time.monotonic() >= self._active_since + _AGE:
                await self.seal()

    async def _adopt(self, segments: Sequence[Segment]) -> None:
        for segment in segments:
            try:
                await self.mend(segment)
            except OSError as error:  # the next process may have more luck
                _log.error("segment unreadable", path=str(segment.path), error=repr(error))
                self.segments.remove(segment)
                continue
            segment.unread = [range(segment.records)] if segment.records else []
            self._on_sealed(segment)

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _claim(self) -> list[Segment]:
        """Take a directory of our own, and those of dead processes with what is in them."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = [Claim.of(path) for path in sorted(self._directory.iterdir())]
        adopted = []
        for claim in filter(None, found):
            paths = sorted(claim.path.glob(f"*{SUFFIX}"))
            adopted += [Segment(path) for path in paths]
            if paths:
                self._claims.append(claim)
            else:
                claim.release()
        self._claims.append(Claim.fresh(self._directory))
        if self._fsync:
            os.sync()  # the directories too
        return adopted

    def _create(self) -> Segment:
        segment = Segment.create(self._claims[-1].path)
        if self._fsync:
            self._claims[-1].sync()
        return segment

    def _let_go(self) -> None:
        for segment in self.segments:
            segment.close()
        for claim in self._claims:
            claim.release()
        self._claims = []

    async def _run(self, work: Callable[[], T]) -> T:
        if self._thread is None:
            raise StoreError("the journal is not open")
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _error(self, error: Exception) -> StoreError:
        why = error.strerror if isinstance(error, OSError) else repr(error)
        return StoreError(
            f"the journal {self._directory} cannot be written: {why}; make room there, or keep "
            "it elsewhere: SENTISERVE_HISTORY, or XDG_DATA_HOME where there is no history"
        )
