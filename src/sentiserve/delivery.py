"""Records on their way to the store: tried until it has them, save what was forgotten meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import NamedTuple, Protocol

import structlog

from sentiserve.errors import StoreError
from sentiserve.journal.segment import Segment
from sentiserve.metrics import Metrics
from sentiserve.protocols import Store
from sentiserve.records import Record
from sentiserve.types import Author, PostRef, Prediction, Prefix

_log = structlog.get_logger(__name__)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0  # seconds between tries while something fails
_TRIES = 3  # after an error that is no StoreError, and so not the store's state


class Archive(Protocol):
    """Where records stay for good: the history."""

    async def keep(self, segment: Path) -> None:
        """Take all records of a file in, unless it was taken already."""

    def forgotten(self) -> Callable[[Record], bool]:
        """Tells of a record whether it must be gone; on a thread, since it reads a file."""


class Waiting(NamedTuple):
    """A record on its way to the store, and the segment that holds it until then."""

    prediction: Prediction
    record: Record
    segment: Segment | None = None

    @property
    def key(self) -> tuple[PostRef, str]:
        """What the store keeps it under."""
        return self.prediction.post.ref, self.prediction.model_id


class Delivery:
    """Writes to a store, and knows what fails.

    Attributes:
        failures: why the last try failed, by the part that failed; gone when a try doesn't.
    """

    def __init__(self, store: Store, metrics: Metrics, archive: Archive | None) -> None:
        """Take the store, and the archive that knows what other processes have forgotten."""
        self._store = store
        self._metrics = metrics
        self._archive = archive
        self._forgets: list[tuple[PostRef | Author | Prefix, datetime]] = []
        self._writes = 0
        self.failures: dict[str, str] = {}

    @property
    def busy(self) -> bool:
        """Whether a write is under way."""
        return self._writes > 0

    def forget(self, what: PostRef | Author | Prefix) -> None:
        """Leave out what it concerns of all that was recorded up to now."""
        self._forgets.append((what, datetime.now(UTC)))

    def forget_no_more(self) -> None:
        """Nothing waits that was recorded before the last ``forget``."""
        self._forgets.clear()

    async def write(self, batch: Sequence[Waiting]) -> None:
        """Write until the store has all but what is forgotten."""
        written: list[Waiting] = []

        async def put() -> None:
            forgotten = await self._forgotten()
            rest = [waiting for waiting in batch if not forgotten(waiting.record)]
            if rest:
                await self._store.put([waiting.prediction for waiting in rest])
            written.extend(rest)

        async def forget() -> None:
            """The store may have been asked to forget a record just before it came."""
            forgotten = await self._forgotten()
            for late in [waiting for waiting in written if forgotten(waiting.record)]:
                await self._store.forget(late.prediction.post.ref)

        self._writes += 1
        try:
            await self._insist("put", put)
            self._metrics.recorded.inc(len(written))
            await self._insist("forget", forget)
        except Exception as error:  # noqa: BLE001  # a bug in a store must lose nothing either
            await self._write_apart(batch, error)
        finally:
            self._writes -= 1

    def fail(self, part: str, operation: str, error: Exception) -> None:
        """Count and tell a failed try."""
        self.failures[part] = str(error) or repr(error)
        self._metrics.store_errors.labels(operation).inc()
        _log.warning(f"{part} failed, trying again", operation=operation, error=repr(error))

    async def _write_apart(self, batch: Sequence[Waiting], error: Exception) -> None:
        """Find the one that the store can't take, so that it doesn't hold up the others."""
        if len(batch) > 1:
            for waiting in batch:
                await self.write([waiting])
            return
        ref = batch[0].prediction.post.ref
        _log.error("prediction lost", platform=ref.platform, id=ref.id, error=repr(error))

    async def _insist(self, operation: str, work: Callable[[], Awaitable[None]]) -> None:
        """Try until the store does it; raises an error that isn't the store's state."""
        for attempt in count(start=1):
            try:
                await work()
                self.failures.pop("store", None)
                return
            except Exception as error:
                self.fail("store", operation, error)
                if not isinstance(error, StoreError) and attempt >= _TRIES:
                    raise
            await asyncio.sleep(pause(attempt))

    async def _forgotten(self) -> Callable[[Record], bool]:
        """Tells what was forgotten, here or by another process that shares the history."""
        archive, here = self._archive, list(self._forgets)
        there = await asyncio.to_thread(archive.forgotten) if archive is not None else _nothing
        if not here:
            return there
        return lambda record: (
            there(record)
            or any(
                record.created_timestamp <= at and record.prediction.post.is_one_of(what)
                for what, at in here
            )
        )


def pause(failed: int) -> float:
    """Seconds to wait after so many failures in a row."""
    return min(_FIRST_PAUSE * float(2 ** min(failed, 9)), _LONGEST_PAUSE)


def _nothing(_: Record) -> bool:
    return False
