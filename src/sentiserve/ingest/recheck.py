"""Whether stored posts are still as they were, where they come from.

Those that were deleted or are protected now are forgotten. Those that were edited are forgotten
as they were, and predicted anew.
"""

import asyncio
import re
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Protocol

import msgspec

from sentiserve.errors import (
    BudgetExhaustedError,
    NotFoundError,
    PostDeletedError,
    PostProtectedError,
    SentiserveError,
    SourceError,
)
from sentiserve.forgetting import Forgetting
from sentiserve.inference import Inference, Outcome
from sentiserve.ingest.effort import Effort, OnWait, may_pass, passes_by_itself
from sentiserve.ingest.register import Register
from sentiserve.protocols import Source
from sentiserve.records import Record
from sentiserve.types import Post

_BATCH = 100  # posts asked for at once; X gives as many for one call
_SUSPICIOUS = 20  # posts in one answer, all of them gone: the source may be at fault
# How a shortened text ends; X puts a link to the whole one behind it.
_SHORTENED = re.compile(r"\s?(?:…|\.\.\.)(?:\s?https?://t\.co/\w+)?\Z")
_GONE = (PostDeletedError, PostProtectedError)


class Offline(Protocol):
    """Where posts are remembered for good: the history."""

    def records(self) -> Iterator[list[Record]]:
        """The last record of each post and model, in batches."""


@dataclass(slots=True)
class Found:
    """What was found of a platform's posts.

    Attributes:
        due: how many were to be looked at.
        same: are as they were.
        edited: were forgotten as they were, and predicted anew.
        forgotten: are deleted or protected now.
        not_found: no source has them, or is of their platform; they stay.
        failed: could not be asked for; they stay due.
        error: why the rest was not looked at.
    """

    due: int
    same: int = 0
    edited: int = 0
    forgotten: int = 0
    not_found: int = 0
    failed: int = 0
    error: SentiserveError | None = None

    @property
    def looked_at(self) -> int:
        """Those of which something was learnt, or not."""
        return self.same + self.edited + self.forgotten + self.not_found + self.failed


@dataclass(slots=True)
class Recheck:
    """Looks posts up again.

    Attributes:
        source: of the posts' own platforms; no archive.
        on_found: is told when a batch is done.
        believes_all: whether it is believed that all of many posts are gone.
        found: by platform.
    """

    history: Offline
    register: Register
    source: Source
    inference: Inference
    forgetting: Forgetting
    on_wait: OnWait
    on_found: Callable[["Recheck"], object] = lambda _: None
    believes_all: bool = False
    found: dict[str, Found] = field(default_factory=dict, init=False)
    _effort: Effort = field(init=False)

    def __post_init__(self) -> None:
        """Have somebody told of waits."""
        self._effort = Effort(self.on_wait)

    def stop(self) -> None:
        """Finish the batch that is being asked for, and no other."""
        self._effort.stopping.set()

    async def run(
        self, older_than: timedelta, platform: str | None = None, limit: int | None = None
    ) -> bool:
        """Look at the posts that nobody looked at for so long, those of longest ago first.

        What goes wrong with one platform is noted there, and leaves the others alone.

        Args:
            older_than: counts from when a post was predicted or looked at last.
            platform: only this one's.
            limit: no more posts.

        Returns:
            Whether it came to the end; if it was stopped, another run goes on.

        Raises:
            StoreError: the history can't be read.
        """
        before = datetime.now(UTC) - older_than
        due = await asyncio.to_thread(self._select, before, platform, limit)
        self.found |= {name: Found(count) for name, count in due.items()}
        self.on_found(self)
        for name, found in self.found.items():
            try:
                await self._look_at(name, found)
            except SentiserveError as error:
                found.error = error
        return not self._effort.stopping.is_set()

    def _select(self, before: datetime, platform: str | None, limit: int | None) -> dict[str, int]:
        with closing(_generator(self.history)) as batches:
            self.register.take(batches)
        return self.register.select(before, platform, limit)

    async def _look_at(self, platform: str, found: Found) -> None:
        number = 0
        while not self._effort.stopping.is_set():
            number, posts = await asyncio.to_thread(self.register.due, platform, _BATCH, number)
            if not posts:
                return
            answers = await self._effort.answers(
                [post.ref for post in posts], self.source.fetch, again=passes_by_itself
            )
            if not self.believes_all:
                _doubt(platform, answers)
            failed, done = [], []
            try:
                for post, answer in zip(posts, answers, strict=True):
                    if error := await self._take(found, post, answer):
                        failed.append(error)
                    else:
                        done.append(post.ref)
            finally:
                await asyncio.to_thread(self.register.note, done)
            self.on_found(self)
            hopeless = [error for error in failed if isinstance(error, BudgetExhaustedError)]
            if hopeless or len(failed) == len(posts):
                raise (hopeless or failed)[0]

    async def _take(
        self, found: Found, old: Post, answer: Post | SentiserveError
    ) -> SentiserveError | None:
        """Do what the answer asks for; an error that says nothing of the post is given back."""
        match answer:
            case error if isinstance(error, _GONE):
                await self._effort.insist(partial(self.forgetting.forget, old.ref))
                found.forgotten += 1
            case NotFoundError():
                found.not_found += 1
            case SentiserveError():
                found.failed += 1
                return answer
            case _ if _is_edited(old, answer):
                await self._replace(old, answer)
                found.edited += 1
            case _:
                found.same += 1
        return None

    async def _replace(self, old: Post, new: Post) -> None:
        """What it said before shall not stay either, as its author took that back."""
        new = msgspec.structs.replace(
            new,
            ref=old.ref,
            url=new.url or old.url,
            author_id=new.author_id or old.author_id,
            author_handle=new.author_handle or old.author_handle,
            created_at=new.created_at or old.created_at,
        )
        await self._effort.insist(partial(self.forgetting.forget, old.ref))

        async def ask(posts: Sequence[Post]) -> Sequence[Outcome]:
            return (await self.inference.answer(posts))[0]

        (outcome,) = await self._effort.answers([new], ask, again=may_pass)
        if isinstance(outcome, SentiserveError):
            raise outcome


def _doubt(platform: str, answers: Sequence[Post | SentiserveError]) -> None:
    """A source that has moved, or is somebody else, may call everything gone.

    Raises:
        SourceError: it does.
    """
    if len(answers) >= _SUSPICIOUS and all(isinstance(answer, _GONE) for answer in answers):
        raise SourceError(
            f"all of {len(answers)} posts of {platform} are said to be gone, so none was "
            "forgotten; see with sentiserve check --online whether the sources are the right "
            "ones, and if it is true, go on with --all-gone"
        )


def _is_edited(old: Post, new: Post) -> bool:
    """Whether it says something else.

    Some sources give only the beginning of a long text, and HTML tells one space from two no more
    than a reader does.
    """
    before, now = (" ".join(post.text.split()) for post in (old, new))
    shortened = _SHORTENED.search(now)
    beginning = now[: shortened.start()] if shortened else ""
    return before != now and not (beginning and before.startswith(beginning))


def _generator(history: Offline) -> Generator[list[Record], None, None]:
    yield from history.records()
