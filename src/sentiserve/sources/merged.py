"""Questions asked at about the same time, put together into few calls."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

from sentiserve.errors import SourceError

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(slots=True)
class _Question(Generic[V]):
    """What was asked, and by how many who still wait."""

    answer: asyncio.Future[V]
    askers: int = 0


class Merged(Generic[K, V]):
    """Looks single things up with calls that look many up.

    A question goes out at once while a call is free; those that wait for one go out together.
    Who asks what is being asked already shares the answer, and who leaves disturbs nobody; what
    nobody waits for any more isn't asked.
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
        self._questions: dict[K, _Question[V]] = {}

    async def ask(self, key: K) -> V:
        """What the call says of the key.

        Raises:
            SourceError: the source was closed meanwhile.
            Exception: what the call raised.
        """
        question = self._questions.get(key) or self._put(key)
        question.askers += 1
        try:
            return await asyncio.shield(question.answer)
        finally:
            question.askers -= 1

    async def close(self) -> None:
        """Break off what is under way; who waits gets an error."""
        calls, self._calls = self._calls, set()
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        self._waiting.clear()
        self._fail(list(self._questions), SourceError("the source was closed"))

    def _put(self, key: K) -> _Question[V]:
        question: _Question[V] = _Question(asyncio.get_running_loop().create_future())
        self._questions[key] = question
        self._waiting.append(key)
        if len(self._calls) < self._most_calls:
            self._calls.add(asyncio.create_task(self._call()))
        return question

    async def _call(self) -> None:
        while keys := self._take():
            try:
                found = await self._look_up(keys)
                values = [found[key] for key in keys]
            except Exception as error:  # noqa: BLE001  # whoever asked gets it
                self._fail(keys, error)
            else:
                for key, value in zip(keys, values, strict=True):
                    self._questions.pop(key).answer.set_result(value)
        self._calls.discard(cast("asyncio.Task[None]", asyncio.current_task()))

    def _take(self) -> list[K]:
        keys: list[K] = []
        while self._waiting and len(keys) < self._size:
            key = self._waiting.popleft()
            if self._questions[key].askers:
                keys.append(key)
            else:
                del self._questions[key]
        return keys

    def _fail(self, keys: Sequence[K], error: Exception) -> None:
        for key in keys:
            answer = self._questions.pop(key).answer
            answer.set_exception(error)
            answer.exception()  # nobody need be left to see it
