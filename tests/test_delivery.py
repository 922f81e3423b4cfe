"""Records are written to the store, save what was forgotten meanwhile."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs

from sentiserve.delivery import Delivery, Waiting
from sentiserve.errors import StoreError
from sentiserve.metrics import Metrics
from sentiserve.records import Record
from sentiserve.store.memory import MemoryStore
from sentiserve.testing import example_prediction
from sentiserve.testing.scenarios import MODEL
from sentiserve.tombstones import Forgettable
from sentiserve.types import Author, PostRef, Prediction, Prefix


def waiting(post_id: str) -> Waiting:
    prediction = example_prediction(post_id, author_id="7")
    return Waiting(prediction, Record.of(prediction, datetime.now(UTC)))


async def written(*forgotten: Forgettable) -> int:
    """How many of 500 records reach the store."""
    store = MemoryStore(ttl=60)
    delivery = Delivery(store, Metrics(), None)
    batch = [waiting(f"{number}") for number in range(500)]
    for what in forgotten:
        delivery.forget(what)
    await delivery.write(batch)
    return (await store.count()).get(MODEL, 0)


async def test_without_a_history_it_remembers_what_is_forgotten() -> None:
    assert await written(PostRef("x", "1"), Prefix("x/2")) == 500 - 1 - 111
    assert await written(Author("x", "7")) == 0


async def test_much_that_is_forgotten_takes_no_time() -> None:
    async with asyncio.timeout(2):
        assert await written(*[Author("x", f"other-{n}") for n in range(4_000)]) == 500


class FailingStore(MemoryStore):
    """Fails as often as it is told."""

    failures = 3

    async def put(self, predictions: Sequence[Prediction]) -> None:
        if self.failures:
            self.failures -= 1
            raise StoreError("the store is away")
        await super().put(predictions)


async def test_a_store_that_works_again_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sentiserve.timing._FIRST_PAUSE", 0.001)
    delivery = Delivery(FailingStore(ttl=60), Metrics(), None)
    with capture_logs() as logs:
        for number in range(3):
            await delivery.write([waiting(f"{number}")])
    told = [(entry["log_level"], entry["event"]) for entry in logs]
    failed = ("warning", "store failed, trying again")
    assert told == [failed, failed, failed, ("info", "store works again")]
