"""What the aggregates of every store must be."""

# ruff: noqa: S101  # a contract is made of assertions

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from math import isclose

from sentiserve.protocols import Store
from sentiserve.testing.scenarios import (
    MODEL,
    NEGATIVE,
    NEUTRAL,
    POSITIVE,
    StoreSuite,
    example_prediction,
    with_store,
)
from sentiserve.types import Aggregate, AggregateQuery, Entity

_AUTHORS = AggregateQuery(Entity.AUTHOR, MODEL)
_HASHTAGS = AggregateQuery(Entity.HASHTAG, MODEL)
_SPRING = datetime(2026, 3, 1, 12, 0, 0, 500, UTC)
_SUMMER = datetime(2026, 6, 1, tzinfo=UTC)
_AUTUMN = datetime(2026, 9, 1, 23, 59, 59, 999_999, UTC)


def _named(found: Sequence[Aggregate]) -> list[tuple[str | None, str, int]]:
    return [(aggregate.platform, aggregate.name, aggregate.posts) for aggregate in found]


def _authors(name: str, platform: str | None = None) -> AggregateQuery:
    return AggregateQuery(Entity.AUTHOR, MODEL, name=name, platform=platform)


def _hashtag(name: str) -> AggregateQuery:
    return AggregateQuery(Entity.HASHTAG, MODEL, name=name)


def _close(found: Mapping[str, float], expected: Mapping[str, float]) -> bool:
    return found.keys() == expected.keys() and all(
        isclose(found[label], score, abs_tol=1e-6) for label, score in expected.items()
    )


