"""The stores give the same answers."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from math import isclose
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from sentiserve.protocols import Store
from sentiserve.store.memory import MemoryStore
from sentiserve.store.sqlite import SqliteStore
from sentiserve.testing import example_prediction
from sentiserve.types import Aggregate, AggregateQuery, Entity, PostRef, Prediction

TTL = 24 * 60 * 60
START = datetime.now(UTC) - timedelta(seconds=TTL)
MODELS = ("one", "other")
PLATFORMS = ("x", "bluesky")
IDS = ("1", "2", "3", "%")
TIMES = [START + timedelta(hours=hours) for hours in (-2, 2, 4, 6)]  # the first has expired

names = st.none() | st.sampled_from(["7", "8", "Anna", "ANNA", "a_n", "🎉"])
predictions = st.builds(
    example_prediction,
    st.sampled_from(IDS),
    platform=st.sampled_from(PLATFORMS),
    text=st.lists(st.sampled_from(["#Sun", "#sun", "#rain", "#Straße", "x"]), min_size=1).map(
        " ".join
    ),
    author_id=names,
    author_handle=names,
    created_at=st.none() | st.sampled_from(TIMES),
    scores=st.permutations([0.0, 0.25, 0.75]).map(
        lambda scores: dict(zip(("negative", "neutral", "positive"), scores, strict=True))
    ),
    truncated=st.booleans(),
    model_id=st.sampled_from(MODELS),
    predicted_at=st.sampled_from(TIMES),
)
queries = st.builds(
    AggregateQuery,
    st.sampled_from(Entity),
    st.sampled_from(MODELS),
    name=names | st.sampled_from(["", "sun", "strasse", "anna"]),
    platform=st.none() | st.sampled_from(PLATFORMS),
    since=st.none() | st.sampled_from(TIMES),
    limit=st.integers(1, 5),
)


def assert_same(found: Sequence[Aggregate], expected: Sequence[Aggregate]) -> None:
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        for attribute in ("platform", "name", "handle", "counts", "first_seen", "last_seen"):
            assert getattr(one, attribute) == getattr(other, attribute)
        assert one.mean_scores.keys() == other.mean_scores.keys()
        for label, score in other.mean_scores.items():
            assert isclose(one.mean_scores[label], score, abs_tol=1e-9)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(predictions, max_size=6), max_size=6),
    st.lists(queries, min_size=4, max_size=8),
)
def test_any_puts_give_the_same_answers(
    puts: list[list[Prediction]], asked: list[AggregateQuery]
) -> None:
    """Whatever is put, in whatever order: the stores agree on every answer and aggregate."""

    async def scenario(one: Store, other: Store) -> None:
        for store in (one, other):
            await store.open()
            for put in puts:
                await store.put(put)
        refs = [PostRef(platform, post_id) for platform in PLATFORMS for post_id in IDS]
        for model in MODELS:
            assert list(await one.get(refs, model)) == list(await other.get(refs, model))
        for query in asked:
            assert_same(await one.aggregate(query), await other.aggregate(query))
        for store in (one, other):
            await store.close()

    with TemporaryDirectory() as directory:
        path = Path(directory) / "store.db"
        asyncio.run(scenario(MemoryStore(TTL), SqliteStore(path, TTL)))
