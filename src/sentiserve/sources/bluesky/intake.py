"""What comes from a Jetstream: read, sifted, and kept until it makes a page."""

import re
from collections import OrderedDict
from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec
import structlog

from sentiserve.errors import BadInputError, SourceError
from sentiserve.sources.bluesky.posts import (
    POSTS,
    Record,
    at_uri,
    checked_tag,
    hashtags,
    read_record,
    shaped,
)
from sentiserve.sources.urls import BLUESKY
from sentiserve.types import FeedQuery, Page, Post, PostRef

_log = structlog.get_logger(__name__)
_MOST = 100  # posts, and deletions, in one page
_SECOND = 1_000_000  # in microseconds, which a Jetstream counts in
_OVERLAP = 5 * _SECOND  # read again after a break: servers' clocks differ
_REMEMBERED = 20_000  # events known again in the overlap
_GAP = 60 * _SECOND  # between events: something is missing, for Bluesky is never silent so long
_AHEAD = 3600 * _SECOND  # that the server's clock may go before ours
_CURSOR = re.compile(r"[0-9]{1,16}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


Short = Annotated[str, msgspec.Meta(max_length=64)]  # these are remembered, by the thousand


class Commit(msgspec.Struct, gc=False):
    """A change in somebody's repository."""

    operation: Short
    collection: str
    rkey: str
    rev: Short = ""
    record: object = None


class Event(msgspec.Struct, gc=False):
    """A message of the stream; its time, in microseconds, is what a cursor goes by."""

    did: str
    time_us: Annotated[int, msgspec.Meta(ge=0)]
    kind: str
    commit: Commit | None = None


_EVENTS = msgspec.json.Decoder(Event)


class Intake:
    """What has come from the stream and was not given yet.

    Attributes:
        latest: the latest time of an event; None before the first.
    """

    def __init__(self, query: FeedQuery, cursor: str | None) -> None:
        """Take what is wanted, and the cursor of the last page, if there was one.

        Raises:
            BadInputError: the cursor is none of a Jetstream's, or a name no hashtag.
        """
        self._tags = frozenset(map(checked_tag, query.names))
        self._since = query.since
        self._remaining = query.limit
        self._start = None if cursor is None else read_cursor(cursor)
        self.latest = self._start
        self._seen: OrderedDict[tuple[str, ...], None] = OrderedDict()
        self._posts: list[Post] = []
        self._deleted: list[PostRef] = []
        self._garbage = 0

    @property
    def has_posts(self) -> bool:
        """Whether there is a post to give."""
        return bool(self._posts)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to give but a cursor."""
        return not (self._posts or self._deleted)

    @property
    def is_full(self) -> bool:
        """Whether there is as much to give as a page may hold."""
        most = _MOST if self._remaining is None else min(_MOST, self._remaining)
        return len(self._posts) >= most or len(self._deleted) >= _MOST

    @property
    def is_over(self) -> bool:
        """Whether all posts that are needed were given."""
        return self._remaining is not None and self._remaining <= 0

    @property
    def resume_at(self) -> int | None:
        """Where to read on: a little before the latest event, but not before the start."""
        if self.latest is None or self._start is None:
            return None
        return max(self._start, self.latest - _OVERLAP)

    def page(self) -> Page:
        """All that has come, which is then no longer here."""
        cursor = None if self.latest is None else str(self.latest)
        page = Page(self._posts, self._deleted, cursor)
        if self._remaining is not None:
            self._remaining -= len(self._posts)
        self._posts, self._deleted = [], []
        return page

    def take(self, message: bytes) -> bool:
        """Take a message in; False if it is no event, and time stands still.

        What can't be read is left out, and logged.
        """
        try:
            event = read_event(message)
        except SourceError as error:
            self._leave_out(error)
            return False
        if self._is_after_start(event):
            try:
                self._sift(event)
            except SourceError as error:
                self._leave_out(error)
        return True

    def _leave_out(self, error: SourceError) -> None:
        self._garbage += 1
        if str(self._garbage).strip("0") == "1":  # the 1st, 10th, 100th, …
            _log.warning("message left out", reason=str(error), so_far=self._garbage)

    def _is_after_start(self, event: Event) -> bool:
        """Whether no earlier page had it: no two events of a Jetstream have the same time."""
        before = self.latest
        # Never in the future, where a cursor would leave out all that comes until then.
        self.latest = max(before or 0, min(event.time_us, _now()))
        if before is not None and self.latest - before > _GAP:
            missed = {"after": _time(before).isoformat(), "before": _time(self.latest).isoformat()}
            _log.warning("posts may have been missed", **missed)
        if self._start is None:
            self._start = event.time_us - 1
        return event.time_us > self._start

    def _sift(self, event: Event) -> None:
        commit = event.commit
        if commit is None or commit.collection != POSTS:
            return
        if commit.operation == "delete":
            ref = read_deletion(event)
            if self._is_new(event.did, commit):
                self._posts = [post for post in self._posts if post.ref != ref]
                self._deleted.append(ref)
            return
        post, tags = read_post(event)
        if post and self._is_wanted(post, tags) and self._is_new(event.did, commit):
            self._posts.append(post)

    def _is_wanted(self, post: Post, tags: frozenset[str]) -> bool:
        if self._since and post.created_at and post.created_at < self._since:
            return False
        return not self._tags or not self._tags.isdisjoint(tags)

    def _is_new(self, did: str, commit: Commit) -> bool:
        key = (did, commit.rkey, commit.operation, commit.rev)
        if key in self._seen:
            return False
        self._seen[key] = None
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return True


def read_cursor(cursor: str) -> int:
    """The time that a cursor is.

    Raises:
        BadInputError: it is none, or in the future.
    """
    if not _CURSOR.fullmatch(cursor) or int(cursor) > _now() + _AHEAD:
        raise BadInputError("the cursor is none of Bluesky's stream; leave it out to begin now")
    return int(cursor)


def read_event(message: bytes) -> Event:
    """The event that a message is.

    Raises:
        SourceError: it is none.
    """
    try:
        event = _EVENTS.decode(message)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise SourceError(f"Bluesky's stream sent no event: {error}") from None
    if event.time_us > _now() + _AHEAD:
        raise SourceError("Bluesky's stream sent an event from the future")
    return event


def read_post(event: Event) -> tuple[Post | None, frozenset[str]]:
    """The post that was written, None if it has no text; and all its hashtags.

    Raises:
        SourceError: it is no post.
    """
    commit = event.commit
    record = shaped(commit and commit.record, Record)
    try:
        post = read_record(event.did, commit.rkey if commit else "", record, _time(event.time_us))
    except BadInputError:
        return None, frozenset()
    return post, frozenset({*post.hashtags, *hashtags(record)})


def read_deletion(event: Event) -> PostRef:
    """Which post was deleted.

    Raises:
        SourceError: it can't have been one.
    """
    rkey = event.commit.rkey if event.commit else ""
    if at_uri(event.did, rkey) is None:
        raise SourceError("Bluesky's stream told of a post whose address can't be used")
    return PostRef(BLUESKY, f"{rkey}@{event.did}")


def _now() -> int:
    return (datetime.now(UTC) - _EPOCH) // timedelta(microseconds=1)


def _time(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)
