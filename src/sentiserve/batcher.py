"""Batching in front of the model: what waits while it works goes into the next batch."""

import asyncio
import math
import time
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

from sentiserve.engine import Engine
from sentiserve.errors import ModelError, OverloadedError
from sentiserve.lanes import Batched, Entry, Lane, Lanes, guessed_tokens
from sentiserve.metrics import Metrics
from sentiserve.protocols import Model
from sentiserve.timing import Part

_ENCODED_AT_ONCE = 256  # texts
_LONG = 4_000  # characters; texts that take noticeable time to encode
_LEARNING = 0.2  # how much one batch changes what is known of the model's speed
_WORTHWHILE = 64  # tokens in a batch, which take hardly longer by the token than more would
_TELLING = 40  # tokens in a batch whose time tells what those who wait will take
_PROBE_EVERY = 1.0  # seconds, while the model fails


@dataclass(frozen=True, slots=True)
class Limits:
    """How much waits for the model at most, and for how long.

    Attributes:
        batch_tokens: of one batch, with padding.
        texts: that wait.
        wait: seconds that a text would wait, by lane.
        always: that may wait for each inference, however long that takes; or a slow model would
            refuse a handful of callers.
        inferences: at the same time.
        batch_seconds: that one batch takes, by how fast the model is now: whoever comes meanwhile
            waits so long, and a slow model gains next to nothing by more.
    """

    batch_tokens: int = 256
    texts: int = 2048
    wait: tuple[float, float] = (0.07, 30.0)
    always: int = 4
    inferences: int = 1
    batch_seconds: float = 0.05


