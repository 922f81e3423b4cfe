"""Posts asked for one by one, from a server that has no call for many."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Sequence

from sentiserve.errors import QuotaExhaustedError, SentiserveError, SourceTimeoutError
from sentiserve.types import Post, PostRef

_LONGEST_REST = 5 * 60  # seconds for which a server is believed that it is not to be asked


class Lookups:
    """Asks for posts, some at once and in bounded time; each error costs one post alone.

    A server that wants to be left alone is not asked before it said.
    """

    def __init__(
        self,
        name: str,
        ask: Callable[[PostRef], Awaitable[Post]],
        *,
        at_once: int,
        seconds: float,
    ) -> None:
        """Take the server's name for messages, and what asks it for a post.

        Args:
            name: what errors call the server.
            ask: gives the post or raises a SentiserveError.
            at_once: how many requests may be under way.
            seconds: that all posts of a call may take together.
        """
        self._name = name
        self._ask = ask
        self._places = asyncio.Semaphore(at_once)
        self._seconds = seconds
        self._rests_until = -math.inf

    async def fetch(self, refs: Sequence[PostRef]) -> list[Post | SentiserveError]:
        """The posts, in the order asked; what can't be had in time is an error in its place."""
        deadline = asyncio.get_running_loop().time() + self._seconds
        async with asyncio.TaskGroup() as group:
            tasks = {
                ref: group.create_task(self._answer(ref, deadline)) for ref in dict.fromkeys(refs)
            }
        return [tasks[ref].result() for ref in refs]

    async def _answer(self, ref: PostRef, deadline: float) -> Post | SentiserveError:
        try:
            async with asyncio.timeout_at(deadline), self._places:
                return await self._asked(ref)
        except TimeoutError:
            return SourceTimeoutError(f"{self._name} did not answer in time")
        except SentiserveError as error:
            return error

    async def _asked(self, ref: PostRef) -> Post:
        rest = self._rests_until - time.monotonic()
        if rest > 0:
            message = f"{self._name} wants to be asked less often"
            raise QuotaExhaustedError(message, math.ceil(rest))
        try:
            return await self._ask(ref)
        except QuotaExhaustedError as error:
            rest = min(error.retry_after or 0, _LONGEST_REST)
            self._rests_until = time.monotonic() + rest
            raise
