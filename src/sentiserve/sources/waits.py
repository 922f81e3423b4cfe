"""How long a server wants to be left alone, by what its answer's headers say."""

import math
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

_LATER = "retry-after"
_RESETS = ("x-rate-limit-reset", "x-ratelimit-reset", "ratelimit-reset")  # of a window of requests
_FIRST_EPOCH = 1_000_000_000  # lesser numbers are seconds from now, others since 1970
_MAX_WAIT = 24 * 60 * 60  # seconds; a server that says more than a day is not believed


def wait_of(status: int, headers: Mapping[str, str]) -> float | None:
    """The seconds until the server wants to be asked again, where it says so.

    Args:
        status: of its answer; the end of a window means something only where that was too much.
        headers: names in lower case.
    """
    names = (_LATER, *_RESETS) if status == HTTPStatus.TOO_MANY_REQUESTS else (_LATER,)
    waits = (_seconds(headers[name]) for name in names if name in headers)
    return next((wait for wait in waits if wait is not None), None)


def _seconds(text: str) -> float | None:
    """The seconds from now that a header means: a number, an epoch, or a time as text."""
    try:
        number = float(text)
        wait = number if number < _FIRST_EPOCH else number - time.time()
    except ValueError:
        time_then = _time(text)
        if time_then is None:
            return None
        wait = (time_then - datetime.now(UTC)).total_seconds()
    return min(max(wait, 0.0), _MAX_WAIT) if math.isfinite(wait) else None


def _time(text: str) -> datetime | None:
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            found = parse(text)
        except (ValueError, OverflowError):
            continue
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found
    return None