class Batcher:
    """Forms batches for the model; each text's answer goes to whoever asked for it.

    There is no timer: a batch forms as soon as the model is free, from what waits then, and
    while it computes, the next texts are encoded. Identical texts in flight share one place.
    """

    def __init__(self, model: Model, metrics: Metrics, limits: Limits) -> None:
        """Take the model; nothing runs before ``open``."""
        self._engine = Engine(model, metrics, limits.inferences)
        self._longest = model.info.max_tokens
        self._metrics = metrics
        self._limits = limits
        self._unencoded: dict[Entry, None] = {}
        self._encoded = Lanes()
        self._in_flight: dict[str, Entry] = {}
        self._tokens = [0] * len(Lane)  # that wait, or are computed
        self._learned_tokens = self._learned_seconds = self._token_seconds = 0.0
        self._has_learned = False  # from a telling batch
        self._arrived, self._ready = asyncio.Event(), asyncio.Event()
        self._workers: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Start the workers, and run the model once so that the first caller doesn't wait.

        Raises:
            ModelError: the model fails even on a plain text.
        """
        await self._engine.open()
        works = [self._encode(), *(self._compute() for _ in range(self._engine.inferences))]
        self._workers = [asyncio.create_task(work) for work in works]
        self._metrics.model_ready.set_function(lambda: float(self.error is None))

    async def close(self) -> None:
        """Stop; whoever still waits gets an OverloadedError."""
        workers, self._workers = self._workers, []
        for worker in workers:
            worker.cancel()
            with suppress(asyncio.CancelledError):
                await worker
        for entry in list(self._in_flight.values()):
            _settle(entry, OverloadedError("the service is stopping"))
        await self._engine.close()

    @property
    def error(self) -> str | None:
        """What keeps texts from being worked on, if anything does."""
        if not self._workers or any(worker.done() for worker in self._workers):
            return "the batcher stopped"
        return self._engine.error

    async def submit(self, text: str, lane: Lane = Lane.SINGLE) -> Batched:
        """The sentiment of a text.

        A caller who leaves frees the place, unless others wait for the same text.

        Raises:
            OverloadedError: too many texts wait already, or this one would wait too long.
            ModelError: the model failed on it.
        """
        entry = self._in_flight.get(text) or self._enqueue(text, lane)
        if lane < entry.lane:
            self._promote(entry, lane)
        entry.callers += 1
        try:
            return await asyncio.shield(entry.answer)
        finally:
            entry.callers -= 1
            if not entry.callers and self._waits(entry):
                self._unencoded.pop(entry, None)
                self._encoded.discard(entry)
                entry.answer.cancel()

    def check(self, text: str, lane: Lane) -> None:
        """Return if a text would be taken now; to ask costs less than to try.

        Raises:
            OverloadedError: it would not.
        """
        if text not in self._in_flight:
            self._admit(lane)

    def _enqueue(self, text: str, lane: Lane) -> Entry:
        if not self._workers:
            raise OverloadedError("the service is stopping")
        self._admit(lane)
        tokens = min(self._longest, guessed_tokens(text))
        answer: asyncio.Future[Batched] = asyncio.get_running_loop().create_future()
        entry = self._in_flight[text] = Entry(text, lane, tokens, answer)
        answer.add_done_callback(lambda _: self._forget(entry))
        self._tokens[lane] += tokens
        self._unencoded[entry] = None
        self._arrived.set()
        self._metrics.queued_texts.set(len(self._in_flight))
        return entry

    def _admit(self, lane: Lane) -> None:
        if len(self._in_flight) >= self._limits.texts:
            raise OverloadedError("too many texts wait for the model; try again soon")
        if len(self._in_flight) < self._limits.always * self._engine.inferences:
            return
        wait = sum(self._tokens[: lane + 1]) * self._token_seconds / self._engine.inferences
        if wait > self._limits.wait[lane]:
            raise OverloadedError(
                f"a text would wait {wait:.2f} s for the model; try again soon", math.ceil(wait)
            )

    def _promote(self, entry: Entry, lane: Lane) -> None:
        """Somebody waits for it who goes first."""
        self._tokens[entry.lane] -= entry.tokens
        self._tokens[lane] += entry.tokens
        waited = entry in self._encoded
        self._encoded.discard(entry)
        entry.lane = lane
        if waited:
            self._encoded.add(entry)

    def _waits(self, entry: Entry) -> bool:
        return entry in self._unencoded or entry in self._encoded

    def _forget(self, entry: Entry) -> None:
        del self._in_flight[entry.text]
        self._tokens[entry.lane] -= entry.tokens
        self._metrics.queued_texts.set(len(self._in_flight))
        if not entry.answer.cancelled():
            entry.answer.exception()  # seen: no warning where every caller has left

    async def _encode(self) -> None:
        while True:
            await self._arrived.wait()
            entries = self._take_unencoded()
            encodings = await self._engine.encode([entry.text for entry in entries])
            for entry, encoding in zip(entries, encodings, strict=True):
                self._take_in(entry, encoding)

    def _take_unencoded(self) -> list[Entry]:
        """Single requests before bulk work, and a long text alone when no short one waits."""

        def turn(entry: Entry) -> tuple[bool, Lane]:
            return len(entry.text) > _LONG, entry.lane

        first = min(map(turn, self._unencoded))
        most = 1 if first[0] else _ENCODED_AT_ONCE
        alike = (entry for entry in self._unencoded if turn(entry) == first)
        entries = list(islice(alike, most))
        for entry in entries:
            del self._unencoded[entry]
        if not self._unencoded:
            self._arrived.clear()
        return entries

    def _take_in(self, entry: Entry, encoding: object) -> None:
        if isinstance(encoding, ModelError):
            _settle(entry, encoding)
        elif not entry.callers:
            entry.answer.cancel()
        else:
            length: int = len(encoding)  # type: ignore[arg-type]  # whatever it is
            tokens = max(1, min(self._longest, length))  # a tokenizer may know no word of a text
            self._tokens[entry.lane] += tokens - entry.tokens
            entry.tokens, entry.encoding = tokens, encoding
            self._encoded.add(entry)
            self._ready.set()

    async def _compute(self) -> None:
        while True:
            if not self._encoded:
                self._ready.clear()
                await self._work_or_probe()
                continue
            batch = self._encoded.take(self._batch_tokens)
            started = time.perf_counter()
            outcomes = await self._engine.predict([entry.encoding for entry in batch])
            seconds = time.perf_counter() - started
            self._learn(sum(entry.tokens for entry in batch), seconds)
            model = Part(started, seconds, {"texts": len(batch)})
            for entry, outcome in zip(batch, outcomes, strict=True):
                if isinstance(outcome, ModelError):
                    _settle(entry, outcome)
                else:
                    queue = Part(entry.since, started - entry.since)
                    _settle(entry, Batched(outcome, queue, model))

    async def _work_or_probe(self) -> None:
        """Wait for texts; while the model fails none may come, so look whether it recovers."""
        try:
            async with asyncio.timeout(_PROBE_EVERY if self._engine.error else None):
                await self._ready.wait()
        except TimeoutError:
            await self._engine.probe()

    @property
    def _batch_tokens(self) -> int:
        """Of the next batch; little is shared with the inferences that are about to be free."""
        seconds = self._token_seconds or math.ulp(0.0)  # unknown until the first batch is done
        in_time = self._limits.batch_seconds / seconds
        share = max(_WORTHWHILE, self._encoded.tokens / self._engine.inferences)
        return int(min(self._limits.batch_tokens, in_time, share))

    def _learn(self, tokens: int, seconds: float) -> None:
        """Of many batches together; small ones take longer by the token than what waits will."""
        if tokens < _TELLING and self._has_learned:
            return
        if tokens >= _TELLING and not self._has_learned:
            self._has_learned = True
            self._learned_tokens = self._learned_seconds = 0.0  # forget the small ones
        self._learned_tokens += _LEARNING * (tokens - self._learned_tokens)
        self._learned_seconds += _LEARNING * (seconds - self._learned_seconds)
        self._token_seconds = self._learned_seconds / self._learned_tokens


def _settle(entry: Entry, outcome: Batched | Exception) -> None:
    if entry.answer.done():
        return
    if isinstance(outcome, Batched):
        entry.answer.set_result(outcome)
    else:
        entry.answer.set_exception(outcome)
