"""Timelines and searches of X: what they read, and where they go on."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from x_api import (
    ELLA,
    NOW,
    POSTS,
    TOM,
    USERS,
    all_pages,
    as_post,
    at,
    opened,
    posts_of,
    user,
)

from sentiserve.errors import (
    BadInputError,
    BudgetExhaustedError,
    NotFoundError,
    PostProtectedError,
    SentiserveError,
)
from sentiserve.testing.x_answers import XPost, invalid
from sentiserve.testing.x_server import XServer
from sentiserve.types import FeedKind, FeedQuery

NEWEST_FIRST = [as_post(post) for post in reversed(POSTS)]
TAG = FeedQuery(FeedKind.TAG, ("tea",))
HOME = FeedQuery(FeedKind.HOME)


@pytest.fixture
def server() -> Iterator[XServer]:
    with XServer(POSTS, USERS) as started:
        yield started


@pytest.mark.parametrize(
    ("query", "limit", "read"),
    [(HOME, 1, 1), (HOME, 7, 7), (user(), 1, 5), (user(), 6, 6), (TAG, 1, 10), (TAG, 11, 11)],
)
async def test_no_more_is_read_than_the_limit_needs(
    server: XServer, tmp_path: Path, query: FeedQuery, limit: int, read: int
) -> None:
    """But for the least that X gives on a page."""
    async with opened(server, tmp_path) as source:
        pages = await all_pages(source, replace(query, limit=limit))
    assert posts_of(pages) == NEWEST_FIRST[:limit]
    assert server.reads.total() == read


async def test_the_last_page_is_as_small_as_what_is_missing(tmp_path: Path) -> None:
    posts = [XPost(at(1 + n / 100), ELLA, f"Post {n}") for n in range(130)]
    with XServer(posts, USERS) as server:
        async with opened(server, tmp_path) as source:
            pages = await all_pages(source, user(limit=107))
        assert [len(page.posts) for page in pages] == [100, 7]
        assert server.reads.total() == 107


@pytest.mark.parametrize("limit", [0, -1])
async def test_nothing_wanted_is_nothing_read(server: XServer, tmp_path: Path, limit: int) -> None:
    async with opened(server, tmp_path) as source:
        assert await all_pages(source, user(limit=limit)) == []
    assert server.requests == []


async def test_a_page_is_as_large_as_what_may_be_read(server: XServer, tmp_path: Path) -> None:
    """A user is two reads; what is left is enough for a page of seven, and then for none."""
    async with opened(server, tmp_path, daily_reads=9) as source:
        walk = source.pages(user())
        page = await anext(walk)
        assert list(page.posts) == NEWEST_FIRST[:7]
        with pytest.raises(BudgetExhaustedError):
            await anext(walk)
    async with opened(server, tmp_path, daily_reads=1_000) as source:
        rest = await all_pages(source, user(), page.cursor)
    assert posts_of([page, *rest]) == NEWEST_FIRST


async def test_a_user_is_looked_up_once(server: XServer, tmp_path: Path) -> None:
    """In whatever case the handle is written."""
    async with opened(server, tmp_path) as source:
        for name in ("ella", "@Ella", "ELLA"):
            assert posts_of(await all_pages(source, user(name))) == NEWEST_FIRST
        await all_pages(source, HOME)
        await all_pages(source, HOME)
    assert server.users_read == 2


async def test_posts_that_come_meanwhile_move_nothing(server: XServer, tmp_path: Path) -> None:
    """A cursor stands for a post, and still does when that is deleted."""
    async with opened(server, tmp_path) as source:
        (page,) = await all_pages(source, user(limit=5))
        late = XPost(at(0.1), ELLA, "Just now")
        server.posts[late.id] = late
        del server.posts[page.posts[-1].ref.id]
        rest = await all_pages(source, user(), page.cursor)
    assert posts_of(rest) == NEWEST_FIRST[5:]


async def test_older_posts_are_not_even_read(server: XServer, tmp_path: Path) -> None:
    since = NEWEST_FIRST[2].created_at
    async with opened(server, tmp_path) as source:
        for query in (user(since=since), replace(TAG, since=since), replace(HOME, since=since)):
            server.reads.clear()
            assert posts_of(await all_pages(source, query)) == NEWEST_FIRST[:3]
            assert server.reads.total() == 3


@pytest.mark.parametrize("ago", [timedelta(days=8), timedelta(days=365 * 20)])
@pytest.mark.parametrize("query", [user(), TAG, HOME])
async def test_any_start_is_one_that_x_takes(
    server: XServer, tmp_path: Path, query: FeedQuery, ago: timedelta
) -> None:
    """Search goes back seven days and refuses more; timelines begin in 2010."""
    async with opened(server, tmp_path) as source:
        pages = await all_pages(source, replace(query, since=NOW - ago))
    assert posts_of(pages) == NEWEST_FIRST


@pytest.mark.parametrize("since", [timedelta(seconds=1), timedelta(hours=-1)])
async def test_a_start_of_just_now_gives_nothing(
    server: XServer, tmp_path: Path, since: timedelta
) -> None:
    server.posts[at(0.01)] = XPost(at(0.01), ELLA, "#tea, 36 seconds old")
    async with opened(server, tmp_path) as source:
        assert await all_pages(source, user(since=NOW - since)) == []


@pytest.mark.parametrize(
    "query",
    [
        user(""),
        user("two words"),
        user("../../2/users/me"),
        user("a" * 16),
        FeedQuery(FeedKind.USER),
        FeedQuery(FeedKind.USER, ("ella", "tom")),
        FeedQuery(FeedKind.TAG, ("",)),
        FeedQuery(FeedKind.TAG, ("#",)),
        FeedQuery(FeedKind.TAG, ("123",)),
        FeedQuery(FeedKind.TAG, ("tea OR from:tom",)),
        FeedQuery(FeedKind.TAG, ("tea)",)),
        FeedQuery(FeedKind.TAG, ("a" * 101,)),
        FeedQuery(FeedKind.HOME, ("ella",)),
    ],
)
async def test_names_that_cannot_be_are_refused_without_asking(
    server: XServer, tmp_path: Path, query: FeedQuery
) -> None:
    """No operator gets into a search, and no path into an address."""
    async with opened(server, tmp_path) as source:
        with pytest.raises(BadInputError):
            await all_pages(source, query)
    assert server.requests == []


@pytest.mark.parametrize(
    "cursor", ["", "before-", "before-0", "before-1&x=2", "after-1", "7140dib"]
)
async def test_a_cursor_of_something_else_is_refused_without_asking(
    server: XServer, tmp_path: Path, cursor: str
) -> None:
    async with opened(server, tmp_path) as source:
        with pytest.raises(BadInputError, match="cursor"):
            await all_pages(source, user(), cursor)
    assert server.requests == []


async def test_a_cursor_that_x_does_not_take_any_more_is_told(
    server: XServer, tmp_path: Path
) -> None:
    """Recent search goes back seven days, and so do its cursors."""
    server.refusal = (400, invalid("until_id", "must be newer"))
    async with opened(server, tmp_path) as source:
        with pytest.raises(BadInputError, match="cursor"):
            await all_pages(source, TAG, "before-1")


async def test_empty_pages_are_not_the_end(tmp_path: Path) -> None:
    """X takes out what it doesn't show after it has cut the pages."""
    hidden = [XPost(at(n / 10), ELLA, "#tea", problem="resource-not-found") for n in range(1, 8)]
    with XServer([*POSTS, *hidden], USERS, page_size=3) as server:
        async with opened(server, tmp_path) as source:
            pages = await all_pages(source, user(limit=len(POSTS)))
    assert posts_of(pages) == NEWEST_FIRST
    assert all(page.posts for page in pages)


@pytest.mark.parametrize(
    ("name", "error", "says"),
    [("nobody", NotFoundError, "no user @nobody"), ("Tom_Tester", PostProtectedError, "followers")],
)
async def test_a_user_without_posts_to_read_is_an_error(
    server: XServer, tmp_path: Path, name: str, error: type[SentiserveError], says: str
) -> None:
    server.protected.add(TOM)
    async with opened(server, tmp_path) as source:
        with pytest.raises(error, match=says):
            await all_pages(source, user(name))


async def test_a_user_without_posts_is_none(server: XServer, tmp_path: Path) -> None:
    async with opened(server, tmp_path) as source:
        assert await all_pages(source, user("tom_tester")) == []


async def test_a_post_without_a_text_is_left_out_and_told(server: XServer, tmp_path: Path) -> None:
    """The others come; the log says which is missing."""
    server.posts[POSTS[4].id] = replace(POSTS[4], text=" ")
    async with opened(server, tmp_path) as source:
        with capture_logs() as logs:
            pages = await all_pages(source, user())
    assert len(posts_of(pages)) == len(POSTS) - 1
    assert [(log["event"], log["post"]) for log in logs] == [("post left out", POSTS[4].id)]
