"""Questions put together into few calls."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from sentiserve.errors import SourceError
from sentiserve.sources.merged import Merged


class Calls:
    """A call that says each number's square, once it is let go on."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.may_answer = asyncio.Event()

    async def __call__(self, keys: Sequence[int]) -> Mapping[int, int]:
        self.asked.append(list(keys))
        await self.may_answer.wait()
        if 13 in keys:
            raise SourceError("unlucky")
        return {key: key * key for key in keys}


async def test_what_is_asked_at_once_goes_out_together() -> None:
    """As many keys as a call takes, each once."""
    call = Calls()
    call.may_answer.set()
    merged = Merged(call, size=3)
    answers = await asyncio.gather(*map(merged.ask, [1, 2, 3, 2, 1, 4]))
    assert answers == [1, 4, 9, 4, 1, 16]
    assert call.asked == [[1, 2, 3], [4]]


async def test_while_all_calls_are_out_questions_wait_together() -> None:
    """No more calls run at a time than may; the next takes all that wait."""
    call = Calls()
    merged = Merged(call, size=10, calls=2)
    asking = []
    for key in (1, 2, 3, 4, 5):
        asking.append(asyncio.create_task(merged.ask(key)))
        await asyncio.sleep(0.01)
    assert call.asked == [[1], [2]]
    call.may_answer.set()
    assert await asyncio.gather(*asking) == [1, 4, 9, 16, 25]
    assert call.asked == [[1], [2], [3, 4, 5]]


async def test_a_key_is_asked_again_after_its_answer() -> None:
    """Answers are shared while they are on their way, and not remembered."""
    call = Calls()
    call.may_answer.set()
    merged = Merged(call, size=1)
    assert [await merged.ask(2), await merged.ask(2)] == [4, 4]
    assert call.asked == [[2], [2]]


async def test_a_call_that_fails_fails_those_who_asked() -> None:
    """Everyone in that call gets the error; the next call is another matter."""
    call = Calls()
    call.may_answer.set()
    merged = Merged(call, size=2)
    answers = await asyncio.gather(*map(merged.ask, [12, 13, 14]), return_exceptions=True)
    assert [str(answer) for answer in answers] == ["unlucky", "unlucky", "196"]


async def test_who_leaves_takes_nothing_along() -> None:
    """Others who asked for the same still get it, and nobody need be left."""
    call = Calls()
    merged = Merged(call, size=2)
    leaving, staying = (asyncio.create_task(merged.ask(key)) for key in (1, 1))
    gone = asyncio.create_task(merged.ask(13))
    await asyncio.sleep(0.01)
    leaving.cancel()
    gone.cancel()
    call.may_answer.set()
    with pytest.raises(SourceError):
        await staying


async def test_what_nobody_waits_for_is_not_asked() -> None:
    """Neither is it kept; who asks for it later is answered."""
    call = Calls()
    merged = Merged(call, size=10, calls=1)
    first = asyncio.create_task(merged.ask(1))
    await asyncio.sleep(0.01)
    leaving, staying = (asyncio.create_task(merged.ask(key)) for key in (2, 3))
    await asyncio.sleep(0.01)
    leaving.cancel()
    await asyncio.sleep(0.01)
    call.may_answer.set()
    assert [await first, await staying] == [1, 9]
    assert call.asked == [[1], [3]]
    assert await merged.ask(2) == 4


async def test_closing_leaves_nobody_waiting() -> None:
    """Whoever waits gets an error, whether their call was out or not."""
    call = Calls()
    merged = Merged(call, size=1, calls=1)
    asking = [asyncio.create_task(merged.ask(key)) for key in (1, 2)]
    await asyncio.sleep(0.01)
    await merged.close()
    answers = await asyncio.gather(*asking, return_exceptions=True)
    assert [str(answer) for answer in answers] == ["the source was closed"] * 2
