"""Posts of X in sequence, newest first: a user's, a home timeline's, and those with a hashtag.

A cursor is the id of the last post that was given. X's own tokens stand for whole pages, and a page
may hold more posts than are needed.
"""

import re
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from sentiserve.errors import (
    BadInputError,
    NotFoundError,
    PostProtectedError,
    SentiserveError,
    SourceError,
)
from sentiserve.sources.x.api import Api
from sentiserve.sources.x.posts import (
    Dialect,
    Version,
    data_of,
    ids_of,
    next_token,
    problems,
    read_page,
    read_user,
)
from sentiserve.types import FeedKind, FeedQuery, Page, Post

_log = structlog.get_logger(__name__)
_HANDLE = re.compile(r"@?([A-Za-z0-9_]{1,15})")
_CURSOR = re.compile(r"before-([1-9][0-9]{0,18})")
_MAX_PAGE = 100  # posts, by X's rules; so are the least ones below
_USER_READS = 2  # that a user costs: $0.010, where a post is $0.005
_MAX_USERS = 1_000  # whose ids are remembered
_SEARCHED = timedelta(days=7) - timedelta(minutes=1)  # how far back recent search goes
_BEGINNING = datetime(2010, 11, 6, 1, tzinfo=UTC)  # X takes no earlier start
_LATEST = timedelta(minutes=1)  # before now; X takes no later start


@dataclass(frozen=True, slots=True)
class _Walk:
    """Where the pages of a query are."""

    api: Api
    endpoint: str
    path: str
    params: Mapping[str, str]
    least: int  # posts on a page, by X's rules
    whose: str  # for messages


@dataclass(frozen=True, slots=True)
class _Read:
    """What a page turned out to hold."""

    posts: list[Post]
    token: str | None


class Timelines:
    """Walks through timelines and searches, page by page."""

    def __init__(self, reader: Api, user: Api | None, dialect: Dialect) -> None:
        """Take who reads, who has a home timeline, and the names to ask by."""
        self._reader = reader
        self._user = user
        self._dialect = dialect
        self._ids: dict[str, str] = {}

    async def pages(self, query: FeedQuery, cursor: str | None) -> AsyncGenerator[Page]:
        """The pages after a cursor; no more is read than the limit needs and X's rules ask."""
        before = _before(cursor)
        if query.limit is not None and query.limit <= 0:
            return
        walk = await self._walk(query)
        params = {**walk.params, **_since(query), **self._dialect.params, **before}
        left = query.limit
        while True:
            read = await self._page(walk, params, left)
            posts = [p for p in read.posts if _is_new_enough(p, query.since)]
            is_last = read.token is None or len(posts) < len(read.posts)
            given = posts[:left]
            if given:
                is_last = is_last and len(given) == len(posts)
                yield Page(given, cursor=None if is_last else f"before-{given[-1].ref.id}")
            left = None if left is None else left - len(given)
            if is_last or left == 0 or read.token is None:
                return
            params["pagination_token"] = read.token

    async def _walk(self, query: FeedQuery) -> _Walk:
        match query.kind:
            case FeedKind.USER:
                handle = _handle(query)
                path = f"/2/users/{await self._user_id(handle)}/tweets"
                return _Walk(self._reader, "user", path, {}, 5, f"@{handle}")
            case FeedKind.TAG:
                params = {"query": f"#{hashtag(_only(query, 'hashtag'))}"}
                path = "/2/tweets/search/recent"
                return _Walk(self._reader, "search", path, params, 10, params["query"])
        if self._user is None or query.names:
            raise BadInputError("the home timeline is that of SENTISERVE_X_USER_TOKEN; name nobody")
        me = await self._find_user(self._user, "me", "/2/users/me", "the token's user")
        path = f"/2/users/{me}/timelines/reverse_chronological"
        return _Walk(self._user, "home", path, {}, 1, "the home timeline")

    async def _user_id(self, handle: str) -> str:
        path = f"/2/users/by/username/{handle}"
        return await self._find_user(self._reader, "username", path, f"@{handle}")

    async def _find_user(self, api: Api, endpoint: str, path: str, whose: str) -> str:
        """A user's id; what was found is remembered."""
        key = path.casefold()
        if key not in self._ids:
            async with api.reserved(_USER_READS, _USER_READS) as reservation:
                answer = await api.read(
                    endpoint,
                    path,
                    {},
                    reservation,
                    lambda said: _USER_READS * bool(read_user(said)),
                )
            user_id = read_user(answer)
            if user_id is None:
                raise _about(answer, whose) or NotFoundError(f"X has no user {whose}")
            if len(self._ids) >= _MAX_USERS:
                del self._ids[next(iter(self._ids))]
            self._ids[key] = user_id
        return self._ids[key]

    async def _page(self, walk: _Walk, params: Mapping[str, str], left: int | None) -> _Read:
        wanted = min(_MAX_PAGE, max(walk.least, _MAX_PAGE if left is None else left))
        async with walk.api.reserved(wanted, walk.least) as reservation:
            answer = await walk.api.read(
                walk.endpoint,
                walk.path,
                {**params, "max_results": str(reservation.reads)},
                reservation,
                lambda said: len(ids_of(said)),
            )
        if "data" not in data_of(answer) and (error := _about(answer, walk.whose)):
            raise error
        return _Read(_usable(answer), next_token(answer))


