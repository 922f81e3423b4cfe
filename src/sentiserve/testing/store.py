"""What every store must do."""

# ruff: noqa: S101  # a contract is made of assertions

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path

from sentiserve.protocols import Store
from sentiserve.testing.aggregates import AggregateContract
from sentiserve.testing.feedback import FeedbackContract
from sentiserve.testing.forgetting import ForgettingContract
from sentiserve.testing.scenarios import (
    HOSTILE,
    MODEL,
    NEGATIVE,
    TTL,
    example_prediction,
    with_store,
)
from sentiserve.testing.timelines import TimelineContract
from sentiserve.testing.windows import WindowContract
from sentiserve.types import AggregateQuery, Entity, PostRef

_MINUTE = timedelta(minutes=1)


class StoreContract(
    AggregateContract, WindowContract, TimelineContract, FeedbackContract, ForgettingContract
):
    """Proves a store; say how to make one in ``make_store``."""

    @with_store
    async def test_what_was_put_comes_back_exactly(self, store: Store) -> None:
        """Every field comes back, to the microsecond and to the last digit and character."""
        full = example_prediction(
            "1234567890123456789",
            text="Zażółć 👩‍👩‍👧 “so” \\ 'it''s' \"…\"\r\n\tNULL %s {0} #Tag",
            url="https://x.com/someone/status/1234567890123456789?a=b&c=d",
            author_id="9007199254740993",
            author_handle="Someone_1",
            created_at=datetime(2026, 2, 28, 23, 59, 59, 999_999, UTC),
            scores={"negative": 1 / 3, "neutral": 1e-17, "positive": 0.6666666666666667},
            truncated=True,
            predicted_at=datetime.now(UTC).replace(microsecond=123_456),
        )
        bare = example_prediction("2", predicted_at=datetime.now(UTC).replace(microsecond=0))
        await store.put([full, bare])
        found = await store.get([full.post.ref, bare.post.ref], MODEL)
        assert list(found) == [full, bare]
        assert found[0] is not None
        assert found[0].predicted_at.utcoffset() == timedelta(0)
        assert list(found[0].sentiment.scores) == ["negative", "neutral", "positive"]

    @with_store
    async def test_get_keeps_the_order_asked(self, store: Store) -> None:
        """Answers come in the order asked, None for a miss, twice for what is asked twice."""
        one, two, three = (example_prediction(post_id) for post_id in "123")
        await store.put([one, two, three])
        asked = [PostRef("x", post_id) for post_id in ("3", "missing", "1", "gone", "2", "1")]
        assert list(await store.get(asked, MODEL)) == [three, None, one, None, two, one]

    @with_store
    async def test_another_models_prediction_is_a_miss(self, store: Store) -> None:
        """Each model has its own answer for a post, and no other's."""
        old = example_prediction(model_id="old")
        new = example_prediction(model_id="new", scores=NEGATIVE)
        await store.put([old, new])
        refs = [old.post.ref]
        assert list(await store.get(refs, "old")) == [old]
        assert list(await store.get(refs, "new")) == [new]
        assert list(await store.get(refs, "newer")) == [None]

    @with_store
    async def test_another_platforms_post_is_a_miss(self, store: Store) -> None:
        """The same id on another platform is another post."""
        await store.put([example_prediction("1", platform="x")])
        assert list(await store.get([PostRef("mastodon", "1")], MODEL)) == [None]

    @with_store
    async def test_the_newer_prediction_wins(self, store: Store) -> None:
        """Whatever the order of writing, and in one put or in three, the newest stays."""
        now = datetime.now(UTC)
        for number, order in enumerate(permutations(range(3))):
            apart, together = (
                [
                    example_prediction(
                        f"{number}-{way}", text=f"{age}", predicted_at=now - age * _MINUTE
                    )
                    for age in order
                ]
                for way in ("apart", "together")
            )
            for prediction in apart:
                await store.put([prediction])
            await store.put(together)
            for written in (apart, together):
                found = await store.get([written[0].post.ref], MODEL)
                assert list(found) == [written[order.index(0)]]

    @with_store
    async def test_a_prediction_expires(self, store: Store) -> None:
        """A prediction is kept for as many seconds as the store was told, and no longer."""
        born = datetime.now(UTC) - timedelta(seconds=TTL)
        alive = example_prediction("alive", author_id="1", predicted_at=born + _MINUTE)
        dead = example_prediction("dead", author_id="1", predicted_at=born - _MINUTE)
        await store.put([alive, dead])
        assert list(await store.get([alive.post.ref, dead.post.ref], MODEL)) == [alive, None]
        (author,) = await store.aggregate(AggregateQuery(Entity.AUTHOR, MODEL))
        assert author.posts == 1

    @with_store
    async def test_rewriting_makes_a_prediction_live_longer(self, store: Store) -> None:
        """The time to live counts from the newest prediction of a post."""
        born = datetime.now(UTC) - timedelta(seconds=TTL)
        new = example_prediction()
        await store.put([example_prediction(predicted_at=born - _MINUTE)])
        await store.put([new])
        assert list(await store.get([new.post.ref], MODEL)) == [new]

    @with_store
    async def test_nothing_asked_nothing_answered(self, store: Store) -> None:
        """An empty put and an empty get do nothing."""
        await store.put([])
        assert list(await store.get([], MODEL)) == []
        for entity in Entity:
            assert list(await store.aggregate(AggregateQuery(entity, MODEL))) == []

    @with_store
    async def test_ids_are_literal(self, store: Store) -> None:
        """No character of an id, platform or model id means anything to the store."""
        ids = [example_prediction(odd, text=f"id {odd}") for odd in HOSTILE]
        platforms = [example_prediction(platform=odd, text=f"on {odd}") for odd in HOSTILE]
        models = [example_prediction(model_id=odd, text=f"by {odd}") for odd in HOSTILE]
        await store.put([*ids, *platforms, *models])
        for expected in (ids, platforms):
            assert list(await store.get([p.post.ref for p in expected], MODEL)) == expected
        for model in models:
            assert list(await store.get([model.post.ref], model.model_id)) == [model]

    @with_store
    async def test_ids_are_not_run_together(self, store: Store) -> None:
        """Platform, id and model id stay apart whatever is in them."""
        parts = [("a:b", "c", "d"), ("a", "b:c", "d"), ("a", "b", "c:d"), ("a:b:c", "d", "")]
        put = [
            example_prediction(post_id, platform=platform, model_id=model, text=f"{number}")
            for number, (platform, post_id, model) in enumerate(parts)
        ]
        await store.put(put)
        for prediction in put:
            found = await store.get([prediction.post.ref], prediction.model_id)
            assert list(found) == [prediction]

    @with_store
    async def test_a_thousand_at_once(self, store: Store) -> None:
        """A put and a get may be large."""
        many = [
            example_prediction(f"{number}", author_id=f"{number % 10}", text=f"#t{number % 4}")
            for number in range(1_000)
        ]
        await store.put(many)
        refs = [prediction.post.ref for prediction in reversed(many)]
        assert list(await store.get(refs, MODEL)) == many[::-1]
        authors = await store.aggregate(AggregateQuery(Entity.AUTHOR, MODEL))
        assert [author.posts for author in authors] == [100] * 10
        hashtags = await store.aggregate(AggregateQuery(Entity.HASHTAG, MODEL))
        assert [hashtag.posts for hashtag in hashtags] == [250] * 4

    @with_store
    async def test_puts_at_the_same_time_lose_nothing(self, store: Store) -> None:
        """Puts and gets that overlap leave everything that was put."""
        many = [example_prediction(f"{number}") for number in range(60)]
        refs = [prediction.post.ref for prediction in many]
        await asyncio.gather(
            *(store.put(many[start : start + 5]) for start in range(0, len(many), 5)),
            *(store.get(refs, MODEL) for _ in range(5)),
        )
        assert list(await store.get(refs, MODEL)) == many

    @with_store
    async def test_an_open_store_answers_its_check(self, store: Store) -> None:
        """The check returns while the store can be used."""
        await store.check()

    def test_closing_is_harmless(self, tmp_path: Path) -> None:
        """A store may be closed twice, and closed without having been opened."""

        async def scenario() -> None:
            await self.make_store(tmp_path, TTL).close()
            store = self.make_store(tmp_path, TTL)
            await store.open()
            await store.close()
            await store.close()

        asyncio.run(scenario())
