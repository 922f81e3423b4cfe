"""What came last."""

from datetime import UTC, datetime, timedelta

from sentiserve.insights.newest import Newest
from sentiserve.store.memory import MemoryStore
from sentiserve.testing import example_prediction
from sentiserve.types import Feedback, Judgement


async def test_the_newest_are_of_one_model() -> None:
    """Predictions and judgements, each as many as asked for."""
    now = datetime.now(UTC)
    store = MemoryStore(ttl=60)
    old, new = (
        example_prediction(f"{age}", predicted_at=now - timedelta(seconds=age)) for age in (2, 1)
    )
    feedback = [Feedback(one.post.ref, "neutral", one.predicted_at) for one in (old, new)]
    await store.put([old, new, example_prediction("1", model_id="other")])
    await store.judge(feedback)
    newest = Newest(store, "model-1", timeout=5)
    assert await newest.predictions(5) == [new, old]
    assert await newest.predictions(1) == [new]
    assert await newest.judgements(1) == [Judgement(new, feedback[1])]
    assert len(await newest.judgements(5)) == 2
