"""X's API, version 2, on loopback: it speaks, pages, limits and counts as X does."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from sentiserve.testing.server import Server
from sentiserve.testing.x_answers import (
    PROBLEMS,
    Answers,
    XPost,
    id_at,
    invalid,
    no_post,
    no_user,
    time_of,
)
from sentiserve.testing.x_requests import LIMITS, Refused, Windows, match, query_of, time_in
from sentiserve.testing.x_rules import Rules, add, delete, listed
from sentiserve.testing.x_stream import Stream

__all__ = ["LIMITS", "PROBLEMS", "XPost", "XServer", "id_at"]

_HEARTBEAT = 20.0  # seconds
_MAX_IDS = 100
_SEARCHED = timedelta(days=7)
_PAGED = {"max_results", "pagination_token", "until_id", "start_time"}
_Act = Callable[[Request], Response]


class XServer(Server):
    """X's API with the posts of a test, for ``SENTISERVE_X_URL``.

    Fields that X doesn't know are left out without a word, and so are those in ``silent``.

    Attributes:
        posts: by id; a test may add, change and remove some at any time.
        users: handles by id.
        protected: ids of the users whose posts X shows to nobody here.
        silent: fields that are left out though they are asked for and known.
        refusal: the status and problem that every request gets, where it is set; see ``PROBLEMS``.
        reads: how often X gave each post, which is what it bills; users are in ``users_read``.
        rule_changes: the bodies that changed rules.
    """

    def __init__(
        self,
        posts: Iterable[XPost],
        users: Mapping[str, str],
        *,
        token: str = "app-token",  # noqa: S107  # it opens nothing but this
        user_token: str = "user-token",  # noqa: S107
        page_size: int = 100,
        limits: Mapping[str, tuple[int, int]] = LIMITS,
        window: float = 15 * 60.0,
        heartbeat: float = _HEARTBEAT,
    ) -> None:
        """Hold these posts.

        Args:
            posts: what X has.
            users: handles by id; the first user is the one whose token ``user_token`` is, and
                whose home timeline has all posts.
            token: of an app.
            user_token: of a user.
            page_size: most posts on a page, where X gives fewer than asked for.
            limits: requests in a window for each endpoint, with either token.
            window: seconds after which they begin anew.
            heartbeat: seconds between two signs of life of a stream.
        """
        super().__init__(
            [
                self._route("/2/tweets", "lookup", self._lookup),
                self._route("/2/tweets/search/recent", "search", self._search),
                self._route("/2/tweets/search/stream", "stream", self._stream),
                self._route("/2/tweets/search/stream/rules", "rules", self._list_rules),
                Route(
                    "/2/tweets/search/stream/rules",
                    self._guarded("rules", self._change_rules),
                    methods=["POST"],
                ),
                self._route("/2/users/by/username/{handle}", "username", self._username),
                self._route("/2/users/me", "me", self._me),
                self._route("/2/users/{id}/tweets", "user", self._user),
                self._route("/2/users/{id}/timelines/reverse_chronological", "home", self._home),
            ]
        )
        self.posts = {post.id: post for post in posts}
        self.users = dict(users)
        self.protected: set[str] = set()
        self.rule_changes: list[dict[str, Any]] = []
        self.silent: set[str] = set()
        self.refusal: tuple[int, dict[str, Any]] | None = None
        self.reads: Counter[str] = Counter()
        self.users_read = 0
        self._tokens = {f"Bearer {token}": 0, f"Bearer {user_token}": 1}
        self._page_size = page_size
        self._windows = Windows(limits, window)
        self._answers = Answers(self.posts, self.users, self.silent)
        self._streaming = Stream(self._answers, self.reads, heartbeat)
        self._rule_ids = count(1_166_916_266_197_536_768)

    def publish(self, *posts: XPost) -> None:
        """Have the stream bring these, if a rule is for them; they wait for a connection."""
        self.posts |= {post.id: post for post in posts}
        self._streaming.publish(*posts)

    def hang_up(self) -> None:
        """End the stream's connection."""
        self._streaming.hang_up()

    def stall(self) -> None:
        """Have the stream's connection go silent; the next one speaks again."""
        self._streaming.stall()

    @property
    def rules(self) -> Rules:
        """Of the stream, by id."""
        return self._streaming.rules

    @rules.setter
    def rules(self, rules: Rules) -> None:
        self._streaming.rules = rules

    @property
    def streams(self) -> int:
        """How many connections to the stream there have been."""
        return self._streaming.connections

    @property
    def is_idle(self) -> bool:
        """Whether everything was streamed."""
        return self._streaming.is_idle

    def _route(self, path: str, endpoint: str, act: _Act) -> Route:
        return Route(path, self._guarded(endpoint, act))

    def _guarded(self, endpoint: str, act: _Act) -> Callable[[Request], Any]:
        """Ask for a token, count the request, and say how many are left, as for each endpoint."""

        async def answer(request: Request) -> Response:
            request.state.body = await request.body()
            who = self._tokens.get(request.headers.get("authorization", ""))
            headers: dict[str, str] = {}
            try:
                if who is None:
                    raise Refused(*PROBLEMS["unauthorized"])
                headers = self._windows.count(endpoint, who)
                if self.refusal:
                    raise Refused(*self.refusal)
                response = act(request)
            except Refused as refused:
                response = refused.response
            response.headers.update(headers)
            return response

        return answer

    def _lookup(self, request: Request) -> Response:
        query = query_of(request, {"ids"})
        ids = query.get("ids", "").split(",")
        if not 1 <= len(ids) <= _MAX_IDS or len(set(ids)) < len(ids):
            raise Refused(400, invalid("ids", f"1 to {_MAX_IDS} different ids"))
        for post_id in ids:
            match("ids", post_id, r"[0-9]{1,19}")
        found = [self.posts[i] for i in ids if i in self.posts and self._why_not(i) is None]
        errors = [no_post(i, why) for i in ids if (why := self._why_not(i))]
        return self._posts(found, query, {"errors": errors} if errors else {})

    def _why_not(self, post_id: str) -> str | None:
        post = self.posts.get(post_id)
        if post is None:
            return "resource-not-found"
        return "not-authorized-for-resource" if post.author_id in self.protected else post.problem

    def _search(self, request: Request) -> Response:
        query = query_of(request, {*_PAGED, "query", "next_token"})
        asked = re.fullmatch(r"#(\S+)", query.get("query", ""))
        if asked is None:
            raise Refused(400, invalid("query", "this server knows queries for one hashtag"))
        begin = datetime.now(UTC) - _SEARCHED
        if "start_time" in query and time_in(query["start_time"]) < begin:
            raise Refused(400, invalid("start_time", "must be on or after 7 days ago"))
        found = [
            post
            for post in self.posts.values()
            if post.has(asked[1]) and not post.retweeted and time_of(post.id) >= begin
        ]
        return self._paged(found, query, 10)

    def _user(self, request: Request) -> Response:
        query, user = query_of(request, _PAGED), request.path_params["id"]
        if user not in self.users:
            return JSONResponse({"errors": [no_user(user, "resource-not-found", "id")]})
        if user in self.protected:
            return JSONResponse({"errors": [no_user(user, "not-authorized-for-resource", "id")]})
        return self._paged([p for p in self.posts.values() if p.author_id == user], query, 5)

    def _home(self, request: Request) -> Response:
        query = query_of(request, _PAGED)
        if request.path_params["id"] != next(iter(self.users)):
            raise Refused(400, invalid("id", "must be the token's user"))
        return self._paged(list(self.posts.values()), query, 1)

    def _username(self, request: Request) -> Response:
        query_of(request, set())
        handle = request.path_params["handle"]
        match("username", handle, r"[A-Za-z0-9_]{1,15}")
        ids = {name.casefold(): user for user, name in self.users.items()}
        if handle.casefold() not in ids:
            error = no_user(handle, "resource-not-found", "username")
            return JSONResponse({"errors": [error]})
        self.users_read += 1
        return JSONResponse({"data": self._answers.user(ids[handle.casefold()])})

    def _me(self, request: Request) -> Response:
        query_of(request, set())
        self.users_read += 1
        return JSONResponse({"data": self._answers.user(next(iter(self.users)))})

    def _paged(self, posts: list[XPost], query: Mapping[str, str], least: int) -> Response:
        wanted = query.get("max_results", "10")
        if not wanted.isdecimal() or not least <= int(wanted) <= 100:
            raise Refused(400, invalid("max_results", f"must be between {least} and 100"))
        size = min(int(wanted), self._page_size)
        token = query.get("pagination_token") or query.get("next_token")
        before = [int(match("pagination_token", token, r"[0-9a-f]{4,}"), 16)] if token else []
        if until := query.get("until_id"):
            before.append(int(match("until_id", until, r"[0-9]{1,19}")))
        since = time_in(query["start_time"]) if "start_time" in query else None
        left = sorted(
            (
                post
                for post in posts
                if all(int(post.id) < each for each in before)
                and (since is None or time_of(post.id) >= since)
            ),
            key=lambda post: -int(post.id),
        )
        cut = left[:size]
        page = [post for post in cut if post.problem is None]  # a page may be emptier, or empty
        meta: dict[str, Any] = {"result_count": len(page)}
        if page:
            meta |= {"newest_id": page[0].id, "oldest_id": page[-1].id}
        if len(left) > size:
            meta["next_token"] = f"{int(cut[-1].id):x}"
        return self._posts(page, query, {"meta": meta})

    def _posts(
        self, found: list[XPost], query: Mapping[str, str], more: Mapping[str, Any]
    ) -> Response:
        self.reads.update(post.id for post in found)
        return JSONResponse({**self._answers.of_posts(found, query), **more})

    def _list_rules(self, _: Request) -> Response:
        return JSONResponse(listed(self.rules))

    def _change_rules(self, request: Request) -> Response:
        body = json.loads(request.state.body)
        self.rule_changes.append(body)
        if "delete" in body:
            return JSONResponse(delete(self.rules, body["delete"]["ids"]))
        return JSONResponse(add(self.rules, body["add"], self._rule_ids))

    def _stream(self, request: Request) -> Response:
        lines = self._streaming.connected(query_of(request, set()))
        return StreamingResponse(lines, media_type="application/json")
