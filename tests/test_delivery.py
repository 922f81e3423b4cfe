"""Records are written to the store, save what was forgotten meanwhile."""

import asyncio
from datetime import UTC, datetime

from sentiserve.delivery import Delivery, Waiting
from sentiserve.metrics import Metrics
from sentiserve.records import Record
from sentiserve.store.memory import MemoryStore
from sentiserve.testing import example_prediction
from sentiserve.testing.scenarios import MODEL
from sentiserve.tombstones import Forgettable
from sentiserve.types import Author, PostRef, Prefix


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
