"""Posts read in sequence are classified, stored and never read twice.

batch   read ahead by one, while the last one is worked on
  1 ask     inference.answer(posts)      what is stored costs no inference
  2 forget  what its author took back    only what is stored
  3 save    the cursor                   so that the next run goes on after this batch
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Protocol

from sentiserve.errors import (
    BadInputError,
    NotFoundError,
    PostDeletedError,
    PostProtectedError,
    SentiserveError,
    SourceError,
)
from sentiserve.forgetting import Forgetting
from sentiserve.inference import Answer, Inference, Outcome, Url
from sentiserve.ingest.cursors import CursorFile, Position
from sentiserve.ingest.effort import Effort, Patience, passes_by_itself
from sentiserve.ingest.works import Batch, Reading
from sentiserve.types import Post, PostRef

_FINAL = (
    BadInputError,
    NotFoundError,
    PostDeletedError,
    PostProtectedError,
)


@dataclass(slots=True)
class Tally:
    """What came of the posts so far.

    Attributes:
        new: predicted now.
        known: stored already, as they are, or in the same batch once more.
        forgotten: taken back by their authors, and removed from everywhere.
        left_out: no posts, or posts that can't be had or classified.
    """

    new: int = 0
    known: int = 0
    forgotten: int = 0
    left_out: int = 0

    @property
    def posts(self) -> int:
        """All that were read."""
        return self.new + self.known + self.left_out


class Listener(Protocol):
    """Who is told how it goes."""

    def on_tally(self, tally: Tally) -> None:
        """A further batch is done."""

    def on_wait(self, seconds: float, error: SentiserveError | None) -> None:
        """It waits so long, for this reason; or it goes on."""

    def on_left_out(self, what: str, error: SentiserveError) -> None:
        """This is left out."""


@dataclass(slots=True)
class Ingest:
    """The reading of posts into the store.

    Attributes:
        cursors: where its position is kept, if anywhere.
        since: leaves out older posts, where it isn't begun already.
        limit: reads no more posts.
    """

    reading: Reading
    inference: Inference
    forgetting: Forgetting
    listener: Listener
    cursors: CursorFile | None = None
    since: datetime | None = None
    limit: int | None = None
    tally: Tally = field(default_factory=Tally, init=False)
    _position: Position = field(default_factory=Position, init=False)
    _ended: bool = field(default=False, init=False)
    _effort: Effort = field(init=False)

    def __post_init__(self) -> None:
        """Have the listener told of waits."""
        self._effort = Effort(self.listener.on_wait)

    @property
    def resumable(self) -> bool:
        """Whether something is done that another run need not do again."""
        return self._position.cursor is not None or self.tally.new > 0

    def stop(self) -> None:
        """Read nothing further; what has been read, or is being read, is finished."""
        self._effort.stopping.set()

    async def run(self) -> bool:
        """Read to the end, or until it is stopped.

        Returns:
            Whether the end was reached. If not, another run goes on where this one stopped.

        Raises:
            SentiserveError: what has to be read or asked fails, and waiting doesn't help;
                another run goes on there.
        """
        saved = self.cursors.load() if self.cursors else Position()
        self._position = saved.begun(self.since, datetime.now(UTC))
        async with aclosing(self._batches()) as batches:
            ahead = asyncio.create_task(_next(batches))
            try:
                while batch := await self._arrival(ahead):
                    ahead = asyncio.create_task(_next(batches))
                    await self._take(batch)
            finally:
                ahead.cancel()
                await asyncio.gather(ahead, return_exceptions=True)
        if self._ended:
            self._position = self._position.finished() if self.reading.ordered else Position()
            await self._save()
        return self._ended

    async def _batches(self) -> AsyncGenerator[Batch, None]:
        """Batch after batch; a source that fails is asked again from the last one's cursor."""
        cursor, left, patience = self._position.cursor, self._left(), Patience()
        while left != 0 and not self._effort.stopping.is_set():
            try:
                read = self.reading.batches(cursor, self._position.since, left)
                async with aclosing(read):
                    async for batch in read:
                        patience.restore()
                        cursor = batch.cursor
                        left = None if left is None else max(0, left - len(batch.questions))
                        yield batch
                        if self._effort.stopping.is_set():
                            return
                break
            except SentiserveError as error:
                await self._effort.wait(patience.after(error), error)
        self._ended |= not self._effort.stopping.is_set()

    def _left(self) -> int | None:
        return None if self.limit is None else max(0, self.limit - self._position.posts)

    async def _arrival(self, ahead: asyncio.Task[Batch | None]) -> Batch | None:
        """The batch that is being read; a stop waits for it, since it is paid for."""
        stopping = asyncio.create_task(self._effort.stopping.wait())
        await asyncio.wait([ahead, stopping], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if self.reading.live and not ahead.done():
            ahead.cancel()
            await asyncio.wait([ahead])
            return None if ahead.cancelled() else ahead.result()
        return await ahead

    async def _take(self, batch: Batch) -> None:
        outcomes = await self._ask(batch.questions)
        for where, error in batch.broken:
            self._leave_out(where, error)
        await self._forget(batch.deleted)
        posts = [outcome.prediction.post for outcome in outcomes if isinstance(outcome, Answer)]
        times = [post.created_at for post in posts if post.created_at]
        self._position = self._position.after(batch.cursor, len(batch.questions), times)
        if self.reading.ordered and batch.cursor is None:  # or a stop would have it begin anew
            self._position, self._ended = self._position.finished(), True
        await self._save()
        self.listener.on_tally(self.tally)

    async def _ask(self, questions: Sequence[Post | Url]) -> list[Outcome]:
        """An outcome for each that waiting wouldn't change, counted as soon as it is there."""
        counted: set[PostRef] = set()

        async def ask(pending: Sequence[Post | Url]) -> Sequence[Outcome]:
            return (await self.inference.answer(pending))[0]

        def count(question: Post | Url, outcome: Outcome) -> None:
            if not isinstance(outcome, Answer):
                self._leave_out(_name(question), outcome)
                return
            ref = outcome.prediction.post.ref
            known = outcome.cached or ref in counted
            self.tally.known += known
            self.tally.new += not known
            counted.add(ref)

        return await self._effort.answers(
            _last_versions(questions), ask, lambda error: not _is_final(error), count
        )

    def _leave_out(self, what: str, error: SentiserveError) -> None:
        self.tally.left_out += 1
        self.listener.on_left_out(what, error)

    async def _forget(self, deleted: Sequence[PostRef]) -> None:
        """Most of what a stream calls deleted was never stored, and to forget is work."""
        if not deleted:
            return
        for ref in await self._effort.insist(partial(self.inference.known, deleted)):
            await self._effort.insist(partial(self.forgetting.forget, ref))
            self.tally.forgotten += 1

    async def _save(self) -> None:
        if self.cursors is not None:
            await asyncio.to_thread(self.cursors.save, self._position)


def _is_final(error: SentiserveError) -> bool:
    """Whether it costs its own post only; sources that can't be reached have tried for a while."""
    unreachable = isinstance(error, SourceError) and not passes_by_itself(error)
    return unreachable or isinstance(error, _FINAL)


def _last_versions(questions: Sequence[Post | Url]) -> list[Post | Url]:
    """The questions, each post as it comes last: that is how it is now."""
    last = {question.ref: question for question in questions if isinstance(question, Post)}
    return [last[each.ref] if isinstance(each, Post) else each for each in questions]


async def _next(batches: AsyncGenerator[Batch, None]) -> Batch | None:
    return await anext(batches, None)


def _name(question: Post | Url) -> str:
    if isinstance(question, Url):
        return question.url
    return question.url or f"{question.ref.platform}/{question.ref.id}"
