"""A model, a source and a feed that need no files and do what a test tells them."""

import threading
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from hashlib import sha256

from sentiserve.errors import BadInputError, NotFoundError, SentiserveError
from sentiserve.types import FeedKind, FeedQuery, ModelInfo, Page, Post, PostRef, Sentiment


class FakeModel:
    """Scores drawn from a digest of the text: stable, different for different texts.

    Attributes:
        batches: the texts of every call so far.
        free: cleared, it holds calls until it is set again.
        error: raised by the next calls, if there is one.
    """

    def __init__(self, labels: Sequence[str] = ("negative", "neutral", "positive")) -> None:
        """Take the labels."""
        self._info = ModelInfo(
            name="fake",
            revision="1",
            id="fake-model",
            labels=tuple(labels),
            max_tokens=128,
            preprocessing="none",
            format="fake",
            licence="Apache-2.0",
        )
        self.batches: list[list[str]] = []
        self.free = threading.Event()
        self.free.set()
        self.error: BaseException | None = None

    @property
    def info(self) -> ModelInfo:
        """A description like any model's."""
        return self._info

    def predict(self, texts: Sequence[str]) -> list[Sentiment]:
        """A sentiment for each text, once the model is free."""
        self.batches.append(list(texts))
        if not self.free.wait(timeout=30):
            raise TimeoutError("the test never set the model free")
        if self.error is not None:
            raise self.error
        return [self.sentiment(text) for text in texts]

    def sentiment(self, text: str) -> Sentiment:
        """What the model says of a text, without counting as a call."""
        digest = sha256(text.encode()).digest()
        weights = [byte + 1 for byte in digest[: len(self._info.labels)]]
        scores = [weight / sum(weights) for weight in weights]
        truncated = len(text) > self._info.max_tokens
        return Sentiment(dict(zip(self._info.labels, scores, strict=True)), truncated)


class FakeSource:
    """Posts by URL, from a dictionary.

    Attributes:
        fetched: the posts asked for in every call so far.
        error: raised by the next calls, if there is one.
    """

    def __init__(self, posts: Mapping[str, Post]) -> None:
        """Take posts by URL."""
        self._refs = {url: post.ref for url, post in posts.items()}
        self._posts = {post.ref: post for post in posts.values()}
        self.fetched: list[list[PostRef]] = []
        self.error: SentiserveError | None = None

    def parse(self, url: str) -> PostRef | None:
        """The post's ref; ``missing:ID`` is a post that the source doesn't have."""
        if url.startswith("missing:"):
            return PostRef("fake", url.removeprefix("missing:"))
        return self._refs.get(url)

    async def open(self) -> None:
        """Nothing is needed."""

    async def close(self) -> None:
        """Nothing is held."""

    async def fetch(self, refs: Sequence[PostRef]) -> list[Post | SentiserveError]:
        """The posts, or NotFoundError."""
        self.fetched.append(list(refs))
        if self.error is not None:
            raise self.error
        return [self._posts.get(ref) or NotFoundError(f"no post {ref.id}") for ref in refs]


class FakeFeed(FakeSource):
    """Posts in sequence, a page at a time, from a list; a cursor is a place in the list.

    Attributes:
        posts: may grow and change between pages.
        read: the place of each page that was read so far.
        errors: raised by the next pages, each by one; None lets its page through.
        deleted: told by the next page.
    """

    def __init__(
        self,
        posts: Sequence[Post],
        page_size: int = 10,
        feeds: Collection[FeedKind] = frozenset(FeedKind),
    ) -> None:
        """Take the posts, newest first, how many come at once, and what may be asked for."""
        super().__init__({post.url or post.ref.id: post for post in posts})
        self.posts = list(posts)
        self.read: list[int] = []
        self.errors: list[SentiserveError | None] = []
        self.deleted: list[PostRef] = []
        self._page_size = page_size
        self._feeds = feeds

    @property
    def feeds(self) -> Collection[FeedKind]:
        """What it was told."""
        return self._feeds

    async def pages(self, query: FeedQuery, cursor: str | None = None) -> AsyncGenerator[Page]:
        """The posts after the cursor; a stream gives them like any other kind, and ends."""
        if query.kind not in self._feeds:
            raise BadInputError(f"the fake gives no {query.kind}")
        if cursor is not None and not cursor.isdecimal():
            raise BadInputError(f"no cursor of the fake: {cursor!r}")
        place, left = int(cursor or 0), query.limit
        while left is None or left > 0:
            page = self._page(query, place, left)
            yield page
            if page.cursor is None:
                return
            place = int(page.cursor)
            left = None if left is None else left - len(page.posts)

    def _page(self, query: FeedQuery, place: int, left: int | None) -> Page:
        self.read.append(place)
        if self.errors and (error := self.errors.pop(0)):
            raise error
        end = place + min(self._page_size, self._page_size if left is None else left)
        posts = self.posts[place:end]
        new = [
            post
            for post in posts
            if not (query.since and post.created_at and post.created_at < query.since)
        ]
        deleted, self.deleted = self.deleted, []
        more = end < len(self.posts) and len(new) == len(posts)
        return Page(new, deleted, str(end) if more else None)
