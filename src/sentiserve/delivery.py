"""Records on their way to the store: tried until it has them, save what was forgotten meanwhile."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Protocol

import msgspec
import structlog

from sentiserve.errors import StoreError
from sentiserve.journal.segment import Segment
from sentiserve.metrics import Metrics
from sentiserve.protocols import Store
from sentiserve.records import Record
from sentiserve.timing import pause
from sentiserve.tombstones import Forgettable, Tombstone, forgets
from sentiserve.types import PostRef, Prediction

_log = structlog.get_logger(__name__)
_TRIES = 3  # after an error that is no StoreError, and so not the store's state


class Archive(Protocol):
    """Where records stay for good: the history."""

    async def keep(self, segment: Path) -> None:
        """Take all records of a file in, unless it was taken already."""

    def forgotten(self) -> Callable[[Record], bool]:
        """Tells of a record whether it must be gone; on a thread, since it reads a file."""


class Waiting(msgspec.Struct, frozen=True, eq=False, gc=False):
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
        """Take the store, and the archive that knows what is forgotten, by any process."""
        self._store = store
        self._metrics = metrics
        self._archive = archive
        self._forgets: dict[Forgettable, Tombstone] = {}  # in place of an archive's
        self._writes = 0
        self.failures: dict[str, str] = {}

    @property
    def busy(self) -> bool:
        """Whether a write is under way."""
        return self._writes > 0

    def forget(self, what: Forgettable) -> None:
        """Leave out what it concerns of all that was recorded up to now; the archive knows."""
        if self._archive is None:
            self._forgets.pop(what, None)
            self._forgets[what] = Tombstone.of(what, datetime.now(UTC))

    def forget_no_more(self) -> None:
        """Nothing waits that was recorded before the last ``forget``."""
        self._forgets.clear()

    async def write(self, batch: Sequence[Waiting], *, replayed: bool = False) -> None:
        """Write until the store has all but what is forgotten.

        Args:
            batch: records, of which those that are forgotten now are left out.
            replayed: whether a process that died may have put them already, and not looked again.
        """
        written: list[Waiting] = []

        async def put() -> None:
            rest, _ = await self._sifted(batch)
            if rest:
                await self._store.put([waiting.prediction for waiting in rest])
            written.extend(rest)

        async def forget() -> None:
            """The store may have been asked to forget a record just before it came."""
            _, late = await self._sifted(batch if replayed else written)
            for waiting in await self._found(late):
                await self._store.forget(waiting.prediction.post.ref)

        self._writes += 1
        try:
            await self._insist("put", put)
            self._metrics.recorded.inc(len(written))
            await self._insist("forget", forget)
        except Exception as error:  # noqa: BLE001  # a bug in a store must lose nothing either
            await self._write_apart(batch, error, replayed=replayed)
        finally:
            self._writes -= 1

    def fail(self, part: str, operation: str, error: Exception) -> None:
        """Count and tell a failed try."""
        self.failures[part] = str(error) or repr(error)
        self._metrics.store_errors.labels(operation).inc()
        _log.warning(f"{part} failed, trying again", operation=operation, error=repr(error))

    def succeed(self, part: str) -> None:
        """Tell that what failed before works again."""
        if self.failures.pop(part, None) is not None:
            _log.info(f"{part} works again")

    async def _write_apart(
        self, batch: Sequence[Waiting], error: Exception, *, replayed: bool
    ) -> None:
        """Find the one that the store can't take, so that it doesn't hold up the others."""
        if len(batch) > 1:
            for waiting in batch:
                await self.write([waiting], replayed=replayed)
            return
        ref = batch[0].prediction.post.ref
        _log.error("prediction lost", platform=ref.platform, id=ref.id, error=repr(error))

    async def _insist(self, operation: str, work: Callable[[], Awaitable[None]]) -> None:
        """Try until the store does it; raises an error that isn't the store's state."""
        for attempt in count(start=1):
            try:
                await work()
                self.succeed("store")
                return
            except Exception as error:
                self.fail("store", operation, error)
                if not isinstance(error, StoreError) and attempt >= _TRIES:
                    raise
            await asyncio.sleep(pause(attempt))

    async def _sifted(self, batch: Sequence[Waiting]) -> tuple[list[Waiting], list[Waiting]]:
        """What is to be kept of a batch, and what is forgotten; tried until the archive says so."""
        tombstones = list(self._forgets.values())

        def sift() -> tuple[list[Waiting], list[Waiting]]:
            forgotten = self._archive.forgotten() if self._archive else forgets(tombstones)
            kept, gone = list[Waiting](), list[Waiting]()
            for waiting in batch:
                (gone if forgotten(waiting.record) else kept).append(waiting)
            return kept, gone

        failed = 0
        while True:
            try:
                sifted = await asyncio.to_thread(sift)
            except Exception as error:  # noqa: BLE001  # nothing may be put that must be gone
                failed += 1
                self.fail("history", "history", error)
                await asyncio.sleep(pause(failed))
            else:
                if failed:
                    self.succeed("history")
                return sifted

    async def _found(self, forgotten: Sequence[Waiting]) -> list[Waiting]:
        """Those that the store has, and not what was predicted later in their place."""
        by_model: dict[str, list[Waiting]] = defaultdict(list)
        for waiting in forgotten:
            by_model[waiting.prediction.model_id].append(waiting)
        found = []
        for model_id, some in by_model.items():
            refs = [waiting.prediction.post.ref for waiting in some]
            for waiting, stored in zip(some, await self._store.get(refs, model_id), strict=True):
                if stored and stored.predicted_at <= waiting.prediction.predicted_at:
                    found.append(waiting)
        return found
