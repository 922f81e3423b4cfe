"""Batching in front of the model: what waits while it works goes into the next batch."""

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from math import isfinite

import structlog

from sentiserve.errors import ModelError, OverloadedError
from sentiserve.metrics import Metrics
from sentiserve.protocols import Model
from sentiserve.types import Sentiment

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Batched:
    """A sentiment, and the seconds it waited and was computed in."""

    sentiment: Sentiment
    queue: float
    model: float


@dataclass(slots=True)
class _Entry:
    text: str
    answer: asyncio.Future[Batched]
    since: float = field(default_factory=time.perf_counter)


class Batcher:
    """Runs the model on batches, on a thread of its own.

    There is no timer: a batch forms as soon as the model is free, from what waits then.
    Identical texts in flight share one place and one inference.
    """

    def __init__(self, model: Model, metrics: Metrics, max_batch: int, max_queue: int) -> None:
        """Set the limits, in texts; nothing runs before ``open``."""
        self._model = model
        self._labels = frozenset(model.info.labels)
        self._metrics = metrics
        self._max_batch = max_batch
        self._queue: asyncio.Queue[_Entry] = asyncio.Queue(max_queue)
        self._in_flight: dict[str, asyncio.Future[Batched]] = {}
        self._thread: ThreadPoolExecutor | None = None
        self._worker: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Start the worker, and run the model once so that the first caller doesn't wait.

        Raises:
            ModelError: the model fails even on a plain text.
        """
        self._thread = ThreadPoolExecutor(1, "model")
        self._worker = asyncio.create_task(self._work())
        await self.submit("ready?")

    async def close(self) -> None:
        """Stop; whoever still waits gets an OverloadedError."""
        if self._worker is not None:
            self._worker.cancel()
            with suppress(asyncio.CancelledError):
                await self._worker
        for answer in self._in_flight.values():
            if not answer.done():
                answer.set_exception(OverloadedError("the service is stopping"))
        if self._thread is not None:
            await asyncio.to_thread(self._thread.shutdown)

    @property
    def running(self) -> bool:
        """Whether texts are worked on at all."""
        return self._worker is not None and not self._worker.done()

    async def submit(self, text: str) -> Batched:
        """The sentiment of a text.

        Raises:
            OverloadedError: too many texts wait already.
            ModelError: the model failed on the batch.
        """
        answer = self._in_flight.get(text)
        if answer is None:
            if not self.running:
                raise OverloadedError("the service is stopping")
            answer = self._enqueue(text)
        # One of several callers that share an inference may leave; the others go on.
        return await asyncio.shield(answer)

    def _enqueue(self, text: str) -> asyncio.Future[Batched]:
        answer = asyncio.get_running_loop().create_future()
        try:
            self._queue.put_nowait(_Entry(text, answer))
        except asyncio.QueueFull:
            raise OverloadedError("too many texts wait for the model; try again soon") from None
        self._metrics.queued_texts.set(self._queue.qsize())
        self._in_flight[text] = answer
        answer.add_done_callback(lambda done: self._forget(text, done))
        return answer

    def _forget(self, text: str, answer: asyncio.Future[Batched]) -> None:
        del self._in_flight[text]
        if not answer.cancelled():
            answer.exception()  # seen: no warning where every caller has left

    async def _work(self) -> None:
        while True:
            batch = [await self._queue.get()]
            while len(batch) < self._max_batch and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            self._metrics.queued_texts.set(self._queue.qsize())
            await self._run(batch)

    async def _run(self, batch: Sequence[_Entry]) -> None:
        started = time.perf_counter()
        try:
            sentiments = await asyncio.get_running_loop().run_in_executor(
                self._thread, self._predict, [entry.text for entry in batch]
            )
        except ModelError as error:
            self._metrics.model_errors.inc()
            _log.exception("model failed", texts=len(batch))
            for entry in batch:
                entry.answer.set_exception(error)
            return
        seconds = time.perf_counter() - started
        self._metrics.batch_size.observe(len(batch))
        self._metrics.inference_seconds.observe(seconds)
        for entry, sentiment in zip(batch, sentiments, strict=True):
            entry.answer.set_result(Batched(sentiment, started - entry.since, seconds))

    def _predict(self, texts: Sequence[str]) -> Sequence[Sentiment]:
        """Run the model, and believe it only what can be stored."""
        try:
            sentiments = self._model.predict(texts)
        except ModelError:
            raise
        except BaseException as error:  # whatever an engine raises, somebody waits for it
            raise ModelError("the model failed on a batch") from error
        if len(sentiments) != len(texts):
            raise ModelError(f"the model gave {len(sentiments)} answers to {len(texts)} texts")
        for sentiment in sentiments:
            if sentiment.scores.keys() != self._labels:
                raise ModelError("the model gave scores for other labels than its own")
            if not all(map(isfinite, sentiment.scores.values())):
                raise ModelError("the model gave a score that is no number")
        return sentiments
