"""The flow: a post, its URL or a text in, its sentiment out, and remembered.

1 parse    source.parse(url) → PostRef            no network
2 look up  store.get(refs, model id)              a hit ends here; what is in flight is joined
3 fetch    source.fetch(refs) → posts             only what was missed and isn't at hand
4 predict  batcher.submit(text) → Sentiment
5 record   await recorder.put(prediction)         in the journal now, in the store soon
6 answer
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
import structlog

from sentiserve.batcher import Batcher
from sentiserve.errors import (
    NotFoundError,
    OverloadedError,
    SentiserveError,
    SourceError,
    StoreError,
)
from sentiserve.flights import Flight, Flights
from sentiserve.lanes import Lane
from sentiserve.lookups import Lookups
from sentiserve.metrics import Metrics
from sentiserve.protocols import Source, Store
from sentiserve.questions import Answer, Outcome, Question, Text, Url, Wanted, parse
from sentiserve.recorder import Recorder
from sentiserve.timing import Timing
from sentiserve.types import ModelInfo, Post, PostRef, Prediction

__all__ = ["Answer", "Inference", "Outcome", "Question", "Text", "Url"]

_log = structlog.get_logger(__name__)


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
        self._lookups = Lookups(store, model.id, store_timeout)
        self._batcher = batcher
        self._recorder = recorder
        self._model = model
        self._metrics = metrics
        self._hits = metrics.predictions.labels("hit")
        self._flights = Flights(self._fly)

    async def answer(
        self, questions: Sequence[Question], *, looked_up: bool = False
    ) -> tuple[list[Outcome], Timing]:
        """An outcome for each question, in order; one that fails leaves the others alone.

        A post at hand whose text isn't the remembered one was edited: it is predicted anew.
        When the caller is cancelled, work that nobody else waits for stops.

        Args:
            questions: what is asked.
            looked_up: whether it is known already that nothing of it is remembered.
        """
        timing = Timing()
        asked = [parse(question, self._source) for question in questions]
        found: Sequence[Outcome | Wanted] = asked
        if not looked_up:
            found = await self._look_up(asked, timing)
        lane = Lane.SINGLE if len(questions) == 1 else Lane.BULK
        found = [self._refused(f, lane) or f if isinstance(f, Wanted) else f for f in found]
        missed = [wanted for wanted in found if isinstance(wanted, Wanted)]
        if not missed:
            return list(found), timing  # type: ignore[arg-type]  # none is wanted any longer
        flights = self._flights.take_off(missed, lane)
        answers = iter(await self._flights.outcomes(flights))
        for flight in flights:
            timing.take(flight.timing)
        return [next(answers) if isinstance(f, Wanted) else f for f in found], timing

    async def _look_up(
        self, asked: Sequence[Wanted | SentiserveError], timing: Timing
    ) -> list[Outcome | Wanted]:
        """The answer to what is remembered; what is in flight isn't yet."""
        refs = list({a.ref for a in asked if isinstance(a, Wanted) and a.ref not in self._flights})
        kept = dict(zip(refs, await self._remembered(refs, timing), strict=True)) if refs else {}

        def known(wanted: Wanted) -> Prediction | None:
            prediction = kept.get(wanted.ref) or self._recorder.get(wanted.ref, self._model.id)
            return None if prediction is None or wanted.edits(prediction) else prediction

        async def answer(wanted: Wanted | SentiserveError) -> Outcome | Wanted:
            if isinstance(wanted, SentiserveError) or (prediction := known(wanted)) is None:
                return wanted
            post = wanted.completed(prediction)
            if post is not prediction.post:
                return await self._complete(prediction, post)
            self._hits.inc()
            return Answer(prediction, cached=True)

        return [await answer(wanted) for wanted in asked]

    async def _remembered(
        self, refs: Sequence[PostRef], timing: Timing
    ) -> Sequence[Prediction | None]:
        """What the store has; nothing at all if it fails or is too slow."""
        try:
            with timing.of("store"):
                return await self._lookups.get(refs)
        except Exception as error:  # noqa: BLE001  # a failing store costs its hits, no more
            self._metrics.store_errors.labels("get").inc()
            _log.warning("store failed, going on without it", error=repr(error))
            return [None] * len(refs)

    async def _complete(self, kept: Prediction, post: Post) -> Outcome:
        """Remember more of a post; its text is the same, and so is what was predicted."""
        fuller = msgspec.structs.replace(kept, post=post, predicted_at=datetime.now(UTC))
        try:
            with self._recorder.room():
                await self._recorder.put(fuller)
        except SentiserveError as error:
            return error
        self._hits.inc()
        return Answer(fuller, cached=True)

    def _refused(self, wanted: Wanted, lane: Lane) -> OverloadedError | None:
        """Why a text isn't even begun with, if it isn't: under load most are refused here."""
        if wanted.post is None or wanted.ref in self._flights:
            return None
        try:
            self._batcher.check(wanted.post.text, lane)
        except OverloadedError as error:
            self._metrics.predictions.labels("refused").inc()
            return error
        return None

    async def _fly(self, flights: Sequence[Flight]) -> None:
        at_hand = [(flight, flight.post) for flight in flights if flight.post is not None]
        urls = [flight for flight in flights if flight.post is None]
        # A text doesn't wait for the source that a URL beside it needs.
        await asyncio.gather(self._fetch(urls), *[self._predict(f, p) for f, p in at_hand])

    async def _fetch(self, flights: Sequence[Flight]) -> None:
        """Land what can't be had; predict the rest."""
        if not flights:
            return
        timing = Timing()
        posts: Sequence[Post | SentiserveError]
        try:
            with timing.of("source") as facts:
                posts = await self._source.fetch([flight.ref for flight in flights])
                if failed := [post for post in posts if isinstance(post, SourceError)]:
                    facts["error"] = type(failed[0]).__name__
        except SentiserveError as error:
            posts = [error] * len(flights)
        for flight, post in zip(flights, posts, strict=True):
            flight.timing.take(timing)
            if isinstance(post, SentiserveError):
                self._flights.land(flight, post)
        found = [(f, p) for f, p in zip(flights, posts, strict=True) if isinstance(p, Post)]
        await asyncio.gather(*[self._predict(flight, post) for flight, post in found])

    async def _predict(self, flight: Flight, post: Post) -> None:
        if flight.outcome.done():  # everybody left
            return
        try:
            with self._recorder.room():
                batched = await self._batcher.submit(post.text, flight.lane)
                prediction = Prediction(post, batched.sentiment, self._model.id, datetime.now(UTC))
                await self._recorder.put(prediction)
        except SentiserveError as error:
            refused = isinstance(error, OverloadedError | StoreError)
            self._metrics.predictions.labels("refused" if refused else "failed").inc()
            self._flights.land(flight, error)
            return
        flight.timing.take(Timing({"queue": batched.queue, "model": batched.model}))
        self._metrics.predictions.labels("miss").inc()
        self._metrics.labels.labels(batched.sentiment.label).inc()
        self._flights.land(flight, Answer(prediction, cached=False))

    async def remembered(self, question: Url, timing: Timing) -> tuple[Answer | None, bool]:
        """The answer, if it is remembered, by the shortest way; whether it was looked up.

        What is in flight isn't looked up, and may have landed when it is asked for next.
        """
        wanted = parse(question, self._source)
        if isinstance(wanted, SentiserveError) or wanted.ref in self._flights:
            return None, False
        (kept,) = await self._remembered([wanted.ref], timing)
        kept = kept or self._recorder.get(wanted.ref, self._model.id)
        if kept is None:
            return None, True
        self._hits.inc()
        return Answer(kept, cached=True), True

    async def kept(
        self, questions: Sequence[Question | PostRef]
    ) -> list[Prediction | SentiserveError]:
        """What is remembered of each, or why nothing is; nothing is fetched or predicted.

        Raises:
            StoreError: the store can't tell.
        """
        asked = [Wanted(q) if isinstance(q, PostRef) else parse(q, self._source) for q in questions]
        refs = list({wanted.ref: None for wanted in asked if isinstance(wanted, Wanted)})
        found = dict(zip(refs, await self._lookups.get(refs), strict=True)) if refs else {}

        def outcome(wanted: Wanted | SentiserveError) -> Prediction | SentiserveError:
            if isinstance(wanted, SentiserveError):
                return wanted
            kept = found[wanted.ref] or self._recorder.get(wanted.ref, self._model.id)
            return kept or NotFoundError("nothing is kept of this post; ask for its sentiment")

        return [outcome(wanted) for wanted in asked]

    async def known(self, refs: Sequence[PostRef]) -> list[PostRef]:
        """Those of the posts that something is remembered of.

        Raises:
            StoreError: the store can't tell.
        """
        found = zip(refs, await self.kept(refs), strict=True)
        return [ref for ref, kept in found if isinstance(kept, Prediction)]
