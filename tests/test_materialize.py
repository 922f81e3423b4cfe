"""An online store is filled from the history."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from history.histories import HOUR, history_of, record

from sentiserve.materialize import materialize
from sentiserve.records import Record
from sentiserve.store.memory import MemoryStore
from sentiserve.testing import example_prediction
from sentiserve.testing.scenarios import MODEL, TTL
from sentiserve.types import PostRef, Prediction

NOW = datetime.now(UTC)


def texts(store: MemoryStore, *ids: str) -> list[str | None]:
    found: list[Prediction | None] = asyncio.run(
        store.get([PostRef("x", post_id) for post_id in ids], MODEL)
    )
    return [None if prediction is None else prediction.post.text for prediction in found]


def test_the_store_gets_the_winning_records(tmp_path: Path) -> None:
    """What it has that is newer stays, and what has expired isn't seen."""
    history = history_of(
        tmp_path,
        [record("1", at=NOW - HOUR, text="late"), record("1", at=NOW - 2 * HOUR, text="early")],
        [record("2", at=NOW - HOUR, text="old"), record("3", at=NOW - timedelta(seconds=2 * TTL))],
    )
    store, told = MemoryStore(TTL), list[int]()
    asyncio.run(store.put([example_prediction("2", text="new")]))
    assert asyncio.run(materialize(history, store, on_records=told.append)) == 3
    assert texts(store, "1", "2", "3") == ["late", "new", None]
    assert told == [3]


def test_only_a_span_of_time_is_put(tmp_path: Path) -> None:
    history = history_of(
        tmp_path, [record(f"{hours}", at=NOW - hours * HOUR, text="x") for hours in (1, 2, 3)]
    )
    store = MemoryStore(TTL)
    done = materialize(history, store, since=NOW - 2 * HOUR, until=NOW - HOUR)
    assert asyncio.run(done) == 1
    assert texts(store, "1", "2", "3") == [None, "x", None]


def test_what_is_forgotten_meanwhile_does_not_come_back(tmp_path: Path) -> None:
    history = history_of(tmp_path, [record("1", at=NOW), record("2", at=NOW)])

    class Asked(MemoryStore):
        """Somebody asks to forget a post just before it is put."""

        async def put(self, predictions: Sequence[Prediction]) -> None:
            await history.note(PostRef("x", "1"))
            await super().put(predictions)

    async def scenario() -> Asked:
        store = Asked(TTL)
        await materialize(history, store)
        return store

    assert texts(asyncio.run(scenario()), "1", "2") == [None, "Good morning!"]


def test_a_history_of_nothing_puts_nothing(tmp_path: Path) -> None:
    none: list[Record] = []
    assert asyncio.run(materialize(history_of(tmp_path, none), MemoryStore(TTL))) == 0
