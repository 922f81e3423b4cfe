"""The history of all predictions: Parquet files by date, for training and for good."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import ParamSpec, TypeVar

from sentiserve.features.views import choose_features
from sentiserve.history.columns import check_labels
from sentiserve.history.compaction import compact_day
from sentiserve.history.duck import connected, parquet, refusing
from sentiserve.history.feast import write_repository
from sentiserve.history.forgetting import remove
from sentiserve.history.keeping import keep_segment
from sentiserve.history.layout import Layout
from sentiserve.history.tombstones import Tombstones
from sentiserve.history.training import OnProgress, write_training_set
from sentiserve.history.versions import Selection
from sentiserve.history.winners import winning_records
from sentiserve.records import Record
from sentiserve.tombstones import Forgettable, Tombstone

P = ParamSpec("P")
T = TypeVar("T")
_ADVICE = "free some space, mend the permissions, or name another with SENTISERVE_HISTORY"
_PAUSE = 0.02  # seconds between two tries to break off what is under way
_MICROSECOND = timedelta(microseconds=1)


def _silent(_: str) -> None:
    pass


class History:
    """Records in a directory that several processes of one machine may share."""

    def __init__(self, directory: Path) -> None:
        """Name the directory; nothing is touched."""
        self._layout = Layout(directory)
        self._tombstones = Tombstones(self._layout)
        self._removed: dict[tuple[str, ...], int] = {}  # rows, by what was noted here
        # What waits for another process must not hold up others who need a thread.
        self._thread = ThreadPoolExecutor(1, "history")

    async def close(self) -> None:
        """Stop, without waiting for other processes or long work; harmless when closed.

        What is broken off, a compaction or a removal, has changed no file half-way; the next
        one does it.
        """
        ended = asyncio.create_task(asyncio.to_thread(self._thread.shutdown, cancel_futures=True))
        while not ended.done():
            self._layout.close()
            await asyncio.wait({ended}, timeout=_PAUSE)
        await ended

    @property
    def directory(self) -> Path:
        """Where the history lies."""
        return self._layout.directory

    async def keep(self, segment: Path) -> None:
        """Take over a closed segment of the journal; doing it twice adds nothing.

        Raises:
            StoreError: a line is damaged, or the files can't be written; the segment is whole,
                and is needed still.
        """
        await self._run(self._keep, segment)

    def forgotten(self) -> Callable[[Record], bool]:
        """Whether a record is forgotten, as of now; a look at the file's status, mostly."""
        with self._working():
            return self._tombstones.forgotten()

    async def note(self, what: Forgettable) -> None:
        """Count as forgotten what was taken until now; for good, and at once for all processes.

        Raises:
            StoreError: the note can't be written.
        """
        await asyncio.to_thread(self._note, Tombstone.of(what, datetime.now(UTC)))

    async def remove(self, what: Forgettable) -> int:
        """Remove from the files what was noted; waits while other processes read.

        Returns:
            How many rows went since this was noted.

        Raises:
            StoreError: they can't be rewritten; whatever works on the history next removes them.
        """
        return await self._run(self._remove, what)

    def unfinished(self) -> list[Forgettable]:
        """What was noted, and may still be in files."""
        with self._working():
            return [tombstone.target for tombstone in self._tombstones.pending()]

    def forgotten_since(self, time: datetime) -> list[Forgettable]:
        """What was asked to be forgotten at that time or later."""
        with self._working():
            return [tombstone.target for tombstone in self._tombstones.since(time)]

    async def training_set(
        self,
        spine: Path,
        out: Path,
        features: Sequence[str],
        model_id: str,
        labels: Sequence[str],
        ttl: timedelta,
        on_progress: OnProgress = _silent,
    ) -> int:
        """Join features to a spine, as serving would have answered at each row's time.

        Args:
            spine: a table with an ``event_timestamp`` and the views' keys, and whatever else.
            out: where the rows go, with a column ``view__feature`` for each feature.
            features: as ``view:feature``, or a view for all of its features.
            model_id: whose predictions count.
            labels: the model's.
            ttl: for how long stores keep a prediction.
            on_progress: is told what is being done, on another thread.

        Returns:
            The number of rows.

        Raises:
            BadInputError: a feature is unknown, the spine can't be used, or ``out`` not written.
            StoreError: the history can't be read.
        """
        wanted = choose_features(features, labels)
        selection = Selection(model_id, tuple(labels), ttl // _MICROSECOND)

        def write() -> int:
            self._finish_forgetting()
            with self._layout.reading():
                return write_training_set(self._layout, spine, out, wanted, selection, on_progress)

        return await self._run(write)

    async def export_feast(
        self,
        out: Path,
        model_id: str,
        labels: Sequence[str],
        ttl: timedelta,
        on_progress: OnProgress = _silent,
    ) -> None:
        """Write a Feast repository into a directory, whose answers are those of training sets.

        Raises:
            BadInputError: the directory can't be written.
            StoreError: the history can't be read.
        """
        selection = Selection(model_id, tuple(labels), ttl // _MICROSECOND)

        def write() -> None:
            self._finish_forgetting()
            with self._layout.reading():
                write_repository(self._layout, out, selection, on_progress)

        await self._run(write)

    def records(
        self, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[list[Record]]:
        """Of each post and model the last record predicted in that time, in batches.

        Nobody can write to the history until the iterator is at its end, or closed. What is
        forgotten meanwhile is left out from then on.

        Raises:
            StoreError: the history can't be read.
        """
        self._finish_forgetting()
        with self._working(), self._layout.reading():
            for batch in winning_records(self._layout, since, until):
                forgotten = self._tombstones.forgotten()
                yield [record for record in batch if not forgotten(record)]

    def check_labels(self, labels: Sequence[str]) -> None:
        """Refuse labels that can't be columns.

        Raises:
            StoreError: two differ in case only.
        """
        check_labels(labels)

    async def check(self) -> None:
        """Return if the directory can be written to.

        Raises:
            StoreError: it can't.
        """

        def write() -> None:
            with self._working(), self._layout.writing():
                pass

        await self._run(write)

    async def count(self) -> dict[str, int]:
        """How many rows there are, by model id.

        Raises:
            StoreError: the history can't be read.
        """
        return await self._run(self._count)

    async def compact(self, on_progress: OnProgress = _silent) -> int:
        """Make one file of the many of each day that is over.

        Returns:
            How many files there are less.

        Raises:
            StoreError: a file can't be read or written; nothing is lost, and the other days are
                done.
        """
        await self._run(self._finish_forgetting)
        less, errors = 0, list[Exception]()
        for day in await self._run(self._days_over):  # others may work in between
            on_progress(f"compacting {day}")
            try:
                less += await self._run(self._compact, day)
            except Exception as error:  # noqa: BLE001  # the other days shall not wait for this one
                errors.append(error)
        await self._run(self._prune)
        if errors:
            raise errors[0]
        return less

    def _keep(self, segment: Path) -> None:
        with self._working(), self._layout.writing():
            keep_segment(self._layout, segment, self._tombstones.forgotten())

    def _note(self, tombstone: Tombstone) -> None:
        with self._working():
            self._tombstones.add(tombstone)
        self._removed.setdefault(tombstone.what, 0)

    def _remove(self, what: Forgettable) -> int:
        self._finish_forgetting()
        return self._removed.pop(Tombstone.of(what, datetime.now(UTC)).what, 0)

    def _finish_forgetting(self) -> None:
        """Remove what tombstones still wait for."""
        with self._working():
            if not self._tombstones.pending():
                return
            with self._layout.writing():
                for tombstone in self._tombstones.pending():
                    rows = remove(self._layout, tombstone)
                    self._tombstones.finish(tombstone)
                    if tombstone.what in self._removed:
                        self._removed[tombstone.what] += rows

    def _count(self) -> dict[str, int]:
        self._finish_forgetting()
        with self._working(), self._layout.reading():
            files = self._layout.files()
            if not files:
                return {}
            with connected(self._layout.spill) as connection:
                sql = f"SELECT model_id, count(*) FROM {parquet(files)} GROUP BY ALL ORDER BY ALL"
                return dict(connection.execute(sql).fetchall())

    def _days_over(self) -> list[date]:
        with self._working():
            today = datetime.now(UTC).date()
            return [day for day in self._layout.days() if day < today]

    def _compact(self, day: date) -> int:
        with self._working(), self._layout.writing():
            return compact_day(self._layout, day)

    def _prune(self) -> None:
        with self._working():
            if self._layout.tombstones.exists():
                with self._layout.writing():
                    self._tombstones.prune()

    async def _run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do what takes a lock, after all that was to be done before."""
        return await asyncio.get_running_loop().run_in_executor(
            self._thread, partial(work, *args, **kwargs)
        )

    def _working(self) -> AbstractContextManager[None]:
        return refusing(f"the history {self._layout.directory} cannot be used", _ADVICE)
