"""Predictions reach the store, whatever happens to it meanwhile."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from sentiserve.errors import OverloadedError, StoreError
from sentiserve.metrics import Metrics
from sentiserve.recorder import Recorder
from sentiserve.store.memory import MemoryStore
from sentiserve.types import Post, PostRef, Prediction, Sentiment

MODEL = "model"


class FailingStore(MemoryStore):
    """A memory store that fails as often as it is told."""

    def __init__(self, failures: int) -> None:
        super().__init__(ttl=60)
        self.failures = failures
        self.puts: list[int] = []

    async def put(self, predictions: Sequence[Prediction]) -> None:
        if self.failures:
            self.failures -= 1
            raise StoreError("the store is away")
        self.puts.append(len(predictions))
        await super().put(predictions)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sentiserve.timing._FIRST_PAUSE", 0.001)
    monkeypatch.setattr("sentiserve.timing._LONGEST_PAUSE", 0.001)


def prediction(number: int, label: str = "a") -> Prediction:
    post = Post(PostRef("x", str(number)), f"text {number}")
    return Prediction(post, Sentiment({label: 1.0}), MODEL, datetime.now(UTC))


async def kept(store: MemoryStore, count: int) -> int:
    refs = [PostRef("x", str(number)) for number in range(count)]
    return sum(p is not None for p in await store.get(refs, MODEL))


async def test_closing_writes_everything_that_waits() -> None:
    store = FailingStore(failures=0)
    recorder = Recorder(store, Metrics(), max_records=10_000)
    await recorder.open()
    for number in range(2_000):
        await recorder.put(prediction(number))
    await recorder.close(60)
    assert await kept(store, 2_000) == 2_000
    assert max(store.puts) > 1  # in batches


async def test_what_comes_at_about_the_same_time_is_written_together() -> None:
    """A write costs more than a record, and takes its time from the model under load."""
    store = FailingStore(failures=0)
    recorder = Recorder(store, Metrics(), max_records=100)
    await recorder.open()
    for number in range(5):
        await recorder.put(prediction(number))
        await asyncio.sleep(0)
    await recorder.close(60)
    assert store.puts == [5]


async def test_a_store_that_comes_back_gets_what_waited() -> None:
    store = FailingStore(failures=5)
    metrics = Metrics()
    recorder = Recorder(store, metrics, max_records=100)
    await recorder.open()
    await recorder.put(prediction(0))
    await recorder.close(60)
    assert await kept(store, 1) == 1
    assert b'sentiserve_store_errors_total{operation="put"} 5.0' in metrics.exposition()


async def test_what_waits_can_be_read_already() -> None:
    recorder = Recorder(FailingStore(failures=0), Metrics(), max_records=100)
    waiting = prediction(0)
    await recorder.put(waiting)
    assert recorder.get(waiting.post.ref, MODEL) is waiting
    assert recorder.get(waiting.post.ref, "another model") is None


async def test_a_full_recorder_refuses_new_work_and_drops_none() -> None:
    store = FailingStore(failures=1_000_000)
    recorder = Recorder(store, Metrics(), max_records=3)
    await recorder.open()
    for number in range(3):
        with recorder.room():
            await recorder.put(prediction(number))
    with pytest.raises(OverloadedError), recorder.room():
        pass
    store.failures = 0
    await recorder.close(60)
    assert await kept(store, 3) == 3


async def test_a_newer_prediction_for_a_waiting_post_is_not_forgotten() -> None:
    store = FailingStore(failures=3)
    recorder = Recorder(store, Metrics(), max_records=100)
    await recorder.open()
    await recorder.put(prediction(0, "old"))
    while store.failures == 3:  # until the old one is being written
        await asyncio.sleep(0.001)
    await recorder.put(prediction(0, "new"))
    await recorder.close(60)
    (found,) = await store.get([PostRef("x", "0")], MODEL)
    assert found is not None
    assert found.sentiment.label == "new"


async def test_closing_gives_up_after_its_patience() -> None:
    recorder = Recorder(FailingStore(failures=1_000_000), Metrics(), max_records=100)
    await recorder.open()
    await recorder.put(prediction(0))
    with pytest.raises(StoreError, match="1 predictions are lost"):
        await recorder.close(0.01)


async def test_an_error_that_is_no_store_error_does_not_stop_the_recorder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = FailingStore(failures=0)
    put = store.put
    calls = 0

    async def broken_once(predictions: Sequence[Prediction]) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise RuntimeError("a bug in the store")
        await put(predictions)

    monkeypatch.setattr(store, "put", broken_once)
    recorder = Recorder(store, Metrics(), max_records=100)
    await recorder.open()
    await recorder.put(prediction(0))
    await recorder.close(60)
    assert await kept(store, 1) == 1


async def test_places_that_are_kept_count_too() -> None:
    recorder = Recorder(FailingStore(failures=0), Metrics(), max_records=2)
    with recorder.room(), recorder.room(), pytest.raises(OverloadedError), recorder.room():
        pass
    with recorder.room():
        pass


async def test_a_prediction_that_the_store_cannot_take_does_not_hold_up_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = FailingStore(failures=0)
    put = store.put

    async def picky(predictions: Sequence[Prediction]) -> None:
        if any(p.post.ref.id == "1" for p in predictions):
            raise OverflowError("a number too large for the store")
        await put(predictions)

    monkeypatch.setattr(store, "put", picky)
    recorder = Recorder(store, Metrics(), max_records=100)
    await recorder.open()
    for number in range(3):
        await recorder.put(prediction(number))
    await recorder.close(60)
    assert await kept(store, 3) == 2


async def test_a_failing_store_is_told_and_forgotten_when_it_is_back() -> None:
    store = FailingStore(failures=1_000_000)
    recorder = Recorder(store, Metrics(), max_records=100)
    await recorder.open()
    await recorder.put(prediction(0))
    while recorder.errors.get("store") is None:
        await asyncio.sleep(0)
    assert recorder.errors["store"] == "the store is away"
    store.failures = 0
    await recorder.close(60)
    assert recorder.errors.get("store") is None
