"""A model that fails costs what it fails on, and is found out when it works again."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
import structlog

from sentiserve.engine import Engine
from sentiserve.errors import ModelError
from sentiserve.metrics import Metrics
from sentiserve.testing.fakes import FakeModel
from sentiserve.types import Sentiment


class Picky(FakeModel):
    """Fails on every batch with a text that says so."""

    def predict(self, texts: Sequence[str]) -> list[Sentiment]:
        if "poison" in texts:
            raise RuntimeError("I don't like it")
        return super().predict(texts)


@asynccontextmanager
async def running(model: FakeModel, metrics: Metrics | None = None) -> AsyncIterator[Engine]:
    engine = Engine(model, metrics or Metrics())
    await engine.open()
    try:
        yield engine
    finally:
        await engine.close()


async def test_a_failing_input_fails_alone() -> None:
    model = Picky()
    async with running(model) as engine:
        good, bad, also_good = await engine.predict(
            await engine.encode(["good", "poison", "also good"])
        )
        assert (good, also_good) == (model.sentiment("good"), model.sentiment("also good"))
        assert isinstance(bad, ModelError)
        assert "don't like" not in str(bad)
        assert engine.error is None


async def test_a_failing_input_alone_does_not_make_the_model_look_broken() -> None:
    async with running(Picky()) as engine:
        (bad,) = await engine.predict(await engine.encode(["poison"]))
        assert isinstance(bad, ModelError)
        assert engine.error is None


async def test_a_failing_model_says_so_until_it_works() -> None:
    model = FakeModel()
    async with running(model) as engine:
        model.error = RuntimeError("out of something")
        outcomes = await engine.predict(await engine.encode(["a", "b"]))
        assert all(isinstance(outcome, ModelError) for outcome in outcomes)
        assert engine.error
        assert await engine.probe()
        model.error = None
        with structlog.testing.capture_logs() as logs:
            assert await engine.probe() is None
        assert engine.error is None
        assert [log["event"] for log in logs] == ["model works again"]


async def test_success_is_recovery_too() -> None:
    model = FakeModel()
    async with running(model) as engine:
        model.error = RuntimeError("out of something")
        await engine.predict(await engine.encode(["a"]))
        model.error = None
        assert await engine.predict(await engine.encode(["b"])) == [model.sentiment("b")]
        assert engine.error is None


async def test_a_stuck_model_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sentiserve.engine._PATIENCE", 0.0)
    model = FakeModel()
    async with running(model) as engine:
        seen: list[str | None] = []
        sentiment = model.sentiment

        def look(text: str) -> Sentiment:
            seen.append(engine.error)
            return sentiment(text)

        monkeypatch.setattr(model, "sentiment", look)
        await engine.predict(await engine.encode(["a"]))
        assert seen[0]
        assert "one batch" in seen[0]
        assert engine.error is None


async def test_failures_are_counted_by_text() -> None:
    metrics = Metrics()
    async with running(Picky(), metrics) as engine:
        await engine.predict(await engine.encode(["good", "poison"]))
    assert b"sentiserve_model_errors_total 1.0" in metrics.exposition()


class Staged(FakeModel):
    def encode(self, texts: Sequence[str]) -> Sequence[str]:
        return texts

    def classify(self, encodings: Sequence[str]) -> list[Sentiment]:
        return self.predict(encodings)


@pytest.mark.parametrize(("model", "at_once"), [(Staged(), 2), (FakeModel(), 1)])
async def test_a_model_of_two_stages_computes_side_by_side_and_no_other(
    model: FakeModel, at_once: int
) -> None:
    engine = Engine(model, Metrics(), inferences=2)
    await engine.open()
    model.batches.clear()
    model.free.clear()
    both = [asyncio.create_task(engine.predict(await engine.encode([text]))) for text in "ab"]
    while len(model.batches) < at_once:
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.05)  # for one more
    assert len(model.batches) == at_once
    model.free.set()
    await asyncio.gather(*both)
    await engine.close()


async def test_the_model_lets_the_rest_of_its_process_go_first_however_nice_that_is() -> None:
    """By so much nicer, not so nice: a process that was started nicely may not be less so."""
    niceness: list[int] = []

    class Telling(FakeModel):
        def predict(self, texts: Sequence[str]) -> list[Sentiment]:
            niceness.append(os.getpriority(os.PRIO_PROCESS, 0))
            return super().predict(texts)

    async with running(Telling()):
        ours = os.getpriority(os.PRIO_PROCESS, 0)
        assert niceness == [min(ours + 10, 19) if sys.platform == "linux" else ours]
