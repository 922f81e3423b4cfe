"""Write-behind: predictions reach the store after the answer, in batches, none left out."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count, islice

import structlog

from sentiserve.errors import OverloadedError, StoreError
from sentiserve.metrics import Metrics
from sentiserve.protocols import Store
from sentiserve.types import PostRef, Prediction

_log = structlog.get_logger(__name__)
_BATCH = 500
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0  # seconds between tries while the store fails
_TRIES = 3  # after an error that is no StoreError, and so not the store's state


class Recorder:
    """Keeps predictions until the store has them.

    While the store fails they wait in memory; when no more fit, new ones are refused with an
    OverloadedError. What waits is lost if the process is killed.

    Attributes:
        error: why the last write failed; None after one that didn't.
    """

    def __init__(self, store: Store, metrics: Metrics, max_records: int) -> None:
        """Set how many predictions may wait; nothing is written before ``open``."""
        self._store = store
        self._metrics = metrics
        self._max_records = max_records
        self._pending: dict[tuple[PostRef, str], Prediction] = {}
        self._reserved = 0
        self.error: str | None = None
        self._arrived = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._worker: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Start writing."""
        self._worker = asyncio.create_task(self._work())

    async def close(self, patience: float) -> None:
        """Write all that waits, for at most ``patience`` seconds, and stop.

        Raises:
            StoreError: the store did not take all of it.
        """
        if self._worker is None:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._idle.wait()
        self._worker.cancel()
        with suppress(asyncio.CancelledError):
            await self._worker
        self._worker = None
        if self._pending:
            raise StoreError(
                f"{len(self._pending)} predictions are lost: the store did not take them "
                f"({self.error})"
            )

    def get(self, ref: PostRef, model_id: str) -> Prediction | None:
        """A prediction that is on its way to the store."""
        return self._pending.get((ref, model_id))

    @contextmanager
    def room(self) -> Iterator[None]:
        """Keep a place for a prediction while it is computed; put it before the block ends.

        Raises:
            OverloadedError: there is none.
        """
        if len(self._pending) + self._reserved >= self._max_records:
            raise OverloadedError("too many predictions wait for the store; try again soon")
        self._reserved += 1
        try:
            yield
        finally:
            self._reserved -= 1

    def put(self, prediction: Prediction) -> None:
        """Take a prediction; returns at once."""
        self._pending[prediction.post.ref, prediction.model_id] = prediction
        self._metrics.queued_records.set(len(self._pending))
        self._idle.clear()
        self._arrived.set()

    async def _work(self) -> None:
        while True:
            await self._arrived.wait()
            batch = list(islice(self._pending.values(), _BATCH))
            await self._write(batch)
            for prediction in batch:
                key = (prediction.post.ref, prediction.model_id)
                if self._pending[key] is prediction:  # not replaced meanwhile
                    del self._pending[key]
            self._metrics.queued_records.set(len(self._pending))
            if not self._pending:
                self._arrived.clear()
                self._idle.set()

    async def _write(self, batch: list[Prediction]) -> None:
        for attempt in count(start=1):
            try:
                await self._store.put(batch)
                self.error = None
                self._metrics.recorded.inc(len(batch))
                return
            except Exception as error:  # noqa: BLE001  # a bug in a store must lose nothing either
                self.error = str(error) or repr(error)
                self._metrics.store_errors.labels("put").inc()
                _log.warning("store failed, trying again", error=repr(error))
                if not isinstance(error, StoreError) and attempt >= _TRIES:
                    await self._write_apart(batch, error)
                    return
            await asyncio.sleep(min(_FIRST_PAUSE * 2 ** min(attempt, 9), _LONGEST_PAUSE))

    async def _write_apart(self, batch: list[Prediction], error: Exception) -> None:
        """Find the one that the store can't take, so that it doesn't hold up the others."""
        if len(batch) > 1:
            for prediction in batch:
                await self._write([prediction])
            return
        ref = batch[0].post.ref
        _log.error("prediction lost", platform=ref.platform, id=ref.id, error=repr(error))
