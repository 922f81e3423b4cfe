"""Reading what Bluesky says, whatever it says."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentiserve.errors import BadInputError, PostProtectedError, SentiserveError, SourceError
from sentiserve.sources.bluesky.intake import Intake, read_event, read_post
from sentiserve.sources.bluesky.lists import read_items
from sentiserve.sources.bluesky.posts import checked_tag, read_view, tid_time
from sentiserve.sources.bluesky.source import read_posts
from sentiserve.sources.urls import parse_url
from sentiserve.testing.bluesky_stream import microseconds, tid
from sentiserve.types import FeedKind, FeedQuery, Post

DID = "did:plc:" + "a" * 24
URI = f"at://{DID}/app.bsky.feed.post/3k"
VIEW: dict[str, Any] = {
    "uri": URI,
    "author": {"did": DID, "handle": "ada.example.org", "labels": [{"val": "kind"}]},
    "record": {
        "text": "What a day! #sunny",
        "createdAt": "2026-05-25T12:00:00Z",
        "facets": [{"features": [{"tag": "sunny"}]}],
        "tags": ["warm"],
    },
    "indexedAt": "2026-05-25T12:00:01Z",
    "labels": [],
}
EVENT: dict[str, Any] = {
    "did": DID,
    "time_us": microseconds(datetime(2026, 5, 25, tzinfo=UTC)),
    "kind": "commit",
    "commit": {
        "rev": "3k",
        "operation": "create",
        "collection": "app.bsky.feed.post",
        "rkey": "3k",
        "record": VIEW["record"],
    },
}
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None))
    | st.sampled_from([URI, DID, "!no-unauthenticated", "9999-12-31T23:59:59-14:00", "a.b"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["text", "labels", "val", "features", "tag"]), inner)
    ),
    max_leaves=5,
)


@st.composite
def spoilt(draw: st.DrawFn, value: Any) -> Any:
    """The same, with anything in some place of it, or with a place left out."""
    if not isinstance(value, dict | list) or not value or draw(st.integers(0, 3)) == 0:
        return draw(ANYTHING)
    copy = value.copy()
    place = draw(st.sampled_from(list(copy) if isinstance(copy, dict) else range(len(copy))))
    if draw(st.integers(0, 5)) == 0:
        del copy[place]
    else:
        copy[place] = draw(spoilt(copy[place]))
    return copy


def check(post: Post) -> None:
    """It can be kept, and found again by its URL."""
    assert post.text.strip()
    assert parse_url(post.url or "") == post.ref
    assert post.created_at is None or post.created_at.utcoffset() == timedelta(0)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(post), type=Post) == post


def test_half_a_character_in_a_name_is_nonsense_like_any_other() -> None:
    """JSON can write one, and it has no bytes."""
    with pytest.raises(SourceError, match="something unexpected"):
        read_view(json.loads(json.dumps(VIEW | {"\udf70": 1})))


@given(spoilt(VIEW))
def test_any_view_is_a_post_or_an_error(view: Any) -> None:
    with suppress(SentiserveError):
        check(read_view(view))


@given(spoilt({"posts": [VIEW]}))
def test_any_answer_says_something_of_what_was_asked(answer: Any) -> None:
    with suppress(SourceError):
        for found in read_posts([URI], answer).values():
            assert isinstance(found, Post | SentiserveError)


@given(spoilt({"feed": [{"post": VIEW}, {"post": VIEW, "reason": {}}], "cursor": "2026"}))
def test_any_list_is_posts_or_an_error(answer: Any) -> None:
    with suppress(SourceError, PostProtectedError):
        posts, cursor = read_items(answer)
        assert cursor is None or isinstance(cursor, str)
        for post in posts:
            check(post)


@given(spoilt(EVENT))
def test_any_event_is_a_post_or_an_error(event: Any) -> None:
    with suppress(SourceError):
        post, tags = read_post(read_event(json.dumps(event).encode()))
        assert all(isinstance(tag, str) for tag in tags)
        if post is not None:
            check(post)


@given(st.binary() | spoilt(EVENT).map(lambda event: json.dumps(event).encode()))
def test_any_message_can_be_taken_in(message: bytes) -> None:
    """Whatever the stream says, the next post comes."""
    intake = Intake(FeedQuery(FeedKind.STREAM), None)
    intake.take(message)
    event = {**EVENT, "time_us": microseconds(datetime.now(UTC))}
    event["commit"] = {**EVENT["commit"], "rkey": "next"}
    assert intake.take(json.dumps(event).encode())
    assert intake.page().posts[-1].ref.id == f"next@{DID}"


def test_a_view_is_read_in_full() -> None:
    """What the tests above begin with is a good post."""
    check(read_view(VIEW))
    assert read_post(read_event(json.dumps(EVENT).encode()))[1] == {"sunny", "warm"}


def test_an_answer_with_something_else_is_no_deletion() -> None:
    """Where the server speaks of other posts, what it leaves out is not taken for deleted."""
    other = VIEW | {"uri": URI + "2"}
    for view in (other, {}, "gone", None):
        (error,) = read_posts([URI], {"posts": [view]}).values()
        assert type(error) is SourceError


def test_a_blocked_post_is_protected() -> None:
    """A view that stands for a post which may not be seen says so."""
    with pytest.raises(PostProtectedError, match="blocked"):
        read_view({"uri": URI, "blocked": True, "author": {"did": DID}})


@pytest.mark.parametrize(("neg", "is_hidden"), [(False, True), (True, False)])
def test_a_label_can_be_taken_back(*, neg: bool, is_hidden: bool) -> None:
    """The label for signed-in people hides a post, unless it is negated."""
    view = VIEW | {"labels": [{"val": "!no-unauthenticated", "neg": neg}]}
    if is_hidden:
        with pytest.raises(PostProtectedError, match="signed in"):
            read_view(view)
    else:
        check(read_view(view))


@pytest.mark.parametrize("text", ["a\0b", "\udfff", "a" * 100_001])
def test_a_text_that_cant_be_classified_is_refused(text: str) -> None:
    """What no model can take is the post's fault, not the source's."""
    with pytest.raises(BadInputError, match="the text"):
        read_view(VIEW | {"record": {"text": text}})


@given(st.timedeltas(timedelta(0), timedelta(days=100_000)))
def test_a_key_tells_its_time(since_epoch: timedelta) -> None:
    """To the microsecond."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + since_epoch
    assert tid_time(tid(moment)) == moment


@given(st.text() | st.from_regex(r"[2-7a-j][2-7a-z]{12}", fullmatch=True))
def test_any_key_tells_a_time_or_none(rkey: str) -> None:
    assert tid_time(rkey) is None or isinstance(tid_time(rkey), datetime)


@given(st.text())
def test_a_checked_tag_is_one_that_posts_have(name: str) -> None:
    with suppress(BadInputError):
        assert Post.of_text(f"#{name.removeprefix('#')}").hashtags == (checked_tag(name),)
