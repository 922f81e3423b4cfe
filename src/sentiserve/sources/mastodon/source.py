"""Posts of Mastodon, from the hosts that the settings allow, and from no others.

https://docs.joinmastodon.org/api/
"""

import asyncio
import re
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from urllib.parse import quote

import httpx2

from sentiserve.errors import (
    BadInputError,
    NotFoundError,
    OtherPlatformError,
    SentiserveError,
    SettingsError,
)
from sentiserve.settings import Settings
from sentiserve.sources.mastodon.host import Host
from sentiserve.sources.mastodon.pinned import PinnedTransport
from sentiserve.sources.urls import MASTODON, parse_url
from sentiserve.types import FeedKind, FeedQuery, Page, Post, PostRef

Transports = Callable[[str], httpx2.AsyncBaseTransport]

_MAX_TIME = 10.0
_SETTING = "SENTISERVE_MASTODON_HOSTS"
_REF = re.compile(r"([0-9]{1,20})@([^@]+)")
_CURSOR = re.compile(r"[0-9]{1,20}")
_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,62}[A-Za-z0-9_])?")


class Mastodon:
    """Posts by id, and those of a user (``NAME@HOST``) or a hashtag (``TAG`` or ``TAG@HOST``)."""

    feeds: Collection[FeedKind] = frozenset({FeedKind.USER, FeedKind.TAG})

    def __init__(
        self,
        hosts: Sequence[str],
        *,
        timeout: float,
        transport: Transports = PinnedTransport,
    ) -> None:
        """Take the hosts that may be asked; the first is asked for hashtags.

        Args:
            hosts: their names, in lower case.
            timeout: seconds for all posts of a call.
            transport: how each is reached, for tests.
        """
        within = min(0.9 * timeout, _MAX_TIME)  # what came in time is then still given
        self._first = hosts[0]
        self._hosts: Mapping[str, Host] = {
            host: Host(host, within, transport(host), hosts) for host in hosts
        }

    def parse(self, url: str) -> PostRef | None:
        """Which post a URL means; None if it is on a host that may not be asked."""
        ref = parse_url(url)
        return ref if ref is not None and self._host_of(ref) else None

    async def open(self) -> None:
        """Make ready; nothing is sent."""
        for host in self._hosts.values():
            await host.web.open()

    async def close(self) -> None:
        """Close the connections."""
        for host in self._hosts.values():
            await host.web.close()

    async def fetch(self, refs: Sequence[PostRef]) -> list[Post | SentiserveError]:
        """The posts, one request for each; all hosts are asked at once."""
        found: dict[PostRef, Post | SentiserveError] = {}
        asked: dict[Host, list[PostRef]] = defaultdict(list)
        for ref in dict.fromkeys(refs):
            if host := self._host_of(ref):
                asked[host].append(ref)
            else:
                found[ref] = _not_asked(ref)
        answers = await asyncio.gather(*(host.posts.fetch(asked[host]) for host in asked))
        for host_refs, host_answers in zip(asked.values(), answers, strict=True):
            found.update(zip(host_refs, host_answers, strict=True))
        return [found[ref] for ref in refs]

    async def pages(self, query: FeedQuery, cursor: str | None = None) -> AsyncGenerator[Page]:
        """The pages of a user or a hashtag, newest first; boosts are posts of who boosted.

        Raises:
            BadInputError: the name, its host or the cursor can't be used.
            NotFoundError: the host has no such user.
            SourceError: a page can't be had.
        """
        if cursor is not None and not _CURSOR.fullmatch(cursor):
            raise BadInputError("the cursor is none of Mastodon's; start without one")
        host, path = await self._timeline(query)
        remaining = query.limit
        while remaining is None or remaining > 0:
            page = await host.page(path, cursor, query, remaining)
            yield page
            if page.cursor is None:
                return
            cursor = page.cursor
            remaining = None if remaining is None else remaining - len(page.posts)

    def _host_of(self, ref: PostRef) -> Host | None:
        match = _REF.fullmatch(ref.id) if ref.platform == MASTODON else None
        return self._hosts.get(match[2]) if match else None

    async def _timeline(self, query: FeedQuery) -> tuple[Host, str]:
        """Who has to be asked for it, and where."""
        if query.kind not in self.feeds:
            raise BadInputError(f"mastodon gives users and hashtags, and no {query.kind}")
        if len(query.names) != 1:
            raise BadInputError(f"mastodon gives one {query.kind} at a time")
        name, _, named = query.names[0].removeprefix("@").partition("@")
        if query.kind is FeedKind.TAG:
            return self._named(named or self._first), f"/api/v1/timelines/tag/{_tag(name)}"
        if not named or not _NAME.fullmatch(name):
            raise BadInputError("a user of Mastodon is NAME@HOST")
        host = self._named(named)
        return host, f"/api/v1/accounts/{await host.account(name)}/statuses"

    def _named(self, name: str) -> Host:
        host = self._hosts.get(name.lower().removesuffix("."))
        if host is None:
            raise BadInputError(f"the host is not asked; name it in {_SETTING} if it is to be")
        return host


def _tag(name: str) -> str:
    """A hashtag as a part of a path, if it is one by the rules for posts."""
    ref = PostRef(MASTODON, "")
    if Post(ref, f"#{name}").hashtags != (name.casefold(),):
        raise BadInputError("a hashtag has letters and digits only, and no # before it")
    return quote(name, safe="")


def _not_asked(ref: PostRef) -> NotFoundError:
    if ref.platform != MASTODON:
        return OtherPlatformError(f"mastodon has no posts of {ref.platform}")
    return NotFoundError(f"the post's host is not asked; name it in {_SETTING} if it is to be")


def from_settings(settings: Settings) -> Mastodon:
    """The hosts that the settings allow.

    Raises:
        SettingsError: one of them is no host's name.
    """
    hosts = [host.lower() for host in settings.mastodon_hosts]
    for host in hosts:
        if parse_url(f"https://{host}/@a/1") != PostRef(MASTODON, f"1@{host}"):
            raise SettingsError(
                f"{_SETTING}: {host!r} is no host's name; write it as in mastodon.social, and "
                "beyond ASCII as in xn--mnchen-3ya.example"
            )
    return Mastodon(hosts, timeout=settings.source_timeout)