def hashtag(name: str) -> str:
    """A hashtag without ``#``, if it is one.

    Raises:
        BadInputError: it isn't; it may not bring operators into a search.
    """
    name = name.removeprefix("#")
    if Post.of_text(f"#{name}").hashtags != (name.casefold(),):
        raise BadInputError("a hashtag is made of letters, digits and _, and is no mere number")
    return name


def _handle(query: FeedQuery) -> str:
    match = _HANDLE.fullmatch(_only(query, "user"))
    if match is None:
        raise BadInputError("a user's handle on X is made of up to 15 letters, digits and _")
    return match[1]


def _only(query: FeedQuery, what: str) -> str:
    if len(query.names) != 1:
        raise BadInputError(f"name one {what}")
    return query.names[0]


def _before(cursor: str | None) -> dict[str, str]:
    if cursor is None:
        return {}
    match = _CURSOR.fullmatch(cursor)
    if match is None:
        raise BadInputError("this is no cursor of X's feeds; leave it out to begin anew")
    return {"until_id": match[1]}


def _since(query: FeedQuery) -> dict[str, str]:
    """The parameter that spares reading older posts, as near as X's rules allow."""
    if query.since is None:
        return {}
    now = datetime.now(UTC)
    if query.kind is FeedKind.TAG and query.since < now - _SEARCHED:
        return {}  # nothing older is searched anyway, and X refuses such a start
    start = min(max(query.since.astimezone(UTC), _BEGINNING), now - _LATEST)
    return {"start_time": f"{start:%Y-%m-%dT%H:%M:%SZ}"}


def _is_new_enough(post: Post, since: datetime | None) -> bool:
    return since is None or post.created_at is None or post.created_at >= since


def _usable(answer: Any) -> list[Post]:
    posts = []
    for post_id, read in read_page(answer).items():
        if isinstance(read, Version):
            posts.append(read.post)
        elif isinstance(read, BadInputError):  # it has no text, say: the others have
            _log.warning("post left out", post=post_id, reason=str(read))
        else:
            raise read
    return posts


def _about(answer: Any, whose: str) -> SentiserveError | None:
    """What an answer without data says is wrong; None for one that is merely empty."""
    found = problems(answer)
    if not found:
        return None if "meta" in answer else SourceError("X answered with neither data nor errors")
    match found[0].kind:
        case "resource-not-found":
            return NotFoundError(f"X has no user {whose}")
        case "not-authorized-for-resource":
            return PostProtectedError(f"the posts of {whose} are shown to followers only")
    return SourceError(f"X gives no posts of {whose}: {found[0]}")
