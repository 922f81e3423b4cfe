"""How every store must keep true labels."""

# ruff: noqa: S101  # a contract is made of assertions

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from sentiserve.protocols import Store
from sentiserve.testing.scenarios import (
    HOSTILE,
    MODEL,
    NEGATIVE,
    TTL,
    StoreSuite,
    example_prediction,
    with_store,
)
from sentiserve.types import Author, Feedback, Judgement, PostRef, Prediction, Prefix

_MINUTE = timedelta(minutes=1)
_annas = partial(example_prediction, author_id="7", author_handle="Anna")


def _given(
    prediction: Prediction, label: str = "positive", given_at: datetime | None = None
) -> Feedback:
    return Feedback(prediction.post.ref, label, given_at or datetime.now(UTC))


async def _judged(store: Store, model_id: str = MODEL) -> list[str]:
    """The ids of the posts that have a true label."""
    return sorted(one.feedback.ref.id for one in await store.judgements(model_id, 1_000))


class FeedbackContract(StoreSuite):
    """Proves that a store keeps true labels; a part of ``StoreContract``."""

    @with_store
    async def test_a_true_label_stands_beside_what_was_predicted(self, store: Store) -> None:
        """Both come back exactly, and whether the model was right."""
        now = datetime.now(UTC)
        right, wrong = _annas("1"), _annas("2", scores=NEGATIVE)
        await store.put([right, wrong])
        given = [_given(right, given_at=now), _given(wrong, given_at=now + _MINUTE)]
        await store.judge(given)
        found = await store.judgements(MODEL, 10)
        assert list(found) == [Judgement(wrong, given[1]), Judgement(right, given[0])]
        assert [judgement.is_right for judgement in found] == [False, True]

    @with_store
    async def test_a_label_may_come_before_its_prediction(self, store: Store) -> None:
        """It waits for the prediction, and counts for every model's."""
        mine, others = _annas("1"), _annas("1", model_id="other")
        await store.judge([_given(mine)])
        assert list(await store.judgements(MODEL, 10)) == []
        await store.put([mine, others])
        for prediction in (mine, others):
            (found,) = await store.judgements(prediction.model_id, 10)
            assert found.prediction == prediction
        assert list(await store.judgements("none", 10)) == []

    @with_store
    async def test_the_newest_label_wins(self, store: Store) -> None:
        """Whatever the order of giving; of two of the same time the one that came later."""
        now = datetime.now(UTC)
        post = _annas("1")
        await store.put([post])
        for label, given_at, stands in (
            ("neutral", now, "neutral"),
            ("positive", now - _MINUTE, "neutral"),
            ("negative", now, "negative"),
            ("positive", now + _MINUTE, "positive"),
        ):
            await store.judge([_given(post, label, given_at)])
            (found,) = await store.judgements(MODEL, 10)
            assert found.feedback.label == stands
        later = now + 2 * _MINUTE
        await store.judge([_given(post, "negative", later), _given(post, "neutral", later)])
        (found,) = await store.judgements(MODEL, 10)
        assert found.feedback == _given(post, "neutral", later)

    @with_store
    async def test_the_newest_labels_come_first(self, store: Store) -> None:
        """No more than the limit, of the posts of which a prediction is kept."""
        now = datetime.now(UTC)
        put = [_annas(f"{age}") for age in range(700)]
        given = [_given(p, given_at=now - age * _MINUTE) for age, p in enumerate(put)]
        await store.judge(given[::-1])
        await store.put(put[1:])
        for limit in (1, 600, 1_000):
            found = await store.judgements(MODEL, limit)
            assert [one.feedback for one in found] == given[1 : limit + 1]
        await store.judge([])

    @with_store
    async def test_a_label_lasts_as_long_as_a_prediction(self, store: Store) -> None:
        """Without one there is no judgement; what is predicted anew has its label still."""
        born = datetime.now(UTC) - timedelta(seconds=TTL)
        old = _annas("1", predicted_at=born + _MINUTE)
        dead = _annas("2", predicted_at=born - _MINUTE)
        await store.put([old, dead])
        await store.judge([_given(old, given_at=born - _MINUTE), _given(dead)])
        assert await _judged(store) == ["1"]
        new = _annas("1")
        await store.put([new])
        (found,) = await store.judgements(MODEL, 10)
        assert found.prediction == new

    @with_store
    async def test_labels_and_ids_are_literal(self, store: Store) -> None:
        """No character of an id, a platform or a label means anything to the store."""
        put = [_annas(odd) for odd in HOSTILE] + [_annas("1", platform=odd) for odd in HOSTILE]
        await store.put(put)
        now = datetime.now(UTC)
        given = [
            _given(prediction, odd, now + number * _MINUTE)
            for number, (prediction, odd) in enumerate(zip(put, HOSTILE * 2, strict=True))
        ]
        await store.judge(given)
        found = await store.judgements(MODEL, 100)
        assert [one.feedback for one in found] == given[::-1]
        assert [one.prediction for one in found] == put[::-1]

    @with_store
    async def test_labels_are_forgotten_with_their_posts(self, store: Store) -> None:
        """By post, author or prefix: nothing comes back with a new prediction of the post."""
        forgettable: Sequence[PostRef | Author | Prefix] = (
            PostRef("x", "1"),
            Author("x", "7"),
            Author("x", "anna"),
            Prefix("x/1"),
        )
        for what in forgettable:
            gone, stays = _annas("1"), example_prediction("2", author_id="8")
            elsewhere = _annas("1", platform="mastodon")
            await store.put([gone, stays, elsewhere])
            await store.judge([_given(each) for each in (gone, stays, elsewhere)])
            assert await _judged(store) == ["1", "1", "2"]
            assert await store.forget(what) == 1
            await store.put([_annas("1")])
            assert await _judged(store) == ["1", "2"]
            assert {one.feedback.ref for one in await store.judgements(MODEL, 9)} == {
                elsewhere.post.ref,
                stays.post.ref,
            }

    @with_store
    async def test_labels_without_a_prediction_are_forgotten_too(self, store: Store) -> None:
        """By post or prefix; they are no predictions, and so aren't counted."""
        forgettable: Sequence[PostRef | Prefix] = (PostRef("x", "1"), Prefix("x/"), Prefix(""))
        for what in forgettable:
            await store.judge([_given(_annas("1"))])
            assert await store.forget(what) == 0
            await store.put([_annas("1")])
            assert await _judged(store) == []
            await store.forget(PostRef("x", "1"))
