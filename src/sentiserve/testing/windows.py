"""What every store must sum up over spans of time."""

# ruff: noqa: S101  # a contract is made of assertions

from datetime import UTC, datetime, timedelta
from functools import partial
from math import isclose

from sentiserve.protocols import Store
from sentiserve.testing.scenarios import (
    MODEL,
    NEGATIVE,
    POSITIVE,
    TTL,
    StoreSuite,
    example_prediction,
    with_store,
)
from sentiserve.types import Aggregate, Author, Hashtag

_DAY = timedelta(days=1)
_SPANS = (_DAY, 7 * _DAY, 30 * _DAY)
_ANNA = Author("x", "7")
_SUN = Hashtag("sun")
_annas = partial(example_prediction, author_id="7", author_handle="Anna", text="#Sun")


def _posts(found: Aggregate | None) -> int:
    return 0 if found is None else found.posts


class WindowContract(StoreSuite):
    """Proves the windows of a store; a part of ``StoreContract``."""

    @with_store
    async def test_a_span_holds_what_was_seen_in_it(self, store: Store) -> None:
        """A span begins after its start and ends with now, to the microsecond."""
        now = datetime.now(UTC)
        tick = timedelta(microseconds=1)
        seen = [now + tick, now, now - _DAY + tick, now - _DAY, now - 8 * _DAY, now - 31 * _DAY]
        await store.put([_annas(f"{i}", created_at=time) for i, time in enumerate(seen)])
        entities: tuple[Author | Hashtag, ...] = (_ANNA, _SUN)
        for entity in entities:
            (spans,) = await store.windows([entity], MODEL, _SPANS, now)
            assert [_posts(aggregate) for aggregate in spans] == [2, 3, 4]

    @with_store
    async def test_a_window_is_summed_up(self, store: Store) -> None:
        """Posts per label, mean scores, first and last seen, as in any aggregate."""
        now = datetime.now(UTC)
        times = [now - 2 * _DAY, now - _DAY / 2]
        await store.put(
            [
                _annas("1", created_at=times[0], scores=NEGATIVE),
                _annas("2", created_at=times[1], scores=POSITIVE),
            ]
        )
        ((day, week),) = await store.windows([_ANNA], MODEL, _SPANS[:2], now)
        assert day is not None
        assert day.counts == {"negative": 0, "neutral": 0, "positive": 1}
        assert week is not None
        assert (week.platform, week.name) == ("x", "7")
        assert week.counts == {"negative": 1, "neutral": 0, "positive": 1}
        assert isclose(week.mean_scores["negative"], NEGATIVE["negative"] / 2)
        assert [week.first_seen, week.last_seen] == times

    @with_store
    async def test_windows_keep_the_order_asked(self, store: Store) -> None:
        """An entity that nothing is known of has None for each span."""
        await store.put([_annas("1"), example_prediction("2", author_handle="Ben")])
        asked: list[Author | Hashtag] = [
            Hashtag("rain"),
            Author("x", "Ben"),
            _SUN,
            Author("y", "7"),
            _ANNA,
            _ANNA,
        ]
        found = await store.windows(asked, MODEL, _SPANS, datetime.now(UTC))
        assert [[_posts(span) for span in spans] for spans in found] == [
            [count] * len(_SPANS) for count in (0, 1, 1, 0, 1, 1)
        ]

    @with_store
    async def test_windows_go_by_what_features_call_an_author(self, store: Store) -> None:
        """An author with an id is found by it alone, not by the handle."""
        await store.put([_annas("1")])
        asked: list[Author | Hashtag] = [Author("x", "Anna"), Author("x", "7")]
        found = await store.windows(asked, MODEL, [_DAY], datetime.now(UTC))
        assert [_posts(span) for (span,) in found] == [0, 1]

    @with_store
    async def test_only_one_models_predictions_are_in_a_window(self, store: Store) -> None:
        """Windows are of the model that is asked for."""
        await store.put([_annas("1"), _annas("1", model_id="other")])
        for model, posts in ((MODEL, 1), ("other", 1), ("none", 0)):
            ((found,),) = await store.windows([_SUN], model, [_DAY], datetime.now(UTC))
            assert _posts(found) == posts

    @with_store
    async def test_what_has_expired_is_in_no_window(self, store: Store) -> None:
        """A prediction ends with its time to live, though the post be in the span."""
        now = datetime.now(UTC)
        await store.put([_annas("1", predicted_at=now - timedelta(seconds=TTL - 60))])
        for moment, posts in ((now, 1), (now + timedelta(seconds=61), 0)):
            ((found,),) = await store.windows([_ANNA], MODEL, [30 * _DAY], moment)
            assert _posts(found) == posts

    @with_store
    async def test_a_replaced_prediction_is_in_no_window(self, store: Store) -> None:
        """Only the newest prediction of a post counts, whatever the order of writing."""
        now = datetime.now(UTC)
        old = _annas("1", predicted_at=now - timedelta(seconds=9))
        new = example_prediction("1", author_id="8", text="#rain", predicted_at=now)
        await store.put([new])
        await store.put([old])
        asked: list[Author | Hashtag] = [_ANNA, _SUN, Author("x", "8"), Hashtag("rain")]
        found = await store.windows(asked, MODEL, [_DAY], now)
        assert [_posts(span) for (span,) in found] == [0, 0, 1, 1]
