"""Look-ups in the store: together where they come together, each with its own answer."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from sentiserve import lookups
from sentiserve.errors import StoreError
from sentiserve.lookups import Lookups
from sentiserve.store.memory import MemoryStore
from sentiserve.testing.scenarios import MODEL
from sentiserve.types import Post, PostRef, Prediction, Sentiment

PREDICTIONS = {
    number: Prediction(
        Post(PostRef("x", f"{number}"), f"text {number}"),
        Sentiment({"negative": 0.1, "neutral": 0.1, "positive": 0.8}, truncated=False),
        MODEL,
        datetime.now(UTC),
    )
    for number in range(0, 20, 2)
}


class Counting(MemoryStore):
    """Remembers what it was asked for, and takes its time."""

    def __init__(self) -> None:
        super().__init__(ttl=3_600)  # longer than the tests before it take
        self.calls: list[list[str]] = []
        self.free = asyncio.Event()
        self.error: Exception | None = None
        self.free.set()

    async def get(self, refs: Sequence[PostRef], model_id: str) -> list[Prediction | None]:
        self.calls.append([ref.id for ref in refs])
        await self.free.wait()
        if self.error:
            raise self.error
        return await super().get(refs, model_id)


@pytest.fixture
async def store() -> Counting:
    store = Counting()
    await store.open()
    await store.put(list(PREDICTIONS.values()))
    return store


def refs(*numbers: int) -> list[PostRef]:
    return [PostRef("x", f"{number}") for number in numbers]


def expected(*numbers: int) -> list[Prediction | None]:
    return [PREDICTIONS.get(number) for number in numbers]


async def test_everybody_gets_what_they_asked_for(store: Counting) -> None:
    found = Lookups(store, MODEL, 10)
    asked = [(0,), (1,), (2, 3), (), (3, 2, 0), (0,)]
    answers = await asyncio.gather(*[found.get(refs(*numbers)) for numbers in asked])
    assert [list(answer) for answer in answers] == [expected(*numbers) for numbers in asked]
    assert store.calls == [["0", "1", "2", "3"]]


async def test_who_comes_during_a_call_is_in_the_next(store: Counting) -> None:
    found = Lookups(store, MODEL, 10)
    store.free.clear()
    first = asyncio.create_task(found.get(refs(0)))
    await asyncio.sleep(0.01)
    others = [asyncio.create_task(found.get(refs(number))) for number in (1, 2)]
    await asyncio.sleep(0.01)
    store.free.set()
    assert [await first, *[await other for other in others]] == [
        expected(0),
        expected(1),
        expected(2),
    ]
    assert store.calls == [["0"], ["1", "2"]]


async def test_long_lists_are_not_put_together(
    store: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookups, "_MOST", 4)
    found = Lookups(store, MODEL, 10)
    await asyncio.gather(*[found.get(refs(*numbers)) for numbers in [range(6), (7, 8), (9,)]])
    assert store.calls == [["0", "1", "2", "3", "4", "5"], ["7", "8", "9"]]


async def test_a_caller_who_leaves_takes_nothing_from_the_others(store: Counting) -> None:
    found = Lookups(store, MODEL, 10)
    store.free.clear()
    leaving, staying = [asyncio.create_task(found.get(refs(number))) for number in (0, 2)]
    await asyncio.sleep(0.01)
    leaving.cancel()
    store.free.set()
    assert await staying == expected(2)
    assert await found.get(refs(0)) == expected(0)


async def test_an_error_reaches_those_who_asked_and_the_next_call_works(store: Counting) -> None:
    found = Lookups(store, MODEL, 10)
    store.error = StoreError("away")
    answers = await asyncio.gather(
        *[found.get(refs(number)) for number in (0, 2)], return_exceptions=True
    )
    assert [str(answer) for answer in answers] == ["away", "away"]
    store.error = None
    assert await found.get(refs(0)) == expected(0)


async def test_nobody_waits_longer_than_the_timeout(store: Counting) -> None:
    """Not even those who came while a call was stuck."""
    found = Lookups(store, MODEL, 0.2)
    store.free.clear()
    first = asyncio.create_task(found.get(refs(0)))
    await asyncio.sleep(0.05)
    second = asyncio.create_task(found.get(refs(2)))
    answers = await asyncio.gather(first, second, return_exceptions=True)
    assert all("took over 0.2 s" in str(answer) for answer in answers)
    assert len(store.calls) == 1
    store.free.set()
    assert await found.get(refs(0)) == expected(0)


async def test_waiting_for_a_call_and_being_in_the_next_have_one_time_together() -> None:
    """Who came during a call doesn't get the whole time once more for the next."""
    ended: list[str] = []

    class Stuck(Counting):
        async def get(self, refs: Sequence[PostRef], model_id: str) -> list[Prediction | None]:
            if not self.calls:
                return await super().get(refs, model_id)
            try:
                await asyncio.Event().wait()
            finally:
                ended.append("the next call")
            return []

    store = Stuck()
    await store.open()
    found = Lookups(store, MODEL, 0.5)
    store.free.clear()
    first = asyncio.create_task(found.get(refs(0)))
    await asyncio.sleep(0.01)
    second = asyncio.create_task(found.get(refs(1)))
    second.add_done_callback(lambda _: ended.append("who waited"))
    await asyncio.sleep(0.1)
    store.free.set()
    assert await first == [None]
    with pytest.raises(StoreError, match=r"the store took over 0\.5 s"):
        await second
    assert ended == ["who waited"]
