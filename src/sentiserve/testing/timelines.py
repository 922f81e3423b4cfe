"""How every store must count over time, and tell what came last."""

# ruff: noqa: S101  # a contract is made of assertions

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial

from sentiserve.protocols import Store
from sentiserve.testing.scenarios import (
    HOSTILE,
    MODEL,
    NEGATIVE,
    NEUTRAL,
    POSITIVE,
    TTL,
    StoreSuite,
    example_prediction,
    with_store,
)
from sentiserve.types import AggregateQuery, Entity, PostRef, Step, Stretch, TimelineQuery

_NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_SOON = timedelta(seconds=0.5)
_TICK = timedelta(microseconds=1)
_sunny = partial(example_prediction, text="#Sun", created_at=_NOON)
_BY_HOUR = TimelineQuery(MODEL, Step.HOUR)
_OF_SUN = TimelineQuery(MODEL, Step.HOUR, hashtag="sun")


async def _counted(store: Store, query: TimelineQuery) -> list[Stretch]:
    """The stretches, without labels that count zero."""
    found = await store.timeline(query)
    return [Stretch(s.start, {label: n for label, n in s.counts.items() if n}) for s in found]


class TimelineContract(StoreSuite):
    """Proves a store's timelines and its newest; a part of ``StoreContract``."""

    @with_store
    async def test_posts_are_counted_by_the_hour(self, store: Store) -> None:
        """Each label by itself, oldest hour first; an hour without posts is left out."""
        scores = [POSITIVE, NEGATIVE, POSITIVE, NEUTRAL, NEGATIVE]
        times = [_NOON, _NOON + _HOUR - _TICK, _NOON, _NOON - _TICK, _NOON + 5 * _HOUR]
        await store.put(
            [
                _sunny(f"{number}", scores=one, created_at=time)
                for number, (one, time) in enumerate(zip(scores, times, strict=True))
            ]
        )
        for query in (_BY_HOUR, _OF_SUN):
            assert await _counted(store, query) == [
                Stretch(_NOON - _HOUR, {"neutral": 1}),
                Stretch(_NOON, {"negative": 1, "positive": 2}),
                Stretch(_NOON + 5 * _HOUR, {"negative": 1}),
            ]
            (first, *_) = await store.timeline(query)
            assert first.start.utcoffset() == timedelta(0)

    @with_store
    async def test_days_are_utcs(self, store: Store) -> None:
        """A day begins at midnight in UTC, before 1970 too."""
        days = [datetime(1969, 12, 31, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)]
        times = [time for day in days for time in (day, day + _DAY - _TICK)]
        await store.put([_sunny(f"{n}", created_at=time) for n, time in enumerate(times)])
        for hashtag in (None, "sun"):
            query = TimelineQuery(MODEL, Step.DAY, hashtag)
            assert await _counted(store, query) == [Stretch(day, {"positive": 2}) for day in days]

    @with_store
    async def test_stretches_since_a_time(self, store: Store) -> None:
        """The stretch that holds the time is whole; those before it are left out."""
        times = [_NOON - _DAY, _NOON - _HOUR, _NOON, _NOON + _HOUR]
        await store.put([_sunny(f"{n}", created_at=time) for n, time in enumerate(times)])
        for hashtag in (None, "sun"):
            for step, since, starts in (
                (Step.HOUR, _NOON, times[2:]),
                (Step.HOUR, _NOON - _TICK, times[1:]),
                (Step.HOUR, _NOON + _HOUR - _TICK, times[2:]),
                (Step.DAY, _NOON, [_NOON.replace(hour=0)]),
                (Step.HOUR, _NOON + _DAY, []),
            ):
                found = await store.timeline(TimelineQuery(MODEL, step, hashtag, since))
                assert [stretch.start for stretch in found] == starts
        (today,) = await store.timeline(TimelineQuery(MODEL, Step.DAY, since=_NOON + _HOUR))
        assert today.posts == 3

    @with_store
    async def test_a_timeline_goes_by_when_posts_were_seen(self, store: Store) -> None:
        """Where a post doesn't say when it was written, that is when it was predicted."""
        prediction = example_prediction(text="#sun")
        await store.put([prediction])
        hour = prediction.predicted_at.replace(minute=0, second=0, microsecond=0)
        for query in (_BY_HOUR, _OF_SUN):
            assert await _counted(store, query) == [Stretch(hour, {"positive": 1})]

    @with_store
    async def test_a_timeline_is_of_one_model_and_one_hashtag(self, store: Store) -> None:
        """Another model's predictions and other hashtags' posts are in none of it."""
        await store.put(
            [
                _sunny("1"),
                _sunny("1", model_id="other"),
                _sunny("2", text="#rain"),
                _sunny("2", platform="mastodon", text="no tag"),
            ]
        )
        for model, tag, posts in (
            (MODEL, None, 3),
            (MODEL, "sun", 1),
            (MODEL, "rain", 1),
            ("other", None, 1),
            ("other", "rain", 0),
            ("none", None, 0),
        ):
            found = await store.timeline(TimelineQuery(model, Step.DAY, tag))
            assert sum(stretch.posts for stretch in found) == posts

    @with_store
    async def test_names_in_timelines_are_literal(self, store: Store) -> None:
        """No character of a model id, a label or a hashtag means anything to the store."""
        await store.put(
            [_sunny(model_id=odd, scores={odd: 0.75, f"{odd}{odd}": 0.25}) for odd in HOSTILE]
        )
        for odd in HOSTILE:
            for hashtag in (None, "sun"):
                query = TimelineQuery(odd, Step.DAY, hashtag)
                assert await _counted(store, query) == [Stretch(_NOON.replace(hour=0), {odd: 1})]
            assert list(await store.timeline(TimelineQuery(odd, Step.DAY, odd))) == []

    @with_store
    async def test_a_replaced_post_counts_once_over_time(self, store: Store) -> None:
        """Only where and as the newest prediction says, whatever the order of writing."""
        now = datetime.now(UTC)
        old = _sunny(predicted_at=now - _TICK)
        new = _sunny(text="#rain", scores=NEGATIVE, created_at=_NOON + 3 * _HOUR, predicted_at=now)
        for put in (old, new, old, new):
            await store.put([put])
        expected = [Stretch(_NOON + 3 * _HOUR, {"negative": 1})]
        assert await _counted(store, _BY_HOUR) == expected
        assert await _counted(store, _OF_SUN) == []
        assert list(await store.recent(MODEL, 5)) == [new]

    @with_store
    async def test_what_has_expired_or_was_forgotten_is_in_no_timeline(self, store: Store) -> None:
        """Nor is it among the newest."""
        born = datetime.now(UTC) - timedelta(seconds=TTL)
        alive = _sunny("alive", predicted_at=born + _HOUR)
        gone = _sunny("gone", predicted_at=born + _HOUR)
        await store.put([alive, gone, _sunny("dead", predicted_at=born - _HOUR)])
        await store.forget(PostRef("x", "gone"))
        for query in (_BY_HOUR, _OF_SUN):
            assert await _counted(store, query) == [Stretch(_NOON, {"positive": 1})]
        assert list(await store.recent(MODEL, 5)) == [alive]

    @with_store
    async def test_what_expires_later_leaves_what_it_counted_for(self, store: Store) -> None:
        """With nothing put in between: timelines, aggregates and the newest end with it."""
        soon = datetime.now(UTC) - timedelta(seconds=TTL) + _SOON
        put = [_sunny(f"{n}", author_id="7", predicted_at=soon) for n in range(3)]
        await store.put(put)
        queries = (_BY_HOUR, _OF_SUN)
        before = [await store.timeline(query) for query in queries]
        assert all(sum(s.posts for s in found) in {0, 3} for found in before)  # 0 where all is slow
        while list(await store.get([put[0].post.ref], MODEL)) != [None]:  # noqa: ASYNC110  # nobody tells
            await asyncio.sleep(0.02)
        assert [list(await store.timeline(query)) for query in queries] == [[], []]
        for entity in Entity:
            assert list(await store.aggregate(AggregateQuery(entity, MODEL))) == []
        assert list(await store.recent(MODEL, 5)) == []

    @with_store
    async def test_the_newest_come_first(self, store: Store) -> None:
        """By when they were predicted, of one model, and no more than the limit."""
        now = datetime.now(UTC)
        many = [example_prediction(f"{age}", predicted_at=now - age * _TICK) for age in range(700)]
        await store.put(many[::-1])
        await store.put([example_prediction("1", model_id="other")])
        for limit in (1, 20, 600, 1_000):
            assert list(await store.recent(MODEL, limit)) == many[:limit]
        assert list(await store.recent("none", 5)) == []
