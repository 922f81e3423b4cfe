"""Bluesky's lists of posts: an account's, and those found by hashtag."""

import re
from collections.abc import AsyncGenerator, Iterator, Sequence
from http import HTTPStatus

import msgspec
import structlog

from sentiserve.errors import (
    BadInputError,
    NotFoundError,
    PostDeletedError,
    PostProtectedError,
    SentiserveError,
    SourceError,
    SourceRefusedError,
)
from sentiserve.sources.bluesky.posts import DID, HANDLE, checked_tag, read_view, shaped
from sentiserve.sources.web import Reply, Web
from sentiserve.types import FeedKind, FeedQuery, Page, Post

_log = structlog.get_logger(__name__)
_MOST = 100  # items of one page
_CURSOR = re.compile(r"[!-~]{1,512}")
_GONE = {"AccountDeactivated", "AccountTakedown", "AccountSuspended"}
_BLOCKED = {"BlockedActor", "BlockedByActor"}


class Item(msgspec.Struct):
    """An entry of an account's list; with a reason it is a repost, or pinned on top."""

    post: object
    reason: object = None


class Items(msgspec.Struct):
    """A page of an account's list."""

    feed: list[Item]
    cursor: str | None = None


class Found(msgspec.Struct):
    """A page of what a search found."""

    posts: list[object]
    cursor: str | None = None


class Refusal(msgspec.Struct):
    """Why Bluesky gives no answer."""

    error: str = ""
    message: str = ""


class _NotSignedInError(SourceRefusedError):
    """Bluesky searches no further for somebody without an account."""


class Listing:
    """One list, newest posts first."""

    def __init__(self, web: Web, query: FeedQuery) -> None:
        """Take what is asked of whom.

        Raises:
            BadInputError: the query doesn't name one account or one hashtag.
        """
        if len(query.names) != 1:
            raise BadInputError("name one account, or one hashtag")
        self._web = web
        self._query = query
        self._is_search = query.kind is FeedKind.TAG
        self._params = _search(query.names[0]) if self._is_search else _account(query.names[0])

    async def pages(self, cursor: str | None) -> AsyncGenerator[Page]:
        """The pages after a page's cursor, or from the start.

        A search ends where Bluesky doesn't let it go on: its cursor would be refused for ever.

        Raises:
            BadInputError: the cursor is none of this list.
            NotFoundError: there is no such account.
            PostProtectedError: the account shows its posts to some people only.
            SourceError: a page can't be had.
        """
        if cursor is not None and not _CURSOR.fullmatch(cursor):
            raise _no_cursor()
        remaining = self._query.limit
        while remaining is None or remaining > 0:
            size = _MOST if remaining is None else min(_MOST, remaining)
            try:
                page = await self._page(size, cursor)
            except _NotSignedInError as error:
                if cursor is None:
                    raise
                _log.warning("the search ends here, and may lack older posts", reason=str(error))
                return
            if page.cursor is not None and page.cursor == cursor:
                raise SourceError("Bluesky answered with the same page again")
            yield page
            cursor = page.cursor
            if cursor is None:
                return
            remaining = None if remaining is None else remaining - len(page.posts)

    async def _page(self, size: int, cursor: str | None) -> Page:
        params = {**self._params, "limit": str(size)}
        if cursor is not None:
            params["cursor"] = cursor
        path = "/app.bsky.feed." + ("searchPosts" if self._is_search else "getAuthorFeed")
        reply = await self._web.get(path, params)
        if reply.status != HTTPStatus.OK:
            raise _refusal(reply, is_search=self._is_search)
        return self._read(reply.json(), size)

    def _read(self, answer: object, size: int) -> Page:
        following: str | None
        if self._is_search:
            found = shaped(answer, Found)
            posts, following = list(_readable(found.posts)), found.cursor
        else:
            posts, following = read_items(answer)
        if following is not None and not _CURSOR.fullmatch(following):
            raise SourceError("Bluesky answered with a cursor that can't be used")
        return self._since(Page(posts[:size], cursor=following))

    def _since(self, page: Page) -> Page:
        """Without what is too old; where that begins, the list ends."""
        since = self._query.since
        if since is None:
            return page
        posts = [post for post in page.posts if not post.created_at or post.created_at >= since]
        is_end = bool(page.posts) and page.posts[-1] not in posts
        return Page(posts, cursor=None if is_end else page.cursor)


def read_items(answer: object) -> tuple[list[Post], str | None]:
    """The posts that an account wrote itself, and the next page's cursor.

    Raises:
        PostProtectedError: the account shows its posts to some people only.
        SourceError: it is no such list.
    """
    items = shaped(answer, Items)
    own = [item.post for item in items.feed if item.reason is None]
    return list(_readable(own, may_be_protected=False)), items.cursor


def _readable(views: Sequence[object], *, may_be_protected: bool = True) -> Iterator[Post]:
    for view in views:
        try:
            yield read_view(view)
        except PostProtectedError:
            if not may_be_protected:
                raise
        except SourceError as error:
            _log.warning("post left out", reason=str(error))
        except (BadInputError, PostDeletedError):
            continue


def _account(name: str) -> dict[str, str]:
    actor = name.removeprefix("@")
    if not re.fullmatch(DID, actor):
        actor = actor.lower()
        if not re.fullmatch(HANDLE, actor):
            raise BadInputError(
                "name an account of Bluesky in full, as ada.bsky.social; "
                "one of another platform needs --source"
            )
    return {"actor": actor, "filter": "posts_with_replies", "includePins": "false"}


def _search(name: str) -> dict[str, str]:
    tag = checked_tag(name)
    return {"q": f"#{tag}", "tag": tag, "sort": "latest"}


def _refusal(reply: Reply, *, is_search: bool) -> SentiserveError:
    if is_search and reply.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return _NotSignedInError(
            "Bluesky doesn't let this search go on without signing in; follow the hashtag live "
            "with 'sentiserve ingest stream', or ask another source: --source mastodon, say"
        )
    try:
        said = shaped(reply.json(), Refusal)
    except SourceError:
        said = Refusal()
    if said.error in _BLOCKED:
        return PostProtectedError("Bluesky doesn't show the account's posts: it blocks others")
    if said.error in _GONE or "not found" in said.message.lower():
        return NotFoundError("Bluesky has no such account, or not at present")
    if "cursor" in said.message.lower():
        return _no_cursor()
    return SourceError(f"Bluesky answered with status {reply.status}")


def _no_cursor() -> BadInputError:
    return BadInputError("the cursor is none of this list; leave it out to begin anew")
