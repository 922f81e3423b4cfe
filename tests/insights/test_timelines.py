"""Sentiment over time, asked for as people write it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from sentiserve.insights.timelines import Timelines
from sentiserve.store.memory import MemoryStore
from sentiserve.testing import example_prediction
from sentiserve.testing.fakes import FakeModel
from sentiserve.types import Step

MODEL = FakeModel().info
MARCH = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOW = datetime.now(UTC)


@pytest.fixture
async def timelines() -> AsyncIterator[Timelines]:
    store = MemoryStore(ttl=86_400)
    await store.open()
    await store.put(
        [
            example_prediction("1", text="#Straße", created_at=MARCH, model_id=MODEL.id),
            example_prediction("2", created_at=MARCH + timedelta(hours=20), model_id=MODEL.id),
            example_prediction("3", created_at=NOW, model_id=MODEL.id),
            example_prediction("4", created_at=MARCH, model_id="other"),
        ]
    )
    yield Timelines(store, MODEL, timeout=5)
    await store.close()


async def test_every_label_of_the_model_has_a_count(timelines: Timelines) -> None:
    """In the model's order; one that no post has counts zero."""
    first, *_ = await timelines.timeline(step=Step.DAY)
    assert first.counts == {"negative": 0, "neutral": 0, "positive": 1}
    assert list(first.counts) == list(MODEL.labels)


@pytest.mark.parametrize("tag", ["strasse", "#STRASSE", "Straße"])
async def test_a_hashtag_is_found_as_people_write_it(timelines: Timelines, tag: str) -> None:
    """In any case, with or without the sign."""
    (day,) = await timelines.timeline(step=Step.DAY, hashtag=tag)
    assert (day.start, day.posts) == (MARCH.replace(hour=0), 1)


async def test_hours_are_of_the_last_week_if_not_said(timelines: Timelines) -> None:
    """Days are all; a time without a zone is UTC's."""
    assert len(await timelines.timeline(step=Step.DAY)) == 3
    (hour,) = await timelines.timeline(step=Step.HOUR)
    assert hour.start == Step.HOUR.start_of(NOW)
    naive = MARCH.replace(tzinfo=None)
    assert len(await timelines.timeline(step=Step.HOUR, since=naive)) == 3
    later = naive + timedelta(hours=1)
    assert len(await timelines.timeline(step=Step.HOUR, since=later)) == 2
