"""Look-ups in the store: what is asked for at about the same time goes out together.

A look-up of its own for each caller would cost a way to another thread, or over the network, and
back; that takes longer than the looking.
"""

import asyncio
from collections.abc import Sequence

from sentiserve.errors import StoreError
from sentiserve.protocols import Store
from sentiserve.types import PostRef, Prediction

_MOST = 256  # posts after which a call takes in no other caller's
_Asked = tuple[Sequence[PostRef], asyncio.Future[Sequence[Prediction | None]]]


class Lookups:
    """One call at a time; whoever comes meanwhile is in the next."""

    def __init__(self, store: Store, model_id: str, timeout: float) -> None:
        """Take the store, whose predictions are wanted, and the seconds that a look-up may take."""
        self._store = store
        self._model_id = model_id
        self._timeout = timeout
        self._waiting: list[_Asked] = []
        self._working: asyncio.Task[None] | None = None

    async def get(self, refs: Sequence[PostRef]) -> Sequence[Prediction | None]:
        """What the store has of the posts.

        Raises:
            StoreError: it can't tell, or not in time.
            Exception: whatever else the store raises.
        """
        answer: asyncio.Future[Sequence[Prediction | None]]
        answer = asyncio.get_running_loop().create_future()
        self._waiting.append((refs, answer))
        if self._working is None:
            self._working = asyncio.create_task(self._work())
            return await answer
        # Waiting for the call under way and being in the next have one time together.
        limit = answer.get_loop().call_later(self._timeout, self._give_up, answer)
        try:
            return await answer
        finally:
            limit.cancel()

    def _give_up(self, answer: asyncio.Future[Sequence[Prediction | None]]) -> None:
        if not answer.done():
            answer.set_exception(self._too_slow())

    def _too_slow(self) -> StoreError:
        return StoreError(f"the store took over {self._timeout:g} s")

    async def _work(self) -> None:
        try:
            while asked := self._take():
                refs = list(dict.fromkeys(ref for wanted, _ in asked for ref in wanted))
                try:
                    found = dict(zip(refs, await self._call(refs), strict=True))
                except TimeoutError:
                    # Those who came meanwhile have no reason to hope either.
                    asked += self._take(everything=True)
                    _fail(asked, self._too_slow())
                except Exception as error:  # noqa: BLE001  # whoever asked gets it
                    _fail(asked, error)
                else:
                    for wanted, answer in asked:
                        if not answer.done():  # the caller has left
                            answer.set_result([found[ref] for ref in wanted])
        finally:
            self._working = None

    def _take(self, *, everything: bool = False) -> list[_Asked]:
        count = posts = 0
        for wanted, _ in self._waiting:
            if count and posts + len(wanted) > _MOST and not everything:
                break
            count, posts = count + 1, posts + len(wanted)
        asked, self._waiting = self._waiting[:count], self._waiting[count:]
        return asked

    async def _call(self, refs: Sequence[PostRef]) -> Sequence[Prediction | None]:
        async with asyncio.timeout(self._timeout):
            found = await self._store.get(refs, self._model_id)
        if len(found) != len(refs):
            raise StoreError(f"the store gave {len(found)} answers to {len(refs)} posts")
        return found


def _fail(asked: Sequence[_Asked], error: Exception) -> None:
    for _, answer in asked:
        if not answer.done():
            answer.set_exception(error)
