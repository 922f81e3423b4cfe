"""Features as of now."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sentiserve.errors import BadInputError, StoreError
from sentiserve.features.online import EntityRow, OnlineFeatures, Status
from sentiserve.store.memory import MemoryStore
from sentiserve.store.sqlite import SqliteStore
from sentiserve.testing import example_prediction
from sentiserve.testing.fakes import FakeModel
from sentiserve.types import Prediction

MODEL = FakeModel().info
ANNAS: EntityRow = {"platform": "x", "id": "1", "author": "7", "hashtag": "sun"}
NOBODYS: EntityRow = {"platform": "x", "id": "2", "author": "8", "hashtag": "rain"}


async def online(*predictions: Prediction) -> OnlineFeatures:
    store = MemoryStore(ttl=24 * 60 * 60)
    await store.put(predictions)
    return OnlineFeatures(store, MODEL, timeout=5)


def annas(post_id: str = "1", created_at: datetime | None = None) -> Prediction:
    return example_prediction(
        post_id, text="#sun", author_id="7", created_at=created_at, model_id=MODEL.id
    )


async def test_a_row_has_the_features_of_all_its_entities() -> None:
    prediction = annas()
    features = await online(prediction, annas("3", datetime.now(UTC) - timedelta(days=3)))
    asked = [
        "post_sentiment:label",
        "post_sentiment:score_positive",
        "author_sentiment:posts_1d",
        "author_sentiment:posts_7d",
        "hashtag_sentiment:count_positive_7d",
        "hashtag_sentiment:mean_positive_1d",
    ]
    (vector,) = await features.get_online_features([ANNAS], asked)
    assert vector.values == {
        "post_sentiment__label": "positive",
        "post_sentiment__score_positive": 0.75,
        "author_sentiment__posts_1d": 1,
        "author_sentiment__posts_7d": 2,
        "hashtag_sentiment__count_positive_7d": 2,
        "hashtag_sentiment__mean_positive_1d": 0.75,
    }
    assert set(vector.statuses.values()) == {Status.PRESENT}
    assert set(vector.event_timestamps.values()) == {prediction.predicted_at}


async def test_cold_entities_keep_their_row() -> None:
    features = await online(annas())
    rows: list[EntityRow] = [NOBODYS, ANNAS, {**NOBODYS, "author": None, "hashtag": None}]
    asked = [
        "post_sentiment:label",
        "author_sentiment:posts_7d",
        "hashtag_sentiment:mean_neutral_7d",
    ]
    cold, known, unnamed = await features.get_online_features(rows, asked)
    assert list(known.values.values()) == ["positive", 1, 0.25]
    for vector in (cold, unnamed):
        assert list(vector.values.values()) == [None, 0, None]
        assert set(vector.statuses.values()) == {Status.NOT_FOUND}
        assert set(vector.event_timestamps.values()) == {None}


async def test_a_hashtag_may_be_written_as_people_write_it() -> None:
    features = await online(annas())
    (vector,) = await features.get_online_features([{"hashtag": "#SUN"}], ["hashtag_sentiment"])
    assert vector.values["hashtag_sentiment__posts_1d"] == 1


async def test_a_row_needs_the_keys_of_its_views() -> None:
    features = await online(annas())
    with pytest.raises(BadInputError, match="author_sentiment needs the keys platform, author"):
        await features.get_online_features([{"platform": "x", "id": "1"}], ["author_sentiment"])


async def test_a_store_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    """Whoever asks for too much is told so, and what isn't read yet is not read."""
    store = SqliteStore(tmp_path / "store.db", ttl=60)
    await store.open()
    rows: list[EntityRow] = [{"hashtag": f"{number}"} for number in range(60_000)]
    with pytest.raises(StoreError, match=r"within 0\.02 s; ask for fewer entities"):
        await OnlineFeatures(store, MODEL, timeout=0.02).get_online_features(
            rows, ["hashtag_sentiment"]
        )
    async with asyncio.timeout(3):  # all of it would take longer
        await store.count()
    await store.close()


async def test_no_rows_no_vectors() -> None:
    assert await (await online()).get_online_features([], ["post_sentiment"]) == []
