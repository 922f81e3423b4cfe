"""X as the tests see it: made-up people, their posts, and the source that reads them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from sentiserve.settings import Settings
from sentiserve.sources.x.api import Token
from sentiserve.sources.x.source import Options, X
from sentiserve.testing.x_answers import XPost, id_at, time_of
from sentiserve.testing.x_server import XServer
from sentiserve.types import FeedKind, FeedQuery, Page, Post, PostRef

ELLA, TOM = "17", "9007199254740993"
USERS = {ELLA: "ella", TOM: "Tom_Tester"}
NOW = datetime.now(UTC).replace(microsecond=0)
APP, USER = "app-token", "user-token"


def at(hours: float) -> str:
    """The id of a post so many hours old."""
    return id_at(NOW - timedelta(hours=hours))


# The newest last.
POSTS = [XPost(at(20 - n), ELLA, f"Post {n} about #Tea & <cake>") for n in range(11)]


def as_post(post: XPost, text: str | None = None) -> Post:
    """What the source makes of it."""
    handle = USERS[post.author_id]
    return Post(
        PostRef("x", post.id),
        post.text if text is None else text,
        f"https://x.com/{handle}/status/{post.id}",
        post.author_id,
        handle,
        time_of(post.id),
    )


def make(server: XServer, state: Path, *, app: bool = True, user: bool = True, **options: Any) -> X:
    """The source for the server, not yet opened."""
    given = {
        "url": server.url,
        "daily_reads": 100_000,
        "timeout": 30.0,
        "pause": 0.02,
        "silence": 10.0,
        **options,
    }
    return X(
        Options(state=state, **given),
        Token(SecretStr(APP), "SENTISERVE_X_BEARER_TOKEN") if app else None,
        Token(SecretStr(USER), "SENTISERVE_X_USER_TOKEN") if user else None,
    )


@asynccontextmanager
async def opened(server: XServer, state: Path, **options: Any) -> AsyncIterator[X]:
    """The source for the server."""
    source = make(server, state, **options)
    await source.open()
    try:
        yield source
    finally:
        await source.close()


def settings(**given: Any) -> Settings:
    """Settings that no variable or file has a part in."""
    return Settings(_env_file=None, **given)


def user(name: str = "ella", **more: Any) -> FeedQuery:
    """A query for a user's posts."""
    return FeedQuery(FeedKind.USER, (name,), **more)


async def all_pages(source: X, query: FeedQuery, cursor: str | None = None) -> list[Page]:
    return [page async for page in source.pages(query, cursor)]


def posts_of(pages: list[Page]) -> list[Post]:
    return [post for page in pages for post in page.posts]


def refs(posts: list[XPost]) -> list[PostRef]:
    return [PostRef("x", post.id) for post in posts]
