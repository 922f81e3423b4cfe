"""How every store must forget."""

# ruff: noqa: S101  # a contract is made of assertions

from datetime import UTC, datetime, timedelta
from functools import partial

from sentiserve.protocols import Store
from sentiserve.testing.scenarios import (
    HOSTILE,
    MODEL,
    TTL,
    StoreSuite,
    example_prediction,
    with_store,
)
from sentiserve.types import AggregateQuery, Author, Entity, PostRef, Prediction, Prefix

_annas = partial(example_prediction, author_id="7", author_handle="Anna_K", text="#sun")


async def _kept(store: Store, put: list[Prediction]) -> list[Prediction]:
    found = [await store.get([p.post.ref], p.model_id) for p in put]
    return [p for p, answer in zip(put, found, strict=True) if list(answer) == [p]]


async def _counted(store: Store, entity: Entity) -> dict[str, int]:
    found = await store.aggregate(AggregateQuery(entity, MODEL, limit=1_000))
    return {aggregate.name: aggregate.posts for aggregate in found}


class ForgettingContract(StoreSuite):
    """Proves that a store forgets; a part of ``StoreContract``."""

    @with_store
    async def test_a_post_is_forgotten(self, store: Store) -> None:
        """Every model's prediction of it goes, and it counts nowhere any more."""
        gone = [_annas("1"), _annas("1", model_id="other")]
        stays = [_annas("2"), _annas("1", platform="mastodon"), _annas("11")]
        await store.put([*gone, *stays])
        assert await store.forget(PostRef("x", "1")) == 2
        assert await _kept(store, [*gone, *stays]) == stays
        assert await _counted(store, Entity.HASHTAG) == {"sun": 3}
        assert await store.forget(PostRef("x", "1")) == 0

    @with_store
    async def test_an_author_is_forgotten(self, store: Store) -> None:
        """By id, or by handle in any case; on the one platform only."""
        for name in ("7", "Anna_K", "ANNA_k"):
            gone = [_annas("1"), _annas("2", model_id="other"), _annas("3")]
            stays = [
                _annas("1", platform="mastodon"),
                example_prediction("4", author_id="77", author_handle="AnnaxK"),
                example_prediction("5"),
            ]
            await store.put([*gone, *stays])
            assert await store.forget(Author("x", name)) == 3
            assert await _kept(store, [*gone, *stays]) == stays
            assert await _counted(store, Entity.AUTHOR) == {"7": 1, "77": 1}
            assert await _counted(store, Entity.HASHTAG) == {"sun": 1}

    @with_store
    async def test_nobody_is_forgotten_by_chance(self, store: Store) -> None:
        """What no post has matches none, neither an empty name nor a pattern."""
        stays = [
            _annas("1"),
            example_prediction("2", author_handle="Ben"),
            example_prediction("3"),
            example_prediction("4", author_id="8", author_handle=""),
            example_prediction("5", author_id="", author_handle="Eve"),
        ]
        await store.put(stays)
        for name in ("", "%", "_", "*", "Anna%", "' OR 1=1 --", "anna"):
            assert await store.forget(Author("x", name)) == 0
            assert await store.forget(PostRef("x", name)) == 0
        assert await _kept(store, stays) == stays

    @with_store
    async def test_a_prefix_is_forgotten(self, store: Store) -> None:
        """What begins with it goes, whatever the model; a prefix may end anywhere."""
        ids = ["12", "123", "1", "21"]
        for prefix, gone in (("x/12", {"12", "123"}), ("x/", set(ids)), ("", set(ids))):
            put = [_annas(post_id) for post_id in ids]
            await store.put([*put, _annas("12", platform="mastodon")])
            assert await store.forget(Prefix(prefix)) == len(gone) + (prefix == "")
            assert {p.post.ref.id for p in await _kept(store, put)} == set(ids) - gone
        assert await _counted(store, Entity.AUTHOR) == {}

    @with_store
    async def test_what_is_kept_is_counted_by_model(self, store: Store) -> None:
        """What was forgotten, replaced or has expired isn't counted."""
        assert await store.count() == {}
        old = datetime.now(UTC) - timedelta(seconds=TTL + 60)
        await store.put([_annas("1"), _annas("2"), _annas("2", model_id="other")])
        await store.put([_annas("2"), _annas("3"), _annas("4", predicted_at=old)])
        await store.forget(PostRef("x", "1"))
        assert await store.count() == {MODEL: 2, "other": 1}

    @with_store
    async def test_a_prefix_is_literal(self, store: Store) -> None:
        """No character of a prefix means anything to the store."""
        put = [example_prediction(f"{odd}-1", author_id=odd, text=f"{odd} #sun") for odd in HOSTILE]
        for odd in HOSTILE:
            await store.put(put)
            gone = [p for p in put if p.post.ref.id.startswith(odd)]
            assert await store.forget(Prefix(f"x/{odd}")) == len(gone)
            assert await _kept(store, put) == [p for p in put if p not in gone]
            assert await _counted(store, Entity.HASHTAG) == {"sun": len(put) - len(gone)}

    @with_store
    async def test_what_is_forgotten_can_be_put_again(self, store: Store) -> None:
        """An older prediction may come back too: nothing of the newer one is left."""
        old, new = _annas("1"), _annas("1")
        await store.put([new])
        await store.forget(new.post.ref)
        await store.put([old])
        assert await _kept(store, [old]) == [old]
        assert await _counted(store, Entity.AUTHOR) == {"7": 1}
