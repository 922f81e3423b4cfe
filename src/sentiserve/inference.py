"""The flow: a post, its URL or a text in, its sentiment out, and remembered.

1 parse    source.parse(url) → PostRef            no network
2 look up  store.get(refs, model id)              a hit ends here
3 fetch    source.fetch(refs) → posts             only what was missed and isn't at hand
4 predict  batcher.submit(text) → Sentiment
5 record   await recorder.put(prediction)         in the journal now, in the store soon
6 answer
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec
import structlog

from sentiserve.batcher import Batcher
from sentiserve.errors import (
    BadInputError,
    OverloadedError,
    SentiserveError,
    StoreError,
    UnknownURLError,
)
from sentiserve.metrics import Metrics
from sentiserve.protocols import Source, Store
from sentiserve.recorder import Recorder
from sentiserve.texts import checked_text
from sentiserve.timing import Timing
from sentiserve.types import ModelInfo, Post, PostRef, Prediction

_log = structlog.get_logger(__name__)
MAX_URL = 2_048  # characters
_ABOUT = ("url", "author_id", "author_handle", "created_at")  # what a post is known by, and when


@dataclass(frozen=True, slots=True)
class Text:
    """A text to classify."""

    text: str


@dataclass(frozen=True, slots=True)
class Url:
    """A post to fetch and classify."""

    url: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A prediction, and whether it was remembered."""

    prediction: Prediction
    cached: bool


Question = Text | Url | Post
"""A post is one that is at hand, of a feed say: it isn't fetched."""
Outcome = Answer | SentiserveError


@dataclass(frozen=True, slots=True)
class _Flight:
    """A question that is being answered; everybody who asks it waits for the same outcome."""

    ref: PostRef
    post: Post | None  # None until fetched
    outcome: asyncio.Future[Outcome] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )
    timing: Timing = field(default_factory=Timing)

    def edits(self, kept: Prediction) -> bool:
        """Whether the post is at hand, with another text than the one that was predicted."""
        return self.post is not None and self.post.text != kept.post.text

    def completed(self, kept: Prediction) -> Post:
        """The remembered post, with what only the one at hand says of it."""
        if self.post is None:
            return kept.post
        lacking = {
            name: value
            for name in _ABOUT
            if getattr(kept.post, name) is None and (value := getattr(self.post, name)) is not None
        }
        return msgspec.structs.replace(kept.post, **lacking) if lacking else kept.post


