"""Questions asked at about the same time, put together into few calls."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Generic, TypeVar, cast

from sentiserve.errors import SourceError

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Merged(Generic[K, V]):
    """Looks single things up with calls that look many up.

    A question goes out at once while a call is free; those that wait for one go out together.
    Who asks what is being asked already shares the answer, and who leaves disturbs nobody.
    """

    def __init__(
        self,
        look_up: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]],
        *,
        size: int,
        calls: int = 4,
    ) -> None:
        """Take the call, which says something of each key.

        Args:
            look_up: the call.
            size: the most keys that it takes.
            calls: how many calls may run at the same time.
        """
        self._look_up = look_up
        self._size = size
        self._most_calls = calls
        self._calls: set[asyncio.Task[None]] = set()
        self._waiting: deque[K] = deque()
        self._answers: dict[K, asyncio.Future[V]] = {}

    async def ask(self, key: K) -> V:
        """What the call says of the key.

        Raises:
            SourceError: the source was closed meanwhile.
            Exception: what the call raised.
        """
        answer = self._answers.get(key)
        if answer is None:
            answer = self._answers[key] = asyncio.get_running_loop().create_future()
            self._waiting.append(key)
            if len(self._calls) < self._most_calls:
                self._calls.add(asyncio.create_task(self._call()))
        return await asyncio.shield(answer)

    async def close(self) -> None:
        """Break off what is under way; who waits gets an error."""
        calls, self._calls = self._calls, set()
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        self._waiting.clear()
        self._fail(list(self._answers), SourceError("the source was closed"))

    async def _call(self) -> None:
        while self._waiting:
            keys = [self._waiting.popleft() for _ in range(min(self._size, len(self._waiting)))]
            try:
                found = await self._look_up(keys)
                values = [found[key] for key in keys]
            except Exception as error:  # noqa: BLE001  # whoever asked gets it
                self._fail(keys, error)
            else:
                for key, value in zip(keys, values, strict=True):
                    self._answers.pop(key).set_result(value)
        self._calls.discard(cast("asyncio.Task[None]", asyncio.current_task()))

    def _fail(self, keys: Sequence[K], error: Exception) -> None:
        for key in keys:
            answer = self._answers.pop(key)
            answer.set_exception(error)
            answer.exception()  # nobody need be left to see it
