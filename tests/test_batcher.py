"""Batches form while the model works, and nobody is left waiting."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
import structlog

from sentiserve.batcher import Batcher, Limits
from sentiserve.errors import ModelError, OverloadedError
from sentiserve.lanes import Lane
from sentiserve.metrics import Metrics
from sentiserve.testing.fakes import FakeModel
from sentiserve.types import Sentiment

_LIMITS = Limits(texts=100, batch_seconds=float("inf"))


@asynccontextmanager
async def batching(model: FakeModel, limits: Limits = _LIMITS) -> AsyncIterator[Batcher]:
    batcher = Batcher(model, Metrics(), limits)
    await batcher.open()
    model.batches.clear()  # the warm-up
    try:
        yield batcher
    finally:
        model.free.set()
        await batcher.close()


async def until_called(model: FakeModel, times: int = 1) -> None:
    while len(model.batches) < times:
        await asyncio.sleep(0)


async def until_encoded(batcher: Batcher, texts: int) -> None:
    """So many wait for the model alone."""
    while len(batcher._encoded) < texts:
        await asyncio.sleep(0.001)


async def test_each_text_gets_its_own_sentiment() -> None:
    model = FakeModel()
    async with batching(model) as batcher:
        texts = [f"text {i}" for i in range(50)]
        answers = await asyncio.gather(*[batcher.submit(text) for text in texts])
    assert [a.sentiment for a in answers] == [model.sentiment(text) for text in texts]


async def test_what_waits_while_the_model_works_forms_the_next_batch() -> None:
    model = FakeModel()
    async with batching(model) as batcher:
        model.free.clear()
        first = asyncio.create_task(batcher.submit("first"))
        await until_called(model)
        others = [asyncio.create_task(batcher.submit(f"other {i}")) for i in range(5)]
        await asyncio.sleep(0)
        model.free.set()
        await asyncio.gather(first, *others)
    assert model.batches == [["first"], [f"other {i}" for i in range(5)]]


async def test_a_batch_is_never_larger_than_allowed() -> None:
    model = FakeModel()
    async with batching(model, Limits(batch_tokens=8)) as batcher:
        await asyncio.gather(*[batcher.submit(str(i)) for i in range(10)])
    assert max(len(batch) for batch in model.batches) == 4


async def test_a_slow_model_gets_small_batches() -> None:
    """Whoever comes meanwhile would wait for all of a large one."""
    model = FakeModel()
    async with batching(model, Limits(batch_seconds=0.000001)) as batcher:
        await asyncio.gather(*[batcher.submit(f"text {i}") for i in range(4)])
        known = len(model.batches)
        await asyncio.gather(*[batcher.submit(f"more {i}") for i in range(4)])
    assert [len(batch) for batch in model.batches[known:]] == [1] * 4


async def test_a_short_text_alone_does_not_tell_how_long_many_would_take() -> None:
    """By the token a model takes longer for it; much of a burst would be refused for nothing."""
    async with batching(FakeModel()) as batcher:
        await batcher.submit("A text that is long enough. " * 10)
        known = batcher._token_seconds
        for number in range(3):
            await batcher.submit(f"{number}")
        assert batcher._token_seconds == known
        await batcher.submit("Another that is long enough. " * 10)
        assert batcher._token_seconds != known


async def test_what_waits_is_shared_by_the_inferences() -> None:
    """Or one would compute all of it while the other has nothing to do."""
    model = Staged()
    limits = Limits(batch_tokens=1_000, batch_seconds=float("inf"), inferences=2)
    async with batching(model, limits) as batcher:
        model.free.clear()
        asked = []
        for i in range(2):
            asked.append(asyncio.create_task(batcher.submit(f"{i}" * 50)))
            await until_called(model, len(asked))
        asked += [asyncio.create_task(batcher.submit(f"{i}" * 50)) for i in range(2, 6)]
        await until_encoded(batcher, 4)
        model.free.set()
        await asyncio.gather(*asked)
    assert max(map(len, model.batches)) == 2


async def test_identical_texts_in_flight_share_one_inference() -> None:
    model = FakeModel()
    async with batching(model) as batcher:
        await asyncio.gather(*[batcher.submit("same") for _ in range(100)])
    assert model.batches == [["same"]]


async def test_a_caller_who_leaves_does_not_take_the_answer_from_the_others() -> None:
    model = FakeModel()
    async with batching(model) as batcher:
        model.free.clear()
        leaving, staying = (asyncio.create_task(batcher.submit("same")) for _ in range(2))
        await until_called(model)
        leaving.cancel()
        model.free.set()
        assert (await staying).sentiment == model.sentiment("same")


async def test_a_full_queue_refuses_at_once_and_takes_again_when_there_is_room() -> None:
    model = FakeModel()
    async with batching(model, Limits(texts=3)) as batcher:
        model.free.clear()
        waiting = [asyncio.create_task(batcher.submit("running"))]
        await until_called(model)
        waiting += [asyncio.create_task(batcher.submit(text)) for text in ("a", "b")]
        await asyncio.sleep(0)
        with pytest.raises(OverloadedError):
            await batcher.submit("c")
        model.free.set()
        await asyncio.gather(*waiting)
        assert (await batcher.submit("c")).sentiment == model.sentiment("c")


async def test_a_failing_engine_fails_its_batch_and_not_the_next() -> None:
    model = FakeModel()
    async with batching(model) as batcher:
        model.error = RuntimeError("out of something")
        with pytest.raises(ModelError) as raised:
            await batcher.submit("unlucky")
        assert "out of something" not in str(raised.value)
        model.error = None
        assert (await batcher.submit("lucky")).sentiment == model.sentiment("lucky")
        assert batcher.error is None


async def test_a_model_that_answers_too_little_fails_its_batch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = FakeModel()
    async with batching(model) as batcher:
        monkeypatch.setattr(model, "predict", lambda texts: [])
        with pytest.raises(ModelError, match="0 answers to 1 texts"):
            await batcher.submit("text")


async def test_a_model_that_fails_from_the_start_stops_the_start() -> None:
    model = FakeModel()
    model.error = RuntimeError("broken")
    batcher = Batcher(model, Metrics(), Limits())
    with pytest.raises(ModelError):
        await batcher.open()
    await batcher.close()


async def test_closing_tells_those_who_still_wait() -> None:
    model = FakeModel()
    batcher = Batcher(model, Metrics(), Limits(batch_tokens=1))
    await batcher.open()
    model.batches.clear()
    model.free.clear()
    running, waiting = (asyncio.create_task(batcher.submit(text)) for text in ("a", "b"))
    await until_called(model)
    closing = asyncio.create_task(batcher.close())
    await asyncio.sleep(0)
    model.free.set()
    await closing
    for task in (running, waiting):
        with pytest.raises(OverloadedError):
            await task


async def test_times_in_the_queue_and_in_the_model_are_told_apart() -> None:
    model = FakeModel()
    async with batching(model, Limits(batch_tokens=1)) as batcher:
        model.free.clear()
        first = asyncio.create_task(batcher.submit("first"))
        second = asyncio.create_task(batcher.submit("second"))
        await until_called(model)
        await asyncio.sleep(0.05)
        model.free.set()
        assert (await first).model.seconds >= 0.05
        assert (await second).queue.seconds >= 0.05


class Panic(BaseException):
    """What some engines raise when they break for good."""


@pytest.mark.parametrize("error", [StopIteration(), Panic(), SystemExit()])
async def test_whatever_an_engine_raises_nobody_is_left_waiting(error: BaseException) -> None:
    model = FakeModel()
    async with batching(model) as batcher:
        model.error = error
        async with asyncio.timeout(60):
            with pytest.raises(ModelError):
                await batcher.submit("unlucky")
        model.error = None
        assert (await batcher.submit("lucky")).sentiment == model.sentiment("lucky")


@pytest.mark.parametrize(
    "scores", [{}, {"negative": 1.0}, {"negative": float("nan"), "neutral": 0.0, "positive": 0.0}]
)
async def test_scores_that_make_no_sense_fail_their_batch(
    monkeypatch: pytest.MonkeyPatch, scores: dict[str, float]
) -> None:
    model = FakeModel()
    async with batching(model) as batcher:
        monkeypatch.setattr(model, "predict", lambda texts: [Sentiment(scores) for _ in texts])
        with pytest.raises(ModelError):
            await batcher.submit("text")


async def test_after_the_end_texts_are_refused() -> None:
    async with batching(FakeModel()) as batcher:
        pass
    with pytest.raises(OverloadedError):
        await batcher.submit("late")


async def test_a_failure_is_logged_and_counted() -> None:
    model, metrics = FakeModel(), Metrics()
    batcher = Batcher(model, metrics, Limits())
    await batcher.open()
    model.error = RuntimeError("out of something")
    with structlog.testing.capture_logs() as logs, pytest.raises(ModelError):
        await batcher.submit("unlucky")
    await batcher.close()
    assert [log["event"] for log in logs] == ["model failed"]
    assert b"sentiserve_model_errors_total 1.0" in metrics.exposition()


async def test_a_text_that_nobody_waits_for_any_longer_is_not_computed() -> None:
    model = FakeModel()
    async with batching(model) as batcher:
        model.free.clear()
        first = asyncio.create_task(batcher.submit("first"))
        await until_called(model)
        leaving = asyncio.create_task(batcher.submit("leaving"))
        staying = asyncio.create_task(batcher.submit("staying"))
        await until_encoded(batcher, 2)
        leaving.cancel()
        await asyncio.sleep(0)
        model.free.set()
        await asyncio.gather(first, staying)
    assert model.batches == [["first"], ["staying"]]


async def test_who_leaves_frees_the_place() -> None:
    model = FakeModel()
    async with batching(model, Limits(texts=2)) as batcher:
        model.free.clear()
        first = asyncio.create_task(batcher.submit("first"))
        await until_called(model)
        leaving = asyncio.create_task(batcher.submit("leaving"))
        await asyncio.sleep(0)
        with pytest.raises(OverloadedError):
            await batcher.submit("more")
        leaving.cancel()
        await asyncio.sleep(0.01)
        more = asyncio.create_task(batcher.submit("more"))
        await asyncio.sleep(0)
        model.free.set()
        await asyncio.gather(first, more)


async def test_a_single_request_overtakes_bulk_work() -> None:
    model = FakeModel()
    async with batching(model, Limits(batch_tokens=1)) as batcher:
        model.free.clear()
        bulk = [asyncio.create_task(batcher.submit(f"bulk {i}", Lane.BULK)) for i in range(5)]
        await until_called(model)
        single = asyncio.create_task(batcher.submit("single"))
        await until_encoded(batcher, 5)
        model.free.set()
        await asyncio.gather(single, *bulk)
    assert model.batches.index(["single"]) == 1


async def test_a_text_of_bulk_work_that_somebody_waits_for_goes_first() -> None:
    model = FakeModel()
    async with batching(model, Limits(batch_tokens=1)) as batcher:
        model.free.clear()
        bulk = [asyncio.create_task(batcher.submit(f"bulk {i}", Lane.BULK)) for i in range(5)]
        await until_called(model)
        await until_encoded(batcher, 4)
        single = asyncio.create_task(batcher.submit("bulk 4"))
        await asyncio.sleep(0)
        model.free.set()
        await asyncio.gather(single, *bulk)
    assert model.batches.index(["bulk 4"]) == 1


async def test_what_would_wait_too_long_is_refused_with_the_time_to_come_back() -> None:
    model = FakeModel()
    limits = Limits(batch_tokens=1, wait=(0.05, 100.0), always=0)
    async with batching(model, limits) as batcher:
        model.free.clear()
        slow = asyncio.create_task(batcher.submit("slow"))
        await until_called(model)
        await asyncio.sleep(0.2)  # so long does a text take, as far as is known then
        model.free.set()
        await slow
        model.free.clear()
        waiting = asyncio.create_task(batcher.submit("waiting"))
        await asyncio.sleep(0)
        with pytest.raises(OverloadedError) as raised:
            await batcher.submit("too late")
        assert raised.value.retry_after == 1
        bulk = asyncio.create_task(batcher.submit("bulk", Lane.BULK))
        await asyncio.sleep(0)
        model.free.set()
        await asyncio.gather(waiting, bulk)


async def test_a_few_may_wait_however_slow_the_model_is() -> None:
    """Or a model that takes longer for one text than one may wait would refuse a second caller."""
    model = FakeModel()
    limits = Limits(batch_tokens=1, wait=(0.000001, 0.000001), always=3)
    async with batching(model, limits) as batcher:
        await batcher.submit("what it costs is known now")
        model.free.clear()
        waiting = [asyncio.create_task(batcher.submit(f"text {i}")) for i in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(OverloadedError):
            batcher.check("one more", Lane.SINGLE)
        with pytest.raises(OverloadedError):
            await batcher.submit("one more")
        batcher.check("text 2", Lane.SINGLE)  # it is on its way already
        model.free.set()
        await asyncio.gather(*waiting)


async def test_a_long_text_lets_short_ones_be_encoded_first() -> None:
    model = Staged()
    async with batching(model) as batcher:
        model.encoded.clear()
        texts = ["first", "long " * 2_000, "short", "also short"]
        await asyncio.gather(*[batcher.submit(text) for text in texts])
    assert model.encoded == [["first", "short", "also short"], [texts[1]]]


async def test_texts_are_encoded_while_the_model_computes() -> None:
    model = Staged()
    async with batching(model) as batcher:
        model.free.clear()
        first = asyncio.create_task(batcher.submit("first"))
        await until_called(model)
        second = asyncio.create_task(batcher.submit("second"))
        async with asyncio.timeout(60):
            while ["second"] not in model.encoded:
                await asyncio.sleep(0.001)
        assert model.batches == [["first"]]
        model.free.set()
        await asyncio.gather(first, second)


async def test_a_model_that_fails_is_tried_again_without_a_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sentiserve.batcher._PROBE_EVERY", 0.001)
    model = FakeModel()
    async with batching(model) as batcher:
        model.error = RuntimeError("out of something")
        with pytest.raises(ModelError):
            await batcher.submit("unlucky")
        assert batcher.error
        model.error = None
        async with asyncio.timeout(60):
            while batcher.error:
                await asyncio.sleep(0.001)


async def test_a_text_without_a_token_is_answered_and_ends_nothing() -> None:
    async with asyncio.timeout(60), batching(Staged()) as batcher:
        await batcher.submit("")
        await batcher.submit("and another")
        assert batcher.error is None


class Staged(FakeModel):
    """Notes what it encodes."""

    def __init__(self) -> None:
        super().__init__()
        self.encoded: list[list[str]] = []

    def encode(self, texts: Sequence[str]) -> Sequence[str]:
        self.encoded.append(list(texts))
        return texts

    def classify(self, encodings: Sequence[str]) -> list[Sentiment]:
        return self.predict(encodings)
