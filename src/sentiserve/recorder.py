"""Write-behind: predictions reach the store and the history after the answer, none left out.

What is answered is in memory, and with a journal in a file too, until the store has it. When
memory is full, the file is read back later; so are the files that a dead process left.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import structlog

from sentiserve.delivery import Archive, Delivery, Waiting
from sentiserve.errors import OverloadedError, StoreError
from sentiserve.journal.journal import Journal
from sentiserve.journal.segment import Segment
from sentiserve.metrics import Metrics
from sentiserve.protocols import Store
from sentiserve.records import Record
from sentiserve.timing import pause
from sentiserve.types import Author, PostRef, Prediction, Prefix

_log = structlog.get_logger(__name__)
_BATCH = 1_000
_GATHER = 0.05  # seconds in which a write waits for more: under load it costs more than a record


class Recorder:
    """Keeps predictions until the store has them, and their files until the history has too.

    While the store fails they wait in memory, and beyond that in the journal; when no more fit,
    or there is no journal, new ones are refused with an OverloadedError. Without a journal what
    waits is lost if the process is killed; with one the next process writes it.

    Attributes:
        errors: why the last try failed, for each of store, journal and history that fails now.
    """

    def __init__(
        self,
        store: Store,
        metrics: Metrics,
        max_records: int,
        journal: Journal | None = None,
        archive: Archive | None = None,
    ) -> None:
        """Set how many predictions may wait in memory; nothing is written before ``open``."""
        self._delivery = Delivery(store, metrics, archive)
        self._metrics = metrics
        self._max_records = max_records
        self._journal = journal
        self._archive = archive
        self._pending: dict[tuple[PostRef, str], Waiting] = {}
        self._reserved = 0  # places for what is computed
        self._arrived = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._unread: asyncio.Queue[Segment] = asyncio.Queue()
        self._unkept: asyncio.Queue[Segment] = asyncio.Queue()
        self._done: asyncio.Queue[Segment] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []
        metrics.queued_records.set_function(self._waiting)
        metrics.journal_bytes.set_function(lambda: journal.size if journal else 0)

    @property
    def errors(self) -> Mapping[str, str]:
        """What fails now, and why."""
        broken = self._journal and self._journal.error
        return self._delivery.failures | ({"journal": broken} if broken else {})

    async def open(self) -> None:
        """Start writing; first of all what the journal has from dead processes.

        Raises:
            StoreError: the journal's directory can't be written to.
        """
        if self._journal is not None:
            await self._journal.open(self._take_sealed)
        self._tasks = [asyncio.create_task(task) for task in self._work()]
        if self._segments:
            self._idle.clear()

    def _work(self) -> Iterator[Coroutine[Any, Any, None]]:
        yield self._write_pending()
        if self._journal is not None:
            yield self._each(self._unread, "journal", self._read_back)
            yield self._each(self._unkept, "history", self._keep)
            yield self._each(self._done, "journal", self._journal.remove)

    async def close(self, patience: float) -> None:
        """Write all that waits, for at most ``patience`` seconds, and stop.

        What the journal has is written by the next process, if not by this one.

        Raises:
            StoreError: there is no journal, and the store did not take all of it.
        """
        if not self._tasks:
            return
        if self._journal is not None:
            await self._journal.seal()
        self._rest()
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._idle.wait()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        if self._journal is not None:
            if left := len(self._journal.segments):
                _log.warning("the journal waits for the next start", segments=left, **self.errors)
            await self._journal.close()
        elif self._pending:
            raise StoreError(
                f"{len(self._pending)} predictions are lost: the store did not take them "
                f"({self.errors.get('store')})"
            )

    def get(self, ref: PostRef, model_id: str) -> Prediction | None:
        """A prediction that is on its way to the store."""
        waiting = self._pending.get((ref, model_id))
        return waiting.prediction if waiting else None

    @contextmanager
    def room(self) -> Iterator[None]:
        """Keep a place for a prediction while it is computed; put it before the block ends.

        Raises:
            OverloadedError: there is none.
            StoreError: the journal can't be written just now.
        """
        if self._journal is not None:
            self._journal.check()
        elif len(self._pending) + self._reserved >= self._max_records:
            raise OverloadedError("too many predictions wait for the store; try again soon")
        self._reserved += 1
        try:
            yield
        finally:
            self._reserved -= 1

    async def put(self, prediction: Prediction) -> None:
        """Take a prediction; with a journal, return once it is in there.

        Raises:
            StoreError: the journal did not take it, and so it isn't recorded.
        """
        record = Record.of(prediction, datetime.now(UTC))
        self._idle.clear()
        if self._journal is None:
            self._hold(Waiting(prediction, record))
            return

        def taken(segment: Segment, line: int) -> None:
            if len(self._pending) < self._max_records:
                self._hold(Waiting(prediction, record, segment))
            else:
                segment.leave(line)
                self._let_go(segment)

        try:
            await self._journal.append(record, taken)
        except StoreError:
            self._metrics.store_errors.labels("journal").inc()
            raise

    async def forget(self, what: PostRef | Author | Prefix) -> int:
        """Drop what waits, and have the history take in, and thereby sift, what it lacks.

        A record that is being written at this moment is removed from the store after that.
        Returns how many predictions waited in memory.
        """
        self._delivery.forget(what)
        found = [w for w in self._pending.values() if w.prediction.post.is_one_of(what)]
        for waiting in found:
            self._drop(waiting)
        if self._journal is not None:
            await self._journal.seal()
        self._rest()
        return len(found)

    def _hold(self, waiting: Waiting) -> None:
        key = waiting.key
        before = self._pending.get(key)
        if before and before.record.event_timestamp > waiting.record.event_timestamp:
            self._let_go(waiting.segment)
            return
        if before:
            self._drop(before)
        self._pending[key] = waiting
        self._arrived.set()

    def _drop(self, waiting: Waiting) -> None:
        """Forget one that waits, if it still does."""
        key = waiting.key
        if self._pending.get(key) is waiting:
            del self._pending[key]
            self._let_go(waiting.segment)

    def _let_go(self, segment: Segment | None) -> None:
        if segment is not None:
            segment.held -= 1
            self._settle(segment)

    def _settle(self, segment: Segment) -> None:
        if segment.done:
            self._done.put_nowait(segment)

    @property
    def _segments(self) -> list[Segment]:
        return self._journal.segments if self._journal is not None else []

    def _waiting(self) -> int:
        arriving = self._journal.arriving if self._journal else 0
        unread = sum(segment.waiting for segment in self._segments)
        return len(self._pending) + arriving + unread

    def _rest(self) -> None:
        """Let whoever closes know when nothing waits."""
        if not (self._waiting() or self._delivery.busy):
            self._delivery.forget_no_more()
        if not (self._waiting() or self._segments):
            self._idle.set()

    def _take_sealed(self, segment: Segment) -> None:
        """What becomes of a segment that is complete."""
        if segment.unread:
            self._unread.put_nowait(segment)
        if self._archive is None or not segment.records:
            segment.kept = True
            self._settle(segment)
        else:
            self._unkept.put_nowait(segment)

    async def _write_pending(self) -> None:
        while True:
            await self._arrived.wait()
            if len(self._pending) < _BATCH:
                await asyncio.sleep(_GATHER)
            batch = list(islice(self._pending.values(), _BATCH))
            await self._delivery.write(batch)
            for waiting in batch:
                self._drop(waiting)  # unless it was replaced meanwhile
            if not self._pending:
                self._arrived.clear()
                await self._seal_unread()
            self._rest()

    async def _seal_unread(self) -> None:
        """The store takes records again: those that are in the open file alone are next."""
        journal = self._journal
        if journal and any(segment.unread and not segment.sealed for segment in journal.segments):
            await journal.seal()

    async def _each(
        self, queue: asyncio.Queue[Segment], part: str, work: Callable[[Segment], Awaitable[None]]
    ) -> None:
        """Do a work for each segment; one that fails lets the others pass, and comes again."""
        failed = 0
        while True:
            segment = await queue.get()
            try:
                await work(segment)
            except Exception as error:  # noqa: BLE001  # whatever it is, the segment stays
                failed += 1
                self._delivery.fail(part, part, error)
                queue.put_nowait(segment)
                if failed == 1:
                    await self._mend(segment)
                await asyncio.sleep(pause(failed))
            else:
                if failed:  # here: another queue may fail with the same part
                    self._delivery.succeed(part)
                failed = 0
            self._rest()

    async def _read_back(self, segment: Segment) -> None:
        """Write what is in a file alone: a dead process's, or from when memory was full."""
        lines, mended = list(segment.unread), segment.mended
        batches = segment.read(_BATCH, lines)
        while records := await asyncio.to_thread(next, batches, None):
            batch = [Waiting(record.prediction, record) for record in records]
            await self._delivery.write(batch, replayed=True)
        if segment.mended != mended:  # the numbers of the lines aren't what they were
            self._unread.put_nowait(segment)
        else:
            segment.unread.clear()
            self._settle(segment)

    async def _keep(self, segment: Segment) -> None:
        if self._archive is not None:
            await self._archive.keep(segment.path)
        segment.kept = True
        self._settle(segment)

    async def _mend(self, segment: Segment) -> None:
        """It may be the file that is to blame."""
        if self._journal is not None:
            with suppress(OSError):
                await self._journal.mend(segment)
