"""Several sources as one, asked in order."""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import cast

import structlog

from sentiserve.errors import (
    BadInputError,
    NotFoundError,
    OtherPlatformError,
    PostDeletedError,
    PostProtectedError,
    SentiserveError,
    SourceError,
    SourceTimeoutError,
)
from sentiserve.metrics import Metrics
from sentiserve.protocols import Feed, Source
from sentiserve.types import FeedKind, Post, PostRef

_log = structlog.get_logger(__name__)
_REMEMBERED = 10 * 60  # seconds for which a deleted or protected post isn't asked for again
_MOST_REMEMBERED = 10_000  # posts
_FEEDS = {
    FeedKind.USER: "a user's posts",
    FeedKind.TAG: "posts with a hashtag",
    FeedKind.HOME: "a home timeline",
    FeedKind.STREAM: "a stream",
}


class Chain:
    """Asks each source for what those before it did not have.

    A source that fails or is too slow costs what it alone has: the next one is asked. That a
    post is deleted or protected is remembered for ten minutes.
    """

    def __init__(
        self,
        sources: Mapping[str, Source],
        timeout: float,
        metrics: Metrics | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the sources by name, and the seconds that each may take."""
        self._sources = sources
        self._timeout = timeout
        self._metrics = metrics or Metrics()
        self._gone = _Gone(clock)

    def feed(self, kind: FeedKind) -> tuple[str, Feed]:
        """The first source that gives posts in such a sequence, with its name.

        Raises:
            BadInputError: none does.
        """
        for name, source in self._sources.items():
            if kind in feeds_of(source):
                return name, cast("Feed", source)
        needs = (getattr(each, "feed_needs", {}).get(kind) for each in self._sources.values())
        said = [
            f"{_FEEDS[kind]} can't be had from {' or '.join(self._sources)}",
            *(need for need in needs if need),
            "sentiserve check says what each source gives, and what it lacks",
        ]
        raise BadInputError("; ".join(said))

    def parse(self, url: str) -> PostRef | None:
        """What the first source that knows the URL takes it for."""
        parsed = (source.parse(url) for source in self._sources.values())
        return next((ref for ref in parsed if ref is not None), None)

    async def open(self) -> None:
        """Open every source."""
        for source in self._sources.values():
            await source.open()

    async def close(self) -> None:
        """Close every source."""
        async with AsyncExitStack() as stack:  # one that fails doesn't keep the others open
            for source in self._sources.values():
                stack.push_async_callback(source.close)

    async def fetch(self, refs: Sequence[PostRef]) -> list[Post | SentiserveError]:
        """The posts, or of all that the sources said the error that tells most."""
        remembered = {ref: self._gone.get(ref) for ref in refs}
        answers: dict[PostRef, Post | SentiserveError] = {
            ref: error for ref, error in remembered.items() if error is not None
        }
        for name, source in self._sources.items():
            missing = [ref for ref in dict.fromkeys(refs) if _worth_asking(answers.get(ref))]
            if not missing:
                break
            for ref, answer in zip(missing, await self._ask(name, source, missing), strict=True):
                self._count(name, answer)
                self._gone.take(ref, answer)
                if ref not in answers or _tells_more(answer, answers[ref]):
                    answers[ref] = answer
        return [answers[ref] for ref in refs]

    async def _ask(
        self, name: str, source: Source, refs: Sequence[PostRef]
    ) -> Sequence[Post | SentiserveError]:
        error: SentiserveError
        try:
            async with asyncio.timeout(self._timeout):
                answers = await source.fetch(refs)
            if len(answers) == len(refs):
                return answers
            error = SourceError(f"the source {name} answered {len(answers)} of {len(refs)} posts")
        except TimeoutError:
            error = SourceTimeoutError(f"the source {name} took over {self._timeout:g} s")
        except SentiserveError as raised:
            error = raised
        except Exception:  # noqa: BLE001  # whatever a source raises
            _log.exception("source failed", source=name)
            error = SourceError(f"the source {name} failed")
        return [error] * len(refs)

    def _count(self, name: str, answer: Post | SentiserveError) -> None:
        if isinstance(answer, SentiserveError):
            self._metrics.source_errors.labels(name, type(answer).__name__).inc()
        else:
            self._metrics.source_posts.labels(name).inc()


def feeds_of(source: Source) -> Collection[FeedKind]:
    """What posts in sequence a source gives; most give none."""
    feeds: Collection[FeedKind] = getattr(source, "feeds", ())
    return feeds


class _Gone:
    """Posts that a source called deleted or protected not long ago; the latest so many."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until: dict[PostRef, tuple[float, type[SentiserveError], str]] = {}

    def take(self, ref: PostRef, answer: Post | SentiserveError) -> None:
        if not isinstance(answer, PostDeletedError | PostProtectedError):
            return
        self._until.pop(ref, None)  # so that the first is always the oldest
        self._until[ref] = (self._clock() + _REMEMBERED, type(answer), str(answer))
        if len(self._until) > _MOST_REMEMBERED:
            del self._until[next(iter(self._until))]

    def get(self, ref: PostRef) -> SentiserveError | None:
        """What was said of it, as an error of its own: raising one again makes it grow."""
        until, kind, said = self._until.get(ref, (0.0, SentiserveError, ""))
        if said and self._clock() < until:
            return kind(said)
        self._until.pop(ref, None)
        return None


def _worth_asking(answer: Post | SentiserveError | None) -> bool:
    return answer is None or isinstance(answer, NotFoundError | SourceError)


def _tells_more(new: Post | SentiserveError, old: Post | SentiserveError) -> bool:
    """A failure tells more than a post that isn't there, and least who isn't of its platform.

    Of two who are of it the later one speaks: files, which know of all platforms, come first.
    """
    return not _worth_asking(new) or (
        isinstance(old, NotFoundError) and not isinstance(new, OtherPlatformError)
    )
