"""A Bluesky on loopback: its public API and its stream, for a source to be tried on."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from sentiserve.testing.bluesky_stream import DIGITS, POSTS, Stream, tid
from sentiserve.testing.server import Server


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who posts, with the labels they have."""

    handle: str
    labels: tuple[str, ...] = ()

    @property
    def did(self) -> str:
        """The id, which follows from the handle here."""
        digits = "".join(DIGITS[byte % 32] for byte in sha256(self.handle.encode()).digest())
        return f"did:plc:{digits[:24]}"


@dataclass(frozen=True, slots=True)
class Written:
    """A post, or a repost of one, in an account's list.

    Attributes:
        record: what the author wrote.
        by: who reposted it; None for a post.
    """

    author: Account
    rkey: str
    record: Mapping[str, Any]
    seen_at: datetime
    by: Account | None = None

    @property
    def uri(self) -> str:
        """Its address."""
        return f"at://{self.author.did}/{POSTS}/{self.rkey}"

    @property
    def view(self) -> dict[str, Any]:
        """How the public API shows it."""
        labels = [{"src": self.author.did, "val": label} for label in self.author.labels]
        author = {"did": self.author.did, "handle": self.author.handle, "labels": labels}
        return {
            "uri": self.uri,
            "cid": f"bafy{self.rkey}",
            "author": author,
            "record": dict(self.record),
            "replyCount": 0,
            "indexedAt": self.seen_at.isoformat().replace("+00:00", "Z"),
            "labels": [],
        }


