"""The true labels of posts, by people who have read them."""

import asyncio
from collections.abc import Sequence

import pytest
from test_inference import House, house

from sentiserve.errors import BadInputError, NotFoundError, StoreError
from sentiserve.inference import Text, Url
from sentiserve.judging import Judging
from sentiserve.types import Judgement, Prediction


def judging(parts: House, timeout: float = 60.0) -> Judging:
    return Judging(parts.inference, parts.store, parts.model.info, timeout)


async def test_what_is_still_on_its_way_to_the_store_is_judged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The label waits there for its prediction."""
    async with house() as parts:
        may_write, put = asyncio.Event(), parts.store.put

        async def held(predictions: Sequence[Prediction]) -> None:
            await may_write.wait()
            await put(predictions)

        monkeypatch.setattr(parts.store, "put", held)
        answer = await parts.ask_one(Text("new"))
        (judged,) = await judging(parts).judge([(Text("new"), "neutral")])
        assert isinstance(judged, Judgement)
        assert judged.prediction == answer.prediction
        model_id = parts.model.info.id
        assert await parts.store.judgements(model_id, 5) == []
        may_write.set()
        async with asyncio.timeout(60):
            while not (found := await parts.store.judgements(model_id, 5)):
                await asyncio.sleep(0.01)
        assert found == [judged]


async def test_a_bad_one_fails_alone_and_the_order_stays() -> None:
    """A label that the model lacks, and a post that nobody asked about."""
    async with house() as parts:
        await parts.ask_one(Url("url:1"))
        lacking, right, error, unknown = await judging(parts).judge(
            [
                (Url("url:1"), "spam"),
                (Url("url:1"), "positive"),
                BadInputError("it was so before"),
                (Url("url:2"), "positive"),
            ]
        )
        assert isinstance(lacking, BadInputError)
        assert "negative, neutral, positive" in str(lacking)
        assert isinstance(right, Judgement)
        assert str(error) == "it was so before"
        assert isinstance(unknown, NotFoundError)
        async with asyncio.timeout(60):
            while not (kept := await parts.store.judgements(parts.model.info.id, 5)):
                await asyncio.sleep(0.01)
        assert kept == [right]


async def test_where_the_store_fails_nothing_is_judged() -> None:
    """All of it can be given again."""
    async with house() as parts:
        await parts.ask_one(Url("url:1"))
        parts.store.broken = True
        with pytest.raises(StoreError):
            await judging(parts).judge([(Url("url:1"), "positive")])
        parts.store.broken = False
        assert await parts.store.judgements(parts.model.info.id, 5) == []
