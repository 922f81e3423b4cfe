"""What Mastodon's API says of posts, which it calls statuses.

https://docs.joinmastodon.org/entities/Status/
"""

import re
import time
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Annotated, TypeVar
from urllib.parse import urlsplit

import msgspec

from sentiserve.errors import PostProtectedError, SourceError
from sentiserve.sources.html import text_of_html
from sentiserve.sources.urls import MASTODON, parse_url
from sentiserve.texts import checked_text
from sentiserve.types import Post, PostRef

T = TypeVar("T")

_PUBLIC = {"public", "unlisted"}
_MAX_URL = 2048
_AHEAD = 5 * 60  # seconds that clocks may differ
_ACCT = re.compile(r"[\w.-]{1,64}(?:@[\w.:-]{1,253})?")

Id = Annotated[str, msgspec.Meta(pattern=r"\A[0-9]{1,20}\Z")]
Time = Annotated[datetime, msgspec.Meta(tz=True)]


class Account(msgspec.Struct, frozen=True):
    """Somebody who posts.

    Attributes:
        acct: the name, and ``@HOST`` where that is another host.
    """

    id: Id
    acct: str


class Status(msgspec.Struct, frozen=True):
    """A post.

    Attributes:
        uri: its name everywhere; the host asked has made sure that its host has it.
        reblog: what it boosts.
    """

    id: Id
    created_at: Time
    content: str
    visibility: str
    account: Account
    uri: str | None = None
    url: str | None = None
    spoiler_text: str | None = None
    reblog: "Status | None" = None


class Identified(msgspec.Struct, frozen=True):
    """Anything with an id."""

    id: Id


def decoded(body: bytes | msgspec.Raw, what: type[T], host: str) -> T:
    """An answer as what it should be.

    Raises:
        SourceError: it is something else.
    """
    try:
        return msgspec.json.decode(body, type=what)
    except (ValueError, RecursionError):  # msgspec's errors and those of Unicode are ValueErrors
        raise SourceError(f"{host} answered with something that Mastodon doesn't say") from None


def read_post(
    status: Status, host: str, ref: PostRef | None = None, hosts: Collection[str] = ()
) -> Post:
    """The post that a host's status is; a boost has the text of what it boosts.

    A content warning is a part of the text, for people read it first. The author goes by the
    full handle, for ids of authors differ from host to host.

    Args:
        status: what the host said.
        host: who said it.
        ref: how it was asked for; if not given, what its web URL means, if that is on one of
            the hosts, and else its id on the host that says it.
        hosts: those that may be asked.

    Raises:
        PostProtectedError: it is not for everybody.
        BadInputError: it has no text that can be classified.
    """
    shown = status.reblog or status
    if {status.visibility, shown.visibility} - _PUBLIC:
        raise PostProtectedError("the post's author shows it to followers only")
    parts = ((shown.spoiler_text or "").strip(), text_of_html(shown.content))
    handle = _handle(status.account, host)
    own_url = f"https://{host}/@{status.account.acct}/{status.id}"
    return Post(
        ref=ref or _ref(status, host, hosts),
        text=checked_text("\n\n".join(filter(None, parts))),
        url=own_url if status.reblog or not _is_web(status.url) else status.url,
        author_handle=handle,
        created_at=_utc(status.created_at),
    )


def may_have_been(number: str) -> bool:
    """Whether a host may have given out the id: one whose time is to come it never has.

    Ids are milliseconds since 1970 with 16 bits behind them, and were counted up before 2018;
    https://github.com/mastodon/mastodon/blob/main/lib/mastodon/snowflake.rb
    """
    return int(number) >> 16 <= (time.time() + _AHEAD) * 1000


def _handle(account: Account, host: str) -> str:
    if not _ACCT.fullmatch(account.acct):
        raise SourceError(f"{host} names an author in a way that Mastodon doesn't")
    name, _, home = account.acct.partition("@")
    return f"{name}@{(home or host).lower()}"


def _ref(status: Status, host: str, hosts: Collection[str]) -> PostRef:
    """One that can be asked for again; the URL counts only if it is from where the post is."""
    home = _host(status.url)
    if status.url and home in hosts and home == _host(status.uri):
        ref = parse_url(status.url)
        if ref and ref.id.endswith(f"@{home}"):
            return ref
    return PostRef(MASTODON, f"{status.id}@{host}")


def _host(url: str | None) -> str | None:
    try:
        return urlsplit(url).hostname if url else None
    except ValueError:
        return None


def _is_web(url: str | None) -> bool:
    if not url or len(url) > _MAX_URL or not url.isprintable():
        return False
    return url.startswith(("https://", "http://")) and bool(_host(url))


def _utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise SourceError("a post's time is out of range") from None
