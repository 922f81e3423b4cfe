"""Times and spans of time as people write them."""

import re
from datetime import UTC, datetime, timedelta

from sentiserve.errors import BadInputError

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SPAN = re.compile(r"(\d{1,6})([mhdw])")


def span(text: str) -> timedelta:
    """A span: ``30m``, ``2h``, ``7d`` or ``4w``.

    Raises:
        BadInputError: it is none.
    """
    match = _SPAN.fullmatch(text.strip())
    if match is None:
        raise BadInputError(f"{text!r} is no span of time; write it as 30m, 2h, 7d or 4w")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def time_since(text: str, now: datetime) -> datetime:
    """A time, or a span before now; UTC if it doesn't say.

    Raises:
        BadInputError: it is neither.
    """
    if _SPAN.fullmatch(text.strip()):
        try:
            return now - span(text)
        except OverflowError:
            raise BadInputError(f"{text!r} is too long ago") from None
    try:
        time = datetime.fromisoformat(text.strip())
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadInputError(
            f"{text!r} is no time; write 2026-03-01, 2026-03-01T12:00, or 2h or 7d for so long ago"
        ) from None
