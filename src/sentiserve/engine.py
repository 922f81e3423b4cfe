"""The model on threads of its own: one for what it reads, some for what it computes."""

import asyncio
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import isfinite
from typing import Any, TypeVar

import structlog

from sentiserve.errors import ModelError
from sentiserve.lanes import guessed_tokens
from sentiserve.metrics import Metrics
from sentiserve.protocols import Model, StagedModel
from sentiserve.types import Sentiment

T = TypeVar("T")
_log = structlog.get_logger(__name__)
_PROBE = "What a lovely day!"
_NICER = 10  # than the rest of the process
_NICEST = 19
_PATIENCE = 30.0  # seconds after which a model that is still at a batch counts as stuck


class Engine:
    """Calls a model, and believes it only what can be stored.

    An input that makes a batch fail fails alone: the others are computed again without it.
    """

    def __init__(self, model: Model, metrics: Metrics, inferences: int = 1) -> None:
        """Take the model; nothing runs before ``open``.

        Args:
            model: what computes.
            metrics: where failures and times go.
            inferences: at most, at the same time; one of a model that has one stage.
        """
        self._model: StagedModel = model if isinstance(model, StagedModel) else _OneStage(model)
        self.inferences = 1 if isinstance(self._model, _OneStage) else inferences
        self._labels = frozenset(model.info.labels)
        self._metrics = metrics
        self._reading = ThreadPoolExecutor(1, "tokenizer", _give_way)
        self._computing = ThreadPoolExecutor(self.inferences, "model", _give_way)
        self._started: set[float] = set()  # of what is computed now
        self._failure: str | None = None

    async def open(self) -> None:
        """Run the model once, so that the first caller doesn't wait.

        Raises:
            ModelError: it fails even on a plain text.
        """
        if error := await self.probe():
            raise error

    async def close(self) -> None:
        """End the threads, when what they are at is done."""
        for thread in (self._reading, self._computing):
            await asyncio.to_thread(thread.shutdown)

    @property
    def error(self) -> str | None:
        """What is wrong with the model now, if anything is."""
        if self._started and time.perf_counter() - min(self._started) > _PATIENCE:
            return f"the model has been at one batch for over {_PATIENCE:g} s"
        return self._failure

    async def probe(self) -> ModelError | None:
        """Find out whether the model works."""
        outcome: object
        (outcome,) = await self._guarded(self._reading, self._model.encode, [_PROBE])
        if not isinstance(outcome, ModelError):
            (outcome,) = await self._guarded(self._computing, self._predict, [outcome])
        error = outcome if isinstance(outcome, ModelError) else None
        if self._failure and error is None:
            _log.info("model works again")
        self._failure = None if error is None else str(error)
        return error

    async def encode(self, texts: Sequence[str]) -> list[Any]:
        """What the model reads of each text; a ModelError in the place of one that it can't."""
        return await self._each(self._reading, self._model.encode, texts)

    async def predict(self, encodings: Sequence[Any]) -> list[Sentiment | ModelError]:
        """A sentiment for each; a ModelError in the place of one on which the model fails."""
        started = time.perf_counter()
        self._started.add(started)
        try:
            outcomes = await self._each(self._computing, self._predict, encodings)
        finally:
            self._started.discard(started)
        self._metrics.batch_size.observe(len(encodings))
        self._metrics.inference_seconds.observe(time.perf_counter() - started)
        if not any(isinstance(outcome, ModelError) for outcome in outcomes):
            self._failure = None
        elif all(isinstance(outcome, ModelError) for outcome in outcomes):
            await self.probe()  # is it the input, or the model?
        return outcomes

    async def _each(
        self, thread: ThreadPoolExecutor, work: Callable[[Sequence[Any]], Sequence[T]], inputs: Any
    ) -> list[T | ModelError]:
        outcomes = await self._guarded(thread, work, inputs)
        if len(inputs) > 1 and isinstance(outcomes[0], ModelError):
            alone = [await self._guarded(thread, work, [given]) for given in inputs]
            outcomes = [outcome for (outcome,) in alone]
        errors = [outcome for outcome in outcomes if isinstance(outcome, ModelError)]
        if errors:
            self._metrics.model_errors.inc(len(errors))
            _log.error("model failed", texts=len(errors), of=len(inputs), exc_info=errors[0])
        return outcomes

    async def _guarded(
        self, thread: ThreadPoolExecutor, work: Callable[[Sequence[Any]], Sequence[T]], inputs: Any
    ) -> list[T | ModelError]:
        """What the work gives, or its error in every place."""

        def guarded() -> Sequence[T]:
            try:
                outcomes = work(inputs)
            except ModelError:
                raise
            except BaseException as error:  # whatever an engine raises, somebody waits for it
                raise ModelError("the model failed") from error
            if len(outcomes) != len(inputs):
                raise ModelError(f"the model gave {len(outcomes)} answers to {len(inputs)} texts")
            return outcomes

        try:
            return list(await asyncio.get_running_loop().run_in_executor(thread, guarded))
        except ModelError as error:
            return [error] * len(inputs)

    def _predict(self, encodings: Sequence[Any]) -> Sequence[Sentiment]:
        sentiments = self._model.classify(encodings)
        for sentiment in sentiments:
            if sentiment.scores.keys() != self._labels:
                raise ModelError("the model gave scores for other labels than its own")
            if not all(map(isfinite, sentiment.scores.values())):
                raise ModelError("the model gave a score that is no number")
        return sentiments


def _give_way() -> None:
    """Have this thread let others of the process go first, so that refusals don't wait for it.

    Only Linux can tell threads apart here. A process may always be nicer than it was, but not the
    other way: one that was started so must not fail here.
    """
    if sys.platform == "linux":
        thread = threading.get_native_id()
        now = os.getpriority(os.PRIO_PROCESS, thread)
        os.setpriority(os.PRIO_PROCESS, thread, min(now + _NICER, _NICEST))


@dataclass(frozen=True, slots=True)
class _Text:
    text: str

    def __len__(self) -> int:
        return guessed_tokens(self.text)


class _OneStage:
    """A model that reads and computes in one go, in two stages of which the first does nothing."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def encode(self, texts: Sequence[str]) -> Sequence[_Text]:
        return [_Text(text) for text in texts]

    def classify(self, encodings: Sequence[_Text]) -> Sequence[Sentiment]:
        return self._model.predict([encoding.text for encoding in encodings])
