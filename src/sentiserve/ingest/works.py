"""What can be read in sequence: a source's feed, the rows of a file, URLs."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Protocol

from sentiserve.errors import BadInputError
from sentiserve.inference import Url
from sentiserve.protocols import Feed
from sentiserve.tables import Row, count_rows, no_column, read_rows
from sentiserve.types import FeedKind, FeedQuery, Post, PostRef

_ROWS = 256  # of a file, in one batch
_URLS = 100  # in one batch: as many as X gives at once


@dataclass(frozen=True, slots=True)
class Batch:
    """Some posts.

    Attributes:
        questions: the posts, or their URLs.
        deleted: posts that their authors took back meanwhile.
        broken: what is no post: where it is, and why.
        cursor: what to go on with; None at the end.
    """

    questions: Sequence[Post | Url]
    deleted: Sequence[PostRef] = ()
    broken: Sequence[tuple[str, BadInputError]] = ()
    cursor: str | None = None


class Reading(Protocol):
    """What posts are read from."""

    @property
    def live(self) -> bool:
        """Whether the next batch may take for ever."""

    @property
    def ordered(self) -> bool:
        """Whether the newest posts come first, so that what earlier runs have read can be left."""

    def batches(
        self, cursor: str | None, since: datetime | None, limit: int | None
    ) -> AsyncGenerator[Batch, None]:
        """The batches after a batch's cursor, or from the start."""

    def to_come(self, cursor: str | None) -> int | None:
        """How many posts there are after a cursor, where that can be known; it may take long."""


@dataclass(frozen=True, slots=True)
class FeedReading:
    """A feed of a source."""

    feed: Feed
    kind: FeedKind
    names: tuple[str, ...] = ()

    @property
    def live(self) -> bool:
        """A stream is."""
        return self.kind is FeedKind.STREAM

    @property
    def ordered(self) -> bool:
        """All but streams are."""
        return not self.live

    async def batches(
        self, cursor: str | None, since: datetime | None, limit: int | None
    ) -> AsyncGenerator[Batch, None]:
        """A batch for each page."""
        query = FeedQuery(self.kind, self.names, since, limit)
        try:
            async with aclosing(self.feed.pages(query, cursor)) as pages:
                async for page in pages:
                    yield Batch(page.posts, page.deleted, cursor=page.cursor)
        except BadInputError as error:
            if cursor is None:
                raise
            raise BadInputError(f"{error}; --restart begins anew") from error

    def to_come(self, cursor: str | None) -> None:
        """Nobody knows."""


@dataclass(frozen=True, slots=True)
class FileReading:
    """The rows of a file of posts; a cursor is a row's number, and the file's size and time.

    Attributes:
        path: a table.
        post: the post that a row describes.
    """

    path: Path
    post: Callable[[Row], Post]
    live: bool = field(default=False, init=False)
    ordered: bool = field(default=False, init=False)

    async def batches(
        self, cursor: str | None, since: datetime | None, limit: int | None
    ) -> AsyncGenerator[Batch, None]:
        """So many rows at a time, read on another thread.

        Raises:
            BadInputError: the file can't be read, is no table of posts, or isn't the one that
                the cursor is of.
        """
        done = self._resumed(cursor)
        if not done:
            await asyncio.to_thread(_check_columns, self.path)
        rows = islice(enumerate(read_rows(self.path), start=1), done, None)
        while limit is None or limit > 0:
            chunk = await asyncio.to_thread(self._chunk, rows, since, limit)
            if chunk is None:
                return
            last, batch = chunk
            if limit is not None:
                limit -= len(batch.questions)
            yield replace(batch, cursor=f"{last}:{self._state()}")

    def to_come(self, cursor: str | None) -> int:
        """The rows that are left.

        Raises:
            BadInputError: as for ``batches``.
        """
        return count_rows(self.path) - self._resumed(cursor)

    def _chunk(
        self, rows: Iterator[tuple[int, Row]], since: datetime | None, limit: int | None
    ) -> tuple[int, Batch] | None:
        posts: list[Post] = []
        broken: list[tuple[str, BadInputError]] = []
        last = 0
        for last, row in islice(rows, min(_ROWS, limit or _ROWS)):
            try:
                post = self.post(row)
            except BadInputError as error:
                broken.append((f"row {last}", error))
            else:
                if not (since and post.created_at and post.created_at < since):
                    posts.append(post)
        return (last, Batch(posts, broken=broken)) if last else None

    def _state(self) -> str:
        stat = self.path.stat()
        return f"{stat.st_size}:{stat.st_mtime_ns}"

    def _resumed(self, cursor: str | None) -> int:
        if cursor is None:
            return 0
        row, _, state = cursor.partition(":")
        if not row.isdecimal() or not self.path.is_file() or state != self._state():
            raise BadInputError(
                f"{self.path} is not the file that was begun with; --restart reads it from its "
                "beginning, and what is stored of it costs nothing"
            )
        return int(row)


def _check_columns(path: Path) -> None:
    """Say it once of a table that is none of posts, not of each of its rows."""
    first = next(read_rows(path), None)
    if first is None:
        raise BadInputError(f"{path} holds no rows")
    if first.problem:
        return
    needed = {"text": {"text"}, "url' or 'id": {"url", "id", "platform"}}
    lacking = [name for name, either in needed.items() if not either & first.values.keys()]
    if lacking:
        raise no_column(path, first, lacking[0])


@dataclass(frozen=True, slots=True)
class UrlReading:
    """Posts by URL; those that are stored aren't fetched again."""

    urls: Iterable[str]
    live: bool = field(default=False, init=False)
    ordered: bool = field(default=False, init=False)

    async def batches(
        self,
        cursor: str | None,  # noqa: ARG002  # there is none: what is stored is as good as one
        since: datetime | None,  # noqa: ARG002  # whoever names a post wants it
        limit: int | None,
    ) -> AsyncGenerator[Batch, None]:
        """So many URLs at a time."""
        urls = islice(self.urls, limit)
        while chunk := await asyncio.to_thread(lambda: list(islice(urls, _URLS))):
            yield Batch([Url(url) for url in chunk])

    def to_come(self, cursor: str | None) -> None:
        """They may come from somebody who is typing."""
