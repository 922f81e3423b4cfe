"""One host of Mastodon, and what it is asked.

https://docs.joinmastodon.org/methods/statuses/
"""

from collections.abc import Collection, Sequence
from http import HTTPStatus

import httpx2
import msgspec
import structlog

from sentiserve.errors import (
    NotFoundError,
    PostDeletedError,
    SentiserveError,
    SourceError,
    SourceRefusedError,
)
from sentiserve.sources.lookups import Lookups
from sentiserve.sources.mastodon.statuses import (
    Account,
    Identified,
    Status,
    decoded,
    may_have_been,
    read_post,
)
from sentiserve.sources.web import Reply, Web
from sentiserve.types import FeedKind, FeedQuery, Page, Post, PostRef

_log = structlog.get_logger(__name__)
_AT_ONCE = 8  # requests under way; a host allows 300 in five minutes
_MAX_BYTES = 1 << 20
_PAGE = 40  # statuses; Mastodon gives no more
_MEMBERS_ONLY = {
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.UNPROCESSABLE_ENTITY,
}


class Host:
    """One host, with connections of its own; ``web`` is to be opened and closed."""

    def __init__(
        self,
        name: str,
        within: float,
        transport: httpx2.AsyncBaseTransport,
        hosts: Collection[str],
    ) -> None:
        """Take how it is reached.

        Args:
            name: the host's.
            within: seconds for an answer, and for all posts of a call.
            transport: how it is reached.
            hosts: all that may be asked; only their posts go by the names that these give them.
        """
        self.name = name
        self._hosts = frozenset(hosts)
        self.web = Web(
            name, f"https://{name}", timeout=within, max_bytes=_MAX_BYTES, transport=transport
        )
        self.posts = Lookups(name, self._post, at_once=_AT_ONCE, seconds=within)

    async def account(self, name: str) -> str:
        """The id of a user.

        Raises:
            NotFoundError: there is none of that name.
            SourceError: the host doesn't say.
        """
        reply = await self.web.get("/api/v1/accounts/lookup", {"acct": name})
        if reply.status in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
            raise NotFoundError(f"{self.name} has no user {name}")
        return decoded(self._allowed(reply).body, Account, self.name).id

    async def page(
        self, path: str, cursor: str | None, query: FeedQuery, remaining: int | None
    ) -> Page:
        """The posts of a timeline after a cursor, no more than remain to be had.

        A page may be short; only an empty one is the end.

        Raises:
            SourceError: the host doesn't give it.
        """
        size = _PAGE if remaining is None else min(_PAGE, remaining)
        params = {"limit": str(size)} | ({"max_id": cursor} if cursor else {})
        reply = await self.web.get(path, params)
        if query.kind is FeedKind.TAG and reply.status == HTTPStatus.NOT_FOUND:
            return Page(())  # nobody has used it yet
        body = self._allowed(reply).body
        statuses = decoded(body, list[msgspec.Raw], self.name)[:size]
        if not statuses:
            return Page(())
        named = decoded(body, list[Identified], self.name)[:size]
        last = min(int(status.id) for status in named)
        if cursor is not None and last >= int(cursor):
            raise SourceError(f"{self.name} gives the same page again and again")
        posts = self._readable(statuses)
        if query.since is None:
            return Page(posts, cursor=str(last))
        recent = [post for post in posts if post.created_at and post.created_at >= query.since]
        return Page(recent, cursor=str(last) if len(recent) == len(posts) else None)

    async def _post(self, ref: PostRef) -> Post:
        number = ref.id.partition("@")[0]
        reply = await self.web.get(f"/api/v1/statuses/{number}")
        if reply.status in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
            if may_have_been(number):
                raise PostDeletedError(f"the post {number} on {self.name} is deleted or hidden")
            raise NotFoundError(f"{self.name} has no post {number}")
        status = decoded(self._allowed(reply).body, Status, self.name)
        return read_post(status, self.name, ref)

    def _allowed(self, reply: Reply) -> Reply:
        if reply.status in _MEMBERS_ONLY:
            raise SourceRefusedError(
                f"{self.name} shows this to its members only; name another host"
            )
        if reply.status != HTTPStatus.OK:  # redirects too: nobody leads us elsewhere
            raise SourceError(f"{self.name} answered with status {reply.status}")
        return reply

    def _readable(self, raw: Sequence[msgspec.Raw]) -> list[Post]:
        """Those for everybody that have a text; what the others lack is of no use to a feed."""
        posts = []
        for status in raw:
            try:
                read = decoded(status, Status, self.name)
                posts.append(read_post(read, self.name, hosts=self._hosts))
            except SentiserveError as error:
                _log.info("status left out", host=self.name, reason=str(error))
        return posts
