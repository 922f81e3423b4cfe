"""Posts of Bluesky, from its public API and its stream; nobody need sign in.

See https://docs.bsky.app.
"""

import asyncio
import re
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Mapping, Sequence
from http import HTTPStatus

import msgspec

from sentiserve.errors import (
    BadInputError,
    NotFoundError,
    OtherPlatformError,
    SentiserveError,
    SourceError,
)
from sentiserve.settings import Settings
from sentiserve.sources.bluesky.jetstream import Jetstream
from sentiserve.sources.bluesky.lists import Listing
from sentiserve.sources.bluesky.posts import DID, HANDLE, at_uri, missing, read_view, shaped
from sentiserve.sources.merged import Merged
from sentiserve.sources.urls import BLUESKY, parse_url
from sentiserve.sources.web import Web
from sentiserve.types import FeedKind, FeedQuery, Page, Post, PostRef

_MOST_POSTS = 25  # of one look-up
_MOST_HANDLES = 10_000  # remembered
_HANDLE_AGE = 600.0  # seconds for which a handle is believed to be the same account's


class Posts(msgspec.Struct):
    """What Bluesky says of several posts."""

    posts: list[object]


class Resolved(msgspec.Struct):
    """Whose a handle is."""

    did: str


class Bluesky:
    """Posts by address, of an account, with a hashtag, or live."""

    feeds = frozenset({FeedKind.USER, FeedKind.TAG, FeedKind.STREAM})

    def __init__(self, url: str, jetstream: Jetstream, *, timeout: float) -> None:
        """Take the API's address, the stream, and the seconds that an answer may take."""
        self._web = Web("Bluesky", f"{url}/xrpc", timeout=timeout)
        self._jetstream = jetstream
        self._posts = Merged(self._get_posts, size=_MOST_POSTS)
        self._dids = Merged(self._resolve, size=1)
        self._known: OrderedDict[str, tuple[str, float]] = OrderedDict()

    def parse(self, url: str) -> PostRef | None:
        """Which post a URL on bsky.app or an ``at://`` address means."""
        ref = parse_url(url)
        return ref if ref is not None and ref.platform == BLUESKY else None

    async def open(self) -> None:
        """Make ready; nothing is sent."""
        await self._web.open()

    async def close(self) -> None:
        """Break off what is under way."""
        await self._posts.close()
        await self._dids.close()
        await self._web.close()

    async def fetch(self, refs: Sequence[PostRef]) -> list[Post | SentiserveError]:
        """The posts; an error in the place of each that can't be had."""
        return await asyncio.gather(*map(self._fetch, refs))

    def pages(self, query: FeedQuery, cursor: str | None = None) -> AsyncGenerator[Page]:
        """An account's posts and replies, a hashtag's posts, or what is written from now on.

        Reposts are left out, for they have no text of their own; so are posts without text.

        Raises:
            BadInputError: the names, the cursor or the kind can't be used.
            NotFoundError: there is no such account.
            PostProtectedError: the account shows its posts to some people only.
            SourceError: a page can't be had; the last page's cursor goes on from there.
        """
        match query.kind:
            case FeedKind.STREAM:
                return self._jetstream.pages(query, cursor)
            case FeedKind.USER | FeedKind.TAG:
                return Listing(self._web, query).pages(cursor)
        raise BadInputError("Bluesky gives posts of a user, with a tag, or as a stream")

    async def _fetch(self, ref: PostRef) -> Post | SentiserveError:
        try:
            found = await self._posts.ask(await self._uri(ref))
        except SentiserveError as error:
            return error
        return msgspec.structs.replace(found, ref=ref) if isinstance(found, Post) else found

    async def _uri(self, ref: PostRef) -> str:
        if ref.platform != BLUESKY:
            raise OtherPlatformError(f"Bluesky has no posts of {ref.platform}")
        rkey, _, actor = ref.id.partition("@")
        is_handle = re.fullmatch(HANDLE, actor)
        uri = at_uri(await self._did(actor) if is_handle else actor, rkey)
        if uri is None:
            raise NotFoundError(f"Bluesky has no post {ref.id}")
        return uri

    async def _did(self, handle: str) -> str:
        did, until = self._known.get(handle, ("", 0.0))
        if time.monotonic() >= until:
            did = await self._dids.ask(handle)
            self._known[handle] = did, time.monotonic() + _HANDLE_AGE
        self._known.move_to_end(handle)
        if len(self._known) > _MOST_HANDLES:
            self._known.popitem(last=False)
        return did

    async def _resolve(self, handles: Sequence[str]) -> Mapping[str, str]:
        (handle,) = handles
        reply = await self._web.get("/com.atproto.identity.resolveHandle", {"handle": handle})
        if reply.status == HTTPStatus.BAD_REQUEST:
            raise NotFoundError(f"Bluesky has no account {handle}")
        if reply.status != HTTPStatus.OK:
            raise SourceError(f"Bluesky answered with status {reply.status}")
        did = shaped(reply.json(), Resolved).did
        if not re.fullmatch(DID, did):
            raise SourceError("Bluesky answered with an account's id that can't be used")
        return {handle: did}

    async def _get_posts(self, uris: Sequence[str]) -> Mapping[str, Post | SentiserveError]:
        reply = await self._web.get("/app.bsky.feed.getPosts", {"uris": uris})
        if reply.status != HTTPStatus.OK:
            raise SourceError(f"Bluesky answered with status {reply.status}")
        return read_posts(uris, reply.json())


def read_posts(uris: Sequence[str], answer: object) -> Mapping[str, Post | SentiserveError]:
    """What the answer says of each of the posts that were asked for.

    Raises:
        SourceError: it is no answer to that.
    """
    views = {_uri_of(view): view for view in shaped(answer, Posts).posts}
    # Of an answer that holds something else, too, what it lacks says nothing.
    strange = SourceError("Bluesky answered with something else than was asked for")
    is_clear = views.keys() <= set(uris)
    absent = {uri: missing(uri.rpartition("/")[2]) if is_clear else strange for uri in uris}
    return {uri: _read(views[uri]) if uri in views else absent[uri] for uri in uris}


def _uri_of(view: object) -> str:
    uri = view.get("uri") if isinstance(view, dict) else None
    return uri if isinstance(uri, str) else ""


def _read(view: object) -> Post | SentiserveError:
    try:
        return read_view(view)
    except SentiserveError as error:
        return error


def from_settings(settings: Settings) -> Bluesky:
    """The source for these settings."""
    jetstream = Jetstream(settings.jetstream_url)
    return Bluesky(settings.bluesky_url, jetstream, timeout=settings.source_timeout)
