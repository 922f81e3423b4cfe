"""Times and spans of time as people write them."""

import re
from datetime import UTC, datetime, timedelta

from sentiserve.errors import BadInputError

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SPAN = re.compile(r"([0-9]{1,6})([mhdw])")
_LONGEST = timedelta(days=100 * 365)


def span(text: str) -> timedelta:
    """A span: ``30m``, ``2h``, ``7d`` or ``4w``.

    Raises:
        BadInputError: it is none, or longer than 100 years.
    """
    match = _SPAN.fullmatch(text.strip())
    if match is None:
        raise BadInputError(f"{text!r} is no span of time; write it as 30m, 2h, 7d or 4w")
    found = timedelta(**{_UNITS[match[2]]: int(match[1])})
    if found > _LONGEST:
        raise BadInputError(f"{text!r} is over 100 years; name a shorter span")
    return found


def time_since(text: str, now: datetime) -> datetime:
    """A time, or a span before now; UTC if it doesn't say.

    Raises:
        BadInputError: it is neither, or it is to come.
    """
    if _SPAN.fullmatch(text.strip()):
        return now - span(text)
    try:
        time = datetime.fromisoformat(text.strip())
        time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadInputError(
            f"{text!r} is no time; write 2026-03-01, 2026-03-01T12:00, "
            "or 30m, 2h, 7d or 4w for so long ago"
        ) from None
    if time > now:
        raise BadInputError(f"{text!r} is still to come; write a time that is past")
    return time
