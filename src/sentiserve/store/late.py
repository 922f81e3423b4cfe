"""A store that may be down when a service starts: it is used as soon as it is there."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import count

import structlog

from sentiserve.errors import StoreDownError
from sentiserve.metrics import Metrics
from sentiserve.protocols import Store
from sentiserve.timing import pause
from sentiserve.types import (
    Aggregate,
    AggregateQuery,
    Author,
    Feedback,
    Hashtag,
    Judgement,
    PostRef,
    Prediction,
    Prefix,
    Stretch,
    TimelineQuery,
)

_log = structlog.get_logger(__name__)


class LateStore:
    """Stands for a store; while that could not be opened yet, every call says why, at once.

    What is down later is the store's own business: it was opened, and finds its way back.
    """

    def __init__(self, store: Store, metrics: Metrics) -> None:
        """Take the store, not yet opened, and where failed tries are counted."""
        self._store = store
        self._metrics = metrics
        self._down: str | None = None  # why
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Open the store; if it is down, try again in the background until it is there.

        Raises:
            SentiserveError: it can't be used, and trying again would change nothing.
        """
        try:
            await self._store.open()
        except StoreDownError as error:
            self._fail(error)
            self._task = asyncio.create_task(self._open_later())

    async def close(self) -> None:
        """Try no more, and close the store."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await self._store.close()

    async def check(self) -> None:
        """Return if the store answers now."""
        await self._there.check()

    async def get(self, refs: Sequence[PostRef], model_id: str) -> Sequence[Prediction | None]:
        """What the store keeps of the posts."""
        return await self._there.get(refs, model_id)

    async def put(self, predictions: Sequence[Prediction]) -> None:
        """Keep the predictions in the store."""
        await self._there.put(predictions)

    async def aggregate(self, query: AggregateQuery) -> Sequence[Aggregate]:
        """The store's aggregates."""
        return await self._there.aggregate(query)

    async def windows(
        self,
        entities: Sequence[Author | Hashtag],
        model_id: str,
        spans: Sequence[timedelta],
        now: datetime,
    ) -> Sequence[Sequence[Aggregate | None]]:
        """The store's aggregates over spans of time."""
        return await self._there.windows(entities, model_id, spans, now)

    async def timeline(self, query: TimelineQuery) -> Sequence[Stretch]:
        """The store's hours or days."""
        return await self._there.timeline(query)

    async def recent(self, model_id: str, limit: int) -> Sequence[Prediction]:
        """What the store was given last."""
        return await self._there.recent(model_id, limit)

    async def judge(self, feedback: Sequence[Feedback]) -> None:
        """Keep true labels in the store."""
        await self._there.judge(feedback)

    async def judgements(self, model_id: str, limit: int) -> Sequence[Judgement]:
        """The store's true labels."""
        return await self._there.judgements(model_id, limit)

    async def count(self) -> Mapping[str, int]:
        """How many predictions the store keeps."""
        return await self._there.count()

    async def forget(self, what: PostRef | Author | Prefix) -> int:
        """Have the store forget."""
        return await self._there.forget(what)

    @property
    def _there(self) -> Store:
        if self._down is not None:
            raise StoreDownError(self._down)
        return self._store

    async def _open_later(self) -> None:
        for failed in count(start=1):
            await asyncio.sleep(pause(failed))
            try:
                await self._store.open()
            except Exception as error:  # noqa: BLE001  # even what would be refused at a start
                self._fail(error)
            else:
                self._down = None
                _log.info("store works again")
                return

    def _fail(self, error: Exception) -> None:
        """Count each failed try, and tell the first and what is new of the others."""
        self._metrics.store_errors.labels("open").inc()
        why = str(error) or repr(error)
        if why != self._down:
            _log.warning("store can't be opened, going on without it", error=why)
        self._down = why