class AggregateContract(StoreSuite):
    """Proves the aggregates of a store; a part of ``StoreContract``."""

    @with_store
    async def test_an_author_is_summed_up(self, store: Store) -> None:
        """Posts per label, mean scores, first and last seen, and the handle."""
        anna = partial(example_prediction, author_id="7", author_handle="Anna")
        await store.put(
            [
                anna("1", created_at=_SUMMER, scores=POSITIVE),
                anna("2", created_at=_AUTUMN, scores=NEGATIVE),
                anna("3", created_at=_SPRING, scores=POSITIVE),
            ]
        )
        (author,) = await store.aggregate(_AUTHORS)
        assert (author.platform, author.name, author.handle) == ("x", "7", "Anna")
        assert author.counts == {"negative": 1, "neutral": 0, "positive": 2}
        assert author.posts == 3
        assert _close(
            author.mean_scores, {"negative": 0.25, "neutral": 0.625 / 3, "positive": 1.625 / 3}
        )
        assert (author.first_seen, author.last_seen) == (_SPRING, _AUTUMN)
        assert author.first_seen.utcoffset() == timedelta(0)

    @with_store
    async def test_every_label_is_counted(self, store: Store) -> None:
        """A label that no post has counts zero."""
        await store.put([example_prediction(author_id="7", text="#one", scores=NEUTRAL)])
        for query in (_AUTHORS, _HASHTAGS):
            (found,) = await store.aggregate(query)
            assert found.counts == {"negative": 0, "neutral": 1, "positive": 0}

    @with_store
    async def test_any_set_of_labels_will_do(self, store: Store) -> None:
        """Labels are the model's own, two or ten, and whatever is in them."""
        ham = {"ham": 0.75, "\"spam\" & 'eggs' %s": 0.25}
        many = {f"{stars} ★": 0.1 for stars in range(10)}
        await store.put(
            [
                example_prediction(author_id="7", model_id="two", scores=ham),
                example_prediction(author_id="7", model_id="ten", scores=many | {"3 ★": 0.2}),
            ]
        )
        (two,) = await store.aggregate(AggregateQuery(Entity.AUTHOR, "two"))
        assert two.counts == {"ham": 1, "\"spam\" & 'eggs' %s": 0}
        assert _close(two.mean_scores, ham)
        (ten,) = await store.aggregate(AggregateQuery(Entity.AUTHOR, "ten"))
        assert ten.counts == dict.fromkeys(many, 0) | {"3 ★": 1}

    @with_store
    async def test_seen_without_a_time_of_writing(self, store: Store) -> None:
        """A post that doesn't say when it was written was seen when it was predicted."""
        prediction = example_prediction(author_id="7")
        await store.put([prediction])
        (author,) = await store.aggregate(_AUTHORS)
        assert author.first_seen == author.last_seen == prediction.predicted_at

    @with_store
    async def test_the_most_active_come_first(self, store: Store) -> None:
        """Most posts first, then by platform, then by name; and no more than the limit."""
        authors = ["x b", "x b", "x c", "x a", "bluesky z", "x Z", "x 10", "x 9"]
        await store.put(
            [
                example_prediction(f"{number}", platform=platform, author_id=author_id)
                for number, (platform, author_id) in enumerate(map(str.split, authors))
            ]
        )
        expected = [
            ("x", "b", 2),
            ("bluesky", "z", 1),
            ("x", "10", 1),
            ("x", "9", 1),
            ("x", "Z", 1),
            ("x", "a", 1),
            ("x", "c", 1),
        ]
        assert _named(await store.aggregate(_AUTHORS)) == expected
        for limit in (1, 3):
            query = AggregateQuery(Entity.AUTHOR, MODEL, limit=limit)
            assert _named(await store.aggregate(query)) == expected[:limit]

    @with_store
    async def test_only_one_platform(self, store: Store) -> None:
        """The same author id on two platforms is two authors, and one can be asked for."""
        await store.put(
            [
                example_prediction("1", platform="x", author_id="7", text="#sun"),
                example_prediction("1", platform="mastodon", author_id="7", text="#sun"),
            ]
        )
        assert _named(await store.aggregate(_AUTHORS)) == [("mastodon", "7", 1), ("x", "7", 1)]
        assert _named(await store.aggregate(_authors("7", "x"))) == [("x", "7", 1)]
        query = AggregateQuery(Entity.HASHTAG, MODEL, platform="x")
        assert _named(await store.aggregate(query)) == [(None, "sun", 1)]
        assert list(await store.aggregate(_authors("7", "bluesky"))) == []

    @with_store
    async def test_only_since_a_time(self, store: Store) -> None:
        """What was seen before a time is left out, what was seen at it counts."""
        times = {"1": _SPRING, "2": _SUMMER, "3": _AUTUMN}
        await store.put(
            [
                example_prediction(post_id, author_id="7", text="#sun", created_at=time)
                for post_id, time in times.items()
            ]
        )
        for entity in Entity:
            for since, posts in [(_SPRING, 3), (_SUMMER, 2), (_AUTUMN, 1)]:
                (found,) = await store.aggregate(AggregateQuery(entity, MODEL, since=since))
                assert (found.posts, found.first_seen) == (posts, since)
            late = _AUTUMN + timedelta(microseconds=1)
            assert list(await store.aggregate(AggregateQuery(entity, MODEL, since=late))) == []

    @with_store
    async def test_one_author_by_id_or_handle(self, store: Store) -> None:
        """An author is found by id and by handle, whatever the handle's case."""
        await store.put(
            [
                example_prediction("1", author_id="7", author_handle="Anna_K"),
                example_prediction("2", author_id="7", author_handle="Anna_K"),
                example_prediction("3", author_id="8", author_handle="AnnaxK"),
            ]
        )
        for name in ("7", "Anna_K", "anna_k", "ANNA_K"):
            assert _named(await store.aggregate(_authors(name))) == [("x", "7", 2)]
        for name in ("", "77", "Anna", "Anna%", "%", "*", "' OR 1=1 --"):
            assert list(await store.aggregate(_authors(name))) == []

    @with_store
    async def test_an_author_without_an_id(self, store: Store) -> None:
        """Where a source gives no id the handle is the name; with neither a post has no author."""
        await store.put(
            [
                example_prediction("1", author_handle="Ben"),
                example_prediction("2", author_id="9"),
                example_prediction("3"),
            ]
        )
        found = await store.aggregate(_AUTHORS)
        assert [(author.name, author.handle) for author in found] == [("9", None), ("Ben", "Ben")]
        assert _named(await store.aggregate(_authors("ben"))) == [("x", "Ben", 1)]
        assert list(await store.aggregate(_authors(""))) == []

    @with_store
    async def test_a_hashtag_is_summed_up(self, store: Store) -> None:
        """A post counts in each of its hashtags once, whatever their case and its platform."""
        await store.put(
            [
                example_prediction("1", text="#Sun and #RAIN, #sun", created_at=_SPRING),
                example_prediction("2", text="more #SUN", created_at=_AUTUMN, scores=NEGATIVE),
                example_prediction("2", platform="mastodon", text="#Straße", author_handle="ben"),
            ]
        )
        sun, rain, street = await store.aggregate(_HASHTAGS)
        assert [aggregate.name for aggregate in (sun, rain, street)] == ["sun", "rain", "strasse"]
        assert {aggregate.platform for aggregate in (sun, rain, street)} == {None}
        assert {aggregate.handle for aggregate in (sun, rain, street)} == {None}
        assert sun.counts == {"negative": 1, "neutral": 0, "positive": 1}
        assert _close(sun.mean_scores, {"negative": 0.375, "neutral": 0.1875, "positive": 0.4375})
        assert (sun.first_seen, sun.last_seen) == (_SPRING, _AUTUMN)
        assert _named(await store.aggregate(_hashtag("rain"))) == [(None, "rain", 1)]

    @with_store
    async def test_hashtags_are_literal(self, store: Store) -> None:
        """No character of a hashtag or a query means anything to the store."""
        await store.put(
            [
                example_prediction("1", text="#a_b"),
                example_prediction("2", text="#axb"),
                example_prediction("3", text="#日本語"),
            ]
        )
        for tag in ("a_b", "axb", "日本語"):
            assert _named(await store.aggregate(_hashtag(tag))) == [(None, tag, 1)]
        for tag in ("", "%", "_", "*", "a%", "a*", "a?b", "a", "#a_b", "'--", "🎉", "\x01"):
            assert list(await store.aggregate(_hashtag(tag))) == []

    @with_store
    async def test_authors_are_literal(self, store: Store) -> None:
        """No character of an author's id or handle means anything to the store."""
        names = ["'; --", '"', "%", "_", "*", "a:b", "🎉", "did:plc:a.b~c", "\x01"]
        await store.put(
            [
                *(example_prediction(f"{i}", author_id=name) for i, name in enumerate(names)),
                *(
                    example_prediction(f"{i}", platform="y", author_handle=name)
                    for i, name in enumerate(names)
                ),
            ]
        )
        for name in names:
            expected = [("x", name, 1), ("y", name, 1)]
            assert _named(await store.aggregate(_authors(name))) == expected

    @with_store
    async def test_only_one_models_predictions_count(self, store: Store) -> None:
        """Aggregates are of the model that is asked for."""
        await store.put(
            [
                example_prediction("1", author_id="7", text="#sun"),
                example_prediction("1", author_id="7", text="#sun", model_id="other"),
                example_prediction("2", author_id="7", text="#sun", model_id="other"),
            ]
        )
        for entity in Entity:
            for model, posts in ((MODEL, 1), ("other", 2)):
                (found,) = await store.aggregate(AggregateQuery(entity, model))
                assert found.posts == posts
            assert list(await store.aggregate(AggregateQuery(entity, "none"))) == []

    @with_store
    async def test_a_post_counts_once(self, store: Store) -> None:
        """A post that is put again replaces what it was, in every aggregate."""
        now = datetime.now(UTC)
        old = example_prediction(text="#sun #sea", author_id="7", predicted_at=now)
        await store.put([old])
        await store.put([old])
        assert _named(await store.aggregate(_HASHTAGS)) == [(None, "sea", 1), (None, "sun", 1)]
        assert _named(await store.aggregate(_AUTHORS)) == [("x", "7", 1)]
        new = example_prediction(
            text="#sun #rain",
            author_id="8",
            scores=NEGATIVE,
            predicted_at=now + timedelta(microseconds=1),
        )
        await store.put([new])
        await store.put([old])
        assert _named(await store.aggregate(_HASHTAGS)) == [(None, "rain", 1), (None, "sun", 1)]
        (author,) = await store.aggregate(_AUTHORS)
        assert author.name == "8"
        assert author.counts == {"negative": 1, "neutral": 0, "positive": 0}
        assert _close(author.mean_scores, NEGATIVE)
