"""A post as X's archives have it, and as older archives and other programs had it, as a row.

The shapes: ``{"tweet": {…}}`` or the inner object alone; ``full_text`` or ``text``; ids as
``id_str`` or ``id``, numbers or strings; with a ``user``, or by the archive's owner.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sentiserve.tables.json_list import Broken
from sentiserve.tables.row import Row
from sentiserve.texts import unescaped

_ID = re.compile(r"[1-9][0-9]{0,18}")
_HANDLE = re.compile(r"[A-Za-z0-9_]{1,50}")
_RETWEET = re.compile(r"\ART @[A-Za-z0-9_]{1,50}: (?=\S)")
# Wed Oct 10 20:19:24 +0000 2018; strptime takes longer than all the rest.
_TIME = re.compile(r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) (\d\d) (\d\d:\d\d:\d\d) ([+-]\d{4}) (\d{4})")
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose posts they are, as far as it is known."""

    id: str | None = None
    handle: str | None = None

    @classmethod
    def of(cls, values: dict[str, Any], id_key: str, handle_key: str) -> "Owner":
        """What stands there under these names, where it is an id and a handle."""
        user_id, handle = (_string(values.get(key)) for key in (id_key, handle_key))
        return cls(
            user_id if user_id and _ID.fullmatch(user_id) else None,
            handle if handle and _HANDLE.fullmatch(handle) else None,
        )


def post_row(element: Any, owner: Owner) -> Row:
    """The row of an element; a problem where it is no post."""
    if isinstance(element, Broken):
        return Row(problem=element.reason)
    tweet = element.get("tweet", element) if isinstance(element, dict) else None
    if not isinstance(tweet, dict):
        return Row(problem="no post: it is no JSON object")
    post_id = _string(tweet.get("id_str")) or _string(tweet.get("id"))
    if not post_id or not _ID.fullmatch(post_id):
        return Row(problem="no post: it has no id_str that is an id on X")
    text = _text(tweet)
    if text is None:
        return Row(problem="no post: it has neither full_text nor text")
    if _is_spoilt(text):
        return Row(problem="the text is not UTF-8, or holds a lone surrogate")
    author = _author(tweet, owner)
    values = {
        "platform": "x",
        "id": post_id,
        "text": text,
        "created_at": _time(_string(tweet.get("created_at"))),
        "author_id": author.id,
        "author_handle": author.handle,
        "url": f"https://x.com/{author.handle or 'i/web'}/status/{post_id}",
        "lang": _string(tweet.get("lang")),
    }
    return Row(values)


def _text(tweet: dict[str, Any]) -> str | None:
    """What a person reads; of a retweet, what was retweeted."""
    retweeted = tweet.get("retweeted_status")
    if isinstance(retweeted, dict) and (whole := _raw_text(retweeted)):
        return unescaped(whole)
    text = _raw_text(tweet)
    return None if text is None else unescaped(_RETWEET.sub("", text, count=1))


def _raw_text(tweet: dict[str, Any]) -> str | None:
    found = (tweet.get(key) for key in ("full_text", "text"))
    return next((text for text in found if isinstance(text, str)), None)


def _author(tweet: dict[str, Any], owner: Owner) -> Owner:
    user = tweet.get("user")
    if not isinstance(user, dict):
        return owner
    id_key = "id_str" if "id_str" in user else "id"
    return Owner.of(user, id_key, "screen_name")


def _string(value: object) -> str | None:
    """Numbers are strings already."""
    return value if isinstance(value, str) and value and not _is_spoilt(value) else None


def _is_spoilt(text: str) -> bool:
    """Bytes that were no UTF-8 have become lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _time(written: str | None) -> str | None:
    """In ISO 8601; as it is where it can't be read, for whoever needs it to say so."""
    found = _TIME.fullmatch(written) if written else None
    if not found:
        return written
    month, day, time, zone, year = found.groups()
    try:
        number = _MONTHS.index(month) + 1
        moment = datetime.fromisoformat(f"{year}-{number:02}-{day}T{time}{zone}")
        return moment.astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        return written
