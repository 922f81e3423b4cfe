"""Posts of X without a key, one by one, as X lets others show them (oEmbed).

https://docs.x.com/x-for-websites/oembed-api
"""

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from sentiserve.errors import (
    NotFoundError,
    OtherPlatformError,
    PostDeletedError,
    PostProtectedError,
    SentiserveError,
    SourceError,
    SourceRefusedError,
)
from sentiserve.settings import Settings
from sentiserve.sources.html import text_of_html
from sentiserve.sources.lookups import Lookups
from sentiserve.sources.snowflake import is_plausible, snowflake_time
from sentiserve.sources.urls import X, parse_url
from sentiserve.sources.web import Reply, Web
from sentiserve.texts import checked_text
from sentiserve.types import Post, PostRef

_NAME = "X's oEmbed"
_AT_ONCE = 8
_MAX_BYTES = 1 << 20
_ID = re.compile(r"[1-9][0-9]{0,18}")
_HANDLE = re.compile(r"/([A-Za-z0-9_]{1,50})/?")
# The link to a post's own picture, which X's API and archives have as the link that it is.
_PICTURE = re.compile(
    r'<a href="(https?://t\.co/[A-Za-z0-9]{1,20})"[^<>]{0,200}>'
    r"pic\.(?:twitter|x)\.com/[A-Za-z0-9]{1,20}</a>"
)


class OEmbed:
    """Posts of X, with their authors' handles but no author ids.

    The time is that of the post's id, for oEmbed tells but the day.
    """

    def __init__(self, url: str, *, timeout: float, x_mirrors: Sequence[str] = ()) -> None:
        """Take where oEmbed is, and the seconds for all posts of a call."""
        self._x_mirrors = frozenset(x_mirrors)
        within = 0.9 * timeout  # what came in time is then still given
        self._web = Web(_NAME, url, timeout=within, max_bytes=_MAX_BYTES)
        self._lookups = Lookups(_NAME, self._ask, at_once=_AT_ONCE, seconds=within)

    def parse(self, url: str) -> PostRef | None:
        """Which post of X a URL means."""
        ref = parse_url(url, self._x_mirrors)
        return ref if ref is not None and ref.platform == X else None

    async def open(self) -> None:
        """Make ready; nothing is sent."""
        await self._web.open()

    async def close(self) -> None:
        """Close the connections."""
        await self._web.close()

    async def fetch(self, refs: Sequence[PostRef]) -> list[Post | SentiserveError]:
        """The posts, one request for each."""
        return await self._lookups.fetch(refs)

    async def _ask(self, ref: PostRef) -> Post:
        if ref.platform != X:
            raise OtherPlatformError(f"oembed has no posts of {ref.platform}")
        if not _ID.fullmatch(ref.id):
            raise NotFoundError(f"X has no post {ref.id}")
        url = f"https://x.com/i/status/{ref.id}"
        params = {"url": url, "omit_script": "1", "dnt": "true"}
        return read_answer(ref, await self._web.get("/oembed", params))


def read_answer(ref: PostRef, reply: Reply) -> Post:
    """The post in an answer.

    Raises:
        PostDeletedError: there is none any more.
        NotFoundError: there can't have been one of that id.
        PostProtectedError: its author shows it to followers only.
        BadInputError: it has no text that can be classified.
        SourceError: the answer is none that oEmbed gives.
    """
    match reply.status:
        case HTTPStatus.OK:
            return _post(ref, reply.json())
        case HTTPStatus.NOT_FOUND | HTTPStatus.GONE:
            if is_plausible(ref.id):
                raise PostDeletedError(f"X has no post {ref.id}: it is deleted, or never was")
            raise NotFoundError(f"X has no post {ref.id}")
        case HTTPStatus.FORBIDDEN if _is_json_object(reply):  # not a page of some firewall
            raise PostProtectedError(f"the author shows the post {ref.id} to followers only")
        case status if 300 <= status < 400:
            raise SourceRefusedError(
                f"{_NAME} has moved; set SENTISERVE_OEMBED_URL to where it is now"
            )
        case status:
            raise SourceError(f"{_NAME} answered with status {status}")


def _post(ref: PostRef, answer: Any) -> Post:
    html = answer.get("html") if isinstance(answer, dict) else None
    if not isinstance(html, str):
        raise SourceError(f"{_NAME} answered with something that is no post")
    handle = _handle(answer.get("author_url"))
    return Post(
        ref=ref,
        text=checked_text(text_of_html(_PICTURE.sub(r"\1", html), first_paragraph=True)),
        url=f"https://x.com/{handle or 'i/web'}/status/{ref.id}",
        author_handle=handle,
        created_at=snowflake_time(ref.id),
    )


def _handle(author_url: object) -> str | None:
    try:
        path = urlsplit(author_url).path if isinstance(author_url, str) else ""
    except ValueError:
        return None
    match = _HANDLE.fullmatch(path)
    return match[1] if match else None


def _is_json_object(reply: Reply) -> bool:
    try:
        return isinstance(reply.json(), dict)
    except SourceError:
        return False


def from_settings(settings: Settings) -> OEmbed:
    """X's oEmbed, at the address that the settings name."""
    return OEmbed(
        settings.oembed_url, timeout=settings.source_timeout, x_mirrors=settings.x_mirrors
    )
