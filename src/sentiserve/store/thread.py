"""A thread that works for the event loop."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from typing import TypeVar

T = TypeVar("T")
_Work = Callable[[], None] | None


class Thread:
    """One thread that does what it is given, in order.

    An executor does the same by way of a second future with a lock of its own, and so takes twice
    as long: more than SQLite needs to find a row.
    """

    def __init__(self, name: str) -> None:
        """Name the thread; the first work starts it."""
        self._name = name
        self._works: SimpleQueue[_Work] = SimpleQueue()
        self._thread: threading.Thread | None = None

    async def run(self, work: Callable[[], T]) -> T:
        """Do the work on the thread, and return or raise what it does."""
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[T] = loop.create_future()

        def do() -> None:
            try:
                settle = partial(outcome.set_result, work())
            except BaseException as error:  # noqa: BLE001  # whatever it is, it is raised there
                settle = partial(outcome.set_exception, error)
            with suppress(RuntimeError):  # the loop was closed: nobody waits any more
                loop.call_soon_threadsafe(lambda: outcome.done() or settle())

        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name=self._name, daemon=True)
            self._thread.start()
        self._works.put(do)
        return await outcome

    async def close(self) -> None:
        """Finish what was given, and end the thread."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._works.put(None)
            await asyncio.to_thread(thread.join)

    def _serve(self) -> None:
        while (work := self._works.get()) is not None:
            work()