class Inference:
    """Answers questions about posts and texts."""

    def __init__(
        self,
        source: Source,
        store: Store,
        batcher: Batcher,
        recorder: Recorder,
        model: ModelInfo,
        metrics: Metrics,
        store_timeout: float,
    ) -> None:
        """Take the parts, all of them open, and the seconds that a look-up may take."""
        self._source = source
        self._store = store
        self._batcher = batcher
        self._recorder = recorder
        self._model = model
        self._metrics = metrics
        self._store_timeout = store_timeout
        self._in_flight: dict[PostRef, _Flight] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def answer(self, questions: Sequence[Question]) -> tuple[list[Outcome], Timing]:
        """An outcome for each question, in order; one that fails leaves the others alone.

        A post at hand whose text isn't the remembered one was edited: it is predicted anew.
        """
        flights = self._take_off([self._parse(question) for question in questions])
        # A caller that leaves doesn't take the answer away from the others who wait for it.
        waiting = [asyncio.shield(f.outcome) for f in flights if isinstance(f, _Flight)]
        answers = iter(await asyncio.gather(*waiting))
        outcomes = [next(answers) if isinstance(f, _Flight) else f for f in flights]
        return outcomes, Timing.together(f.timing for f in flights if isinstance(f, _Flight))

    async def known(self, refs: Sequence[PostRef]) -> list[PostRef]:
        """Those of the posts that something is remembered of.

        Raises:
            StoreError: the store can't tell.
        """
        found = await self._stored(refs)
        kept = (
            was or self._recorder.get(ref, self._model.id)
            for ref, was in zip(refs, found, strict=True)
        )
        return [ref for ref, was in zip(refs, kept, strict=True) if was]

    def _parse(self, question: Question) -> PostRef | Post | SentiserveError:
        try:
            if isinstance(question, Post):
                checked_text(question.text)
                return question
            if isinstance(question, Text):
                return Post.of_text(checked_text(question.text))
            if len(question.url) > MAX_URL:
                raise BadInputError(f"the URL is longer than {MAX_URL:,} characters")
            ref = self._source.parse(question.url)
            return ref or UnknownURLError(
                "this is no post's URL that is known here; "
                "one looks like https://x.com/USER/status/ID"
            )
        except BadInputError as error:
            return error

    def _take_off(
        self, asked: Sequence[PostRef | Post | SentiserveError]
    ) -> list[_Flight | SentiserveError]:
        """A flight for each question, joining those that are in the air already."""
        flights: list[_Flight | SentiserveError] = []
        new: list[_Flight] = []
        for question in asked:
            if isinstance(question, SentiserveError):
                flights.append(question)
                continue
            post = question if isinstance(question, Post) else None
            ref = question if isinstance(question, PostRef) else question.ref
            if ref not in self._in_flight:
                flight = self._in_flight[ref] = _Flight(ref, post)
                new.append(flight)
            flights.append(self._in_flight[ref])
        if new:
            task = asyncio.create_task(self._fly(new))
            self._tasks.add(task)  # or it might be collected before it is done
            task.add_done_callback(self._landed)
        return flights

    def _landed(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            _log.error("inference failed", exc_info=error)

    async def _fly(self, flights: Sequence[_Flight]) -> None:
        try:
            missed = await self._look_up(flights)
            at_hand = [(flight, flight.post) for flight in missed if flight.post is not None]
            urls = [flight for flight in missed if flight.post is None]
            # A text doesn't wait for the source that a URL beside it needs.
            await asyncio.gather(self._fetch(urls), *[self._predict(f, p) for f, p in at_hand])
        finally:
            for flight in flights:  # whatever went wrong, nobody is left waiting
                self._land(flight, _unexpected())

    async def _look_up(self, flights: Sequence[_Flight]) -> list[_Flight]:
        """Land what is remembered; the rest is missed."""
        timing = Timing()
        with timing.of("store"):
            found = await self._remembered([flight.ref for flight in flights])
        missed, fuller = [], []
        for flight, kept in zip(flights, found, strict=True):
            flight.timing.take(timing)
            kept = kept or self._recorder.get(flight.ref, self._model.id)
            if kept is None or flight.edits(kept):
                missed.append(flight)
            elif (post := flight.completed(kept)) is not kept.post:
                fuller.append(self._complete(flight, kept, post))
            else:
                self._metrics.predictions.labels("hit").inc()
                self._land(flight, Answer(kept, cached=True))
        await asyncio.gather(*fuller)
        return missed

    async def _complete(self, flight: _Flight, kept: Prediction, post: Post) -> None:
        """Remember more of a post; its text is the same, and so is what was predicted."""
        try:
            with self._recorder.room():
                kept = msgspec.structs.replace(kept, post=post, predicted_at=datetime.now(UTC))
                await self._recorder.put(kept)
        except SentiserveError as error:
            self._land(flight, error)
            return
        self._metrics.predictions.labels("hit").inc()
        self._land(flight, Answer(kept, cached=True))

    async def _remembered(self, refs: Sequence[PostRef]) -> Sequence[Prediction | None]:
        """What the store has; nothing at all if it fails or is too slow."""
        try:
            return await self._stored(refs)
        except Exception as error:  # noqa: BLE001  # a failing store costs its hits, no more
            self._metrics.store_errors.labels("get").inc()
            _log.warning("store failed, going on without it", error=repr(error))
            return [None] * len(refs)

    async def _stored(self, refs: Sequence[PostRef]) -> Sequence[Prediction | None]:
        try:
            async with asyncio.timeout(self._store_timeout):
                found = await self._store.get(refs, self._model.id)
        except TimeoutError:
            raise StoreError(f"the store took over {self._store_timeout:g} s") from None
        if len(found) != len(refs):
            raise StoreError(f"the store gave {len(found)} answers to {len(refs)} posts")
        return found

    async def _fetch(self, flights: Sequence[_Flight]) -> None:
        """Land what can't be had; predict the rest."""
        if not flights:
            return
        timing = Timing()
        posts: Sequence[Post | SentiserveError]
        try:
            with timing.of("source"):
                posts = await self._source.fetch([flight.ref for flight in flights])
        except SentiserveError as error:
            posts = [error] * len(flights)
        for flight, post in zip(flights, posts, strict=True):
            flight.timing.take(timing)
            if isinstance(post, SentiserveError):
                self._land(flight, post)
        found = [(f, p) for f, p in zip(flights, posts, strict=True) if isinstance(p, Post)]
        await asyncio.gather(*[self._predict(flight, post) for flight, post in found])

    async def _predict(self, flight: _Flight, post: Post) -> None:
        try:
            with self._recorder.room():
                batched = await self._batcher.submit(post.text)
                prediction = Prediction(post, batched.sentiment, self._model.id, datetime.now(UTC))
                await self._recorder.put(prediction)
        except SentiserveError as error:
            refused = isinstance(error, OverloadedError | StoreError)
            self._metrics.predictions.labels("refused" if refused else "failed").inc()
            self._land(flight, error)
            return
        flight.timing.take(Timing({"queue": batched.queue, "model": batched.model}))
        self._metrics.predictions.labels("miss").inc()
        self._metrics.labels.labels(batched.sentiment.label).inc()
        self._land(flight, Answer(prediction, cached=False))

    def _land(self, flight: _Flight, outcome: Outcome) -> None:
        if flight.outcome.done():
            return
        if self._in_flight.get(flight.ref) is flight:
            del self._in_flight[flight.ref]  # who asks from now on finds it remembered
        flight.outcome.set_result(outcome)


def _unexpected() -> SentiserveError:
    return SentiserveError("something went wrong here; it has been logged")