class BlueskyServer(Server):
    """Speaks as Bluesky's public API does at ``/xrpc/…``, and as a Jetstream at ``/subscribe``.

        with BlueskyServer() as server:
            ada = server.add_account("ada.example.org")
            post = server.add_post(ada, "What a day! #sunny")
            server.delete(post)

    What is added or deleted is told on the stream at once. ``faults`` are asked for both.

    Attributes:
        page_size: most items of a page, whatever is asked.
        search: which pages of a search are given without signing in; Bluesky changes its mind.
        stream: what is told, and how it can go wrong.
        requests_left: what is answered before there is a 429 until ``resets_at``; None: any.
        resets_at: when requests are answered again.
    """

    def __init__(
        self, *, page_size: int = 100, search: Literal["none", "first", "all"] = "none"
    ) -> None:
        """Begin without accounts and posts."""
        self.page_size = page_size
        self.search = search
        self.requests_left: int | None = None
        self.resets_at = 0.0
        self._accounts: dict[str, Account] = {}
        self._written: list[Written] = []
        self.stream = Stream()
        methods: dict[str, Callable[[Request], Response]] = {
            "com.atproto.identity.resolveHandle": self._resolve_handle,
            "app.bsky.feed.getPosts": self._get_posts,
            "app.bsky.feed.getAuthorFeed": self._get_author_feed,
            "app.bsky.feed.searchPosts": self._search_posts,
        }
        routes = [Route(f"/xrpc/{name}", self._counted(call)) for name, call in methods.items()]
        super().__init__([*routes, WebSocketRoute("/subscribe", self._subscribe)])

    def add_account(self, handle: str, *labels: str) -> Account:
        """Somebody who may post, with labels."""
        account = Account(handle, labels)
        self._accounts[handle] = self._accounts[account.did] = account
        return account

    def add_post(
        self,
        author: Account,
        text: str,
        *,
        created_at: datetime | None = None,
        rkey: str | None = None,
        **record: Any,
    ) -> Written:
        """A post, told on the stream too; ``record`` adds to what the author wrote."""
        now = datetime.now(UTC)
        seen_at = min(created_at or now, now)
        said = {
            "$type": POSTS,
            "text": text,
            "createdAt": (created_at or now).isoformat().replace("+00:00", "Z"),
            **record,
        }
        written = Written(author, rkey or tid(seen_at), said, seen_at)
        self._written.append(written)
        self.stream.tell(author.did, "create", written.rkey, said)
        return written

    def add_repost(self, by: Account, post: Written) -> None:
        """A repost, in that account's list only."""
        now = datetime.now(UTC)
        self._written.append(Written(post.author, post.rkey, post.record, now, by))

    def delete(self, post: Written) -> None:
        """Take a post back, with its reposts."""
        self._written = [written for written in self._written if written.uri != post.uri]
        self.stream.tell(post.author.did, "delete", post.rkey)

    def _counted(self, call: Callable[[Request], Response]) -> Callable[[Request], Response]:
        def answer(request: Request) -> Response:
            if self.requests_left is not None:
                if self.requests_left <= 0 and time.time() < self.resets_at:
                    return _limited(self.resets_at)
                self.requests_left -= 1
            return call(request)

        return answer

    def _resolve_handle(self, request: Request) -> Response:
        account = self._accounts.get(request.query_params.get("handle", ""))
        if account is None:
            return _refused("Unable to resolve handle")
        return JSONResponse({"did": account.did})

    def _get_posts(self, request: Request) -> Response:
        uris = request.query_params.getlist("uris")
        if not 1 <= len(uris) <= 25:
            return _refused("Error: uris must have between 1 and 25 elements")
        posts = {written.uri: written.view for written in self._written if written.by is None}
        return JSONResponse({"posts": [posts[uri] for uri in uris if uri in posts]})

    def _get_author_feed(self, request: Request) -> Response:
        account = self._accounts.get(request.query_params.get("actor", ""))
        if account is None:
            return _refused("Profile not found")
        return self._page(request, "feed", self._list_of(account))

    def _list_of(self, account: Account) -> list[tuple[datetime, dict[str, Any]]]:
        entries = []
        for written in self._written:
            if written.by == account:
                reason = {"$type": "app.bsky.feed.defs#reasonRepost", "by": {"did": account.did}}
                entries.append((written.seen_at, {"post": written.view, "reason": reason}))
            elif written.by is None and written.author == account:
                entries.append((written.seen_at, {"post": written.view}))
        return entries

    def _search_posts(self, request: Request) -> Response:
        is_first = "cursor" not in request.query_params
        if self.search == "none" or (self.search == "first" and not is_first):
            return HTMLResponse("<html><body><h1>403 Forbidden</h1></body></html>", 403)
        tag = f"#{request.query_params.get('tag', '')}".casefold()
        found = [
            (written.seen_at, written.view)
            for written in self._written
            if written.by is None and tag in written.record["text"].casefold().split()
        ]
        return self._page(request, "posts", found)

    async def _subscribe(self, socket: WebSocket) -> None:
        await self.stream.serve(socket, self.faults("/subscribe"))

    def _page(
        self, request: Request, name: str, entries: list[tuple[datetime, dict[str, Any]]]
    ) -> Response:
        try:
            limit = int(request.query_params.get("limit", "50"))
            before = datetime.fromisoformat(request.query_params.get("cursor", "9999-12-31T00:00Z"))
        except ValueError:
            return _refused("Malformed cursor")
        if not 1 <= limit <= 100:
            return _refused("Error: limit must be between 1 and 100")
        later = sorted((entry for entry in entries if entry[0] < before), key=_when, reverse=True)
        page = later[: min(limit, self.page_size)]
        answer: dict[str, Any] = {name: [entry for _, entry in page]}
        if page:
            answer["cursor"] = page[-1][0].isoformat().replace("+00:00", "Z")
        return JSONResponse(answer)


def _when(entry: tuple[datetime, dict[str, Any]]) -> datetime:
    return entry[0]


def _refused(message: str) -> Response:
    return JSONResponse({"error": "InvalidRequest", "message": message}, 400)


def _limited(resets_at: float) -> Response:
    headers = {"ratelimit-limit": "3000", "ratelimit-reset": str(int(resets_at) + 1)}
    return JSONResponse({"error": "RateLimitExceeded"}, 429, headers)
