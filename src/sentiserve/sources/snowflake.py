"""When an id of X was given out: ids are snowflakes, which count from a time."""

import re
from datetime import UTC, datetime, timedelta

_ID = re.compile(r"[1-9][0-9]{0,18}")
_FIRST = 30_000_000_000  # ids below were counted up, before November 2010
_LARGEST = (1 << 63) - 1
_EPOCH = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=1_288_834_974_657)
_AHEAD = timedelta(hours=1)  # that this machine's clock may be slow


def snowflake_time(post_id: str) -> datetime | None:
    """When a post of X was written, to the millisecond; None for an id that doesn't tell.

    The formula is that of https://github.com/twitter-archive/snowflake.
    """
    number = _number(post_id)
    if number is None or number < _FIRST:
        return None
    return _EPOCH + timedelta(milliseconds=number >> 22)


def is_plausible(post_id: str) -> bool:
    """Whether the id may have been given out: one whose time is to come never was."""
    if _number(post_id) is None:
        return False
    time = snowflake_time(post_id)
    return time is None or time <= datetime.now(UTC) + _AHEAD


def _number(post_id: str) -> int | None:
    number = int(post_id) if _ID.fullmatch(post_id) else None
    return number if number is None or number <= _LARGEST else None
