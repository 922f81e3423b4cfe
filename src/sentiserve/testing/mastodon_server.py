"""A host of Mastodon on loopback: it speaks, pages and limits as Mastodon does."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sentiserve.testing.server import Server

Json = dict[str, Any]

_WINDOW = timedelta(minutes=5)
_MOST, _COMMON = 40, 20  # statuses of a page


def mastodon_status(
    number: int, text: str, *, by: str, host: str, at: datetime, **changes: object
) -> Json:
    """A post as Mastodon gives it.

    Args:
        number: its id.
        text: what a person reads; hashtags in it are found.
        by: the author's name, with ``@HOST`` where that is another host.
        host: the host that gives it.
        at: when it was written.
        changes: what is to be otherwise than usual.
    """
    name, _, home = by.partition("@")
    base = f"https://{home or host}"
    paragraphs = "</p><p>".join(escape(text, quote=False).split("\n\n")).replace("\n", "<br />")
    tags = [word[1:].lower() for word in text.split() if word.startswith("#")]
    return {
        "id": str(number),
        "created_at": at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "in_reply_to_id": None,
        "in_reply_to_account_id": None,
        "sensitive": False,
        "spoiler_text": "",
        "visibility": "public",
        "language": "en",
        "uri": f"{base}/users/{name}/statuses/{number}",
        "url": f"{base}/@{name}/{number}",
        "replies_count": 0,
        "reblogs_count": 0,
        "favourites_count": 0,
        "edited_at": None,
        "content": f"<p>{paragraphs}</p>",
        "reblog": None,
        "account": mastodon_account(by, host),
        "media_attachments": [],
        "mentions": [],
        "tags": [{"name": tag, "url": f"https://{host}/tags/{tag}"} for tag in tags],
        "emojis": [],
        "card": None,
        "poll": None,
        **changes,
    }


def mastodon_account(by: str, host: str) -> Json:
    """An author as Mastodon gives it; the id follows from the name."""
    name, _, home = by.partition("@")
    return {
        "id": str(int.from_bytes(by.encode()[:6], "big")),
        "username": name,
        "acct": by,
        "display_name": name.title(),
        "locked": False,
        "bot": False,
        "url": f"https://{home or host}/@{name}",
        "uri": f"https://{home or host}/users/{name}",
    }


class MastodonServer(Server):
    """One host; it speaks TLS if it is given a certificate.

    Attributes:
        statuses: all that it has, in any order; a test may add and remove.
        suspended: names of its authors who are suspended.
        is_open: whether timelines are for everybody.
        allowance: requests that it answers in five minutes; Mastodon's own limit is 300.
        resets_in: time until it answers again when these are used up.
    """

    def __init__(
        self,
        statuses: Iterable[Json] = (),
        *,
        certificate: Path | None = None,
        key: Path | None = None,
    ) -> None:
        """Take the posts, and the files of certificate and key."""
        routes = [
            Route("/api/v1/statuses/{number}", self._status),
            Route("/api/v1/accounts/lookup", self._lookup),
            Route("/api/v1/accounts/{number}/statuses", self._account_statuses),
            Route("/api/v1/timelines/tag/{tag}", self._tag),
        ]
        super().__init__(routes, certificate=certificate, key=key)
        self.statuses = list(statuses)
        self.suspended: set[str] = set()
        self.is_open = True
        self.allowance = 300
        self.resets_in = _WINDOW

    async def _status(self, request: Request) -> Response:
        number = request.path_params["number"]
        found = [status for status in self.statuses if status["id"] == number and _is_seen(status)]
        return self._limited(JSONResponse(found[0]) if found else _not_found())

    async def _lookup(self, request: Request) -> Response:
        name = request.query_params.get("acct", "").lower()
        accounts = [status["account"] for status in self.statuses]
        found = [account for account in accounts if account["acct"].lower() == name]
        if name in self.suspended:
            return self._limited(JSONResponse({"error": "Gone"}, 410))
        return self._limited(JSONResponse(found[0]) if found else _not_found())

    async def _account_statuses(self, request: Request) -> Response:
        number = request.path_params["number"]
        accounts = {status["account"]["id"] for status in self.statuses}
        if number not in accounts:
            return self._limited(_not_found())
        return self._page(request, [s for s in self.statuses if s["account"]["id"] == number])

    async def _tag(self, request: Request) -> Response:
        if not self.is_open:
            message = "This API requires an authenticated user"
            return self._limited(JSONResponse({"error": message}, 401))
        tag = request.path_params["tag"].lower()
        tagged = [s for s in self.statuses if tag in {found["name"] for found in s["tags"]}]
        return self._page(request, [s for s in tagged if s["visibility"] == "public"])

    def _page(self, request: Request, statuses: list[Json]) -> Response:
        asked = request.query_params
        size = min(int(asked.get("limit", _COMMON)), _MOST)
        before = int(asked.get("max_id", 1 << 64))
        newest = sorted(filter(_is_seen, statuses), key=lambda s: int(s["id"]), reverse=True)
        page = [status for status in newest if int(status["id"]) < before][:size]
        response = JSONResponse(page)
        if page:
            following = request.url.include_query_params(max_id=page[-1]["id"])
            response.headers["link"] = f'<{quote(str(following), safe=":/?&=%")}>; rel="next"'
        return self._limited(response)

    def _limited(self, response: Response) -> Response:
        """The answer, or that there have been too many; headers tell how it stands."""
        remaining = self.allowance - len(self.requests)
        headers = {
            "x-ratelimit-limit": str(self.allowance),
            "x-ratelimit-remaining": str(max(0, remaining)),
            "x-ratelimit-reset": (datetime.now(UTC) + self.resets_in).isoformat(),
        }
        if remaining < 0:
            return JSONResponse({"error": "Too many requests"}, 429, headers)
        response.headers.update(headers)
        return response


def _is_seen(status: Json) -> bool:
    return status["visibility"] in {"public", "unlisted"}


def _not_found() -> Response:
    return JSONResponse({"error": "Record not found"}, 404)
