"""The history of all predictions: Parquet files by date, for training and for good."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sentiserve.features.views import choose_features
from sentiserve.history.columns import check_labels
from sentiserve.history.compaction import compact_day
from sentiserve.history.duck import connected, parquet, refusing
from sentiserve.history.feast import write_repository
from sentiserve.history.forgetting import remove
from sentiserve.history.keeping import keep_segment
from sentiserve.history.layout import Layout
from sentiserve.history.tombstones import Forgettable, Tombstone, Tombstones
from sentiserve.history.training import OnProgress, write_training_set
from sentiserve.history.versions import Selection
from sentiserve.history.winners import winning_records
from sentiserve.records import Record

_ADVICE = "free some space, mend the permissions, or name another with SENTISERVE_HISTORY"
_MICROSECOND = timedelta(microseconds=1)


def _silent(_: str) -> None:
    pass


class History:
    """Records in a directory that several processes of one machine may share."""

    def __init__(self, directory: Path) -> None:
        """Name the directory; nothing is touched."""
        self._layout = Layout(directory)
        self._tombstones = Tombstones(self._layout)

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
        await asyncio.to_thread(self._keep, segment)

    def forgotten(self) -> Callable[[Record], bool]:
        """Whether a record is forgotten, as of now; a look at the file's status, mostly."""
        with self._working():
            return self._tombstones.forgotten()

    async def forget(self, what: Forgettable) -> int:
        """Remove what was taken until now, also from what is still to be kept.

        Returns:
            How many rows of the files went.

        Raises:
            StoreError: they can't be rewritten; what is to be forgotten is noted, and is
                removed by whatever works on the history next.
        """
        return await asyncio.to_thread(self._forget, what)

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

        return await asyncio.to_thread(write)

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

        await asyncio.to_thread(write)

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

        await asyncio.to_thread(write)

    async def count(self) -> dict[str, int]:
        """How many rows there are, by model id.

        Raises:
            StoreError: the history can't be read.
        """
        return await asyncio.to_thread(self._count)

    async def compact(self, on_progress: OnProgress = _silent) -> int:
        """Make one file of the many of each day that is over.

        Returns:
            How many files there are less.

        Raises:
            StoreError: a file can't be read or written; nothing is lost.
        """
        return await asyncio.to_thread(self._compact, on_progress)

    def _keep(self, segment: Path) -> None:
        with self._working(), self._layout.writing():
            keep_segment(self._layout, segment, self._tombstones.forgotten())

    def _forget(self, what: Forgettable) -> int:
        tombstone = Tombstone.of(what, datetime.now(UTC))
        with self._working():
            self._tombstones.add(tombstone)
        return self._finish_forgetting().get(tombstone.what, 0)

    def _finish_forgetting(self) -> dict[tuple[str, ...], int]:
        """Remove what tombstones still wait for; how many rows each of them took."""
        with self._working():
            if not self._tombstones.pending():
                return {}
            taken = {}
            with self._layout.writing():
                for tombstone in self._tombstones.pending():
                    taken[tombstone.what] = remove(self._layout, tombstone)
                    self._tombstones.finish(tombstone)
            return taken

    def _count(self) -> dict[str, int]:
        self._finish_forgetting()
        with self._working(), self._layout.reading():
            files = self._layout.files()
            if not files:
                return {}
            with connected(self._layout.spill) as connection:
                sql = f"SELECT model_id, count(*) FROM {parquet(files)} GROUP BY ALL ORDER BY ALL"
                return dict(connection.execute(sql).fetchall())

    def _compact(self, on_progress: OnProgress) -> int:
        self._finish_forgetting()
        less = 0
        today = datetime.now(UTC).date()
        with self._working():
            for day in self._layout.days():
                if day < today:
                    on_progress(f"compacting {day}")
                    with self._layout.writing():
                        less += compact_day(self._layout, day)
            if self._layout.tombstones.exists():
                with self._layout.writing():
                    self._tombstones.prune()
        return less

    def _working(self) -> AbstractContextManager[None]:
        return refusing(f"the history {self._layout.directory} cannot be used", _ADVICE)
