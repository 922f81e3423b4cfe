"""What Bluesky says of posts: its records, and the views that its public API gives of them."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import msgspec

from sentiserve.errors import (
    BadInputError,
    NotFoundError,
    PostDeletedError,
    PostProtectedError,
    SourceError,
)
from sentiserve.sources.urls import BLUESKY
from sentiserve.texts import checked_text
from sentiserve.types import Post, PostRef

POSTS = "app.bsky.feed.post"  # the collection that posts are in
DID = r"did:(?:plc:[a-z2-7]{24}|web:[a-z0-9.-]{1,253})"
RKEY = r"(?!\.{1,2}\Z)[A-Za-z0-9._~-]{1,64}"
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
HANDLE = rf"(?=.{{3,253}}\Z)(?:{_LABEL}\.)+[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])?"
_AT_URI = re.compile(rf"at://({DID})/app\.bsky\.feed\.post/({RKEY})")
_UNKNOWN_HANDLE = "handle.invalid"  # what Bluesky says where a handle doesn't lead back
_SIGNED_IN_ONLY = "!no-unauthenticated"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TID = re.compile(r"[2-7a-j][2-7a-z]{12}")
_DIGITS = {digit: value for value, digit in enumerate("234567abcdefghijklmnopqrstuvwxyz")}
_CLOCK_BITS = 10

S = TypeVar("S", bound=msgspec.Struct)


class Record(msgspec.Struct, rename="camel", gc=False):
    """What the author wrote; of what may be wrong without harm, anything."""

    text: str
    created_at: object = None
    facets: object = None
    tags: object = None


class Label(msgspec.Struct, gc=False):
    """What somebody says of an account or a post, or takes back."""

    val: str
    neg: bool = False


class Account(msgspec.Struct, gc=False):
    """Who wrote it."""

    handle: str = ""
    labels: list[Label] | None = None


class View(msgspec.Struct, rename="camel", gc=False):
    """A post as the public API shows it."""

    uri: str
    author: Account
    record: Record
    indexed_at: object = None
    labels: list[Label] | None = None


def shaped(value: object, shape: type[S]) -> S:
    """Some JSON as a struct.

    Raises:
        SourceError: it is of another shape.
    """
    try:
        return msgspec.convert(value, shape)
    except (msgspec.ValidationError, UnicodeError) as error:  # a name may be half a character
        raise SourceError(f"Bluesky answered with something unexpected: {error}") from None


def at_uri(did: str, rkey: str) -> str | None:
    """What a post is asked for by; None if there is no such thing."""
    uri = f"at://{did}/{POSTS}/{rkey}"
    return uri if _AT_URI.fullmatch(uri) else None


def checked_tag(name: str) -> str:
    """A hashtag as ``Post.hashtags`` gives it.

    Raises:
        BadInputError: no post can have it.
    """
    tags = Post.of_text(f"#{name.removeprefix('#')}").hashtags
    if tags != (name.removeprefix("#").casefold(),):
        raise BadInputError("a hashtag is one word, with a letter in it")
    return tags[0]


def read_view(view: Any) -> Post:
    """The post that a view shows.

    Raises:
        PostProtectedError: its author shows it to some people only.
        PostDeletedError: it is gone.
        BadInputError: it has no text.
        SourceError: it is no view of a post.
    """
    if isinstance(view, dict) and view.get("blocked") is True:
        raise PostProtectedError("Bluesky doesn't show the post: its author has blocked others")
    if isinstance(view, dict) and view.get("notFound") is True:
        raise PostDeletedError("Bluesky doesn't have the post any more")
    shown = shaped(view, View)
    if _is_hidden(shown.author.labels) or _is_hidden(shown.labels):
        raise PostProtectedError("the post's author shows it only to people who are signed in")
    match = _AT_URI.fullmatch(shown.uri)
    if match is None:
        raise SourceError("Bluesky answered with a post whose address can't be used")
    handle = shown.author.handle.lower()
    is_known = handle != _UNKNOWN_HANDLE and re.fullmatch(HANDLE, handle)
    indexed_at = read_time(shown.indexed_at)
    return _post(match[1], match[2], shown.record, indexed_at, handle if is_known else None)


def read_record(did: str, rkey: str, record: Record, seen_at: datetime) -> Post:
    """The post that a record in somebody's repository is, which was seen there at that time.

    Raises:
        BadInputError: it has no text.
        SourceError: it can't have an address.
    """
    if at_uri(did, rkey) is None:
        raise SourceError("Bluesky told of a post whose address can't be used")
    return _post(did, rkey, record, seen_at, None)


def _post(
    did: str, rkey: str, record: Record, seen_at: datetime | None, handle: str | None
) -> Post:
    actor = handle or did
    return Post(
        ref=PostRef(BLUESKY, f"{rkey}@{actor}"),
        text=_text(record),
        url=f"https://bsky.app/profile/{actor}/post/{rkey}",
        author_id=did,
        author_handle=handle,
        created_at=_written_at(record.created_at, seen_at),
    )


def _text(record: Record) -> str:
    if not record.text.strip():
        raise BadInputError("the post has no text: pictures alone, perhaps")
    return checked_text(record.text)


def _is_hidden(labels: list[Label] | None) -> bool:
    return any(label.val == _SIGNED_IN_ONLY and not label.neg for label in labels or ())


def _written_at(claimed: object, seen_at: datetime | None) -> datetime | None:
    """What the author's device says, unless that is absurd: then when Bluesky saw the post."""
    time = read_time(claimed)
    latest = seen_at or datetime.now(UTC)
    return time if time is not None and _EPOCH < time <= latest else seen_at


def read_time(value: object) -> datetime | None:
    """An ISO 8601 time in UTC, which it is in if it doesn't say; None if it is none."""
    if not isinstance(value, str):
        return None
    try:
        time = datetime.fromisoformat(value)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def hashtags(record: Record) -> Iterator[str]:
    """The hashtags that the author marked, beside those in the text; as ``Post.hashtags``."""
    for facet in _dicts(record.facets):
        for feature in _dicts(facet.get("features")):
            yield from _tags([feature.get("tag")])
    yield from _tags(record.tags)


def _dicts(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, dict))


def _tags(value: object) -> Iterator[str]:
    if isinstance(value, list):
        yield from (tag.removeprefix("#").casefold() for tag in value if isinstance(tag, str))


def missing(rkey: str) -> NotFoundError | PostDeletedError:
    """Why Bluesky may not have a post: it never was, or may have been."""
    time = tid_time(rkey)
    if time is None or time > datetime.now(UTC):
        return NotFoundError(f"Bluesky has no post {rkey}")
    return PostDeletedError(f"Bluesky has no post {rkey}: it has been deleted, or never was")


def tid_time(rkey: str) -> datetime | None:
    """When a post was written whose key is a TID, which tells the time; None if it is none.

    See https://atproto.com/specs/tid.
    """
    if not _TID.fullmatch(rkey):
        return None
    number = 0
    for digit in rkey:
        number = number << 5 | _DIGITS[digit]
    try:
        return _EPOCH + timedelta(microseconds=number >> _CLOCK_BITS)
    except OverflowError:
        return None
