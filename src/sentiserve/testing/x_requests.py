"""Which requests X takes: how often, and with which parameters."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from sentiserve.testing.x_answers import PROBLEMS, invalid

# Requests in a window, with an app's token and with a user's; X documents them so.
LIMITS = {
    "lookup": (3_500, 5_000),
    "username": (300, 900),
    "me": (0, 75),
    "user": (10_000, 900),
    "home": (0, 180),
    "search": (450, 300),
    "stream": (50, 0),
    "rules": (450, 0),
}
_FIELDS = {"tweet.fields", "post.fields", "user.fields", "expansions"}


class Refused(Exception):  # noqa: N818  # it is an answer, not an error
    """The answer to a request that can't be used."""

    def __init__(
        self, status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None
    ) -> None:
        """Say what X says."""
        self.response = JSONResponse(body, status, headers, "application/problem+json")


@dataclass(slots=True)
class _Window:
    """How often an endpoint was asked since its window began."""

    ends: int  # seconds since 1970
    asked: int = 0


class Windows:
    """How often each endpoint may be asked in a window of time, with either kind of token."""

    def __init__(self, limits: Mapping[str, tuple[int, int]], seconds: float) -> None:
        """Take the limits, and after how long they begin anew."""
        self._limits = limits
        self._seconds = seconds
        self._windows: dict[tuple[str, int], _Window] = {}

    def count(self, endpoint: str, who: int) -> dict[str, str]:
        """Count a request of an app (0) or a user (1); the headers that say how many are left.

        Raises:
            Refused: there are none, or the endpoint isn't for such a token.
        """
        limit, now = self._limits[endpoint][who], time.time()
        if not limit:
            raise Refused(*PROBLEMS["unsupported-authentication"])
        window = self._windows.get((endpoint, who))
        if window is None or window.ends <= now:
            window = self._windows[endpoint, who] = _Window(int(now + self._seconds))
        window.asked += 1
        headers = {
            "x-rate-limit-limit": str(limit),
            "x-rate-limit-remaining": str(max(0, limit - window.asked)),
            "x-rate-limit-reset": str(window.ends),
        }
        if window.asked > limit:
            raise Refused(*PROBLEMS["too-many-requests"], headers)
        return headers


def query_of(request: Request, known: set[str]) -> dict[str, str]:
    """The parameters, if all of them are known."""
    given = dict(request.query_params)
    for name in given:
        if name not in known | _FIELDS:
            raise Refused(400, invalid(name, f"the query parameter [{name}] is not known"))
    return given


def match(parameter: str, value: str, pattern: str) -> str:
    """A parameter's value, if it is as it must be."""
    if not re.fullmatch(pattern, value):
        raise Refused(400, invalid(parameter, f"[{value}] does not match {pattern}"))
    return value


def time_in(text: str) -> datetime:
    """A start time, if X takes it."""
    match("start_time", text, r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
    time_then = datetime.fromisoformat(text)
    if time_then > datetime.now(UTC) - timedelta(seconds=10):
        raise Refused(400, invalid("start_time", "must be at least 10 seconds ago"))
    return time_then
