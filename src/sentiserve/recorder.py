"""Write-behind: predictions reach the store after the answer, in batches, none left out."""

import asyncio
from contextlib import suppress
from itertools import islice

import structlog

from sentiserve.errors import OverloadedError
from sentiserve.metrics import Metrics
from sentiserve.protocols import Store
from sentiserve.types import PostRef, Prediction

_log = structlog.get_logger(__name__)
_BATCH = 500
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0  # seconds between tries while the store fails


class Recorder:
    """Keeps predictions until the store has them.

    While the store fails they wait in memory; when no more fit, new ones are refused with an
    OverloadedError. What waits is lost if the process is killed.
    """

    def __init__(self, store: Store, metrics: Metrics, max_records: int) -> None:
        """Set how many predictions may wait; nothing is written before ``open``."""
        self._store = store
        self._metrics = metrics
        self._max_records = max_records
        self._pending: dict[tuple[PostRef, str], Prediction] = {}
        self._arrived = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._worker: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Start writing."""
        self._worker = asyncio.create_task(self._work())

    async def close(self, patience: float) -> None:
        """Write all that waits, for at most ``patience`` seconds, and stop."""
        if self._worker is None:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._idle.wait()
        self._worker.cancel()
        with suppress(asyncio.CancelledError):
            await self._worker
        if self._pending:
            _log.error("predictions lost: the store did not take them", count=len(self._pending))

    def get(self, ref: PostRef, model_id: str) -> Prediction | None:
        """A prediction that is on its way to the store."""
        return self._pending.get((ref, model_id))

    def require_room(self, count: int) -> None:
        """Make sure that as many predictions fit, before they are computed.

        Raises:
            OverloadedError: they don't.
        """
        if len(self._pending) + count > self._max_records:
            raise OverloadedError("too many predictions wait for the store; try again soon")

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
            self._metrics.recorded.inc(len(batch))
            self._metrics.queued_records.set(len(self._pending))
            if not self._pending:
                self._arrived.clear()
                self._idle.set()

    async def _write(self, batch: list[Prediction]) -> None:
        pause = _FIRST_PAUSE
        while True:
            try:
                return await self._store.put(batch)
            except Exception as error:  # noqa: BLE001  # a bug in a store must lose nothing either
                self._metrics.store_errors.labels("put").inc()
                _log.warning("store failed, trying again", error=str(error), seconds=pause)
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
