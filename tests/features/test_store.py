"""Features as of now and of then, from one place."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from history.histories import DAY, START, record, segment

from sentiserve.build import feature_store
from sentiserve.errors import BadInputError, SettingsError, StoreError
from sentiserve.features.online import OnlineFeatures
from sentiserve.features.store import FeatureStore, HistoricalRow
from sentiserve.history.history import History
from sentiserve.settings import load_settings
from sentiserve.store.memory import MemoryStore
from sentiserve.testing import example_prediction
from sentiserve.testing.fakes import FakeModel

MODEL = FakeModel().info
TTL = timedelta(days=60)
FEATURES = ["post_sentiment:label", "author_sentiment:posts_1d"]
ANNAS: HistoricalRow = {"platform": "x", "id": "1", "author": "7"}


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[FeatureStore]:
    """One post of Anna's, predicted at the start, in both stores."""
    online, history = MemoryStore(ttl=60 * 60), History(tmp_path / "history")
    await online.put([example_prediction("1", author_id="7", model_id=MODEL.id)])
    kept = record("1", author_id="7", model_id=MODEL.id)
    await history.keep(segment(tmp_path / "segment.ndjson", [kept]))
    yield FeatureStore(OnlineFeatures(online, MODEL, timeout=5), history, MODEL, TTL)
    await history.close()


async def test_now_and_then_have_the_same_words(store: FeatureStore) -> None:
    keys = {"platform": "x", "id": "1", "author": "7"}
    (now,) = await store.get_online_features([keys], FEATURES)
    (then,) = await store.get_historical_features([keys | {"event_timestamp": START}], FEATURES)
    assert now.values == {name: then[name] for name in now.values}


async def test_each_row_comes_back_as_it_was_with_what_was_known_at_its_time(
    store: FeatureStore,
) -> None:
    rows = [
        {**ANNAS, "event_timestamp": START - DAY, "note": "too, early\n"},
        {**ANNAS, "event_timestamp": START, "author": None},
        {**ANNAS, "event_timestamp": "2026-03-01T00:00:00"},
    ]
    found = await store.get_historical_features(rows, FEATURES)
    labels, posts = [None, "positive", "positive"], [0, 0, 1]
    assert found == [
        {**row, "post_sentiment__label": label, "author_sentiment__posts_1d": count}
        for row, label, count in zip(rows, labels, posts, strict=True)
    ]


async def test_rows_may_come_from_a_generator(store: FeatureStore) -> None:
    (then,) = await store.get_historical_features(
        ({**ANNAS, "event_timestamp": time} for time in [START]), FEATURES
    )
    (now,) = await store.get_online_features(
        ({"platform": "x", "id": each, "author": "7"} for each in "1"), FEATURES
    )
    assert now.values == {name: then[name] for name in now.values}


async def test_no_rows_are_no_rows(store: FeatureStore) -> None:
    assert await store.get_historical_features([], FEATURES) == []


@pytest.mark.parametrize(
    ("rows", "features", "problem"),
    [
        ([ANNAS], FEATURES, "^entity_rows: there is no column event_timestamp"),
        ([{**ANNAS, "event_timestamp": "soon"}], FEATURES, "^entity_rows: .* of row 1 is soon"),
        ([{"event_timestamp": START}], FEATURES, "^entity_rows: there is no column platform"),
        ([{**ANNAS, "event_timestamp": START, "id": "\ud800"}], FEATURES, "lone surrogate"),
        ([], ["post_sentiment:lable"], "no feature 'lable'"),
        ([], "post_sentiment", "give a list: \\['post_sentiment'\\]"),
        (
            [{**ANNAS, "event_timestamp": START, "post_sentiment__label": "mine"}],
            FEATURES,
            "^entity_rows: row 1 has a column post_sentiment__label already",
        ),
    ],
)
async def test_bad_rows_are_refused(
    store: FeatureStore, rows: list[HistoricalRow], features: list[str], problem: str
) -> None:
    with pytest.raises(BadInputError, match=problem):
        await store.get_historical_features(rows, features)


@pytest.mark.parametrize("key", [1, 1.0, True])
async def test_a_key_that_is_no_text_is_refused_now_and_then(
    store: FeatureStore, key: object
) -> None:
    """Or the history would find a number that the store can't, and neither one that was rounded."""
    rows: list[Any] = [ANNAS, {**ANNAS, "id": key, "event_timestamp": START}]
    for ask in (store.get_online_features, store.get_historical_features):
        with pytest.raises(BadInputError, match=f"id of row 2 is {key}; it must be text"):
            await ask(rows, FEATURES)


async def test_without_a_history_there_is_now_alone(tmp_path: Path) -> None:
    """With the settings' own model and store; the error says which setting it is."""
    settings = load_settings(store="memory://", history="off", durability="none")
    async with feature_store(settings) as store:
        (now,) = await store.get_online_features([{"platform": "x", "id": "1"}], FEATURES[:1])
        assert now.values == {"post_sentiment__label": None}
        with pytest.raises(StoreError, match="SENTISERVE_HISTORY is off"):
            await store.get_historical_features([{**ANNAS, "event_timestamp": START}], FEATURES)


def test_a_store_that_is_not_there_is_refused_and_not_created(tmp_path: Path) -> None:
    settings = load_settings(
        store=f"sqlite:///{tmp_path}/typo.db", history="off", durability="none"
    )

    async def use() -> None:
        async with feature_store(settings):
            pass

    with pytest.raises(SettingsError, match=r"no store at .*typo\.db; .* SENTISERVE_STORE"):
        asyncio.run(use())
    assert list(tmp_path.iterdir()) == []
