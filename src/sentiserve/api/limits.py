"""How often each client may ask."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable

from sentiserve.errors import LimitedError

_CLIENTS = 10_000  # remembered; of the one that was away longest nothing is known any longer


class Limits:
    """A bucket of requests for each client, which fills up at a rate.

    Of a client it is enough to know when the bucket will be full again (the generic cell rate
    algorithm). Whoever has room for one request may send a larger one, and waits longer then.
    """

    def __init__(
        self, rate: float, burst: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Take the requests a second, 0 for no limit, and how many fit into a bucket."""
        self._interval = 1 / rate if rate else 0.0
        self._most = (burst - 1) * self._interval
        self._clock = clock
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def __bool__(self) -> bool:
        """Whether there is a limit."""
        return self._interval > 0

    def check(self, client: str) -> None:
        """Return if a client may ask now.

        Raises:
            LimitedError: it asked too often; the error says when it may again.
        """
        wait = self._full_at.get(client, 0.0) - self._clock() - self._most
        if wait > 0:
            raise LimitedError("you ask too often; wait, and ask again", math.ceil(wait))

    def charge(self, client: str, requests: int = 1) -> None:
        """Count so many requests of a client."""
        full_at = max(self._full_at.pop(client, 0.0), self._clock())
        self._full_at[client] = full_at + requests * self._interval
        if len(self._full_at) > _CLIENTS:
            self._full_at.popitem(last=False)
