"""What every source must do."""

# ruff: noqa: S101  # a contract is made of assertions

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from sentiserve.errors import NotFoundError, PostDeletedError, SentiserveError
from sentiserve.protocols import Source
from sentiserve.types import Post, PostRef

_NO_URLS = (
    "",
    " ",
    "\n",
    "#",
    "//",
    "https://",
    "https://[",
    "https://[::1]/a/status/1",
    "https://user:password@/",
    "https://example.org:port/",
    "javascript:alert(1)",
    "file:///etc/passwd",
    "at://",
    "%",
    "%zz%00",
    "\x00\x01",
    "🎉",
    "١٢٣",
    "\udfff",
    "9" * 5_000,
    "https://example.org/" + "a/" * 5_000,
)


def _with_source(
    test: Callable[[Any, Source], Coroutine[Any, Any, None]],
) -> Callable[["SourceContract", Path], None]:
    def run(self: "SourceContract", tmp_path: Path) -> None:
        async def scenario() -> None:
            source = self.make_source(tmp_path)
            await source.open()
            try:
                await test(self, source)
            finally:
                await source.close()

        asyncio.run(scenario())

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


class SourceContract:
    """Proves a source; say how to make one in ``make_source``, and what it then holds.

    Attributes:
        known: at least two URLs, each with the post that the source must give for it.
        missing_url: the URL of a post that the source doesn't have, though it could.
        unknown_url: a URL of a form that the source doesn't know.
    """

    known: Sequence[tuple[str, Post]]
    missing_url: str
    unknown_url: str = "https://example.org/about"

    def make_source(self, tmp_path: Path) -> Source:
        """A source of yours, not yet opened, that holds what ``known`` says.

        It is called inside a running event loop, with another ``tmp_path`` for each test.
        """
        raise NotImplementedError

    def test_a_url_means_a_post(self, tmp_path: Path) -> None:
        """A known URL is parsed without the source being open, each time alike."""

        async def scenario() -> None:
            source = self.make_source(tmp_path)
            for url, post in self.known:
                assert source.parse(url) == post.ref
                assert source.parse(url) == post.ref
            assert isinstance(source.parse(self.missing_url), PostRef)

        asyncio.run(scenario())

    def test_any_other_string_means_none(self, tmp_path: Path) -> None:
        """What the source doesn't know is None, and never an exception."""

        async def scenario() -> None:
            source = self.make_source(tmp_path)
            for url in (self.unknown_url, *_NO_URLS):
                assert source.parse(url) is None

        asyncio.run(scenario())

    @_with_source
    async def test_posts_come_as_they_are(self, source: Source) -> None:
        """Each post is found by its URL, with its fields as they should be."""
        for url, expected in self.known:
            ref = source.parse(url)
            assert ref is not None
            (post,) = await source.fetch([ref])
            assert post == expected
            assert post.text
            assert post.created_at is None or post.created_at.utcoffset() == timedelta(0)

    @_with_source
    async def test_posts_come_in_the_order_asked(self, source: Source) -> None:
        """The answers stand in the order of the questions, in whatever order that is."""
        posts = [post for _, post in self.known]
        assert len(posts) >= 2
        for asked in (posts, posts[::-1], [*posts, posts[0]]):
            assert list(await source.fetch([post.ref for post in asked])) == asked

    @_with_source
    async def test_a_missing_post_costs_only_itself(self, source: Source) -> None:
        """An error stands in the place of a post that can't be had; the others are there."""
        missing = source.parse(self.missing_url)
        assert missing is not None
        (_, first), *_, (_, last) = self.known
        before, error, after = await source.fetch([first.ref, missing, last.ref])
        assert (before, after) == (first, last)
        assert isinstance(error, NotFoundError | PostDeletedError)
        assert str(error)

    @_with_source
    async def test_a_foreign_post_costs_only_itself(self, source: Source) -> None:
        """A post of a platform that the source doesn't know is an error in its place."""
        (_, first), *_ = self.known
        error, post = await source.fetch([PostRef("no-such-platform", "1"), first.ref])
        assert isinstance(error, SentiserveError)
        assert post == first

    @_with_source
    async def test_nothing_asked_nothing_answered(self, source: Source) -> None:
        """An empty fetch gives nothing."""
        assert list(await source.fetch([])) == []

    @_with_source
    async def test_fetches_at_the_same_time(self, source: Source) -> None:
        """Fetches that overlap each get their own posts."""
        posts = [post for _, post in self.known] * 3
        answers = await asyncio.gather(*(source.fetch([post.ref]) for post in posts))
        assert [list(answer) for answer in answers] == [[post] for post in posts]

    def test_closing_is_harmless(self, tmp_path: Path) -> None:
        """A source may be closed twice, and closed without having been opened."""

        async def scenario() -> None:
            source = self.make_source(tmp_path)
            await source.close()
            await source.open()
            await source.close()
            await source.close()

        asyncio.run(scenario())
