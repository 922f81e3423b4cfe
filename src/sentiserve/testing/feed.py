"""What every source that gives posts in sequence must do."""

# ruff: noqa: S101  # a contract is made of assertions

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import pytest

from sentiserve.errors import BadInputError
from sentiserve.protocols import Feed, Source
from sentiserve.types import FeedKind, FeedQuery, Page, Post


class FeedSource(Source, Feed, Protocol):
    """A source that gives posts in sequence, too."""


def _with_feed(
    test: Callable[[Any, FeedSource], Coroutine[Any, Any, None]],
) -> Callable[["FeedContract", Path], None]:
    def run(self: "FeedContract", tmp_path: Path) -> None:
        async def scenario() -> None:
            feed = self.make_feed(tmp_path)
            await feed.open()
            try:
                await test(self, feed)
            finally:
                await feed.close()

        asyncio.run(scenario())

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


class FeedContract:
    """Proves a feed; say how to make one in ``make_feed``, and what it then gives.

    Attributes:
        query: what is asked, without limit and since; no stream, for that has no end.
        posts: what it gives, in that order: more than a page, at several times.
    """

    query: FeedQuery
    posts: Sequence[Post]

    def make_feed(self, tmp_path: Path) -> FeedSource:
        """A source of yours, not yet opened, that gives what ``posts`` says.

        It is called inside a running event loop, with another ``tmp_path`` for each test.
        """
        raise NotImplementedError

    @_with_feed
    async def test_every_post_comes_once(self, feed: FeedSource) -> None:
        """All pages together are all posts, in order; the last page has no cursor."""
        pages = await _pages(feed, self.query)
        assert _posts(pages) == list(self.posts)
        assert len(pages) > 1
        assert all(page.cursor for page in pages[:-1])
        assert pages[-1].cursor is None

    @_with_feed
    async def test_a_cursor_goes_on_after_its_page(self, feed: FeedSource) -> None:
        """From each page's cursor the rest comes, and nothing twice."""
        pages = await _pages(feed, self.query)
        for number, page in enumerate(pages[:-1], start=1):
            rest = await _pages(feed, self.query, page.cursor)
            assert _posts(rest) == _posts(pages[number:])

    @_with_feed
    async def test_no_more_comes_than_is_needed(self, feed: FeedSource) -> None:
        """A limit gives the first posts; where more would follow, there is a cursor to them."""
        for limit in (1, len(self.posts) - 1, len(self.posts), len(self.posts) + 1):
            pages = await _pages(feed, replace(self.query, limit=limit))
            assert _posts(pages) == list(self.posts[:limit])
            if limit < len(self.posts):
                rest = await _pages(feed, self.query, pages[-1].cursor)
                assert _posts(pages) + _posts(rest) == list(self.posts)

    @_with_feed
    async def test_older_posts_are_left_out(self, feed: FeedSource) -> None:
        """With a time, what was written before it doesn't come, and the feed ends there."""
        since = sorted(post.created_at for post in self.posts if post.created_at)[-2]
        pages = await _pages(feed, replace(self.query, since=since))
        expected = [post for post in self.posts if post.created_at and post.created_at >= since]
        assert _posts(pages) == expected
        assert 0 < len(expected) < len(self.posts)
        assert pages[-1].cursor is None

    @_with_feed
    async def test_it_says_what_it_gives(self, feed: FeedSource) -> None:
        """What it doesn't claim to give is refused with a clear error."""
        assert self.query.kind in feed.feeds
        for kind in set(FeedKind) - set(feed.feeds):
            with pytest.raises(BadInputError, match=r"\w"):
                await _pages(feed, FeedQuery(kind, ("name",)))

    @_with_feed
    async def test_what_is_no_cursor_is_refused(self, feed: FeedSource) -> None:
        """A cursor of something else is a clear error."""
        with pytest.raises(BadInputError, match="cursor"):
            await _pages(feed, self.query, "\x00 no cursor")


async def _pages(feed: Feed, query: FeedQuery, cursor: str | None = None) -> list[Page]:
    return [page async for page in feed.pages(query, cursor)]


def _posts(pages: Sequence[Page]) -> list[Post]:
    return [post for page in pages for post in page.posts]
