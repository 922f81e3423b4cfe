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
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec
import structlog

from sentiserve.batcher import Batcher
from sentiserve.errors import (
    BadInputError,
    NotFoundError,
    OverloadedError,
    SentiserveError,
    SourceError,
    StoreError,
    UnknownURLError,
)
from sentiserve.lanes import Lane
from sentiserve.lookups import Lookups
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
class _Wanted:
    """What a question means."""

    ref: PostRef
    post: Post | None = None  # None until fetched

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


@dataclass(slots=True, eq=False)
class _Flight:
    """A post on its way to its answer; everybody who asks for it waits for the same outcome."""

    ref: PostRef
    post: Post | None
    lane: Lane
    outcome: asyncio.Future[Outcome] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )
    timing: Timing = field(default_factory=Timing)
    callers: int = 0
    group: asyncio.Task[None] | None = None  # that works on it, and on others


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
        self._in_flight: dict[PostRef, _Flight] = {}
        self._groups: dict[asyncio.Task[None], Sequence[_Flight]] = {}

    async def remembered(self, question: Url, timing: Timing) -> tuple[Answer | None, bool]:
        """The answer, if it is remembered, by the shortest way; whether it was looked up.

        What is in flight isn't looked up, and may have landed when it is asked for next.
        """
        wanted = self._parse(question)
        if isinstance(wanted, SentiserveError) or wanted.ref in self._in_flight:
            return None, False
        (kept,) = await self._remembered([wanted.ref], timing)
        kept = kept or self._recorder.get(wanted.ref, self._model.id)
        if kept is None:
            return None, True
        self._hits.inc()
        return Answer(kept, cached=True), True

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
        asked = [self._parse(question) for question in questions]
        found: Sequence[Outcome | _Wanted] = asked
        if not looked_up:
            found = await self._look_up(asked, timing)
        lane = Lane.SINGLE if len(questions) == 1 else Lane.BULK
        found = [self._refused(f, lane) or f if isinstance(f, _Wanted) else f for f in found]
        missed = [wanted for wanted in found if isinstance(wanted, _Wanted)]
        if not missed:
            return list(found), timing  # type: ignore[arg-type]  # none is wanted any longer
        flights = self._take_off(missed, lane)
        answers = iter(await self._landed(flights))
        for flight in flights:
            timing.take(flight.timing)
        return [next(answers) if isinstance(f, _Wanted) else f for f in found], timing

    async def kept(
        self, questions: Sequence[Question | PostRef]
    ) -> list[Prediction | SentiserveError]:
        """What is remembered of each, or why nothing is; nothing is fetched or predicted.

        Raises:
            StoreError: the store can't tell.
        """
        asked = [_Wanted(q) if isinstance(q, PostRef) else self._parse(q) for q in questions]
        refs = list({wanted.ref: None for wanted in asked if isinstance(wanted, _Wanted)})
        found = dict(zip(refs, await self._lookups.get(refs), strict=True)) if refs else {}

        def outcome(wanted: _Wanted | SentiserveError) -> Prediction | SentiserveError:
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

    def _parse(self, question: Question) -> _Wanted | SentiserveError:
        try:
            if isinstance(question, Post):
                checked_text(question.text)
                return _Wanted(question.ref, question)
            if isinstance(question, Text):
                post = Post.of_text(checked_text(question.text))
                return _Wanted(post.ref, post)
            if len(question.url) > MAX_URL:
                raise BadInputError(f"the URL is longer than {MAX_URL:,} characters")
            ref = self._source.parse(question.url)
        except BadInputError as error:
            return error
        if ref is None:
            return UnknownURLError(
                "this is no post's URL that is known here; "
                "one looks like https://x.com/USER/status/ID"
            )
        return _Wanted(ref)

    async def _look_up(
        self, asked: Sequence[_Wanted | SentiserveError], timing: Timing
    ) -> list[Outcome | _Wanted]:
        """The answer to what is remembered; what is in flight isn't yet."""
        refs = [*({a.ref for a in asked if isinstance(a, _Wanted)} - self._in_flight.keys())]
        kept = dict(zip(refs, await self._remembered(refs, timing), strict=True)) if refs else {}

        def known(wanted: _Wanted) -> Prediction | None:
            prediction = kept.get(wanted.ref) or self._recorder.get(wanted.ref, self._model.id)
            return None if prediction is None or wanted.edits(prediction) else prediction

        async def answer(wanted: _Wanted | SentiserveError) -> Outcome | _Wanted:
            if isinstance(wanted, SentiserveError) or (prediction := known(wanted)) is None:
                return wanted
            post = wanted.completed(prediction)
            if post is not prediction.post:
                return await self._complete(prediction, post)
            self._hits.inc()
            return Answer(prediction, cached=True)

        return [await answer(wanted) for wanted in asked]

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

    def _refused(self, wanted: _Wanted, lane: Lane) -> OverloadedError | None:
        """Why a text isn't even begun with, if it isn't: under load most are refused here."""
        if wanted.post is None or wanted.ref in self._in_flight:
            return None
        try:
            self._batcher.check(wanted.post.text, lane)
        except OverloadedError as error:
            self._metrics.predictions.labels("refused").inc()
            return error
        return None

    def _take_off(self, asked: Sequence[_Wanted], lane: Lane) -> list[_Flight]:
        """A flight for each, joining those that are in the air already."""
        new = []
        for wanted in asked:
            if wanted.ref not in self._in_flight:
                flight = self._in_flight[wanted.ref] = _Flight(wanted.ref, wanted.post, lane)
                new.append(flight)
        if new:
            group = asyncio.create_task(self._fly(new))
            self._groups[group] = new  # or it might be collected before it is done
            group.add_done_callback(self._disband)
            for flight in new:
                flight.group = group
        return [self._in_flight[wanted.ref] for wanted in asked]

    async def _landed(self, flights: Sequence[_Flight]) -> list[Outcome]:
        for flight in flights:
            flight.callers += 1
        try:
            return await asyncio.gather(*[asyncio.shield(flight.outcome) for flight in flights])
        finally:
            for flight in flights:
                flight.callers -= 1
                if not flight.callers and not flight.outcome.done():
                    self._abandon(flight)

    def _abandon(self, flight: _Flight) -> None:
        """Nobody waits for it any longer; who asks from now on starts anew."""
        del self._in_flight[flight.ref]
        flight.outcome.cancel()
        group = flight.group
        if group and not any(other.callers for other in self._groups.get(group, ())):
            group.cancel()

    def _disband(self, group: asyncio.Task[None]) -> None:
        del self._groups[group]
        if not group.cancelled() and (error := group.exception()):
            _log.error("inference failed", exc_info=error)

    async def _fly(self, flights: Sequence[_Flight]) -> None:
        try:
            at_hand = [(flight, flight.post) for flight in flights if flight.post is not None]
            urls = [flight for flight in flights if flight.post is None]
            # A text doesn't wait for the source that a URL beside it needs.
            await asyncio.gather(self._fetch(urls), *[self._predict(f, p) for f, p in at_hand])
        finally:
            for flight in flights:  # whatever went wrong, nobody is left waiting
                self._land(flight, _unexpected())

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

    async def _fetch(self, flights: Sequence[_Flight]) -> None:
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
                self._land(flight, post)
        found = [(f, p) for f, p in zip(flights, posts, strict=True) if isinstance(p, Post)]
        await asyncio.gather(*[self._predict(flight, post) for flight, post in found])

    async def _predict(self, flight: _Flight, post: Post) -> None:
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
