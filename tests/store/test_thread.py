"""A thread that works for the event loop."""

import asyncio
import threading
import time

import pytest

from sentiserve.store.thread import Thread


async def test_work_is_done_elsewhere_in_order() -> None:
    """All of it on one thread that is not the loop's, one after the other."""
    thread, done = Thread("worker"), list[int]()

    def work(number: int) -> int:
        time.sleep(0.001 * (5 - number))
        done.append(number)
        return threading.get_ident()

    idents = await asyncio.gather(*(thread.run(lambda n=number: work(n)) for number in range(5)))  # type: ignore[misc]  # a lambda's default has no type
    assert done == list(range(5))
    assert len(set(idents) - {threading.get_ident()}) == 1
    await thread.close()


async def test_what_it_raises_is_raised() -> None:
    """An error comes to who asked, and the thread goes on."""
    thread = Thread("worker")
    with pytest.raises(ZeroDivisionError):
        await thread.run(lambda: 1 // 0)
    assert await thread.run(lambda: 1) == 1
    await thread.close()


async def test_who_leaves_stops_nobody() -> None:
    """Work that nobody waits for any more is finished, and so is what comes after it."""
    thread, done = Thread("worker"), threading.Event()
    left = asyncio.create_task(thread.run(lambda: time.sleep(0.05) or done.set()))  # type: ignore[func-returns-value]  # two steps in one
    await asyncio.sleep(0.01)
    left.cancel()
    assert await thread.run(lambda: 2) == 2
    assert done.is_set()
    await thread.close()


async def test_closing_finishes_what_was_given_and_may_come_twice() -> None:
    """Nothing that was given is left out; afterwards it may be used anew."""
    thread = Thread("worker")
    await thread.close()
    waiting = [asyncio.ensure_future(thread.run(lambda: time.sleep(0.01))) for _ in range(3)]
    await asyncio.sleep(0)
    await thread.close()
    await asyncio.gather(*waiting)
    assert await thread.run(lambda: 3) == 3
    await thread.close()
